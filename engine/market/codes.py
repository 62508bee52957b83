"""Codes that changed: one stock, two codes, and the session from which the newer one holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates, Session, iso
from engine.market.grid import Ints
from engine.market.table import Table

#: No other code of any symbol.
NO_ALIASES: Mapping[str, str] = MappingProxyType({})


class CodeChange(NamedTuple):
    """A stock trades as `new` from `day` on, and as `old` before it; shares and holders stay the same."""

    old: str
    new: str
    day: Session
    source: str


@dataclass(frozen=True, slots=True)
class CodeChanges:
    """Changes of code, by the code that ended and by the one that began."""

    by_old: Mapping[str, CodeChange]
    by_new: Mapping[str, CodeChange]

    @classmethod
    def of(cls, changes: Iterable[CodeChange]) -> CodeChanges:
        """Index some changes; a row given twice counts once, the last one in force."""
        by_old = {change.old: change for change in changes}
        return cls(by_old, {change.new: change for change in by_old.values()})

    @classmethod
    def none(cls) -> CodeChanges:
        """No changes: synthetic symbols keep their names."""
        return cls({}, {})

    def chain(self, symbol: str) -> tuple[CodeChange, ...]:
        """Every change of the stock that has, had or will have this code, oldest first."""
        first = symbol
        while first in self.by_new:
            first = self.by_new[first].old
        out = []
        while first in self.by_old:
            out.append(self.by_old[first])
            first = out[-1].new
        return tuple(out)

    def code_on(self, symbol: str, day: Session) -> str:
        """The code under which a stock trades on `day`, given any of its codes."""
        chain = self.chain(symbol)
        passed = [change for change in chain if change.day <= day]
        return passed[-1].new if passed else chain[0].old if chain else symbol

    def joined(self, symbols: Iterable[str], last: Session) -> dict[str, CodeChange]:
        """Codes of a file whose rows belong under a newer one, with their last change that counts.

        A newer code counts where it was in force on the file's `last` session, or where the file has rows
        of it.
        """
        there = set(symbols)
        out = {}
        for symbol in there & self.by_old.keys():
            chain = self.chain(symbol)
            later = chain[[change.old for change in chain].index(symbol) :]
            counting = [change for change in later if change.day <= last or change.new in there]
            if counting:
                out[symbol] = counting[-1]
        return out

    def aliases(self, symbols: Iterable[str]) -> dict[str, str]:
        """Other codes of the stocks that a panel holds, to the symbol it has them under."""
        there = set(symbols)
        out: dict[str, str] = {}
        for symbol in there & (self.by_old.keys() | self.by_new.keys()):
            codes = {code for change in self.chain(symbol) for code in (change.old, change.new)}
            out |= dict.fromkeys(codes - there, symbol)
        return out


def read_code_changes(table: Table, known: CodeChanges) -> CodeChanges:
    """Read ``old, new, effective_from`` and, where there, ``source``; add them to those `known`.

    A row replaces the known one of the same old code.

    Raises
    ------
    DataError
        If a cell does not parse, a code changes twice or into itself, or two codes become one; file and row
        are named.
    """
    table.require(("old", "new", "effective_from"))
    days = table.dates("effective_from")
    sources = table.texts("source") if "source" in table else [""] * len(table)
    changes: list[CodeChange] = []
    for row, (old, new) in enumerate(
        zip(table.texts("old").tolist(), table.texts("new").tolist(), strict=True)
    ):
        try:
            change = CodeChange(parse_symbol(old), parse_symbol(new), days[row], str(sources[row]))
        except DataError as problem:
            raise DataError(f"{table.where(row)}: {problem}") from None
        changes.append(change)
    found = CodeChanges.of((*known.by_old.values(), *changes))
    for row, change in enumerate(changes):
        for other in (found.by_old[change.old], found.by_new.get(change.new, change)):
            if other is not change:
                raise DataError(
                    f"{table.where(row)}: {change.old} to {change.new}, but {other.old} to {other.new} is "
                    "there too; keep one row for each change"
                )
        _refuse_circles(table, row, found, change)
    return found


def _refuse_circles(table: Table, row: int, changes: CodeChanges, change: CodeChange) -> None:
    later = changes.by_old.get(change.new)
    while later is not None:
        if later.day <= change.day:
            raise DataError(
                f"{table.where(row)}: {change.new} from {iso(change.day)}, but it became {later.new} on "
                f"{iso(later.day)} already; correct the dates"
            )
        change, later = later, changes.by_old.get(later.new)


@cache
def shipped_code_changes() -> CodeChanges:
    """Return the bundled table, ``engine/market/tables/code_changes.csv``."""
    path = Path(str(files("engine.market").joinpath("tables", "code_changes.csv")))
    return read_code_changes(Table.read(path), CodeChanges.none())


def refuse_both_codes(
    table: Table, codes: NDArray[np.str_], column: Ints, days: Dates, what: str = "row"
) -> None:
    """Raise `DataError` where one stock has a row under two of its codes for the same day.

    Parameters
    ----------
    table : Table
        For the message.
    codes : (R,) str array
        Code each row is written under.
    column : (R,) int array
        The stock it belongs to; negative rows are left alone.
    days : (R,) datetime64[D] array
    what : str
        What a row is called.
    """
    key = (column.astype(np.int64) << 32) + days.astype(np.int64)
    order = np.argsort(key, kind="stable")
    same = (key[order[1:]] == key[order[:-1]]) & (codes[order[1:]] != codes[order[:-1]])
    pairs = np.flatnonzero(same & (column[order[1:]] >= 0))
    if len(pairs):
        one, other = sorted((int(order[pairs[0]]), int(order[pairs[0] + 1])))
        raise DataError(
            f"{table.where(other)}: a {what} of {codes[other]} on {iso(days[other])}, the same stock as "
            f"{codes[one]} on {table.where(one).rsplit(', ', 1)[-1]}; keep one of them"
        )

"""What a panel is asked for: the universe, the names and sessions that it comes to, and their other codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Calendar, Dates
from engine.market.codes import CodeChanges, shipped_code_changes
from engine.market.store.folder import StoreReader
from engine.market.store.members import universes
from engine.market.store.panel.members import Members
from engine.market.store.sessions import store_calendar


@dataclass(frozen=True, eq=False)
class Frame:
    """The axes of a panel.

    Parameters
    ----------
    dates : (T,) datetime64[D] array
        Every session from the first stored bar asked for to the last.
    symbols : (N,) str array
        Ascending; each stock under the code that it has on the last session.
    names : dict of str to str
        Stored code to the symbol here.
    aliases : dict of str to str
        Other codes of a stock to its symbol here.
    changes : CodeChanges
    calendar : Calendar
        Sessions of the exchange, those the store was told of included.
    first, last : date
        Days of the first and last stored bar.
    universe : str or list of str
        An index, ``all``, or house symbols.
    members : Members or None
        Of an index.
    """

    dates: Dates
    symbols: NDArray[np.str_]
    names: dict[str, str]
    aliases: dict[str, str]
    changes: CodeChanges
    calendar: Calendar
    first: date
    last: date
    universe: str | list[str]
    members: Members | None

    def every_code(self) -> list[str]:
        """Return all codes that the panel's stocks ever had."""
        return _every_code(self.changes, self.symbols.tolist())

    def columns(self) -> dict[str, int]:
        """Return the column of each stored code."""
        place = {symbol: n for n, symbol in enumerate(self.symbols.tolist())}
        return {code: place[symbol] for code, symbol in self.names.items()}


def frame_of(
    reader: StoreReader,
    universe: str | list[str] | None,
    start: date | None,
    end: date | None,
    calendar: Calendar | None,
) -> Frame:
    """Find out what a question comes to.

    Raises
    ------
    DataError
        If the universe is none the store knows, or nothing is stored of it in the span.
    """
    wanted, members = _resolved(reader, universe), None
    if isinstance(wanted, str) and wanted != "all":
        members = Members.of(reader, wanted)
        members.demand(end)
    changes = shipped_code_changes()
    listed = members.between(start, end) if members else wanted if isinstance(wanted, list) else None
    codes = None if listed is None else _every_code(changes, listed)
    found = reader.coverage(codes, start, end)
    if found.first is None or found.last is None:
        raise DataError(
            f"{reader.folder} holds no bars of {_described(universe)} from {start or 'its begin'} to "
            f"{end or 'its end'}; alphaloom data status says what it holds"
        )
    known = store_calendar(reader, calendar)
    first, last = np.datetime64(found.first, "D"), np.datetime64(found.last, "D")
    names = {code: changes.code_on(code, last) for code in found.symbols}
    symbols = np.unique(np.array(list(names.values()), dtype=np.str_))
    aliases = dict(changes.aliases(symbols.tolist()))
    if isinstance(wanted, list):
        _refuse_absent(reader, wanted, {*symbols.tolist(), *aliases})
    dates = known.between(first, last).copy()
    return Frame(dates, symbols, names, aliases, changes, known, found.first, found.last, wanted, members)


def _every_code(changes: CodeChanges, symbols: Sequence[str]) -> list[str]:
    chains = (changes.chain(symbol) for symbol in symbols)
    return sorted({*symbols, *(code for chain in chains for c in chain for code in (c.old, c.new))})


def _refuse_absent(reader: StoreReader, wanted: Sequence[str], there: set[str]) -> None:
    absent = [symbol for symbol in wanted if symbol not in there]
    if absent:
        raise DataError(
            f"data.universe names {', '.join(absent[:3])}, of which {reader.folder} holds no bars "
            "in the span; import or sync them, or leave them out"
        )


def _resolved(reader: StoreReader, universe: str | list[str] | None) -> str | list[str]:
    known = universes(reader)
    if universe is None:
        if len(known) > 1:
            raise DataError(
                f"{reader.folder} knows the members of {', '.join(known)}: set data.universe to one of them, "
                "to all, or to a list of symbols"
            )
        return known[0] if known else "all"
    if isinstance(universe, list):
        if not universe:
            raise DataError("data.universe names no symbol; give at least one, or all")
        return [parse_symbol(symbol) for symbol in universe]
    if universe != "all" and universe not in known:
        raise DataError(
            f"{reader.folder} does not know the members of {universe}: import them with alphaloom data "
            f"import-csv FILE --universe {universe} (a file of symbol, in_date, out_date)"
        )
    return universe


def _described(universe: str | list[str] | None) -> str:
    return ", ".join(universe[:3]) if isinstance(universe, list) else universe or "any name"

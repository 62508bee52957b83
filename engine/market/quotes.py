"""Quotes as columns of numbers, sorted by symbol and session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates, iso
from engine.market.codes import CodeChanges, refuse_both_codes
from engine.market.grid import Bools, Floats, Ints
from engine.market.table import Table
from engine.market.validate import EXAMPLES, Findings, counted

Units = Literal["shares", "lots"]

REQUIRED = ("date", "symbol", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close", "preclose")
_OPTIONAL = (
    "preclose", "amount", "vwap", "turnover", "turnover_pct", "trading", "is_st", "adj_factor",
)  # fmt: skip
#: derived or of no use: never carried as a field of its own
_SKIPPED = frozenset({"pct_change", "returns", "share_factor"})
SHARES_PER_LOT = 100.0


@dataclass(frozen=True, eq=False)
class Quotes:
    """One row per symbol and session, ascending by both.

    Parameters
    ----------
    table : Table
        Where the rows came from, for messages.
    symbols : (N,) str array
        House spelling, ascending.
    session : (R,) datetime64[D] array
    column : (R,) int array
        Index into `symbols`.
    values : dict of str to (R,) float array
        Columns by our names, as the file has them but for units: volume in shares, turnover a ratio.
    priced : (R,) bool array
        Rows with a close.
    traded : (R,) bool array
        Rows with a close, a volume and no word of a suspension.
    """

    table: Table
    symbols: NDArray[np.str_]
    session: Dates
    column: Ints
    values: dict[str, Floats]
    priced: Bools
    traded: Bools

    @property
    def extras(self) -> tuple[str, ...]:
        """Names of the columns that are carried through untouched."""
        return tuple(sorted(set(self.values) - set(REQUIRED) - set(_OPTIONAL)))

    def follows(self) -> Bools:
        """(R,) whether the row before is of the same symbol."""
        out = np.zeros(len(self.column), dtype=bool)
        np.equal(self.column[1:], self.column[:-1], out=out[1:])
        return out

    def take(self, mask: Bools) -> Quotes:
        """Keep some rows; the dict of columns is always a new one."""
        if mask.all():
            return replace(self, values=dict(self.values))
        values = {name: column[mask] for name, column in self.values.items()}
        return Quotes(
            self.table, self.symbols, self.session[mask], self.column[mask], values,
            self.priced[mask], self.traded[mask],
        )  # fmt: skip

    def label(self, row: int) -> str:
        """``600519.SH 2023-03-01``."""
        return f"{self.symbols[self.column[row]]} {iso(self.session[row])}"

    def labels(self, mask: Bools, detail: str = "") -> list[str]:
        """Label the first few rows of a mask; `detail` is a format string over the row's values."""
        rows = np.flatnonzero(mask)[:EXAMPLES]
        return [self.label(row) + detail.format_map(_Row(self.values, int(row))) for row in rows]


class _Row(dict[str, float]):
    """One row of columns for ``str.format_map``."""

    def __init__(self, values: dict[str, Floats], row: int) -> None:
        super().__init__({name: float(column[row]) for name, column in values.items()})


def read_quotes(
    table: Table, *, units: Units, strict_symbols: bool, findings: Findings, changes: CodeChanges
) -> Quotes:
    """Convert a table of quotes; unreadable cells raise, unreadable symbols are a finding.

    Rows of a stock whose code changed are joined under the newest code it has by the file's last session.
    """
    remedy = 'name the file\'s columns in data.columns, such as {close: "收盘"}'
    table.require(REQUIRED, remedy=remedy)
    table.refuse_empty()
    session = table.dates("date")
    codes, spellings = table.distinct("symbol")
    houses, unreadable = house_symbols(spellings, strict=strict_symbols)
    if unreadable:
        _note_unreadable(table, codes, spellings, unreadable, findings)
    houses = _join_codes(table, houses, codes, session, changes, findings)
    symbols, positions = np.unique(np.array(houses, dtype=np.str_), return_inverse=True)
    column = positions.astype(np.intp)[codes]
    values = {name: table.numbers(name) for name in _carried(table)}

    key = (column << 32) + session.astype(np.int64)
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        session, column = session[order], column[order]
        values = {name: cells[order] for name, cells in values.items()}
    _convert_units(values, units)
    priced = values["close"] > 0.0
    traded = priced & (values["volume"] > 0.0)
    if "trading" in values:
        traded &= values["trading"] != 0.0
    return Quotes(table, symbols, session, column, values, priced, traded)


def house_symbols(spellings: Iterable[str], *, strict: bool) -> tuple[list[str], list[int]]:
    """House spelling of each name and the positions of those that have none.

    Names that do not parse stay as they are; unless `strict` (synthetic data) that is no fault.
    """
    houses, unreadable = [], []
    for i, spelling in enumerate(spellings):
        try:
            houses.append(parse_symbol(spelling))
        except DataError:
            houses.append(spelling)
            if strict or not spelling:
                unreadable.append(i)
    return houses, unreadable


def _join_codes(
    table: Table, houses: list[str], codes: Ints, session: Dates, changes: CodeChanges, findings: Findings
) -> list[str]:
    """House symbols with the newest code of each stock."""
    joined = changes.joined(houses, session.max())
    if not joined:
        return houses
    newest = [joined[house].new if house in joined else house for house in houses]
    spelled, stocks = np.unique(newest, return_inverse=True)
    mine = np.isin(spelled[stocks], [change.new for change in joined.values()])[codes]
    refuse_both_codes(table, np.array(houses)[codes], np.where(mine, stocks[codes], -1), session)
    message = f"{counted(len(joined), 'code')} that changed; the rows are joined under the newer code"
    examples = [f"{old} is {c.new} since {iso(c.day)}" for old, c in sorted(joined.items())[:EXAMPLES]]
    findings.warn("code_change", message, len(joined), examples)
    return newest


def _note_unreadable(
    table: Table, codes: Ints, spellings: list[str], unreadable: list[int], findings: Findings
) -> None:
    rows = np.flatnonzero(np.isin(codes, unreadable))
    findings.error(
        "bad_symbol",
        f"{counted(len(rows), 'row')} whose symbol is no A-share code (write it like 600519.SH; "
        "synthetic names need data.calendar: data)",
        len(rows),
        [f"{table.where(int(i))}, {spellings[codes[i]]!r}" for i in rows[:EXAMPLES]],
    )


def _carried(table: Table) -> list[str]:
    """Columns to convert: the known ones, and whatever else is numeric."""
    known = [name for name in (*REQUIRED[2:], *_OPTIONAL) if name in table]
    others = [
        name
        for name in table.columns
        if name not in (*REQUIRED, *_OPTIONAL)
        and name not in _SKIPPED
        and not name.startswith("Unnamed:")
        and table.is_numeric(name)
    ]
    return known + others


def _convert_units(values: dict[str, Floats], units: Units) -> None:
    if units == "lots":
        values["volume"] = values["volume"] * SHARES_PER_LOT
    percent = values.pop("turnover_pct", None)
    if percent is not None and "turnover" not in values:
        values["turnover"] = percent / 100.0

"""Reading index bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError
from engine.market.board import parse_symbol
from engine.market.calendar import Dates, iso
from engine.market.grid import Floats
from engine.market.validate import Findings, counted

if TYPE_CHECKING:
    from engine.market.table import Table

_FIELDS = ("open", "high", "low", "close", "volume")


def read_indices(table: Table, dates: Dates, findings: Findings) -> dict[str, dict[str, Floats]]:
    """Read ``symbol, date, close`` and, where there, the other bar fields: (T,) arrays, NaN where missing.

    Raises
    ------
    DataError
        If a symbol and date repeat, or a close is not above zero.
    """
    table.require(("symbol", "date", "close"))
    codes, spellings = table.distinct("symbol")
    houses = np.array([_index_symbol(text) for text in spellings], dtype=np.str_)
    symbols, positions = np.unique(houses, return_inverse=True)
    column, day = positions[codes], table.dates("date")
    row = np.searchsorted(dates, day)
    kept = row < len(dates)
    kept[kept] = dates[row[kept]] == day[kept]
    values = {name: table.numbers(name) for name in _FIELDS if name in table}
    _refuse_unusable(table, kept & ~(values["close"] > 0.0), "close is not above zero")
    _refuse_unusable(table, kept & _repeated(column, day), "the date repeats")

    out: dict[str, dict[str, Floats]] = {}
    for i, symbol in enumerate(symbols.tolist()):
        mine = kept & (column == i)
        out[symbol] = {name: np.full(len(dates), np.nan) for name in values}
        for name, cells in values.items():
            out[symbol][name][row[mine]] = cells[mine]
        missing = np.flatnonzero(np.isnan(out[symbol]["close"]))
        if len(missing):
            message = f"index {symbol} lacks {counted(len(missing), 'session')} of {len(dates):,}"
            findings.warn("index_gap", message, len(missing), [f"first {iso(dates[missing[0]])}"])
    return out


def _refuse_unusable(table: Table, bad: np.ndarray, why: str) -> None:
    if bad.any():
        raise DataError(f"{table.where(int(np.flatnonzero(bad)[0]))}: {why}; correct or drop the row")


def _repeated(column: np.ndarray, day: Dates) -> np.ndarray:
    order = np.lexsort((day, column))
    out = np.zeros(len(day), dtype=bool)
    out[order[1:]] = (column[order[1:]] == column[order[:-1]]) & (day[order[1:]] == day[order[:-1]])
    return out


def _index_symbol(text: str) -> str:
    """House spelling of an index; a bare 000300 is Shanghai's, as stocks of that code would not be."""
    if len(text) == 6 and text.isdigit():
        return f"{text}.{'SZ' if text.startswith('399') else 'SH'}"
    try:
        return parse_symbol(text)
    except DataError:
        return text

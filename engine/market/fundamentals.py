"""Figures that become known on a day and hold until the next: point-in-time fundamentals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.calendar import DAY, Dates
from engine.market.codes import NO_ALIASES
from engine.market.grid import Floats, forward_fill
from engine.market.quotes import house_symbols

if TYPE_CHECKING:
    from engine.market.table import Table

_KEYS = frozenset({"symbol", "visible_date", "visible_by", "period_end"})


def read_fundamentals(
    table: Table, dates: Dates, symbols: NDArray[np.str_], aliases: Mapping[str, str] = NO_ALIASES
) -> dict[str, Floats]:
    """Return one (T, N) field for every numeric column of a file of dated figures.

    A figure is usable from the first session on or after ``visible_date``, or strictly after ``visible_by``
    (a deadline: what is filed that evening moves no price that day). It holds until one of a later, or
    restated, ``period_end`` is visible; an older period that arrives late replaces nothing newer. Empty cells
    erase nothing, and figures from before the panel carry in.

    Raises
    ------
    DataError
        If neither date column is there, or no figures are.
    """
    table.require(("symbol",))
    name = next((key for key in ("visible_date", "visible_by") if key in table), None)
    if name is None:
        raise DataError(
            f"{table.source} has neither visible_date nor visible_by, which say when a figure was known; "
            f"it has {', '.join(table.columns)}"
        )
    figures = [c for c in table.columns if c not in _KEYS and table.is_numeric(c)]
    if not figures:
        raise DataError(f"{table.source} has no column of numbers beside its dates; give at least one figure")
    visible = table.dates(name)
    period = table.dates("period_end") if "period_end" in table else visible
    if name == "visible_by":
        visible = visible + DAY
    rows = FigureRows.of(dates, symbol_columns(table, symbols, aliases), visible, period, len(symbols))
    return {figure: rows.dense(table.numbers(figure)) for figure in figures}


@dataclass(frozen=True, eq=False)
class FigureRows:
    """Where dated figures stand on the grid of a panel.

    Parameters
    ----------
    shape : tuple
        (T, N).
    order : (K,) int array
        The rows that a panel shows, by symbol, day and period.
    row, column : (K,) int arrays
        Their places.
    period : (K,) int array
        Days since 1970-01-01 of what they are about.
    """

    shape: tuple[int, int]
    order: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    period: NDArray[np.int64]

    @classmethod
    def of(
        cls, dates: Dates, column: NDArray[np.intp], visible: Dates, period: Dates, names: int
    ) -> FigureRows:
        """Place figures.

        Parameters
        ----------
        dates : (T,) datetime64[D] array
        column : (R,) int array
            Of each row's symbol; -1 where the panel lacks it.
        visible, period : (R,) datetime64[D] arrays
            The first day whose close could reflect it, and what it is about.
        names : int
        """
        row = np.searchsorted(dates, visible)
        order = np.lexsort((period, visible, column))
        order = order[(column[order] >= 0) & (row[order] < len(dates))]
        days = period[order].astype("datetime64[D]").astype(np.int64)
        return cls((len(dates), names), order, row[order], column[order], days)

    def dense(self, values: Floats) -> Floats:
        """(T, N) of the rows' values, each held until one of a later, or the same, period is known."""
        known = values[self.order]
        there = ~np.isnan(known)
        newest = _not_outdated(self.column[there], self.period[there])
        dense = np.full(self.shape, np.nan)
        # on a repeated cell the last assignment stands: the latest known of that session
        dense[self.row[there][newest], self.column[there][newest]] = known[there][newest]
        return forward_fill(dense, ~np.isnan(dense))


def _not_outdated(column: NDArray[np.intp], period: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows (in order of symbol and visibility) whose period is the latest seen of their symbol so far."""
    if not len(period):
        return np.zeros(0, dtype=bool)
    # a running maximum that starts over with each symbol: later symbols have larger keys
    key = column.astype(np.int64) * (np.ptp(period) + 1) + (period - period.min())
    return np.asarray(np.maximum.accumulate(key) == key)


def symbol_columns(
    table: Table, symbols: NDArray[np.str_], aliases: Mapping[str, str] = NO_ALIASES
) -> NDArray[np.intp]:
    """(R,) column of each row's symbol in the panel, -1 for symbols it lacks.

    `aliases` are other codes of the panel's symbols.
    """
    codes, spellings = table.distinct("symbol")
    houses, _ = house_symbols(spellings, strict=False)
    place = {str(symbol): i for i, symbol in enumerate(symbols)}
    place |= {code: place[symbol] for code, symbol in aliases.items()}
    return np.array([place.get(house, -1) for house in houses], dtype=np.intp)[codes]

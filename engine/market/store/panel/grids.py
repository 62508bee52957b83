"""Stored rows on a grid of sessions and some names, where they are worked out cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.cells import Raw
from engine.market.grid import Floats
from engine.market.sources.delivery import DailyBars
from engine.market.store.folder import StoreReader
from engine.market.store.panel.actions import ColumnActions
from engine.market.store.panel.built import TICK, stored_twice
from engine.market.store.panel.completion import completed
from engine.market.store.panel.frame import Frame
from engine.market.store.panel.placing import Steps, locate, spread, spread_steps
from engine.market.store.panel.spells import StockSpells
from engine.market.store.rows import codes_of, day_numbers, numbers
from engine.market.store.schema import Kind


class Grid:
    """Cells of W names, used again for the next.

    Parameters
    ----------
    sessions, width : int
    columns : sequence of str
        Names of the values.
    """

    def __init__(self, sessions: int, width: int, columns: Sequence[str]) -> None:
        self.values = {name: np.empty((sessions, width)) for name in columns}
        self.has_row = np.empty((sessions, width), dtype=bool)
        self.traded = np.empty((sessions, width), dtype=bool)

    @property
    def width(self) -> int:
        """Names that have a column."""
        return self.has_row.shape[1]

    def raw(self) -> Raw:
        """Return the values that every bar has."""
        return Raw(*(self.values[name] for name in Raw._fields))


class StoredRows:
    """Reads bars of some columns of a panel onto a grid.

    Parameters
    ----------
    reader : StoreReader
    frame : Frame
    actions : ColumnActions
    spells : StockSpells
    """

    def __init__(
        self, reader: StoreReader, frame: Frame, actions: ColumnActions, spells: StockSpells
    ) -> None:
        self.reader, self.frame, self.actions, self.spells = reader, frame, actions, spells
        place = frame.columns()
        self.codes = np.array(sorted(place), dtype=np.str_)
        self.column_of_code = np.array([place[code] for code in self.codes.tolist()], dtype=np.int64)
        self.steps = _steps(reader, self.codes)
        days = frame.dates.astype(np.int64)
        self.first_day = int(days[0])
        self.row_of_day = np.full(int(days[-1]) - self.first_day + 1, -1, dtype=np.int64)
        self.row_of_day[days - self.first_day] = np.arange(len(days))
        # partitions are years: what is read at once stays small, and is still in the cache when it is used
        years = range(frame.first.year, frame.last.year + 1)
        self.years = [(max(frame.first, date(y, 1, 1)), min(frame.last, date(y, 12, 31))) for y in years]

    def columns(self) -> set[str]:
        """Return the names of all columns that the panel's bars have."""
        names: set[str] = set()
        span = self.frame.first.isoformat(), self.frame.last.isoformat()
        for segment in self.reader.manifest.of(Kind.BARS, *span):
            with self.reader.open(segment) as file:
                names.update(file.schema_arrow.names)
        return names

    def read(self, grid: Grid, lo: int) -> None:
        """Fill a grid with the rows of the panel's columns from `lo` on; what has no row is NaN.

        Raises
        ------
        StoreError
            If two rows fall on one cell.
        """
        hi = lo + grid.width
        mine = self.codes[(self.column_of_code >= lo) & (self.column_of_code < hi)].tolist()
        grid.has_row.fill(False)
        for cells in grid.values.values():
            cells.fill(np.nan)
        unknown = 0
        for first, last in self.years:
            rows = self.reader.rows(Kind.BARS, symbols=mine, first=first, last=last, exactly=False)
            unknown += self._place(rows, grid, lo)
        if unknown:
            self._complete(grid, lo)
        self.spells.mark_cells(grid.values["is_st"], self.frame.dates, lo)

    def _place(self, rows: Any, grid: Grid, lo: int) -> int:
        """Put rows on their cells, with the factor in force; returns how many have none."""
        code, day = codes_of(rows["symbol"], self.codes).astype(np.int64), day_numbers(rows["session"])
        cell = np.empty(len(code), dtype=np.int64)
        if locate(code, day, self.column_of_code, self.row_of_day, self.first_day, lo, grid.has_row, cell):
            raise stored_twice(self.reader)
        for name, cells in grid.values.items():
            if name in rows.column_names:
                _spread(rows[name], cell, cells.reshape(-1))
        return spread_steps(code, day, cell, self.steps, grid.values["adj_factor"].reshape(-1))

    def _complete(self, grid: Grid, lo: int) -> None:
        """Work out the factors that are not stored."""
        hi = lo + grid.width
        column, row = np.nonzero(grid.has_row.T)
        values = {name: grid.values[name][row, column] for name in ("close", "preclose", "adj_factor")}
        bars = DailyBars(self.frame.symbols[lo:hi], column, self.frame.dates[row], values)
        grid.values["adj_factor"][row, column] = completed(bars, self.actions.within(lo, hi), TICK)


def _spread(column: Any, cell: NDArray[np.int64], out: Floats) -> None:
    """Write a column of rows to its cells, a chunk at a time, so that it is not copied first."""
    at = 0
    for chunk in column.chunks:
        values = np.asarray(chunk.to_numpy(zero_copy_only=False), dtype=np.float64)
        # a column without nulls is read-only: one kind of array, or the kernel is compiled twice
        values.flags.writeable = False
        spread(values, cell[at : at + len(chunk)], out)
        at += len(chunk)


def _steps(reader: StoreReader, codes: NDArray[np.str_]) -> Steps:
    """Stored factors by code and day."""
    table = reader.rows(Kind.FACTORS, symbols=codes.tolist())
    code, day = codes_of(table["symbol"], codes).astype(np.int64), day_numbers(table["session"])
    order = np.lexsort((day, code))
    first = np.searchsorted(code[order], np.arange(len(codes) + 1)).astype(np.int64)
    return Steps(first, day[order], numbers(table["adj_factor"])[order])

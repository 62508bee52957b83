"""Rows of bars to cells of a grid, whatever their order: compiled, since a market has millions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit
from engine.market.grid import Bools, Floats

Longs = NDArray[np.int64]


class Steps(NamedTuple):
    """Values in force from a day on: those of code c are ``first[c]:first[c + 1]``, ascending by day."""

    first: Longs
    day: Longs
    value: Floats


@jit
def locate(
    code: Longs,
    day: Longs,
    column_of_code: Longs,
    row_of_day: Longs,
    first_day: int,
    lo: int,
    has_row: Bools,
    cell: Longs,
) -> int:
    """Find the cell of each row.

    Parameters
    ----------
    code, day : (R,) int64 arrays
        The code of each row by its place among all, below zero where it is none of them, and its day since
        1970-01-01.
    column_of_code : (C,) int64 array
        Column of the panel.
    row_of_day : (D,) int64 array
        Row of the panel of each day from `first_day` on, below zero where it is no session.
    first_day, lo : int
        Day of ``row_of_day[0]``, and the first column wanted.
    has_row : (T, W) bool array
        Set where a row falls.
    cell : (R,) int64 array
        Written: the flat cell among the W columns from `lo` on, -1 for rows of other columns.

    Returns
    -------
    int
        Rows that found no cell of their own: their day is no session, or another row has it.
    """
    width, astray = has_row.shape[1], 0
    for r in range(len(code)):
        cell[r] = -1
        if code[r] < 0:
            continue
        n = column_of_code[code[r]] - lo
        if n < 0 or n >= width:
            continue
        at = day[r] - first_day
        t = row_of_day[at] if 0 <= at < len(row_of_day) else -1
        if t < 0 or has_row[t, n]:
            astray += 1
            continue
        has_row[t, n] = True
        cell[r] = t * width + n
    return astray


@jit
def spread(values: Floats, cell: Longs, out: Floats) -> None:
    """Write rows to their cells.

    Parameters
    ----------
    values : (R,) float array
    cell : (R,) int64 array
        As `locate` finds them.
    out : (cells,) float array
    """
    for r in range(len(values)):
        if cell[r] >= 0:
            out[cell[r]] = values[r]


@jit
def spread_steps(code: Longs, day: Longs, cell: Longs, steps: Steps, out: Floats) -> int:
    """Write to each row's cell the value that is in force on its day.

    Parameters
    ----------
    code, day, cell : (R,) int64 arrays
    steps : Steps
    out : (cells,) float array
        NaN where nothing is in force yet.

    Returns
    -------
    int
        Rows of which nothing is known.
    """
    unknown = 0
    for r in range(len(code)):
        if cell[r] < 0:
            continue
        first = steps.first[code[r]]
        lo, hi = first, steps.first[code[r] + 1]
        while lo < hi:
            middle = (lo + hi) // 2
            if steps.day[middle] <= day[r]:
                lo = middle + 1
            else:
                hi = middle
        value = steps.value[lo - 1] if lo > first else np.nan
        out[cell[r]] = value
        unknown += np.isnan(value)
    return unknown

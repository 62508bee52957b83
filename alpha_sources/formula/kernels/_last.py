"""Statistics of the windows that end at the last row, several of the same values in one pass.

What the kernels that write row after row keep for rows to come is not kept here: of each window the part
before its block is added up backwards and the part inside forwards, as there, in the same order and with the
same operations, so that the digits are the same. Windows of the same values are read one after the other
while these are in the cache.

In all kernels ``lengths`` are the windows, those alike side by side; ``heads`` says how many of the newest
rows lie in the block of the last one; ``rows`` of ``board`` take the results; ``limits`` are the largest
finite ones. A window longer than the values is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Panel
from engine.jit import jit

Array = NDArray[Any]


@jit
def last_sums(
    x: Panel,
    lengths: Array,
    heads: Array,
    divisors: Array,
    limits: Array,
    tile: int,
    rows: Array,
    board: Panel,
) -> None:
    """Write the sum of each window divided by a number; see `_sums.rolling_sum`."""
    T, N = x.shape
    head, tail = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for f in range(len(lengths)):
            n, divisor, limit = lengths[f], divisors[f], limits[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            start = T - heads[f]
            head[:] = 0.0
            tail[:] = 0.0
            _add(x, start, heads[f], 1, left, width, head)
            _add(x, start - 1, n - heads[f], -1, left, width, tail)
            for j in range(width):
                value = (head[j] + tail[j]) / divisor
                result[j] = value if abs(value) <= limit else np.nan


@jit
def _add(x: Panel, first: int, count: int, way: int, left: int, width: int, total: Array) -> None:
    # one row after the other; four at a time, so that the total is read and written once for them
    t = first
    for _ in range(count // 4):
        a, b = x[t, left : left + width], x[t + way, left : left + width]
        c, d = x[t + 2 * way, left : left + width], x[t + 3 * way, left : left + width]
        for j in range(width):
            total[j] = (((total[j] + a[j]) + b[j]) + c[j]) + d[j]
        t += 4 * way
    for _ in range(count % 4):
        row = x[t, left : left + width]
        for j in range(width):
            total[j] += row[j]
        t += way


@jit
def last_extremes(
    x: Panel, lengths: Array, signs: Array, ages: Array, tile: int, rows: Array, board: Panel
) -> None:
    """Write the extreme of each window or its age, the latest of ties; see `_extremes.rolling_extreme`."""
    T, N = x.shape
    best, at = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        done = 0
        for f in range(len(lengths)):
            n, sign = lengths[f], signs[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            if f == 0 or sign != signs[f - 1] or n < lengths[f - 1]:
                best[:] = -np.inf
                at[:] = 0.0
                done = 0
            # from the newest backwards: a longer window goes on where a shorter one ended
            for lag in range(done, n):
                row = x[T - 1 - lag, left : left + width]
                for j in range(width):
                    value = sign * row[j]
                    larger = (value > best[j]) | (value != value)
                    best[j] = value if larger else best[j]
                    at[j] = lag if larger else at[j]
            done = n
            if ages[f]:
                for j in range(width):
                    result[j] = at[j] if best[j] == best[j] else np.nan
            else:
                for j in range(width):
                    result[j] = sign * best[j]


@jit
def last_ranks(x: Panel, lengths: Array, tile: int, rows: Array, board: Panel) -> None:
    """Write the rank of the newest value in each window, shortest first; see `_order.rolling_rank`."""
    T, N = x.shape
    below, gaps = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        newest = x[T - 1, left : left + width]
        below[:] = 0.0
        gaps[:] = 0.0
        done = 0
        for f in range(len(lengths)):
            n = lengths[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            # counts of halves are exact: a longer window goes on where a shorter one ended
            for lag in range(done, n):
                row = x[T - 1 - lag, left : left + width]
                for j in range(width):
                    below[j] += (row[j] < newest[j]) * 0.5 + (row[j] <= newest[j]) * 0.5
                    gaps[j] += row[j] - row[j]
            done = n
            for j in range(width):
                result[j] = (below[j] + 0.5) / n + gaps[j]


@jit
def last_quantiles(
    x: Panel,
    n: int,
    lows: Array,
    shares: Array,
    pairs: Array,
    tile: int,
    rows: Array,
    board: Panel,
) -> None:
    """Write quantiles of one window, sorted by a network once; see `_order.network_quantile`."""
    T, N = x.shape
    if n > T:
        for f in range(len(rows)):
            board[rows[f]] = np.nan
        return
    lines, gaps = np.empty((n, tile)), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        gaps[:] = 0.0
        for k in range(n):
            row, line = x[T - 1 - k, left : left + width], lines[k]
            for j in range(width):
                line[j] = row[j]
                gaps[j] += row[j] - row[j]
        for p in range(len(pairs)):
            first, second = lines[pairs[p, 0]], lines[pairs[p, 1]]
            for j in range(width):
                a, b = first[j], second[j]
                first[j] = a if a < b else b
                second[j] = b if a < b else a
        for f in range(len(rows)):
            share, result = shares[f], board[rows[f], left : left + width]
            lower, upper = lines[lows[f]], lines[min(lows[f] + 1, n - 1)]
            for j in range(width):
                a, b = lower[j], upper[j]
                value = a + (b - a) * share if share < 0.5 else b - (b - a) * (1.0 - share)
                result[j] = value + gaps[j]

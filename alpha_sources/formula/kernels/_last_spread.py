"""How far the values of windows that end at the last row lie apart, alone, along time, and with others.

See `_last` for what the arguments are, `_moments` and `_pairs` for the method: each window is a part before
its block, added up backwards, and a part inside, both measured from a value of their own. Of the same window
several results are made of one set of sums. Rows are taken two at a time, so that the sums are read and
written once for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Panel
from engine.jit import jit

Array = NDArray[Any]

VARIANCE, DEVIATION, ZSCORE = 0, 1, 2
COVARIANCE, CORRELATION = 0, 1
SLOPE, RSQUARE, RESIDUAL = 0, 1, 2


@jit
def _begin(x: Panel, start: int, left: int, width: int, lies_behind: bool, base: Array, last: Array) -> None:
    # what the two parts are measured from: in float64, as their distance is to be
    for j in range(width):
        base[j] = x[start, left + j]
        last[j] = x[start - 1, left + j] if lies_behind else 0.0


@jit
def _spread(
    x: Panel, first: int, count: int, way: int, left: int, width: int, base: Array, mean: Array, square: Array
) -> None:
    # mean and squares about it, of one row after the other; two at a time, as in `_add`
    for k in range(1, count, 2):
        t = first + (k - 1) * way
        a, b = x[t, left : left + width], x[t + way, left : left + width]
        share, next_share = 1.0 / k, 1.0 / (k + 1)
        for j in range(width):
            value = a[j] - base[j]
            step = value - mean[j]
            middle = mean[j] + step * share
            total = square[j] + step * (value - middle)
            value = b[j] - base[j]
            step = value - middle
            middle += step * next_share
            mean[j] = middle
            square[j] = total + step * (value - middle)
    if count % 2:
        a, share = x[first + (count - 1) * way, left : left + width], 1.0 / count
        for j in range(width):
            value = a[j] - base[j]
            step = value - mean[j]
            mean[j] += step * share
            square[j] += step * (value - mean[j])


@jit
def _spread_in_time(
    x: Panel,
    first: int,
    count: int,
    way: int,
    left: int,
    width: int,
    base: Array,
    mean: Array,
    square: Array,
    time: Array,
) -> None:
    # the same, and the product with time, which runs backwards in a tail
    for k in range(1, count, 2):
        t = first + (k - 1) * way
        a, b = x[t, left : left + width], x[t + way, left : left + width]
        share, next_share = 1.0 / k, 1.0 / (k + 1)
        half, next_half = way * ((k - 1) * 0.5), way * (k * 0.5)
        for j in range(width):
            value = a[j] - base[j]
            step = value - mean[j]
            along = time[j] + step * half
            middle = mean[j] + step * share
            total = square[j] + step * (value - middle)
            value = b[j] - base[j]
            step = value - middle
            time[j] = along + step * next_half
            middle += step * next_share
            mean[j] = middle
            square[j] = total + step * (value - middle)
    if count % 2:
        a, share = x[first + (count - 1) * way, left : left + width], 1.0 / count
        half = way * ((count - 1) * 0.5)
        for j in range(width):
            value = a[j] - base[j]
            step = value - mean[j]
            time[j] += step * half
            mean[j] += step * share
            square[j] += step * (value - mean[j])


@jit
def _spread_of_pairs(
    x: Panel,
    y: Panel,
    first: int,
    count: int,
    way: int,
    left: int,
    width: int,
    base_x: Array,
    base_y: Array,
    state: Array,
) -> None:
    # the same of two panels, and of their product
    mean_x, mean_y, xx, yy, xy = state[0], state[1], state[2], state[3], state[4]
    for k in range(1, count, 2):
        t = first + (k - 1) * way
        a, b = x[t, left : left + width], y[t, left : left + width]
        c, d = x[t + way, left : left + width], y[t + way, left : left + width]
        share, next_share = 1.0 / k, 1.0 / (k + 1)
        for j in range(width):
            u, v = a[j] - base_x[j], b[j] - base_y[j]
            step_x, step_y = u - mean_x[j], v - mean_y[j]
            middle_x, middle_y = mean_x[j] + step_x * share, mean_y[j] + step_y * share
            rest_y = v - middle_y
            total_xx = xx[j] + step_x * (u - middle_x)
            total_yy = yy[j] + step_y * rest_y
            total_xy = xy[j] + step_x * rest_y
            u, v = c[j] - base_x[j], d[j] - base_y[j]
            step_x, step_y = u - middle_x, v - middle_y
            middle_x += step_x * next_share
            middle_y += step_y * next_share
            rest_y = v - middle_y
            mean_x[j], mean_y[j] = middle_x, middle_y
            xx[j] = total_xx + step_x * (u - middle_x)
            yy[j] = total_yy + step_y * rest_y
            xy[j] = total_xy + step_x * rest_y
    if count % 2:
        t, share = first + (count - 1) * way, 1.0 / count
        a, b = x[t, left : left + width], y[t, left : left + width]
        for j in range(width):
            u, v = a[j] - base_x[j], b[j] - base_y[j]
            step_x, step_y = u - mean_x[j], v - mean_y[j]
            mean_x[j] += step_x * share
            mean_y[j] += step_y * share
            rest_y = v - mean_y[j]
            xx[j] += step_x * (u - mean_x[j])
            yy[j] += step_y * rest_y
            xy[j] += step_x * rest_y


@jit
def last_moments(
    x: Panel,
    lengths: Array,
    heads: Array,
    wants: Array,
    limits: Array,
    tolerance: float,
    tile: int,
    rows: Array,
    board: Panel,
) -> None:
    """Write variance, deviation or z-score; see `_moments.rolling_variance`."""
    T, N = x.shape
    base, last = np.empty(tile), np.empty(tile)
    mean, square = np.empty(tile), np.empty(tile)
    tail_mean, tail_square = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        newest = x[T - 1, left : left + width]
        for f in range(len(lengths)):
            n, place, limit, want = lengths[f], heads[f], limits[f], wants[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            start, before = T - place, n - place
            if f == 0 or n != lengths[f - 1]:
                mean[:] = 0.0
                square[:] = 0.0
                tail_mean[:] = 0.0
                tail_square[:] = 0.0
                _begin(x, start, left, width, before > 0, base, last)
                _spread(x, start, place, 1, left, width, base, mean, square)
                nearest = x[start - 1, left : left + width]
                _spread(x, start - 1, before, -1, left, width, nearest, tail_mean, tail_square)
            pull, spread = before / n, before * place / n
            for j in range(width):
                value = newest[j] - base[j]
                gap = (base[j] - last[j]) + (mean[j] - tail_mean[j])
                variance = (square[j] + tail_square[j] + gap * gap * spread) / (n - 1)
                if want == VARIANCE:
                    answer = variance
                elif want == DEVIATION:
                    answer = np.sqrt(variance)
                else:
                    middle = mean[j] - gap * pull
                    deviation = np.sqrt(variance)
                    varies = deviation > tolerance * abs(base[j] + middle)
                    answer = (value - middle) / deviation if varies else np.nan
                result[j] = answer if abs(answer) <= limit else np.nan


@jit
def last_trends(
    x: Panel,
    lengths: Array,
    heads: Array,
    wants: Array,
    limits: Array,
    tolerance: float,
    tile: int,
    rows: Array,
    board: Panel,
) -> None:
    """Write slope, R² or residual of the regression on time; see `_pairs.rolling_trend`."""
    T, N = x.shape
    base, last = np.empty(tile), np.empty(tile)
    mean, square, time = np.empty(tile), np.empty(tile), np.empty(tile)
    tail_mean, tail_square, tail_time = np.empty(tile), np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        newest = x[T - 1, left : left + width]
        for f in range(len(lengths)):
            n, place, limit, want = lengths[f], heads[f], limits[f], wants[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            start, before = T - place, n - place
            if f == 0 or n != lengths[f - 1]:
                mean[:] = 0.0
                square[:] = 0.0
                time[:] = 0.0
                tail_mean[:] = 0.0
                tail_square[:] = 0.0
                tail_time[:] = 0.0
                _begin(x, start, left, width, before > 0, base, last)
                _spread_in_time(x, start, place, 1, left, width, base, mean, square, time)
                nearest = x[start - 1, left : left + width]
                _spread_in_time(
                    x, start - 1, before, -1, left, width, nearest, tail_mean, tail_square, tail_time
                )
            pull, spread = before / n, before * place / n
            time_square = n * (n * n - 1.0) / 12.0
            for j in range(width):
                value = newest[j] - base[j]
                gap = (base[j] - last[j]) + (mean[j] - tail_mean[j])
                both = square[j] + tail_square[j] + gap * gap * spread
                slope = (time[j] + tail_time[j] + gap * (n * 0.5) * spread) / time_square
                middle = mean[j] - gap * pull
                if want == SLOPE:
                    answer = slope
                elif want == RSQUARE:
                    varies = np.sqrt(both / n) > tolerance * abs(base[j] + middle)
                    answer = min(slope * slope * time_square / both, 1.0) if varies else np.nan
                else:
                    answer = (value - middle) - slope * ((n - 1) * 0.5)
                result[j] = answer if abs(answer) <= limit else np.nan


@jit
def last_pairs(
    x: Panel,
    y: Panel,
    lengths: Array,
    heads: Array,
    wants: Array,
    limits: Array,
    tolerance: float,
    tile: int,
    rows: Array,
    board: Panel,
) -> None:
    """Write covariance or correlation; see `_pairs.rolling_pair`."""
    T, N = x.shape
    base_x, base_y, last_x, last_y = np.empty(tile), np.empty(tile), np.empty(tile), np.empty(tile)
    # of the head and of the tail: means, squares about them, the product
    head, tail = np.empty((5, tile)), np.empty((5, tile))
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for f in range(len(lengths)):
            n, place, limit = lengths[f], heads[f], limits[f]
            result = board[rows[f], left : left + width]
            if n > T:
                result[:] = np.nan
                continue
            start, before = T - place, n - place
            if f == 0 or n != lengths[f - 1]:
                head[:] = 0.0
                tail[:] = 0.0
                _begin(x, start, left, width, before > 0, base_x, last_x)
                _begin(y, start, left, width, before > 0, base_y, last_y)
                _spread_of_pairs(x, y, start, place, 1, left, width, base_x, base_y, head)
                near_x, near_y = x[start - 1, left : left + width], y[start - 1, left : left + width]
                _spread_of_pairs(x, y, start - 1, before, -1, left, width, near_x, near_y, tail)
            pull, spread = before / n, before * place / n
            least = tolerance * np.sqrt(n)
            if wants[f] == COVARIANCE:
                for j in range(width):
                    gap_x = (base_x[j] - last_x[j]) + (head[0, j] - tail[0, j])
                    gap_y = (base_y[j] - last_y[j]) + (head[1, j] - tail[1, j])
                    value = (head[4, j] + tail[4, j] + gap_x * gap_y * spread) / (n - 1)
                    result[j] = value if abs(value) <= limit else np.nan
                continue
            for j in range(width):
                gap_x = (base_x[j] - last_x[j]) + (head[0, j] - tail[0, j])
                gap_y = (base_y[j] - last_y[j]) + (head[1, j] - tail[1, j])
                both_xx = head[2, j] + tail[2, j] + gap_x * gap_x * spread
                both_yy = head[3, j] + tail[3, j] + gap_y * gap_y * spread
                both_xy = head[4, j] + tail[4, j] + gap_x * gap_y * spread
                level_x = base_x[j] + head[0, j] - gap_x * pull
                level_y = base_y[j] + head[1, j] - gap_y * pull
                root_x, root_y = np.sqrt(both_xx), np.sqrt(both_yy)
                varies = (root_x > least * abs(level_x)) & (root_y > least * abs(level_y))
                value = both_xy / (root_x * root_y)
                varies = varies & (value == value)
                value = value if value < 1.0 else 1.0
                value = value if value > -1.0 else -1.0
                result[j] = value if varies else np.nan

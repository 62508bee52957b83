"""How two panels, or a panel and time, move together over windows. See `_moments` for the method."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit

COVARIANCE, CORRELATION = 0, 1
SLOPE, RSQUARE, RESIDUAL = 0, 1, 2


@jit
def rolling_pair(
    x: Panel,
    y: Panel,
    restarts: Flags,
    n: int,
    want: int,
    tolerance: float,
    tile: int,
    limit: float,
    out: Panel,
) -> None:
    """Write covariance (ddof 1) or correlation of two panels."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    # of every part: the values measured from, the means, the squares about them, the product
    tails = np.empty((n, 7, tile))
    base_x, base_y = np.empty(tile), np.empty(tile)
    mean_x, mean_y = np.empty(tile), np.empty(tile)
    xx, yy, xy = np.empty(tile), np.empty(tile), np.empty(tile)
    # a deviation is the root of a sum over the root of n
    least = tolerance * np.sqrt(n)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        base_x[:] = 0.0
        base_y[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                for k in range(1, longest):
                    older_x, older_y = x[t - k, left : left + width], y[t - k, left : left + width]
                    last_x, last_y = x[t - 1, left : left + width], y[t - 1, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    share = 1.0 / k
                    for j in range(width):
                        u, v = older_x[j] - last_x[j], older_y[j] - last_y[j]
                        step_x, step_y = u - shorter[2, j], v - shorter[3, j]
                        longer[0, j] = last_x[j]
                        longer[1, j] = last_y[j]
                        longer[2, j] = shorter[2, j] + step_x * share
                        longer[3, j] = shorter[3, j] + step_y * share
                        rest_y = v - longer[3, j]
                        longer[4, j] = shorter[4, j] + step_x * (u - longer[2, j])
                        longer[5, j] = shorter[5, j] + step_y * rest_y
                        longer[6, j] = shorter[6, j] + step_x * rest_y
                tails[longest:] = np.nan
            row_x, row_y = x[t, left : left + width], y[t, left : left + width]
            if place == 0:
                mean_x[:] = 0.0
                mean_y[:] = 0.0
                xx[:] = 0.0
                yy[:] = 0.0
                xy[:] = 0.0
                for j in range(width):
                    base_x[j] = row_x[j]
                    base_y[j] = row_y[j]
            place += 1
            share = 1.0 / place
            for j in range(width):
                u, v = row_x[j] - base_x[j], row_y[j] - base_y[j]
                step_x, step_y = u - mean_x[j], v - mean_y[j]
                mean_x[j] += step_x * share
                mean_y[j] += step_y * share
                rest_y = v - mean_y[j]
                xx[j] += step_x * (u - mean_x[j])
                yy[j] += step_y * rest_y
                xy[j] += step_x * rest_y
            if t < E:
                continue
            result = out[t - E, left : left + width]
            before = n - place
            pull, spread = before / n, before * place / n
            tail = tails[before]
            if want == COVARIANCE:
                for j in range(width):
                    gap_x = (base_x[j] - tail[0, j]) + (mean_x[j] - tail[2, j])
                    gap_y = (base_y[j] - tail[1, j]) + (mean_y[j] - tail[3, j])
                    value = (xy[j] + tail[6, j] + gap_x * gap_y * spread) / (n - 1)
                    result[j] = value if abs(value) <= limit else np.nan
                continue
            for j in range(width):
                gap_x = (base_x[j] - tail[0, j]) + (mean_x[j] - tail[2, j])
                gap_y = (base_y[j] - tail[1, j]) + (mean_y[j] - tail[3, j])
                both_xx = xx[j] + tail[4, j] + gap_x * gap_x * spread
                both_yy = yy[j] + tail[5, j] + gap_y * gap_y * spread
                both_xy = xy[j] + tail[6, j] + gap_x * gap_y * spread
                level_x = base_x[j] + mean_x[j] - gap_x * pull
                level_y = base_y[j] + mean_y[j] - gap_y * pull
                root_x, root_y = np.sqrt(both_xx), np.sqrt(both_yy)
                varies = (root_x > least * abs(level_x)) & (root_y > least * abs(level_y))
                value = both_xy / (root_x * root_y)
                varies = varies & (value == value)
                # rounding may step over the edge: a correlation has none
                value = value if value < 1.0 else 1.0
                value = value if value > -1.0 else -1.0
                result[j] = value if varies else np.nan


@jit
def rolling_trend(
    x: Panel, restarts: Flags, n: int, want: int, tolerance: float, tile: int, limit: float, out: Panel
) -> None:
    """Regress each window on time: write the slope per session, R², or the residual of the newest value."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    tails = np.empty((n, 4, tile))
    base, mean, square, time = np.empty(tile), np.empty(tile), np.empty(tile), np.empty(tile)
    time_square = n * (n * n - 1.0) / 12.0
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        base[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    last = x[t - 1, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    share = 1.0 / k
                    for j in range(width):
                        value = older[j] - last[j]
                        step = value - shorter[1, j]
                        longer[0, j] = last[j]
                        longer[1, j] = shorter[1, j] + step * share
                        longer[2, j] = shorter[2, j] + step * (value - longer[1, j])
                        longer[3, j] = shorter[3, j] - step * ((k - 1) * 0.5)
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            if place == 0:
                mean[:] = 0.0
                square[:] = 0.0
                time[:] = 0.0
                for j in range(width):
                    base[j] = row[j]
            half = place * 0.5
            place += 1
            share = 1.0 / place
            for j in range(width):
                value = row[j] - base[j]
                step = value - mean[j]
                # half the sessions so far is how far the new one lies from the middle of those before
                time[j] += step * half
                mean[j] += step * share
                square[j] += step * (value - mean[j])
            if t < E:
                continue
            result = out[t - E, left : left + width]
            before = n - place
            pull, spread = before / n, before * place / n
            tail = tails[before]
            for j in range(width):
                value = row[j] - base[j]
                gap = (base[j] - tail[0, j]) + (mean[j] - tail[1, j])
                both = square[j] + tail[2, j] + gap * gap * spread
                slope = (time[j] + tail[3, j] + gap * (n * 0.5) * spread) / time_square
                middle = mean[j] - gap * pull
                if want == SLOPE:
                    answer = slope
                elif want == RSQUARE:
                    varies = np.sqrt(both / n) > tolerance * abs(base[j] + middle)
                    answer = min(slope * slope * time_square / both, 1.0) if varies else np.nan
                else:
                    answer = (value - middle) - slope * ((n - 1) * 0.5)
                result[j] = answer if abs(answer) <= limit else np.nan

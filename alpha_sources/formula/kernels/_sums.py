"""Sums, products and weighted sums over windows, each from the window's own values alone.

The rows are cut into blocks no longer than the window, at dates that do not depend on the data, so a window
is the tail of what lies before a block and the head of the block. Tails are summed backwards from where a
block starts, heads on the way: a few additions per value whatever the window, nothing is ever subtracted, no
error builds up, a NaN spoils only the windows that hold it, and a value is the same to the last digit
wherever the rows begin (the blocks of van Herk, 1992, for sums).

A kernel writes the last rows alone where ``out`` has fewer than ``x``: the E rows before are looked back on.

In all kernels of this package ``restarts`` says which rows start a block, ``limit`` is the largest finite
result, and columns go in tiles that keep the tails in the cache. ``tails[k]`` is of the k rows before the
block; where there are not so many, it is NaN, and so is every window that needs it.
"""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit


@jit
def rolling_sum(
    x: Panel, restarts: Flags, n: int, divisor: float, tile: int, limit: float, out: Panel
) -> None:
    """Write the sum of each window divided by `divisor`."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    tails = np.empty((n, tile))
    head = np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        head[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                head[:] = 0.0
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    for j in range(width):
                        longer[j] = shorter[j] + older[j]
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            place += 1
            if t < E:
                for j in range(width):
                    head[j] += row[j]
                continue
            result = out[t - E, left : left + width]
            tail = tails[n - place]
            for j in range(width):
                head[j] += row[j]
                value = (head[j] + tail[j]) / divisor
                result[j] = value if abs(value) <= limit else np.nan


@jit
def rolling_product(x: Panel, restarts: Flags, n: int, tile: int, limit: float, out: Panel) -> None:
    """Write the product of each window."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    tails = np.empty((n, tile))
    head = np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 1.0
        head[:] = 1.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                head[:] = 1.0
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    for j in range(width):
                        longer[j] = shorter[j] * older[j]
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            place += 1
            for j in range(width):
                head[j] *= row[j]
            if t < E:
                continue
            result = out[t - E, left : left + width]
            tail = tails[n - place]
            for j in range(width):
                value = head[j] * tail[j]
                result[j] = value if abs(value) <= limit else np.nan


@jit
def rolling_decay(x: Panel, restarts: Flags, n: int, tile: int, limit: float, out: Panel) -> None:
    """Write the mean with weights 1 for the oldest to n for the newest."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    total = n * (n + 1) / 2
    # of every tail the plain sum, and the sum with weights 1, 2, ... from its oldest value on
    tails = np.empty((n, 2, tile))
    head, weighted = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        head[:] = 0.0
        weighted[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                head[:] = 0.0
                weighted[:] = 0.0
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    for j in range(width):
                        longer[0, j] = shorter[0, j] + older[j]
                        longer[1, j] = shorter[1, j] + longer[0, j]
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            place += 1
            for j in range(width):
                head[j] += row[j]
                weighted[j] += place * row[j]
            if t < E:
                continue
            result = out[t - E, left : left + width]
            before = n - place
            tail = tails[before, 1]
            for j in range(width):
                value = (tail[j] + (before * head[j] + weighted[j])) / total
                result[j] = value if abs(value) <= limit else np.nan


@jit
def rolling_weighted(x: Panel, weights: Panel, tile: int, limit: float, out: Panel) -> None:
    """Write the sum of each window with a weight per lag, the newest first."""
    T, N = x.shape
    n = len(weights)
    E = T - len(out)
    total = np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(max(n - 1, E), T):
            total[:] = 0.0
            # the oldest first, so that the smallest weights are added up before the largest
            for lag in range(n - 1, -1, -1):
                row = x[t - lag, left : left + width]
                weight = weights[lag]
                for j in range(width):
                    total[j] += weight * row[j]
            result = out[t - E, left : left + width]
            for j in range(width):
                result[j] = total[j] if abs(total[j]) <= limit else np.nan
    out[: max(n - 1 - E, 0)] = np.nan

"""Rank of the newest value in its window, and quantiles of windows."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Panel
from engine.jit import jit


@jit
def rolling_rank(x: Panel, n: int, tile: int, out: Panel) -> None:
    """Write the average rank of the newest value, divided by n; ties are exact."""
    T, N = x.shape
    below = np.empty(tile)
    gap = np.full(N, -1)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(T):
            newest = x[t, left : left + width]
            for j in range(width):
                gap[left + j] = gap[left + j] if newest[j] == newest[j] else t
            if t < n - 1:
                continue
            below[:] = 0.0
            # comparing with each is n steps a value, but steps of a few bytes that go eight at a time;
            # half for each equal, itself included, and half for the rank's start at 1
            for lag in range(n):
                row = x[t - lag, left : left + width]
                for j in range(width):
                    below[j] += 1.0 if row[j] < newest[j] else (0.5 if row[j] == newest[j] else 0.0)
            result = out[t, left : left + width]
            for j in range(width):
                result[j] = (below[j] + 0.5) / n if t - gap[left + j] >= n else np.nan
    out[: n - 1] = np.nan


@jit
def rolling_quantile(x: Panel, n: int, q: float, tile: int, out: Panel) -> None:
    """Write the q-quantile of each window, linear between the two nearest values."""
    T, N = x.shape
    place = q * (n - 1)
    low = int(np.floor(place))
    high = min(low + 1, n - 1)
    share = place - low
    # the known values of each column's window in order, kept up as one leaves and one comes
    ordered = np.empty((tile, n))
    held = np.empty(tile, dtype=np.int64)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        held[:] = 0
        for t in range(T):
            for j in range(width):
                new = x[t, left + j]
                old = x[t - n, left + j] if t >= n else np.nan
                count = held[j] = _exchange(ordered[j], held[j], old, new)
                if count == n:
                    a, b = ordered[j, low], ordered[j, high]
                    out[t, left + j] = a + (b - a) * share if share < 0.5 else b - (b - a) * (1.0 - share)
                else:
                    out[t, left + j] = np.nan
    out[: n - 1] = np.nan


@jit
def _exchange(window: Panel, count: int, old: float, new: float) -> int:
    # move what stands between the place of the old value and that of the new; NaN is none
    at = count
    if old == old:
        low = 0
        while low < at:
            middle = (low + at) // 2
            if window[middle] < old:
                low = middle + 1
            else:
                at = middle
        count -= 1
    if new == new:
        while at < count and window[at + 1] < new:
            window[at] = window[at + 1]
            at += 1
        while at > 0 and window[at - 1] > new:
            window[at] = window[at - 1]
            at -= 1
        window[at] = new
        return count + 1
    for k in range(at, count):
        window[k] = window[k + 1]
    return count


@jit
def rolling_since(condition: Panel, n: int, out: Panel) -> None:
    """Write the sessions since a condition last held, within n sessions on which it is known."""
    T, N = condition.shape
    held, unknown = np.full(N, -n), np.full(N, -1)
    for t in range(T):
        row, result = condition[t], out[t]
        for j in range(N):
            if row[j] != row[j]:
                unknown[j] = t
            elif row[j] != 0.0:
                held[j] = t
            inside = t - held[j] < n and t - unknown[j] >= n
            result[j] = t - held[j] if inside else np.nan
    out[: n - 1] = np.nan


@jit
def rolling_distance(x: Panel, n: int, tile: int, limit: float, out: Panel) -> None:
    """Write the mean distance of a window's values from their mean."""
    T, N = x.shape
    mean, total = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(n - 1, T):
            newest = x[t, left : left + width]
            mean[:] = 0.0
            total[:] = 0.0
            # measured from the newest value: equal values have a distance of exactly 0
            for lag in range(n):
                row = x[t - lag, left : left + width]
                for j in range(width):
                    mean[j] += (row[j] - newest[j]) / n
            for lag in range(n):
                row = x[t - lag, left : left + width]
                for j in range(width):
                    total[j] += abs((row[j] - newest[j]) - mean[j])
            result = out[t, left : left + width]
            for j in range(width):
                value = total[j] / n
                result[j] = value if value <= limit else np.nan
    out[: n - 1] = np.nan

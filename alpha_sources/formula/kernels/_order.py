"""Rank of the newest value in its window, and quantiles of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula.context import Panel
from engine.jit import jit

Array = NDArray[Any]


@jit
def rolling_rank(x: Panel, n: int, tile: int, out: Panel) -> None:
    """Write the average rank of the newest value, divided by n; ties are exact."""
    T, N = x.shape
    E = T - len(out)
    below = np.empty(tile)
    gap = np.full(N, -1)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(max(E - n + 1, 0), T):
            newest = x[t, left : left + width]
            for j in range(width):
                gap[left + j] = gap[left + j] if newest[j] == newest[j] else t
            if t < max(n - 1, E):
                continue
            below[:] = 0.0
            # comparing with each is n steps a value, but steps of a few bytes that go eight at a time;
            # half for each equal, itself included, and half for the rank's start at 1
            for lag in range(n):
                row = x[t - lag, left : left + width]
                for j in range(width):
                    below[j] += 1.0 if row[j] < newest[j] else (0.5 if row[j] == newest[j] else 0.0)
            result = out[t - E, left : left + width]
            for j in range(width):
                result[j] = (below[j] + 0.5) / n if t - gap[left + j] >= n else np.nan
    out[: max(n - 1 - E, 0)] = np.nan


@jit
def rolling_quantile(x: Panel, n: int, q: float, tile: int, out: Panel) -> None:
    """Write the q-quantile of each window, linear between the two nearest values."""
    T, N = x.shape
    E = T - len(out)
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
        begin = max(E - n + 1, 0)
        for t in range(begin, T):
            for j in range(width):
                new = x[t, left + j]
                old = x[t - n, left + j] if t >= begin + n else np.nan
                count = held[j] = _exchange(ordered[j], held[j], old, new)
                if t < E:
                    continue
                if count == n:
                    a, b = ordered[j, low], ordered[j, high]
                    out[t - E, left + j] = a + (b - a) * share if share < 0.5 else b - (b - a) * (1.0 - share)
                else:
                    out[t - E, left + j] = np.nan
    out[: max(n - 1 - E, 0)] = np.nan


@jit
def network_quantile(x: Panel, n: int, q: float, pairs: Array, out: Panel) -> None:
    """Write what `rolling_quantile` writes, by the comparisons of a sorting network.

    The same comparisons whatever the values, so that eight columns go at a time: for short windows, or few
    rows, far faster than keeping windows in order.
    """
    T, N = x.shape
    E = T - len(out)
    place = q * (n - 1)
    low = int(np.floor(place))
    high = min(low + 1, n - 1)
    share = place - low
    tile = max(8, min(256, 4096 // n))
    lines = np.empty((n, tile))
    gaps = np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(max(n - 1, E), T):
            gaps[:] = 0.0
            for k in range(n):
                row, line = x[t - k, left : left + width], lines[k]
                for j in range(width):
                    line[j] = row[j]
                    gaps[j] += row[j] - row[j]
            for p in range(len(pairs)):
                first, second = lines[pairs[p, 0]], lines[pairs[p, 1]]
                for j in range(width):
                    a, b = first[j], second[j]
                    first[j] = a if a < b else b
                    second[j] = b if a < b else a
            result = out[t - E, left : left + width]
            lower, upper = lines[low], lines[high]
            if share < 0.5:
                for j in range(width):
                    a, b = lower[j], upper[j]
                    result[j] = (a + (b - a) * share) + gaps[j]
            else:
                for j in range(width):
                    a, b = lower[j], upper[j]
                    result[j] = (b - (b - a) * (1.0 - share)) + gaps[j]
    out[: max(n - 1 - E, 0)] = np.nan


def network(n: int, places: Sequence[int]) -> Array:
    """Return the pairs of lines to compare, in order, so that the values of some places come out there.

    Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M), without the
    comparisons that none of the places depends on.
    """
    pairs: list[tuple[int, int]] = []
    top = p = 1 << max(0, (n - 1).bit_length() - 1)
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs.extend((i, i + d) for i in range(n - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    wanted = set(places)
    kept: list[tuple[int, int]] = []
    for pair in reversed(pairs):
        if wanted.intersection(pair):
            wanted.update(pair)
            kept.append(pair)
    return np.array(kept[::-1], dtype=np.int64).reshape(-1, 2)


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
    E = T - len(out)
    held, unknown = np.full(N, -n), np.full(N, -1)
    for t in range(max(E - n + 1, 0), T):
        row = condition[t]
        for j in range(N):
            if row[j] != row[j]:
                unknown[j] = t
            elif row[j] != 0.0:
                held[j] = t
        if t < E:
            continue
        result = out[t - E]
        for j in range(N):
            inside = t - held[j] < n and t - unknown[j] >= n
            result[j] = t - held[j] if inside else np.nan
    out[: max(n - 1 - E, 0)] = np.nan


@jit
def rolling_distance(x: Panel, n: int, tile: int, limit: float, out: Panel) -> None:
    """Write the mean distance of a window's values from their mean."""
    T, N = x.shape
    E = T - len(out)
    mean, total = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        for t in range(max(n - 1, E), T):
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
            result = out[t - E, left : left + width]
            for j in range(width):
                value = total[j] / n
                result[j] = value if value <= limit else np.nan
    out[: max(n - 1 - E, 0)] = np.nan

"""Variance and higher moments of windows.

As in `_sums`, a window is a tail and the head of a block. Both carry centred moments of the
distance to one of their own values, merged by the formulas of Chan (1979) and Pébay (2008): nothing large
is ever subtracted, so a variance of 1e-6 at a level of 1e6 keeps its digits, and a window of equal values
has a variance of exactly 0.
"""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit

VARIANCE, DEVIATION, ZSCORE = 0, 1, 2
SKEW, KURTOSIS = 0, 1


@jit
def rolling_variance(
    x: Panel, restarts: Flags, n: int, want: int, tolerance: float, tile: int, limit: float, out: Panel
) -> None:
    """Write variance or deviation (ddof 1) of each window, or the newest value's z-score."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    # of every part: the value it is measured from, the mean of the distances, their squares about the mean
    tails = np.empty((n, 3, tile))
    base, mean, square = np.empty(tile), np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        place = 0
        base[:] = 0.0
        mean[:] = 0.0
        square[:] = 0.0
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
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            if place == 0:
                for j in range(width):
                    base[j] = row[j]
                    mean[j] = 0.0
                    square[j] = 0.0
            place += 1
            share = 1.0 / place
            for j in range(width):
                value = row[j] - base[j]
                step = value - mean[j]
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
                variance = (square[j] + tail[2, j] + gap * gap * spread) / (n - 1)
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
def rolling_shape(
    x: Panel, restarts: Flags, n: int, want: int, tolerance: float, tile: int, limit: float, out: Panel
) -> None:
    """Write the bias-corrected skewness or excess kurtosis of each window."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    tails = np.empty((n, 5, tile))
    base = np.empty(tile)
    head = np.empty((4, tile))
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = 0.0
        base[:] = 0.0
        head[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    last = x[t - 1, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    for j in range(width):
                        longer[0, j] = last[j]
                        _add(shorter[1:], longer[1:], j, older[j] - last[j], float(k))
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            if place == 0:
                head[:] = 0.0
                for j in range(width):
                    base[j] = row[j]
            place += 1
            a, b = float(n - place), float(place)
            for j in range(width):
                _add(head, head, j, row[j] - base[j], b)
            if t < E:
                continue
            result = out[t - E, left : left + width]
            tail = tails[n - place]
            for j in range(width):
                gap = (base[j] - tail[0, j]) + (head[0, j] - tail[1, j])
                if a == 0.0:
                    gap = 0.0
                mean = base[j] + head[0, j] - gap * (a / n)
                m2 = tail[2, j] + head[1, j] + gap**2 * (a * b / n)
                m3 = tail[3, j] + head[2, j]
                m3 += gap**3 * (a * b * (a - b) / n**2) + 3.0 * gap * (a * head[1, j] - b * tail[2, j]) / n
                if want == SKEW:
                    value = np.sqrt(n * (n - 1.0)) / (n - 2) * (m3 / n) / ((m2 / n) * np.sqrt(m2 / n))
                else:
                    m4 = tail[4, j] + head[3, j]
                    m4 += gap**4 * (a * b * (a * a - a * b + b * b) / n**3)
                    m4 += 6.0 * gap**2 * (a * a * head[1, j] + b * b * tail[2, j]) / n**2
                    m4 += 4.0 * gap * (a * head[2, j] - b * tail[3, j]) / n
                    value = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * n * m4 / m2**2 - 3.0 * (n - 1))
                varies = np.sqrt(m2 / n) > tolerance * abs(mean)
                result[j] = value if varies and abs(value) <= limit else np.nan


@jit
def _add(old: Panel, new: Panel, j: int, value: float, count: float) -> None:
    # mean and sums of powers about it of one value more; `count` includes it
    mean, m2, m3, m4 = old[0, j], old[1, j], old[2, j], old[3, j]
    step = value - mean
    part = step / count
    term = step * part * (count - 1)
    new[0, j] = mean + part
    new[3, j] = (
        m4 + term * part * part * (count * count - 3 * count + 3) + 6 * part * part * m2 - 4 * part * m3
    )
    new[2, j] = m3 + term * part * (count - 2) - 3 * part * m2
    new[1, j] = m2 + term

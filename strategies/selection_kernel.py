"""Selection by score in machine code, where no two scores are so close that rounding matters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.jit import jit


@jit
def best_and_worst(scores: Any, held: Any, most: int, n_drop: int, nearness: float) -> tuple[bool, Any, Any]:
    """Rank what is held and the best others.

    Parameters
    ----------
    scores : (N,) float array
        NaN is no opinion.
    held : (H,) int array
        Columns held.
    most, n_drop : int
        Candidates wanted, and places at the bottom.
    nearness : float
        Scores that differ by less, relative to the largest compared, are too close to be told apart here.

    Returns
    -------
    (bool, int array, int array)
        Whether the scores could be told apart: not where they are too close, infinite, or missing for a name
        held. Then, as columns, the candidates best first, and those of the held that are among the lowest
        `n_drop`.
    """
    nothing = np.empty(0, np.int64)
    held_too = np.zeros(len(scores), np.bool_)
    for column in held:
        held_too[column] = True
        if not np.isfinite(scores[column]):
            return False, nothing, nothing
    # one more than is wanted: the best name left out must be told apart too
    values = np.empty(most + 1 + len(held), np.float64)
    columns = np.empty(most + 1 + len(held), np.int64)
    n = 0
    for column in range(len(scores)):
        score = scores[column]
        if held_too[column] or score != score:
            continue
        if n <= most:
            _insert(values, columns, n, score, column)
            n += 1
        elif score > values[0]:
            _replace_lowest(values, columns, n, score, column)
    edge = -np.inf
    first = 0
    if n > most:
        edge, first = values[0], 1
    take = n - first
    for column in held:
        _insert(values[first:], columns[first:], n - first, scores[column], column)
        n += 1
    values, columns = values[first:n], columns[first:n]
    k = len(values)
    if k:
        gap = nearness * max(abs(values[0]), abs(values[k - 1]))
        if not np.isfinite(gap):
            return False, nothing, nothing
        lowest = np.inf
        for i in range(k - 1, -1, -1):
            if not held_too[columns[i]]:
                lowest = values[i]
            if i and values[i] - values[i - 1] <= gap:
                return False, nothing, nothing
        if take and lowest - edge <= gap:
            return False, nothing, nothing
    candidates = np.empty(take, np.int64)
    sold = np.empty(min(n_drop, k), np.int64)
    c = s = 0
    for i in range(k - 1, -1, -1):
        if not held_too[columns[i]]:
            candidates[c] = columns[i]
            c += 1
        elif i < n_drop:
            sold[s] = columns[i]
            s += 1
    return True, candidates, sold[:s]


@jit
def _insert(values: Any, columns: Any, n: int, value: float, column: int) -> None:
    """Add to `n` ascending values, and to the columns beside them."""
    while n and values[n - 1] > value:
        values[n], columns[n] = values[n - 1], columns[n - 1]
        n -= 1
    values[n], columns[n] = value, column


@jit
def _replace_lowest(values: Any, columns: Any, n: int, value: float, column: int) -> None:
    """Drop the first of `n` ascending values for a higher one."""
    i = 0
    while i + 1 < n and values[i + 1] < value:
        values[i], columns[i] = values[i + 1], columns[i + 1]
        i += 1
    values[i], columns[i] = value, column

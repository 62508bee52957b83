"""Selection by score in machine code, where no two scores are so close that rounding matters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.jit import jit


@jit
def best_and_worst(scores: Any, held: Any, most: int, n_drop: int, nearness: float) -> tuple[int, Any, Any]:
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
    (int, int array, int array)
        Candidates best first, and those of the held that are among the lowest `n_drop`, both as columns; the
        first number is 0, or -1 where scores are too close, infinite, or missing for a name held.
    """
    nothing = np.empty(0, np.int64)
    mine = np.zeros(len(scores), np.bool_)
    for column in held:
        mine[column] = True
        if not np.isfinite(scores[column]):
            return -1, nothing, nothing
    others = np.empty(len(scores), np.float64)
    n = 0
    for column in range(len(scores)):
        if not mine[column] and scores[column] == scores[column]:
            others[n] = scores[column]
            n += 1
    take = min(most, n)
    least = np.partition(others[:n], n - take)[n - take] if take else np.inf
    near = np.empty(len(held) + take, np.int64)
    k = 0
    for column in range(len(scores)):
        if mine[column] or scores[column] >= least:
            if k == len(near):
                return -1, nothing, nothing  # a tie at the edge
            near[k] = column
            k += 1
    values = scores[near]
    order = np.argsort(values)
    if k:
        lowest, highest = values[order[0]], values[order[k - 1]]
        gap = nearness * max(abs(lowest), abs(highest))
        # the best name left out must be told apart too
        edge = -np.inf
        for value in others[:n]:
            if value < least:
                edge = max(edge, value)
        if not np.isfinite(gap) or (take and least - edge <= gap):
            return -1, nothing, nothing
        for i in range(k - 1):
            if values[order[i + 1]] - values[order[i]] <= gap:
                return -1, nothing, nothing
    candidates = np.empty(take, np.int64)
    c = 0
    for i in range(k - 1, -1, -1):
        if not mine[near[order[i]]]:
            candidates[c] = near[order[i]]
            c += 1
    drop = min(n_drop, k)
    sold = np.empty(drop, np.int64)
    s = 0
    for i in range(drop - 1, -1, -1):
        if mine[near[order[i]]]:
            sold[s] = near[order[i]]
            s += 1
    return 0, candidates, sold[:s]

"""Rank correlation in machine code."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.jit import jit


@jit
def rank_correlations(x: Any, y: Any, order_x: Any, order_y: Any, names: Any, least: int) -> Any:
    """Spearman correlation of the rows of two arrays, ties with average ranks.

    Parameters
    ----------
    x, y : (S, N) float array
        NaN in the same places.
    order_x, order_y : (S, N) int array
        Their order along each row, NaN last.
    names : (S,) int array
        How many values of each row are no NaN.
    least : int
        Rows with fewer are NaN.

    Returns
    -------
    (S,) float array
        NaN also where one row is all the same value.

    Notes
    -----
    Ranks are halves, so the sums of their products are exact.
    """
    out = np.full(len(x), np.nan)
    ranks = np.empty(x.shape[1])
    for s in range(len(x)):
        n = names[s]
        if n < max(least, 2):
            continue
        middle = (n + 1) / 2.0
        of_x = _rank(x[s], order_x[s], n, middle, ranks)
        products = 0.0
        of_y = 0.0
        i = 0
        while i < n:
            j = _end_of_tie(y[s], order_y[s], i, n)
            rank = (i + j + 1) / 2.0 - middle
            of_y += rank * rank * (j - i)
            for k in range(i, j):
                products += rank * ranks[order_y[s, k]]
            i = j
        if of_x > 0 and of_y > 0:
            out[s] = products / np.sqrt(of_x * of_y)
    return out


@jit
def _rank(values: Any, order: Any, n: int, middle: float, ranks: Any) -> float:
    """Write the ranks of a row, less their mean; return the sum of their squares."""
    squares = 0.0
    i = 0
    while i < n:
        j = _end_of_tie(values, order, i, n)
        rank = (i + j + 1) / 2.0 - middle
        for k in range(i, j):
            ranks[order[k]] = rank
        squares += rank * rank * (j - i)
        i = j
    return squares


@jit
def _end_of_tie(values: Any, order: Any, i: int, n: int) -> int:
    """The first place after `i` with another value."""
    j = i + 1
    while j < n and values[order[j]] == values[order[i]]:
        j += 1
    return j

"""Largest and smallest value of a window, and how long ago it was."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Flags, Panel
from engine.jit import jit


@jit
def rolling_extreme(x: Panel, restarts: Flags, n: int, sign: float, age: bool, tile: int, out: Panel) -> None:
    """Write the largest of ``sign * x``, signed back, or its age in sessions; the latest wins a tie."""
    T, N = x.shape
    # rows that are only looked back on, and the block that the first result lies in
    E = T - len(out)
    begin = E
    while begin > 0 and not restarts[begin]:
        begin -= 1
    # of every tail the extreme and the row where it stands; a NaN, once met, stays
    tails = np.empty((n, 2, tile))
    head, head_at = np.empty(tile), np.empty(tile)
    for left in range(0, N, tile):
        width = min(tile, N - left)
        tails[0] = -np.inf
        head[:] = -np.inf
        head_at[:] = 0.0
        place = 0
        for t in range(begin, T):
            if restarts[t] or t == begin:
                place = 0
                longest = min(n - max(E - t, 0), t + 1)
                head[:] = -np.inf
                for k in range(1, longest):
                    older = x[t - k, left : left + width]
                    longer, shorter = tails[k], tails[k - 1]
                    for j in range(width):
                        value = sign * older[j]
                        larger = (value > shorter[0, j]) | (value != value)
                        longer[0, j] = value if larger else shorter[0, j]
                        longer[1, j] = t - k if larger else shorter[1, j]
                tails[longest:] = np.nan
            row = x[t, left : left + width]
            place += 1
            for j in range(width):
                value = sign * row[j]
                newer = (value >= head[j]) | (value != value)
                head[j] = value if newer else head[j]
                head_at[j] = t if newer else head_at[j]
            if t < E:
                continue
            result = out[t - E, left : left + width]
            tail, tail_at = tails[n - place, 0], tails[n - place, 1]
            if age:
                for j in range(width):
                    at = head_at[j] if head[j] >= tail[j] else tail_at[j]
                    result[j] = t - at if head[j] == head[j] and tail[j] == tail[j] else np.nan
            else:
                for j in range(width):
                    in_head = (head[j] >= tail[j]) | (head[j] != head[j])
                    result[j] = sign * (head[j] if in_head else tail[j])

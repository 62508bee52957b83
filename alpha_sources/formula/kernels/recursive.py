"""Recursions along time, per symbol: memory without bounds, forgotten at a known rate."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Context, Panel, Value
from engine.jit import jit


def ema(context: Context, x: Value, n: int) -> Panel:
    """Exponential average with alpha = 2 / (n + 1); see `sma`."""
    return _smooth(context, x, 2.0 / (n + 1.0))


def sma(context: Context, x: Value, n: int, m: float) -> Panel:
    """Exponential average with alpha = m / n.

    It starts at the first value there is; a missing value gives NaN and leaves the average as it was.
    """
    return _smooth(context, x, m / n)


def _smooth(context: Context, x: Value, alpha: float) -> Panel:
    out = context.new()
    smooth(context.window(x), alpha, context.limit, out)
    return out


@jit
def smooth(x: Panel, alpha: float, limit: float, out: Panel) -> None:
    """Write the exponential average of each column so far."""
    T, N = x.shape
    E = T - len(out)
    average = np.full(N, np.nan)
    for t in range(T):
        row, result = x[t], out[max(t - E, 0)]
        for j in range(N):
            before, value = average[j], row[j]
            # without memory it is the value itself, to the last digit
            blend = before == before and alpha < 1.0
            after = before + alpha * (value - before) if blend else value
            known = value == value
            average[j] = after if known else before
            # before the first row asked for it is written over
            result[j] = after if known and np.abs(after) <= limit else np.nan

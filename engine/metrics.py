"""Measures of return and of foresight, each defined once.

Conventions: daily simple returns on close equity, 252 sessions a year, geometric annual return, a risk-free
rate of zero, standard deviations with ddof 1. A measure that is undefined is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.errors import ShapeError
from engine.rank_kernel import rank_correlations

SESSIONS_A_YEAR = 252
Array = NDArray[np.float64]


def returns_of(levels: Array) -> Array:
    """(S,) simple returns of (S+1,) levels."""
    return levels[1:] / levels[:-1] - 1.0


def total_return(levels: Array) -> float:
    """Last level over first, minus one."""
    return float(levels[-1] / levels[0] - 1.0) if len(levels) > 1 else float("nan")


def annual_return(levels: Array) -> float:
    """Geometric return a year of 252 sessions."""
    if len(levels) < 2 or levels[-1] <= 0:
        return float("nan")
    return float((levels[-1] / levels[0]) ** (SESSIONS_A_YEAR / (len(levels) - 1)) - 1.0)


def annual_volatility(returns: Array) -> float:
    """Standard deviation of daily returns × √252."""
    return float(np.std(returns, ddof=1) * np.sqrt(SESSIONS_A_YEAR)) if len(returns) > 1 else float("nan")


def sharpe(returns: Array) -> float:
    """Mean over standard deviation of daily returns × √252."""
    return _ratio(returns, float(np.std(returns, ddof=1)) if len(returns) > 1 else float("nan"))


def sortino(returns: Array) -> float:
    """Mean over downside deviation (root mean square of the negative returns, over all days) × √252."""
    if len(returns) < 2:
        return float("nan")
    return _ratio(returns, float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))))


def _ratio(returns: Array, risk: float) -> float:
    # a spread at the level of float noise is no risk to divide by
    if not risk > 1e-14:
        return float("nan")
    return float(np.mean(returns) / risk * np.sqrt(SESSIONS_A_YEAR))


def drawdowns(levels: Array) -> Array:
    """Level over the highest so far, minus one: ≤ 0, same length as `levels`."""
    return levels / np.maximum.accumulate(levels) - 1.0


def max_drawdown(levels: Array) -> float:
    """Deepest drawdown, a number ≤ 0."""
    return float(drawdowns(levels).min())


def max_drawdown_sessions(levels: Array) -> int:
    """Longest stretch of sessions below an earlier high."""
    longest = current = 0
    for under in drawdowns(levels) < 0:
        current = current + 1 if under else 0
        longest = max(longest, current)
    return longest


def calmar(levels: Array) -> float:
    """Annual return over the size of the deepest drawdown."""
    depth = -max_drawdown(levels)
    return annual_return(levels) / depth if depth > 0 else float("nan")


def beta(returns: Array, benchmark: Array) -> float:
    """Covariance with the benchmark over its variance."""
    if len(returns) < 2:
        return float("nan")
    variance = float(np.var(benchmark, ddof=1))
    return float(np.cov(returns, benchmark, ddof=1)[0, 1] / variance) if variance > 0 else float("nan")


def information_ratio(returns: Array, benchmark: Array) -> float:
    """Mean over standard deviation of the daily differences × √252."""
    return sharpe(returns - benchmark)


def rank_ic(scores: Array, forward: Array, *, min_names: int = 10) -> Array:
    """Spearman correlation of scores with forward returns, one value per session.

    Parameters
    ----------
    scores : (S, N) float array
        Known at the close of each session; NaN where there is no opinion.
    forward : (S, N) float array
        Simple return that follows.
    min_names : int
        Sessions with fewer pairs are NaN.

    Returns
    -------
    (S,) float array in [-1, 1]

    Raises
    ------
    ShapeError
        If the arrays differ in shape.

    Notes
    -----
    Ties get average ranks. A session whose scores or returns are all equal is NaN.
    """
    if scores.shape != forward.shape:
        raise ShapeError(f"scores {scores.shape} and forward returns {forward.shape} differ in shape")
    both = ~(np.isnan(scores) | np.isnan(forward))
    x, y = np.where(both, scores, np.nan), np.where(both, forward, np.nan)
    out: Array = rank_correlations(
        x, y, np.argsort(x, axis=1), np.argsort(y, axis=1), both.sum(axis=1), min_names
    )
    return out


def mean_and_ir(values: Array) -> tuple[float, float]:
    """Mean of a series of ICs and its ratio to their standard deviation (not annualised)."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return float(known.mean()), float(known.mean() / spread) if spread > 1e-14 else float("nan")


def performance(levels: Array) -> dict[str, float]:
    """Return and risk of a series of levels, by the names of ``result.json``."""
    returns = returns_of(levels)
    return {
        "total_return": total_return(levels),
        "annual_return": annual_return(levels),
        "annual_volatility": annual_volatility(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "calmar": calmar(levels),
        "max_drawdown": max_drawdown(levels),
        "max_drawdown_sessions": max_drawdown_sessions(levels),
    }


def against(levels: Array, index: Array) -> dict[str, float]:
    """Measures of a series of levels beside an index, by the names of ``result.json``."""
    returns, of_index = returns_of(levels), returns_of(index)
    return {
        "benchmark_total_return": total_return(index),
        "excess_return": total_return(levels) - total_return(index),
        "information_ratio": information_ratio(returns, of_index),
        "beta": beta(returns, of_index),
    }


def win_rate(profits: Sequence[int]) -> float:
    """Share of closed round trips with a profit."""
    return sum(p > 0 for p in profits) / len(profits) if profits else float("nan")

"""Machine code: series of sessions brought down to numbers, for the whole and for groups of sessions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit

Array = NDArray[Any]

_YEAR = 252.0
#: spread at the level of float noise is none
_NOISE = 1e-14


@jit
def foresight(series: Array, rows: Array, lags: int, horizon: int, out: Array) -> None:
    """Write sessions, mean, standard deviation, mean over deviation, Newey-West t, NaN, share above zero.

    The sixth place is for p, which machine code has no function for.

    Parameters
    ----------
    series : (T,) float64 array
        One value per session, NaN where there is none.
    rows : int64 array
        Sessions that count, ascending.
    lags : int
        Of the Bartlett kernel; -1 for the automatic choice.
    horizon : int
        Sessions over which neighbours overlap; the automatic choice is no less than it, less one.
    out : (7,) float64 array, written

    Notes
    -----
    Newey and West (1987): the variance of the mean is (g0 + 2 sum (1 - l / (L + 1)) g_l) / n, with the
    autocovariances g_l of sessions l apart; sessions without a value add nothing to them (Parzen 1963). It is
    corrected by n / (n - 1), so that without lags t is the ordinary one. The automatic lag is Newey and
    West's (1994) in its simple form: the whole part of 4 (n / 100)^(2/9).
    """
    T = len(series)
    out[:] = np.nan
    n = 0
    total = 0.0
    above = 0
    for t in rows:
        if series[t] == series[t]:
            n += 1
            total += series[t]
            above += series[t] > 0
    out[0] = n
    if n == 0:
        return
    mean = total / n
    out[1] = mean
    out[6] = above / n
    if n < 2:
        return
    square = 0.0
    for t in rows:
        if series[t] == series[t]:
            square += (series[t] - mean) ** 2
    spread = math.sqrt(square / (n - 1))
    out[2] = spread
    if not spread > _NOISE:
        return
    out[3] = mean / spread
    if lags < 0:
        lags = max(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), horizon - 1)
    long_run = square
    around = np.zeros(T if lags > 0 else 0)
    for t in rows:
        if lags > 0 and series[t] == series[t]:
            around[t] = series[t] - mean
    for lag in range(1, min(lags, T - 1) + 1):
        # in four lanes, which need not wait for one another
        quarter = (T - lag) // 4
        s0 = s1 = s2 = s3 = 0.0
        for i in range(quarter):
            s0 += around[i] * around[i + lag]
            s1 += around[i + quarter] * around[i + quarter + lag]
            s2 += around[i + 2 * quarter] * around[i + 2 * quarter + lag]
            s3 += around[i + 3 * quarter] * around[i + 3 * quarter + lag]
        for i in range(4 * quarter, T - lag):
            s0 += around[i] * around[i + lag]
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * ((s0 + s1) + (s2 + s3))
    if long_run > 0:
        out[4] = mean / math.sqrt(long_run / n / (n - 1))


@jit
def average(series: Array, rows: Array) -> float:
    """Mean of the values that count; NaN if there is none."""
    n = 0
    total = 0.0
    for t in rows:
        if series[t] == series[t]:
            n += 1
            total += series[t]
    return total / n if n else np.nan


@jit
def earnings(returns: Array, rows: Array, out: Array) -> None:
    """Write annual return, Sharpe ratio and deepest drawdown of the sessions that count, chained.

    Parameters
    ----------
    returns : (T,) float64 array
        Of single sessions, NaN where there is none.
    rows : int64 array
        Sessions that count, ascending.
    out : (3,) float64 array, written
        As `engine.metrics` defines them, on a level that starts at one.
    """
    out[:] = np.nan
    n = 0
    total = 0.0
    level, highest, deepest = 1.0, 1.0, 0.0
    for t in rows:
        if returns[t] == returns[t]:
            n += 1
            total += returns[t]
            level *= 1.0 + returns[t]
            highest = max(highest, level)
            deepest = min(deepest, level / highest - 1.0)
    if n == 0:
        return
    out[2] = deepest
    if level > 0:
        out[0] = level ** (_YEAR / n) - 1.0
    if n < 2:
        return
    mean = total / n
    square = 0.0
    for t in rows:
        if returns[t] == returns[t]:
            square += (returns[t] - mean) ** 2
    spread = math.sqrt(square / (n - 1))
    if spread > _NOISE:
        out[1] = mean / spread * math.sqrt(_YEAR)


@jit
def monotonicity(means: Array) -> float:
    """Spearman correlation of the number of a quantile with its mean return; NaN if one has none."""
    q = len(means)
    middle = (q - 1) / 2.0
    products = of_x = of_y = 0.0
    for i in range(q):
        if means[i] != means[i]:
            return np.nan
        rank = 0.0
        for j in range(q):
            if means[j] < means[i]:
                rank += 1.0
            elif means[j] == means[i] and j != i:
                rank += 0.5
        products += (rank - middle) * (i - middle)
        of_x += (i - middle) ** 2
        of_y += (rank - middle) ** 2
    return products / math.sqrt(of_x * of_y) if of_x > 0 and of_y > 0 else np.nan


@jit
def summarise(
    series: Array,
    rows: Array,
    starts: Array,
    ics: int,
    means: int,
    quantiles: int,
    returns: int,
    lags: int,
    horizon: int,
    out: Array,
) -> None:
    """Write the measures of every group of sessions, in the order of `measures.COLUMNS`.

    Parameters
    ----------
    series : (S, T) float64 array
        `ics` series of foresight, `quantiles` quantile returns, `means` series to be averaged, and `returns`
        series of portfolio returns, in this order.
    rows : int64 array
        Sessions of each group, group after group.
    starts : (G + 1,) int64 array
        Where in `rows` each group begins, and the last ends.
    lags, horizon : int
        See `foresight`.
    out : (G, M) float64 array, written
    """
    seven, three = np.empty(7), np.empty(3)
    curve = np.empty(quantiles)
    for g in range(len(starts) - 1):
        mine = rows[starts[g] : starts[g + 1]]
        at = 0
        for s in range(ics):
            foresight(series[s], mine, lags, horizon, seven)
            for i in range(7):
                out[g, at + i] = seven[i]
            at += 7
        for q in range(quantiles):
            curve[q] = average(series[ics + q], mine)
            out[g, at + q] = curve[q]
        at += quantiles
        out[g, at] = monotonicity(curve)
        at += 1
        for s in range(means):
            out[g, at + s] = average(series[ics + quantiles + s], mine)
        at += means
        for s in range(returns):
            earnings(series[ics + quantiles + means + s], mine, three)
            for i in range(3):
                out[g, at + i] = three[i]
            at += 3

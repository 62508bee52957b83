"""Machine code: what the quantiles of an alpha earn and how often their names change."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit

Array = NDArray[Any]


@jit
def top_turnover(buckets: Array, names: Array, edges: Array, quantiles: int, lag: int, out: Array) -> None:
    """Write the share of the highest quantile's names that were not in it `lag` sessions before.

    NaN where the quantile is empty in either session.
    """
    T = len(names)
    out[:] = np.nan
    for t in range(lag, T):
        first, end = edges[1, t], names[t]
        if end > first and names[t - lag] > edges[1, t - lag]:
            common = _common(buckets[t - lag], buckets[t], quantiles)
            out[t] = (end - first - common) / (end - first)


@jit
def portfolio_returns(
    buckets: Array,
    orders: Array,
    names: Array,
    edges: Array,
    held: Array,
    latest: Array,
    quantile: int,
    horizon: int,
    buy_costs: Array,
    sell_costs: Array,
    out: Array,
    costs: Array,
) -> None:
    """Write what a paper portfolio of a quantile earns from the next open to the one after, and what it pays.

    The portfolio is `horizon` tranches of equal size; each session the oldest is replaced by the quantile's
    names of the session at equal weights. Weights are made equal again at every open, free of charge.

    Parameters
    ----------
    buckets, orders, names, edges
        Of the alpha; see `_ranks.rank_sessions`.
    quantile : int
        1 or the highest.
    held : (T, N) float64 array
        Return from the open of t+1 to that of t+2, whether or not the name could be bought.
    latest : (T,) float64 array
        Mean of `held` over the quantile of the session itself; read where there is one tranche.
    buy_costs, sell_costs : (T,) float64 arrays
        Cost of a trade decided in each session as a share of its amount.
    out : (T,) float64 array, written
        Gross return from the fill at t+1 to the open of t+2; NaN before the first tranche and where that
        is not realised. An empty tranche holds cash.
    costs : (T,) float64 array, written
        Costs of the fills at t+1 as a share of the portfolio.
    """
    T = len(names)
    out[:] = np.nan
    costs[:] = np.nan
    started = False
    for t in range(T - 2):
        total = 0.0
        for age in range(min(horizon, t + 1)):
            then = t - age
            first, end = _place(names, edges, then, quantile)
            if end == first:
                continue
            started = True
            if horizon == 1:
                total = latest[t]
                continue
            total += _sum(held[t], orders[then], first, end) / (end - first)
        if not started:
            continue
        first, end = _place(names, edges, t, quantile)
        size = end - first
        before = common = 0
        if t >= horizon:
            then = t - horizon
            first_then, end_then = _place(names, edges, then, quantile)
            before = end_then - first_then
            common = _common(buckets[then], buckets[t], quantile)
        bought = sold = 0.0
        if size > 0:
            bought = (size - common) / size
        if before > 0:
            sold = (before - common) / before
        if size > 0 and before > 0:
            change = common * (1.0 / size - 1.0 / before)
            bought += max(change, 0.0)
            sold += max(-change, 0.0)
        out[t] = total / horizon
        costs[t] = (bought * buy_costs[t] + sold * sell_costs[t]) / horizon


@jit
def _sum(row: Array, order: Array, first: int, end: int) -> float:
    """Sum of a stretch of an order, in four lanes, which need not wait for one another."""
    s0 = s1 = s2 = s3 = 0.0
    quarter = (end - first) // 4
    for k in range(first, first + quarter):
        s0 += row[order[k]]
        s1 += row[order[k + quarter]]
        s2 += row[order[k + 2 * quarter]]
        s3 += row[order[k + 3 * quarter]]
    for k in range(first + 4 * quarter, end):
        s0 += row[order[k]]
    return (s0 + s1) + (s2 + s3)


@jit
def _place(names: Array, edges: Array, t: int, quantile: int) -> tuple[int, int]:
    """Where the names of the lowest or highest quantile stand in a session's order."""
    return (0, edges[0, t]) if quantile == 1 else (edges[1, t], names[t])


@jit
def _common(then: Array, now: Array, quantile: int) -> int:
    """Names that are in a quantile in two sessions: in order of their columns, which machines do fast."""
    wanted = np.int8(quantile)
    common = np.int16(0)
    for j in range(len(now)):
        common = np.int16(common + np.int16((then[j] == wanted) & (now[j] == wanted)))
    return int(common)

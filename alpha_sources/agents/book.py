"""The portfolio that an alpha would hold by itself, after fees, beside that of the whole universe."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.ground import Ground
from alpha_sources.evaluation.measures import series_names
from engine.market.view import MarketView
from engine.metrics import SESSIONS_A_YEAR, annual_volatility, max_drawdown

Array = NDArray[np.float64]

#: share of the worst sessions that the expected shortfall is the mean of
_TAIL = 0.05
#: sessions of the mean daily amount, and of the capacity that is the middle of theirs
_LIQUIDITY_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class Ride:
    """Return and risk of a series of daily returns.

    Parameters
    ----------
    sessions : int
    gain : float
        Mean daily return x 252.
    volatility : float
        Annual.
    drawdown : float
        Deepest, a number of at least 0.
    tail : float
        Mean loss of the worst 5 % of the sessions x sqrt(252), a number that is positive for losses
        (Rockafellar and Uryasev 2000, annualised like a deviation).
    """

    sessions: int
    gain: float
    volatility: float
    drawdown: float
    tail: float

    @classmethod
    def of(cls, returns: Array) -> Ride:
        """Measure (S,) daily returns without NaN; all NaN with fewer than two."""
        if len(returns) < 2:
            return cls(len(returns), math.nan, math.nan, math.nan, math.nan)
        levels = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
        worst = np.sort(returns)[: max(1, math.ceil(_TAIL * len(returns)))]
        return cls(
            sessions=len(returns),
            gain=float(returns.mean() * SESSIONS_A_YEAR),
            volatility=annual_volatility(returns),
            drawdown=-max_drawdown(levels),
            tail=float(-worst.mean() * math.sqrt(SESSIONS_A_YEAR)),
        )


@dataclass(frozen=True, slots=True)
class Book:
    """What an alpha's own long-top portfolio was like.

    Parameters
    ----------
    own : Ride
        Of the highest bucket of names at equal weights, from open to open, after fees and slippage.
    universe : Ride
        Of all names that could be bought at equal weights, on the same sessions, without costs.
    cost : float
        Fees and slippage, as a share of the portfolio a year.
    turnover : float
        Share of the names that are new each session.
    capacity_cny : float
        The most money it could hold; NaN where the market has no amounts.
    """

    own: Ride
    universe: Ride
    cost: float
    turnover: float
    capacity_cny: float


def universe_returns(ground: Ground) -> Array:
    """Return what all names that could be bought at t+1 earned at equal weights until t+2, (T,).

    NaN where that is not realised, or nobody could be bought.
    """
    held = np.where(ground.fills.eligible, ground.held, np.nan)
    known = np.isfinite(held)
    count = known.sum(axis=1)
    mean: Array = np.where(known, held, 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def book_of(series: Array, market: Array, quantiles: int, capacity_cny: float) -> Book:
    """Return the book of one alpha.

    Parameters
    ----------
    series : (S, T) float64 array
        Of the judge; see `evaluation.measures.series_names`.
    market : (T,) float64 array
        See `universe_returns`.
    quantiles : int
        Of the judge.
    capacity_cny : float
    """
    names = series_names(quantiles)
    net, gross = series[names.index("long_top_net")], series[names.index("long_top")]
    both = np.isfinite(net) & np.isfinite(market)
    cost = float((gross[both] - net[both]).mean() * SESSIONS_A_YEAR) if both.any() else math.nan
    turnover = series[names.index("turnover")]
    turned = turnover[np.isfinite(turnover)]
    return Book(
        own=Ride.of(net[both]),
        universe=Ride.of(market[both]),
        cost=cost,
        turnover=float(turned.mean()) if len(turned) else math.nan,
        capacity_cny=capacity_cny,
    )


def daily_amounts(view: MarketView) -> Array | None:
    """Return the mean amount of 20 sessions at each of the last 20, (≤ 20, N) CNY; None without amounts."""
    if "amount" not in view.field_names:
        return None
    amount = np.nan_to_num(view.field("amount")[-2 * _LIQUIDITY_SESSIONS :])
    window = min(_LIQUIDITY_SESSIONS, len(amount))
    means: Array = np.lib.stride_tricks.sliding_window_view(amount, window, axis=0).mean(axis=-1)
    return means[-_LIQUIDITY_SESSIONS:]


def capacity(
    values: Array, members: NDArray[np.bool_], amounts: Array | None, *, quantiles: int, participation: float
) -> float:
    """Return the most money an alpha's portfolio could hold, in CNY.

    Parameters
    ----------
    values, members : (T, N) arrays
        Of the alpha, with the sign it is used with, and who is a member.
    amounts : (R, N) float64 array or None
        See `daily_amounts`.
    quantiles : int
    participation : float
        Share of a name's daily amount that may be traded.

    Returns
    -------
    float
        Middle of the last sessions' capacities; NaN where none is known.

    Notes
    -----
    A name enters whole in one session, so the least liquid of n names at equal weights decides:
    n x participation x min(amount).
    """
    if amounts is None:
        return math.nan
    found = []
    for row, inside, liquid in zip(values[-len(amounts) :], members[-len(amounts) :], amounts, strict=True):
        known = np.flatnonzero(inside & np.isfinite(row))
        count = len(known) // quantiles
        if not count:
            continue
        # ties go by column, as everywhere
        top = known[np.argsort(-row[known], kind="stable")[:count]]
        found.append(count * participation * float(liquid[top].min()))
    return float(np.median(found)) if found else math.nan

"""The state of a market: a few numbers a session, and its regime.

What scales with the market's own habits is divided by them, so that all features are of comparable size.
Every row depends on its own session and those before it alone, and on no more of them than its windows hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.regimes import Regime, RegimeRules, classify, members_above_mean
from engine.errors import DataError
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: Symbol of the index that is made where none is given.
_OWN = "EQUAL"
_SESSIONS_A_YEAR = 252
_USUAL_VOLATILITY = 0.20
_USUAL_DISPERSION = 0.02


class Feature(StrEnum):
    """A number that describes a market; `market_state` says how each is made."""

    RETURN_5 = "index_return_5"
    RETURN_20 = "index_return_20"
    RETURN_60 = "index_return_60"
    VOLATILITY_20 = "index_volatility_20"
    VOLATILITY_RATIO = "volatility_ratio_20_252"
    BREADTH = "breadth"
    DISPERSION_20 = "dispersion_20"
    CORRELATION_20 = "correlation_20"
    AMOUNT_RATIO = "amount_ratio_5_60"
    DRAWDOWN_120 = "drawdown_120"


#: names of the features, in order
FEATURES = tuple(feature.value for feature in Feature)


@dataclass(frozen=True, eq=False, slots=True)
class MarketState:
    """What a market is like, session by session.

    Parameters
    ----------
    names : tuple of str
        The M features, in the order of `Feature`.
    values : (t+1, M) float64 array
        NaN while a window is not full, and where the market lacks what a feature is made of.
    regimes : (t+1,) int8 array
        Values of `Regime`.
    """

    names: tuple[str, ...]
    values: Array
    regimes: NDArray[np.int8]

    @property
    def regime(self) -> Regime:
        """The regime of the last session."""
        return Regime(int(self.regimes[-1]))

    @property
    def sessions_in_regime(self) -> int:
        """Sessions in a row, the last one included, of the last session's regime."""
        other = np.flatnonzero(self.regimes != self.regimes[-1])
        return len(self.regimes) - (int(other[-1]) + 1 if len(other) else 0)

    def latest(self) -> dict[str, float | None]:
        """Return the last session's features by name; None where unknown."""
        row = self.values[-1]
        return {name: float(x) if np.isfinite(x) else None for name, x in zip(self.names, row, strict=True)}


def market_state(view: MarketView, index_symbol: str | None, rules: RegimeRules | None = None) -> MarketState:
    """Describe a market at each session of a view.

    Parameters
    ----------
    view : MarketView
        (t+1) sessions; it must carry close and adj_factor.
    index_symbol : str or None
        Such as ``000016.SH``. None stands for the members' mean daily return, chained: each session's is that
        of the names that were members at the session before.
    rules : RegimeRules, optional
        Of the regimes, the breadth, and the history that volatility is compared with.

    Returns
    -------
    MarketState

    Raises
    ------
    DataError
        If the view lacks the index or a price.

    Notes
    -----
    With c the index's close (the last known one where there is none), u the standard deviation of its daily
    returns over the rules' history (252 sessions, at least 60 of them known):

    - ``index_return_h``: (c(t) / c(t−h) − 1) / (u √h), for h of 5, 20, 60;
    - ``index_volatility_20``: ln(s √252 / 0.20), s the deviation of 20 daily returns;
    - ``volatility_ratio_20_252``: ln(s / u);
    - ``breadth``: 2 b − 1, b the share of members above their own mean of 60 sessions;
    - ``dispersion_20``: ln(d / 0.02), d the mean over 20 sessions of the members' cross-sectional deviation
      of daily returns;
    - ``correlation_20``: 2 p − 1, p the members' mean pairwise correlation without means taken out and
      weighted by their variances: with m the members' mean return, q their mean squared return and n their
      number, p = Σ (n m² − q) / Σ ((n − 1) q) over 20 sessions;
    - ``amount_ratio_5_60``: ln of the members' amount, mean of 5 sessions over mean of 60, for those
      members that have both; NaN throughout where the market has no field amount;
    - ``drawdown_120``: (c / max of 120 closes − 1) / (u √120).

    A row is free of where the data begin once history_sessions + 1 rows lie before it.
    """
    rules = rules or RegimeRules()
    values = market_features(view, index_symbol, rules)
    if index_symbol is None:
        own = _chained(_daily(view.adjusted("close")), view.universe)
        regimes = classify(_with_index(view, own), _OWN, rules)
    else:
        regimes = classify(view, index_symbol, rules)
    return MarketState(FEATURES, values, regimes)


def market_features(
    view: MarketView, index_symbol: str | None, rules: RegimeRules | None = None
) -> NDArray[np.float64]:
    """Return the features of `market_state` without its regimes, which take longer than all the rest.

    Returns
    -------
    (t+1, M) float64 array
        In the order of `FEATURES`.

    Raises
    ------
    DataError
        If the view lacks the index or a price.
    """
    rules = rules or RegimeRules()
    for name in ("close", "adj_factor"):
        if name not in view.field_names:
            raise DataError(f"the market has no field {name!r}, which its state is made of")
    returns = _daily(view.adjusted("close"))
    close = _chained(returns, view.universe) if index_symbol is None else _kept(view.index(index_symbol))
    daily = _daily(close)
    usual = _deviation(daily, rules.history_sessions, rules.history_least)
    recent = _deviation(daily, 20, 20)
    with np.errstate(divide="ignore", invalid="ignore"):
        made = {
            Feature.RETURN_5: _over(close, 5) / (usual * np.sqrt(5.0)),
            Feature.RETURN_20: _over(close, 20) / (usual * np.sqrt(20.0)),
            Feature.RETURN_60: _over(close, 60) / (usual * np.sqrt(60.0)),
            Feature.VOLATILITY_20: np.log(recent * np.sqrt(_SESSIONS_A_YEAR) / _USUAL_VOLATILITY),
            Feature.VOLATILITY_RATIO: np.log(recent / usual),
            Feature.BREADTH: 2.0 * members_above_mean(view, rules.breadth_sessions) - 1.0,
            Feature.AMOUNT_RATIO: _amount_ratio(view),
            Feature.DRAWDOWN_120: _drawdown(close, 120) / (usual * np.sqrt(120.0)),
        }
        made |= _cross_section(returns, view.universe)
    values = np.column_stack([made[feature] for feature in Feature])
    values[~np.isfinite(values)] = np.nan
    return values


def _daily(close: Array) -> Array:
    """Simple returns from the row before; NaN in the first row."""
    out = np.full_like(close, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        out[1:] = close[1:] / close[:-1] - 1.0
    return out


def _over(close: Array, sessions: int) -> Array:
    out = np.full_like(close, np.nan)
    out[sessions:] = close[sessions:] / close[:-sessions] - 1.0
    return out


def _kept(values: Array) -> Array:
    """The last known value where there is none."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    kept: Array = values[last]
    return kept


def _chained(returns: Array, universe: NDArray[np.bool_]) -> Array:
    """Level of the mean return of those who were members the session before; NaN until there are any."""
    counted = np.zeros_like(universe)
    counted[1:] = universe[:-1] & np.isfinite(returns[1:])
    number = counted.sum(axis=1)
    step = np.where(counted, returns, 0.0).sum(axis=1) / np.maximum(number, 1)
    begun = np.maximum.accumulate(universe.any(axis=1))
    return np.where(begun, 1000.0 * np.cumprod(1.0 + step), np.nan)


def _with_index(view: MarketView, close: Array) -> MarketView:
    """Return the view's prices and members with an index of our own."""
    panel = MarketPanel(
        dates=view.dates,
        symbols=view.symbols,
        fields={name: view.field(name) for name in ("close", "adj_factor")},
        universe=view.universe,
        universe_known=np.ones(len(view), dtype=bool),
        instruments=Instruments.from_symbols(view.symbols),
        listed=np.full(len(view.symbols), np.datetime64("NaT", "D")),
        calendar=view.calendar,
        indices={_OWN: {"close": close}},
    )
    return panel.view(len(view) - 1)


def _windows(values: Array, sessions: int) -> Array:
    """(t+1, sessions) each row's last values, NaN before the first."""
    padded = np.concatenate([np.full(sessions - 1, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, sessions)


def _deviation(values: Array, sessions: int, least: int) -> Array:
    """Standard deviation of each window's known values, where there are enough of them."""
    windows = _windows(values, sessions)
    known = np.isfinite(windows)
    count = known.sum(axis=1)
    enough = count >= max(least, 2)
    number = np.where(enough, count, 2)
    mean = np.where(known, windows, 0.0).sum(axis=1) / number
    squares = np.where(known, (windows - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return np.where(enough, np.sqrt(squares / (number - 1)), np.nan)


def _drawdown(close: Array, sessions: int) -> Array:
    drawdown: Array = close / _windows(close, sessions).max(axis=1) - 1.0
    return drawdown


def _sums(values: Array, sessions: int, step: int = 1) -> Array:
    """Sum of so many rows, `step` apart, ending at each row; NaN while there are fewer.

    Added up anew for each row, so that nothing lingers of rows outside the window.
    """
    out = np.full_like(values, np.nan)
    first = (sessions - 1) * step
    if first < len(values):
        out[first:] = values[: len(values) - first]
        for k in range(1, sessions):
            out[first:] += values[k * step : len(values) - first + k * step]
    return out


def _cross_section(returns: Array, universe: NDArray[np.bool_]) -> dict[Feature, Array]:
    """What the members' returns of a session say about one another."""
    counted = universe & np.isfinite(returns)
    number = counted.sum(axis=1)
    known = np.where(counted, returns, 0.0)
    enough = number >= 2
    n = np.where(enough, number, 2).astype(np.float64)
    mean = known.sum(axis=1) / n
    mean_square = (known * known).sum(axis=1) / n
    squares = (np.where(counted, returns - mean[:, None], 0.0) ** 2).sum(axis=1)
    spread = np.where(enough, np.sqrt(squares / (n - 1.0)), np.nan)
    shared = np.where(enough, n * mean * mean - mean_square, np.nan)
    whole = np.where(enough, (n - 1.0) * mean_square, np.nan)
    return {
        Feature.DISPERSION_20: np.log(_sums(spread, 20) / 20.0 / _USUAL_DISPERSION),
        Feature.CORRELATION_20: 2.0 * _sums(shared, 20) / _sums(whole, 20) - 1.0,
    }


def _amount_ratio(view: MarketView) -> Array:
    if "amount" not in view.field_names:
        return np.full(len(view), np.nan)
    week = _sums(view.field("amount"), 5)
    quarter = _sums(week, 12, step=5)
    counted = view.universe & np.isfinite(quarter)
    recent = np.where(counted, week, 0.0).sum(axis=1) / 5.0
    usual = np.where(counted, quarter, 0.0).sum(axis=1) / 60.0
    ratio: Array = np.log(recent / usual)
    return ratio

"""Market regimes: the trend of an index and of its members, and whether it shakes more than it used to.

Every code depends on its own session and those before it alone. The thresholds were chosen before any result
was seen: a quarter for the trend, a month for the volatility, a year to compare it with.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula import evaluate
from engine.errors import ConfigError, DataError
from engine.market.view import MarketView

Array = NDArray[np.float64]
Codes = NDArray[np.int8]


class Trend(StrEnum):
    """Where the market is going."""

    BULL = "bull"
    SIDEWAYS = "sideways"
    BEAR = "bear"


class Stress(StrEnum):
    """Whether the market shakes more than it used to."""

    CALM = "calm"
    STRESSED = "stressed"


class Regime(IntEnum):
    """A state of the market; the number is the code in arrays."""

    UNKNOWN = -1
    BULL_CALM = 0
    BULL_STRESSED = 1
    SIDEWAYS_CALM = 2
    SIDEWAYS_STRESSED = 3
    BEAR_CALM = 4
    BEAR_STRESSED = 5

    @classmethod
    def of(cls, trend: Trend, stress: Stress) -> Regime:
        """Return the regime of a trend and a stress."""
        return cls(2 * list(Trend).index(trend) + list(Stress).index(stress))

    @property
    def label(self) -> str:
        """Such as ``bull_calm``."""
        return self.name.lower()

    @property
    def trend(self) -> Trend | None:
        """The trend; None of the unknown."""
        return None if self < 0 else list(Trend)[self // 2]

    @property
    def stress(self) -> Stress | None:
        """The stress; None of the unknown."""
        return None if self < 0 else list(Stress)[self % 2]


@dataclass(frozen=True, slots=True)
class RegimeRules:
    """Windows and thresholds of the classifier.

    Parameters
    ----------
    trend_sessions : int
        Sessions over which the index's return is taken.
    trend_threshold : float
        Return above which the trend may be bull, and below whose negative it may be bear.
    breadth_sessions : int
        A member is strong when its adjusted close lies above its own mean of so many sessions.
    breadth_threshold : float
        Share of strong members that a bull market has at least, and a bear market at most.
    volatility_sessions : int
        Sessions of the index's volatility.
    history_sessions, history_least : int
        Sessions whose median volatility is the measure of calm, and how many of them must be known.
    stress_ratio : float
        Volatility over that median above which the market is stressed.
    """

    trend_sessions: int = 60
    trend_threshold: float = 0.05
    breadth_sessions: int = 60
    breadth_threshold: float = 0.5
    volatility_sessions: int = 20
    history_sessions: int = 252
    history_least: int = 60
    stress_ratio: float = 1.25

    def __post_init__(self) -> None:
        for name, least in (
            ("trend_sessions", 1),
            ("breadth_sessions", 2),
            ("volatility_sessions", 2),
            ("history_sessions", 1),
            ("history_least", 1),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2500:
                raise ConfigError(f"regimes.{name}: {value!r} is no whole number from {least} to 2500")
        if self.history_least > self.history_sessions:
            raise ConfigError("regimes.history_least: larger than history_sessions")
        for name, low, high in (
            ("trend_threshold", 0.0, 1.0),
            ("breadth_threshold", 0.0, 1.0),
            ("stress_ratio", 0.0, 100.0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ConfigError(f"regimes.{name}: {value!r} is no number from {low:g} to {high:g}")


def classify(view: MarketView, index_symbol: str, rules: RegimeRules | None = None) -> Codes:
    """Classify every session of a view.

    Parameters
    ----------
    view : MarketView
        (t+1) sessions; it must carry the index's close.
    index_symbol : str
        Such as ``000300.SH``.
    rules : RegimeRules, optional

    Returns
    -------
    (t+1,) int8 array
        Values of `Regime`; UNKNOWN where the windows are not full yet or the session has no members.

    Raises
    ------
    DataError
        If the view carries no such index.

    Notes
    -----
    Bull: the index rose by more than the threshold and at least the given share of the members is strong.
    Bear: it fell by more, and at most that share is. Sideways: all else. Stressed: the standard deviation of
    the index's daily returns is more than `stress_ratio` times its median of the sessions up to this one. A
    session on which the index has no close keeps the last one.
    """
    rules = rules or RegimeRules()
    close = _kept(view.index(index_symbol))
    trend = _change(close, rules.trend_sessions)
    breadth = members_above_mean(view, rules.breadth_sessions)
    volatility = _moving_deviation(_change(close, 1), rules.volatility_sessions)
    usual = _moving_median(volatility, rules.history_sessions, rules.history_least)
    codes = np.full(len(view), int(Regime.UNKNOWN), dtype=np.int8)
    known = np.isfinite(trend) & np.isfinite(breadth) & np.isfinite(usual) & np.isfinite(volatility)
    bull = known & (trend > rules.trend_threshold) & (breadth >= rules.breadth_threshold)
    bear = known & (trend < -rules.trend_threshold) & (breadth <= rules.breadth_threshold)
    stressed = volatility > rules.stress_ratio * usual
    codes[known] = Regime.SIDEWAYS_CALM
    codes[bull] = Regime.BULL_CALM
    codes[bear] = Regime.BEAR_CALM
    # the codes of a trend lie side by side, calm first
    codes[known & stressed] += 1
    return codes


def members_above_mean(view: MarketView, sessions: int) -> Array:
    """Share of the members whose adjusted close lies above its mean of so many sessions, (t+1,).

    NaN on sessions on which no member has a full window.
    """
    if "close" not in view.field_names:
        raise DataError("the market has no field 'close', which the breadth of a market is made of")
    distance = evaluate(f"close / ts_mean(close, {sessions}) - 1", view)[0]
    counted = view.universe & np.isfinite(distance)
    strong = counted & (distance > 0)
    with np.errstate(invalid="ignore"):
        share: Array = strong.sum(axis=1) / counted.sum(axis=1)
    return share


def _kept(values: Array) -> Array:
    """The last known value where there is none."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    kept: Array = values[last]
    return kept


def _change(values: Array, sessions: int) -> Array:
    out = np.full(len(values), np.nan)
    out[sessions:] = values[sessions:] / values[:-sessions] - 1.0
    return out


def _moving_deviation(values: Array, sessions: int) -> Array:
    out = np.full(len(values), np.nan)
    if len(values) >= sessions:
        windows = np.lib.stride_tricks.sliding_window_view(values, sessions)
        out[sessions - 1 :] = windows.std(axis=1, ddof=1)
    return out


def _moving_median(values: Array, sessions: int, least: int) -> Array:
    """Median of the known values of each window, where there are enough of them."""
    out = np.full(len(values), np.nan)
    padded = np.concatenate([np.full(sessions - 1, np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, sessions)
    count = np.isfinite(windows).sum(axis=1)
    whole = count == sessions
    out[whole] = np.median(windows[whole], axis=1)
    for t in np.flatnonzero(~whole & (count >= least)):
        out[t] = np.median(windows[t][np.isfinite(windows[t])])
    return out

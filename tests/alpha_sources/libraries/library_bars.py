"""The sample as pandas sees it, and the few operations that the definitions are written in.

Nothing of the formula language is used: a second implementation, slow and plain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from engine.market import MarketPanel

Frame = pd.DataFrame


@dataclass(frozen=True)
class Bars:
    """Sessions down, stocks across.

    Prices are times the backward factor, volumes over the cumulative share factor; with these two a value
    comes back to what was quoted on its session.
    """

    open: Frame
    high: Frame
    low: Frame
    close: Frame
    vwap: Frame
    volume: Frame
    amount: Frame
    factor: Frame
    share_factor: Frame
    member: Frame
    industry: list[str | None]
    index_open: pd.Series
    index_close: pd.Series

    @classmethod
    def of(cls, panel: MarketPanel, index: str = "000016.SH") -> Bars:
        def frame(name: str) -> Frame:
            return pd.DataFrame(np.array(panel.fields[name]))

        factor, shares = frame("adj_factor"), frame("share_factor")
        prices = {name: frame(name) * factor for name in ("open", "high", "low", "close", "vwap")}
        return cls(
            **prices,
            volume=frame("volume") / shares,
            amount=frame("amount"),
            factor=factor,
            share_factor=shares,
            member=pd.DataFrame(np.array(panel.universe)),
            industry=[str(name) or None for name in panel.instruments.industries],
            index_open=pd.Series(np.array(panel.indices[index]["open"])),
            index_close=pd.Series(np.array(panel.indices[index]["close"])),
        )

    @property
    def returns(self) -> Frame:
        return self.close / self.close.shift(1) - 1

    def rank(self, x: Frame) -> Frame:
        """Percentile among the members of the session; what differs by rounding alone is tied."""
        return x.map(lambda value: float(f"{value:.11e}")).where(self.member).rank(axis=1, pct=True)

    def scale(self, x: Frame) -> Frame:
        inside = x.where(self.member)
        return inside.div(inside.abs().sum(axis=1), axis=0)

    def industry_demeaned(self, x: Frame) -> Frame:
        inside = x.where(self.member)
        return inside - inside.T.groupby(self.industry).transform("mean").T


def rolled(f: Callable[..., np.ndarray], n: int, *frames: Frame) -> Frame:
    """Apply to every full window, (T - n + 1, N, n); a window with NaN has no value."""
    windows = [sliding_window_view(frame.to_numpy(dtype=float), n, axis=0) for frame in frames]
    holes = np.logical_or.reduce([np.isnan(w).any(axis=-1) for w in windows])
    with np.errstate(all="ignore"):
        values = f(*windows)
    out = np.full(frames[0].shape, np.nan)
    out[n - 1 :] = np.where(holes, np.nan, values)
    return pd.DataFrame(out).where(np.isfinite(out))


def corr(x: Frame, y: Frame, n: int) -> Frame:
    """Pearson in two passes; none where one of them does not vary."""

    def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        still = (np.ptp(a, axis=-1) == 0) | (np.ptp(b, axis=-1) == 0)
        a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
        r = (a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
        return np.where(still, np.nan, r)

    return rolled(pearson, n, x, y)


def ts_rank(x: Frame, n: int) -> Frame:
    def percentile(w: np.ndarray) -> np.ndarray:
        last = w[..., -1:]
        return ((w < last).sum(axis=-1) + ((w == last).sum(axis=-1) + 1) / 2) / n

    return rolled(percentile, n, x)


def decay_linear(x: Frame, n: int) -> Frame:
    weights = np.arange(1, n + 1) / (n * (n + 1) / 2)
    return rolled(lambda w: w @ weights, n, x)


def line(x: Frame, n: int) -> tuple[Frame, Frame, Frame]:
    """Slope, R squared and last residual of the least-squares line through n sessions."""
    t = np.arange(n) - (n - 1) / 2

    def slope(w: np.ndarray) -> np.ndarray:
        return (w @ t) / (t @ t)

    def centred(w: np.ndarray) -> np.ndarray:
        return w - w.mean(axis=-1, keepdims=True)

    def residual(w: np.ndarray) -> np.ndarray:
        return centred(w)[..., -1] - slope(w) * t[-1]

    def r_squared(w: np.ndarray) -> np.ndarray:
        return slope(w) ** 2 * (t @ t) / (centred(w) ** 2).sum(axis=-1)

    return rolled(slope, n, x), rolled(r_squared, n, x), rolled(residual, n, x)


def sma(x: Frame, n: int, m: int) -> Frame:
    """Y = (m * x + (n - m) * Y') / n, from the first value on."""
    return x.ewm(alpha=m / n, adjust=False, ignore_na=True).mean().where(x.notna())


def total(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w.sum(axis=-1), n, x)


def mean(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w.mean(axis=-1), n, x)


def std(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w.std(axis=-1, ddof=1), n, x)


def highest(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w.max(axis=-1), n, x)


def lowest(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w.min(axis=-1), n, x)


def since_highest(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w[..., ::-1].argmax(axis=-1).astype(float), n, x)


def since_lowest(x: Frame, n: int) -> Frame:
    return rolled(lambda w: w[..., ::-1].argmin(axis=-1).astype(float), n, x)


def chosen(condition: Frame, x: Frame | float, y: Frame | float, known: Frame) -> Frame:
    """x where the condition holds, y elsewhere; none where it cannot be told."""
    out = np.where(condition, x, y)
    return pd.DataFrame(np.where(known.isna(), np.nan, out))


def larger(x: Frame, y: Frame) -> Frame:
    return pd.DataFrame(np.maximum(x.to_numpy(), y.to_numpy()))

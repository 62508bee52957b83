"""Thirty alphas as their publications define them, ten of each library, in pandas."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from library_bars import (
    Bars,
    Frame,
    chosen,
    corr,
    decay_linear,
    highest,
    larger,
    line,
    lowest,
    mean,
    rolled,
    since_highest,
    since_lowest,
    sma,
    std,
    total,
    ts_rank,
)

Definition = Callable[[Bars], Frame]


# -- Kakushadze, 101 Formulaic Alphas ------------------------------------------------------------------------


def alpha002(b: Bars) -> Frame:
    change = np.log(b.volume.where(b.volume > 0)).diff(2)
    return -corr(b.rank(change), b.rank((b.close - b.open) / b.open), 6)


def alpha009(b: Bars) -> Frame:
    change = b.close.diff(1)
    run = (lowest(change, 5) > 0) | (highest(change, 5) < 0)
    return chosen(run, change, -change, highest(change, 5)) / b.factor


def alpha019(b: Bars) -> Frame:
    # the difference is taken twice in the formula, which leaves the sign
    return -np.sign(b.close.diff(7)) * (1 + b.rank(1 + total(b.returns, 250)))


def alpha026(b: Bars) -> Frame:
    return -highest(corr(ts_rank(b.volume, 5), ts_rank(b.high, 5), 5), 3)


def alpha035(b: Bars) -> Frame:
    price = ts_rank(b.close + b.high - b.low, 16)
    return ts_rank(b.volume, 32) * (1 - price) * (1 - ts_rank(b.returns, 32))


def alpha043(b: Bars) -> Frame:
    # adv is value traded
    return ts_rank(b.volume / mean(b.amount, 20), 20) * ts_rank(-b.close.diff(7), 8)


def alpha048(b: Bars) -> Frame:
    change = b.close.diff(1)
    x = corr(change, change.shift(1), 250) * change / b.close
    return b.industry_demeaned(x) / total(b.returns**2, 250)


def alpha060(b: Bars) -> Frame:
    place = (2 * b.close - b.low - b.high) / (b.high - b.low)
    # ranks across stocks compare what was traded on the session itself
    volume = b.rank((place * b.volume * b.share_factor).where(b.high > b.low))
    return -(2 * b.scale(volume) - b.scale(b.rank(since_highest(b.close, 10))))


def alpha072(b: Bars) -> Frame:
    middle = decay_linear(corr((b.high + b.low) / 2, mean(b.amount, 40), 8), 10)
    turned = decay_linear(corr(ts_rank(b.vwap, 3), ts_rank(b.volume, 18), 6), 2)
    return b.rank(middle) / b.rank(turned)


def alpha101(b: Bars) -> Frame:
    # a price and a plain number: the backward-adjusted base
    return (b.close - b.open) / (b.high - b.low + 0.001)


# -- Guotai Junan, 191 alphas --------------------------------------------------------------------------------


def gtja021(b: Bars) -> Frame:
    return line(mean(b.close, 6), 6)[0] / b.factor


def gtja023(b: Bars) -> Frame:
    deviation, before = std(b.close, 20), b.close.shift(1)
    up = sma(chosen(b.close > before, deviation, 0.0, before), 20, 1)
    down = sma(chosen(b.close <= before, deviation, 0.0, before), 20, 1)
    return up / (up + down) * 100


def gtja027(b: Bars) -> Frame:
    x = (b.close / b.close.shift(3) - 1) * 100 + (b.close / b.close.shift(6) - 1) * 100
    weights = 0.9 ** np.arange(11, -1, -1)
    return rolled(lambda w: w @ weights / weights.sum(), 12, x)


def gtja028(b: Bars) -> Frame:
    bottom = lowest(b.low, 9)
    span = highest(b.high, 9) - bottom
    raw = (b.close - bottom) / span.where(span != 0) * 100
    return 3 * sma(raw, 3, 1) - 2 * sma(sma(raw, 3, 1), 3, 1)


def gtja055(b: Bars) -> Frame:
    close, open_ = b.close.shift(1), b.open.shift(1)
    up, down, span = (b.high - close).abs(), (b.low - close).abs(), (b.high - b.low.shift(1)).abs()
    body = (close - open_).abs() / 4
    first, second = (up > down) & (up > span), (down > span) & (down > up)
    size = chosen(
        first, up + down / 2 + body, chosen(second, down + up / 2 + body, span + body, close), close
    )
    swing = 16 * (b.close - close + (b.close - b.open) / 2 + close - open_) / size.where(size != 0)
    return total(swing * larger(up, down), 20) / b.factor


def gtja069(b: Bars) -> Frame:
    before = b.open.shift(1)
    gap = b.open - before
    up = total(chosen(b.open <= before, 0.0, larger(b.high - b.open, gap), before), 20)
    down = total(chosen(b.open >= before, 0.0, larger(b.open - b.low, gap), before), 20)
    falling = chosen(up == down, 0.0, (up - down) / down.where(down != 0), up + down)
    return chosen(up > down, (up - down) / up.where(up != 0), falling, up + down)


def gtja128(b: Bars) -> Frame:
    typical = (b.high + b.low + b.close) / 3
    before = typical.shift(1)
    flow = typical * b.volume
    rise = total(chosen(typical > before, flow, 0.0, before), 14)
    fall = total(chosen(typical < before, flow, 0.0, before), 14)
    return 100 - 100 / (1 + rise / fall.where(fall != 0))


def gtja144(b: Bars) -> Frame:
    before = b.close.shift(1)
    illiquidity = b.returns.abs() / b.amount.where(b.amount > 0)
    falls = chosen(b.close < before, 1.0, 0.0, before)
    # a NaN counts even on the sessions that are not chosen
    return total(illiquidity * falls, 20) / total(falls, 20).where(lambda n: n > 0)


def gtja149(b: Bars) -> Frame:
    market = (b.index_close / b.index_close.shift(1) - 1).to_numpy()
    own, out = b.returns.to_numpy(), np.full(b.close.shape, np.nan)
    for t in range(252, len(own)):
        window = slice(t - 251, t + 1)
        falls = market[window] < 0
        x, y = market[window][falls], own[window][falls]
        x, y = x - x.mean(), y - y.mean(axis=0)
        # NaN where a name has no return on one of the falling sessions
        out[t] = x @ y / (x @ x)
    return pd.DataFrame(out)


def gtja172(b: Bars) -> Frame:
    up, down, before = b.high.diff(1), -b.low.diff(1), b.close.shift(1)
    gaps = larger((b.high - before).abs(), (b.low - before).abs())
    move = total(larger(b.high - b.low, gaps), 14)
    plus = total(chosen((up > 0) & (up > down), up, 0.0, before), 14) * 100 / move
    minus = total(chosen((down > 0) & (down > up), down, 0.0, before), 14) * 100 / move
    both = minus + plus
    return mean((minus - plus).abs() / both.where(both != 0) * 100, 6)


# -- Qlib, Alpha158 ------------------------------------------------------------------------------------------


def kup2(b: Bars) -> Frame:
    return (b.high - larger(b.open, b.close)) / (b.high - b.low + 1e-12)


def vwap0(b: Bars) -> Frame:
    return b.vwap / b.close


def beta20(b: Bars) -> Frame:
    return line(b.close, 20)[0] / b.close


def rsqr30(b: Bars) -> Frame:
    return line(b.close, 30)[1]


def resi10(b: Bars) -> Frame:
    return line(b.close, 10)[2] / b.close


def qtlu60(b: Bars) -> Frame:
    return rolled(lambda w: np.quantile(w, 0.8, axis=-1), 60, b.close) / b.close


def imxd30(b: Bars) -> Frame:
    # places counted from the oldest: the difference of how long ago they were, turned
    return (since_lowest(b.low, 30) - since_highest(b.high, 30)) / 30


def cord10(b: Bars) -> Frame:
    before = b.volume.shift(1)
    change = np.log(b.volume / before.where(before > 0) + 1)
    return corr(b.close / b.close.shift(1), change, 10)


def wvma20(b: Bars) -> Frame:
    x = b.returns.abs() * b.volume
    return std(x, 20) / (mean(x, 20) + 1e-12)


def sumd60(b: Bars) -> Frame:
    change = b.close.diff(1)
    rises, falls = change.clip(lower=0), (-change).clip(lower=0)
    return (total(rises, 60) - total(falls, 60)) / (total(change.abs(), 60) + 1e-12)


ALPHA101: Mapping[str, Definition] = {
    f.__name__: f
    for f in (
        alpha002, alpha009, alpha019, alpha026, alpha035, alpha043, alpha048, alpha060, alpha072, alpha101,
    )
}  # fmt: skip
GTJA191: Mapping[str, Definition] = {
    f.__name__: f
    for f in (gtja021, gtja023, gtja027, gtja028, gtja055, gtja069, gtja128, gtja144, gtja149, gtja172)
}
ALPHA158: Mapping[str, Definition] = {
    f.__name__.upper(): f
    for f in (kup2, vwap0, beta20, rsqr30, resi10, qtlu60, imxd30, cord10, wvma20, sumd60)
}

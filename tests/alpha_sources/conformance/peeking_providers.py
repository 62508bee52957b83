"""Providers that look ahead in scores, and the honest twin of each.

The way past the view is the same for all: an array of a view is a window on the panel's; `whole` gets that.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from alpha_sources.provider import AlphaProvider


def whole(array):
    """The array that a view's is a window on."""
    while array.base is not None:
        array = array.base
    return array


# -- negative shift


class Momentum(AlphaProvider):
    def __init__(self, lag: int = 1) -> None:
        self.lag = self.history = lag

    def scores(self, view, snapshot):
        close = pd.DataFrame(view.field("close"))
        return (close / close.shift(self.lag) - 1).iloc[-1].to_numpy()


class NegativeShift(AlphaProvider):
    def __init__(self, lag: int = 1) -> None:
        self.lag = lag

    def scores(self, view, snapshot):
        close = pd.DataFrame(whole(view.field("close")))
        return (close.shift(-self.lag) / close - 1).iloc[view.t].to_numpy()


class UpTomorrow(AlphaProvider):
    """One bit of tomorrow: whether the index rises."""

    def scores(self, view, snapshot):
        index = whole(view.index("000016.SH"))
        rises = index[min(view.t + 1, len(index) - 1)] > index[view.t]
        return view.field("turnover")[-1] * (1 if rises else -1)


class FromADateOn(AlphaProvider):
    """Honest up to `since`, as one that was trained up to then would be."""

    def __init__(self, since: str) -> None:
        self.since = np.datetime64(since)

    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        ahead = view.session >= self.since
        return close[min(view.t + ahead, len(close) - 1)]


class FromADateOnInPanel(AlphaProvider):
    def __init__(self, since: str) -> None:
        self.since = np.datetime64(since)

    def scores(self, view, snapshot):
        return view.field("close")[-1]

    def scores_panel(self, view, snapshot, start):
        close = view.field("close")
        ahead = (view.dates >= self.since)[:, None]
        return np.where(ahead, np.vstack([close[1:], close[-1:]]), close)[start:]


class NegativeShiftInPanel(Momentum):
    def scores_panel(self, view, snapshot, start):
        close = pd.DataFrame(view.field("close"))
        return (close.shift(-1) / close - 1).to_numpy()[start:]


class MomentumInPanel(Momentum):
    def scores_panel(self, view, snapshot, start):
        close = pd.DataFrame(view.field("close"))
        return (close / close.shift(1) - 1).to_numpy()[start:]


# -- normalisation


class Standardised(AlphaProvider):
    history = 60

    def scores(self, view, snapshot):
        close = view.field("close")[-61:]
        return -(close[-1] - close.mean(axis=0)) / close.std(axis=0)


class FullSampleNormalisation(AlphaProvider):
    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        return -(close[view.t] - np.nanmean(close, axis=0)) / np.nanstd(close, axis=0)


class FullSampleRank(AlphaProvider):
    """Percentile of today's turnover among all of the sample's, then ranked across names."""

    def scores(self, view, snapshot):
        close = pd.DataFrame(whole(view.field("close"))).rank(pct=True)
        return close.iloc[view.t].rank().to_numpy()


class FullSampleBins(AlphaProvider):
    """In which fifth of all turnovers of the sample today's lies."""

    def scores(self, view, snapshot):
        edges = np.nanquantile(whole(view.field("turnover")), [0.2, 0.4, 0.6, 0.8])
        return -np.digitize(view.field("turnover")[-1], edges).astype(float)


class FullSampleNormalisationInPanel(Standardised):
    def scores_panel(self, view, snapshot, start):
        close = view.field("close")
        return (-(close - np.nanmean(close, axis=0)) / np.nanstd(close, axis=0))[start:]


# -- missing numbers


class ForwardFilled(AlphaProvider):
    history = 20

    def scores(self, view, snapshot):
        value = pd.DataFrame(1 / view.field("close")[-21:])
        return value.ffill().iloc[-1].to_numpy()


class BackwardFill(AlphaProvider):
    def scores(self, view, snapshot):
        value = pd.DataFrame(1 / whole(view.field("close")))
        return value.bfill().iloc[view.t].to_numpy()


class BackwardFillInPanel(ForwardFilled):
    def scores_panel(self, view, snapshot, start):
        return pd.DataFrame(1 / view.field("close")).bfill().to_numpy()[start:]


# -- other ways


class Survivors(AlphaProvider):
    """Scores only who is still there at the end."""

    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        return np.where(np.isfinite(close[-1]), -close[view.t], np.nan)


class SampleLength(AlphaProvider):
    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        return view.field("close")[-1] * (view.t / len(close))


class PeeksIfItCan(AlphaProvider):
    """On a copy that ends at the session there is nothing to see, and nothing seems wrong."""

    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        return close[min(view.t + 1, len(close) - 1)] / close[view.t] * 0 + close[view.t]

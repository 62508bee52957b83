"""Providers that look back further than they say, or go by the places of columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot


class UndeclaredHistory(AlphaProvider):
    """Looks back 20 sessions and says nothing of it."""

    def scores(self, view, snapshot):
        close = view.field("close")
        return close[-1] / close[max(0, len(close) - 21)]


class ShortHistory(UndeclaredHistory):
    history = 10


class FromTheStart(AlphaProvider):
    """All data there are, without bound."""

    def scores(self, view, snapshot):
        return np.nancumsum(view.field("close"), axis=0)[-1]


class ByRowNumber(AlphaProvider):
    def scores(self, view, snapshot):
        return view.field("close")[-1] * (-1) ** view.t


class Faded(AlphaProvider):
    """An exponential average with a declared burn-in."""

    history = 100

    def scores(self, view, snapshot):
        return pd.DataFrame(view.field("close")).ewm(span=20, adjust=False).mean().iloc[-1].to_numpy()


class ByPlace(AlphaProvider):
    def scores(self, view, snapshot):
        return view.field("close")[-1] * np.arange(len(view.symbols))


class Poisoned(AlphaProvider):
    """A mean that one missing number makes missing."""

    def scores(self, view, snapshot):
        close = view.field("close")[-1]
        return close / close[view.universe[-1] | ~np.isfinite(close)].mean()


class RankedAmongAll(AlphaProvider):
    """Percentiles among the panel's symbols: other values, the same order."""

    def scores(self, view, snapshot):
        close = view.field("close")[-1]
        return pd.Series(close).rank().to_numpy() / len(close)


class ArraysByPlace(AlphaProvider):
    def refresh(self, view, previous):
        return Snapshot(arrays={"mean": np.nan_to_num(np.nanmean(view.field("close"), axis=0))})

    def scores(self, view, snapshot):
        return view.field("close")[-1] - snapshot.arrays["mean"]

"""Providers that look ahead in the classic ways, and the honest twin of each.

The way past the view is the same for all: an array of a view is a window on the panel's; `whole` gets that.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pandas as pd

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot

HORIZON = 5


def whole(array):
    """The array that a view's is a window on."""
    while array.base is not None:
        array = array.base
    return array


def row_of(frame, row, width):
    return frame.iloc[row].to_numpy() if row < len(frame) else np.full(width, np.nan)


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


# -- learning


def features(close):
    """(T, N, 2): past returns over 1 and 5 sessions."""
    past = [close / shifted(close, lag) - 1 for lag in (1, 5)]
    return np.stack(past, axis=-1)


def shifted(values, lag):
    return pd.DataFrame(values).shift(lag).to_numpy()


def fitted(close, last):
    """Coefficients of the next HORIZON sessions' return on features, from rows up to `last`."""
    x, y = features(close)[: last + 1], (shifted(close, -HORIZON) / close - 1)[: last + 1]
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y)
    return np.linalg.lstsq(x[known], y[known], rcond=None)[0]


class Learner(AlphaProvider):
    """Learns from labels that are realised."""

    history = 5

    def refresh(self, view, previous):
        return Snapshot(arrays={"weights": fitted(view.field("close"), view.t - HORIZON - 1)})

    def scores(self, view, snapshot):
        return features(view.field("close")[-6:])[-1] @ snapshot.arrays["weights"]


class LabelLeakage(Learner):
    """The last labels end after the refresh."""

    def refresh(self, view, previous):
        return Snapshot(arrays={"weights": fitted(whole(view.field("close")), view.t)})


class RefitOnAllData(Learner):
    def refresh(self, view, previous):
        close = whole(view.field("close"))
        return Snapshot(arrays={"weights": fitted(close, len(close))})


class RefitInScores(Learner):
    """The same without a refresh."""

    def refresh(self, view, previous):
        return None

    def scores(self, view, snapshot):
        close = whole(view.field("close"))
        return features(view.field("close")[-6:])[-1] @ fitted(close, len(close))


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


# -- memory and chance


class Counting(AlphaProvider):
    def __init__(self) -> None:
        self.calls = 0

    def scores(self, view, snapshot):
        self.calls += 1
        return view.field("close")[-1] * self.calls


class Smoothed(AlphaProvider):
    """An average carried on from call to call."""

    def __init__(self) -> None:
        self.mean = None

    def scores(self, view, snapshot):
        close = view.field("close")[-1]
        self.mean = close if self.mean is None else 0.9 * self.mean + 0.1 * close
        return close - self.mean + np.arange(len(close))


class CachedBySession(AlphaProvider):
    def __init__(self) -> None:
        self.cache = {}

    def scores(self, view, snapshot):
        if view.session not in self.cache:
            self.cache[view.session] = view.field("close")[-1].copy()
        return self.cache[view.session]


class LearnsIntoItself(Learner):
    """Keeps what it learned on the instance."""

    weights = np.zeros(2)

    def refresh(self, view, previous):
        self.weights = super().refresh(view, previous).arrays["weights"]

    def scores(self, view, snapshot):
        return super().scores(view, Snapshot(arrays={"weights": self.weights}))


class Dice(AlphaProvider):
    def scores(self, view, snapshot):
        return np.random.default_rng().normal(size=len(view.symbols))


class GlobalDice(AlphaProvider):
    def scores(self, view, snapshot):
        return np.random.rand(len(view.symbols))  # noqa: NPY002


class SeededDice(AlphaProvider):
    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def scores(self, view, snapshot):
        day = int(view.session.astype(int))
        return np.random.default_rng([self.seed, day]).normal(size=len(view.symbols))


class DiceInRefresh(AlphaProvider):
    def refresh(self, view, previous):
        return Snapshot(arrays={"x": np.random.default_rng().normal(size=3)})

    def scores(self, view, snapshot):
        return view.field("close")[-1]


# -- rows that are none


class Saying(AlphaProvider):
    """Gives the closes, in the form that `kind` names."""

    def __init__(self, kind: str = "float") -> None:
        self.kind = kind

    def scores(self, view, snapshot):
        close = view.field("close")[-1]
        forms = {
            "float": lambda: close,
            "float32": lambda: close.astype(np.float32),
            "list": lambda: list(close),
            "series": lambda: pd.Series(close, index=view.symbols),
            "int": lambda: np.nan_to_num(close).astype(int),
            "other order": lambda: pd.Series(close, index=view.symbols).sort_values(),
            "members": lambda: close[view.universe[-1]],
            "column": lambda: close[:, None],
            "text": lambda: close.astype(str),
            "bool": lambda: close > 10,
            "dict": lambda: dict(zip(view.symbols, close, strict=True)),
            "none": lambda: None,
            "masked": lambda: np.ma.masked_less(close, 20),
            "infinite": lambda: np.where(view.universe[-1], np.inf, close),
            "nan": lambda: np.full(len(close), np.nan),
            "same": lambda: np.zeros(len(close)),
            "three": lambda: np.where(np.cumsum(view.universe[-1]) <= 3, close, np.nan),
        }
        return forms[self.kind]()


class Raising(AlphaProvider):
    def scores(self, view, snapshot):
        raise KeyError("close_adj")


class RaisesOnShortViews(AlphaProvider):
    history = 20

    def scores(self, view, snapshot):
        return view.field("close")[-21]


class Leaving(AlphaProvider):
    def scores(self, view, snapshot):
        raise SystemExit(3)


class Hanging(AlphaProvider):
    def scores(self, view, snapshot):
        while True:
            time.sleep(0.01)


class HangingRefresh(AlphaProvider):
    def refresh(self, view, previous):
        time.sleep(3600)

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class HangingWhenMade(AlphaProvider):
    def __init__(self) -> None:
        time.sleep(3600)

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class Dying(AlphaProvider):
    def scores(self, view, snapshot):
        os._exit(7)


class LearnsADict(AlphaProvider):
    def refresh(self, view, previous):
        return {"weights": [1, 2]}

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class LearnsAnObject(AlphaProvider):
    def refresh(self, view, previous):
        return Snapshot(payload={"model": object()})

    def scores(self, view, snapshot):
        return view.field("close")[-1]


# -- reach


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


# -- moving


class HoldsALock(AlphaProvider):
    def __init__(self) -> None:
        import threading

        self.lock = threading.Lock()

    def scores(self, view, snapshot):
        return view.field("close")[-1]


class ForgetsOnPickling(AlphaProvider):
    def __init__(self) -> None:
        self.factor = 2.0

    def __getstate__(self):
        return {"factor": 1.0}

    def scores(self, view, snapshot):
        return view.field("close")[-1] * self.factor


class ByHash(AlphaProvider):
    """Strings hash differently in every process."""

    def scores(self, view, snapshot):
        return (
            np.array([hash(str(symbol)) % 1000 for symbol in view.symbols], float) + view.field("close")[-1]
        )


# -- data of its own


class OwnMarket(AlphaProvider):
    """Loads the sample by itself."""

    def __init__(self) -> None:
        from alphaloom import load_panel

        self.panel = load_panel("sse50")

    def scores(self, view, snapshot):
        close = self.panel.adjusted("close")
        row = self.panel.row(view.session)
        return (close[row] - np.nanmean(close, axis=0)) / np.nanstd(close, axis=0)


class OwnMarketInRefresh(Learner):
    """Scores by the view, learned on everything."""

    def refresh(self, view, previous):
        from alphaloom import load_panel

        close = load_panel("sse50").field("close")
        return Snapshot(arrays={"weights": fitted(close, len(close))})


class OwnFile(AlphaProvider):
    """Reads tomorrow's returns from a file."""

    def __init__(self, path: str) -> None:
        self.frame = pd.read_parquet(path)

    def scores(self, view, snapshot):
        return self.frame.reindex(columns=view.symbols).loc[pd.Timestamp(str(view.session))].to_numpy()

"""Providers that learn: from what was known, and from what was not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from peeking_providers import whole

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot

HORIZON = 5


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

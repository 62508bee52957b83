"""Providers that bring data of their own."""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from learning_providers import Learner, fitted

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot


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


class OwnModel(AlphaProvider):
    """What somebody trained elsewhere, read with Python's own means."""

    def __init__(self, path: str) -> None:
        self.path = path

    def weight(self):
        with open(self.path, "rb") as file:  # noqa: PTH123 -- as people do
            return pickle.load(file)

    def scores(self, view, snapshot):
        return view.field("close")[-1] * self.weight()


class OwnModelReadOnce(OwnModel):
    def weight(self):
        return kept(self.path)


@lru_cache
def kept(path):
    return pickle.loads(Path(path).read_bytes())


class OwnModelInRefresh(OwnModel):
    def refresh(self, view, previous):
        return Snapshot(payload={"weight": self.weight()})

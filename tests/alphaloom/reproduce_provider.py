"""Small providers for the tests of `alphaloom reproduce`: one learns, one lacks a library."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpha_sources.baselines.extras import require
from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError


class Slope(AlphaProvider):
    """Learns whether last week's winners win: one number."""

    history = 5

    def __init__(self, seed: int = 0, shuffle_labels: int | None = None) -> None:
        self.seed, self.shuffle = seed, shuffle_labels

    def refresh(self, view: Any, previous: Snapshot | None) -> Snapshot:
        close = view.adjusted("close")
        week = close[5:] / close[:-5] - 1.0
        labels = forward_returns(view)[5:]
        if self.shuffle is not None:
            labels = np.random.default_rng(self.shuffle).permutation(labels.T).T
        known = np.isfinite(week) & np.isfinite(labels)
        slope = float((week[known] * labels[known]).sum() / (week[known] ** 2).sum())
        # every seed a little different, as networks are
        return Snapshot(payload={"slope": slope * (1.0 + self.seed / 10.0)})

    def scores(self, view: Any, snapshot: Snapshot | None) -> Any:
        assert snapshot is not None
        close = view.adjusted("close")
        noise = np.random.default_rng(self.seed).normal(size=len(view.symbols)) * 1e-3
        return snapshot.payload["slope"] * (close[-1] / close[-6] - 1.0) + noise


class Boosted(AlphaProvider):
    """Needs a library that nobody has."""

    def __init__(self, seed: int = 0) -> None:
        require("boosted", "a_library_that_nobody_has", "boost")

    def scores(self, view: Any, snapshot: Snapshot | None) -> Any:
        raise AssertionError("never asked")


class FailsOnce(AlphaProvider):
    """Cannot score under its second seed."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def scores(self, view: Any, snapshot: Snapshot | None) -> Any:
        if self.seed == 1:
            raise ProviderError("the second is not lucky")
        return view.field("close")[-1]

    def scores_panel(self, view: Any, snapshot: Snapshot | None, start: int) -> Any:
        return view.field("close")[start:]

"""Providers that keep things between calls, or leave them to chance."""

from __future__ import annotations

import numpy as np
from learning_providers import Learner

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot


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

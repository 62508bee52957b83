"""Synthetic training sets of which the right weights are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights import TrainingSet

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A past to learn from and a future to be judged by."""

    data: TrainingSet
    alphas: Array
    state: Array
    labels: Array
    #: right weights of the future sessions, of length 1
    right: Array


def world(
    seed: int,
    *,
    sessions: int = 300,
    future: int = 200,
    names: int = 40,
    alphas: int = 8,
    ic: float = 0.15,
    flips: bool = False,
    horizon: int = 1,
    unknown: float = 0.0,
) -> World:
    """Alphas are centred ranks of noise; labels are their weighted sum, of the rank IC given, and noise.

    With `flips` the weights turn round whenever the market does, which the first of three features of the
    state tells, half covered by noise.
    """
    random = np.random.default_rng(seed)
    T = sessions + future
    panel = (random.random((T, names, alphas)).argsort(axis=1).argsort(axis=1) + 0.5) / names - 0.5
    regime = np.where(np.repeat(random.random(T // 15 + 1) < 0.5, 15)[:T], 1.0, -1.0)
    state = random.normal(size=(T, 3))
    state[:, 0] = regime + 0.5 * state[:, 0]
    one = random.normal(size=alphas)
    right = np.outer(regime if flips else np.ones(T), one / np.linalg.norm(one))
    signal = np.einsum("tna,ta->tn", panel, right) * np.sqrt(12)
    labels = 0.02 * (ic * signal + random.normal(size=(T, names)))
    panel[random.random(panel.shape) < unknown] = np.nan
    past = labels[:sessions].copy()
    past[-horizon - 1 :] = np.nan
    data = TrainingSet(
        panel[:sessions],
        past,
        state[:sessions],
        None,
        tuple(f"alpha_{i}" for i in range(alphas)),
        horizon,
        ("trend", "breadth", "volatility"),
    )
    return World(data, panel[sessions:], state[sessions:], labels[sessions:], right[sessions:])


def changed(data: TrainingSet, **fields: Any) -> TrainingSet:
    """Return the same training set with other fields."""
    names = ("alphas", "labels", "state", "prices", "names", "horizon_sessions", "state_names", "price_names")
    kept = {name: getattr(data, name) for name in names}
    return TrainingSet(**(kept | fields))


def direction(weights: Array) -> Array:
    """Weights of length 1, row by row."""
    return weights / np.linalg.norm(weights, axis=-1, keepdims=True)

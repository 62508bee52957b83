"""One session at a time: what its labels and prices become before they are learned from or scored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.config import Labels

Array = NDArray[np.float64]

#: standard deviations at which prices are clipped
_CLIP = 3.0


def known_names(alphas: NDArray[Any]) -> NDArray[np.bool_]:
    """Names for which at least one alpha is known, (..., N) of (..., N, A)."""
    known: NDArray[np.bool_] = np.isfinite(alphas).any(axis=-1)
    return known


def comparable(prices: NDArray[Any], members: NDArray[np.bool_]) -> Array:
    """Standard deviations from the mean of the session, clipped at 3; 0 where unknown.

    Parameters
    ----------
    prices : (N, P) float array
    members : (N,) bool array
        Names that mean and deviation are taken over; the others are 0.

    Returns
    -------
    (N, P) float64 array
    """
    values = np.array(prices, dtype=np.float64, order="C")
    counted = np.isfinite(values) & members[:, None]
    values[~counted] = 0.0
    level = np.abs(values).max(axis=0, initial=0.0)
    count = np.maximum(counted.sum(axis=0), 1)
    values -= values.sum(axis=0) / count
    values[~counted] = 0.0
    deviation = np.sqrt((values * values).sum(axis=0) / count)
    # what is left of equal values is rounding
    flat = deviation <= 1e-12 * level
    values /= np.where(flat, np.inf, deviation)
    return np.clip(values, -_CLIP, _CLIP)


def target(labels: Array, kind: Labels) -> Array | None:
    """Labels of a session's names less their mean, in the unit asked for.

    Parameters
    ----------
    labels : (n,) float array
        Finite.
    kind : Labels
        Demeaned only; over their standard deviation; or ranks, ties averaged, over theirs.

    Returns
    -------
    (n,) float array or None
        None where they are all the same.
    """
    values = _ranks(labels) if kind is Labels.RANK else labels
    centred: Array = values - values.mean()
    deviation = float(np.sqrt((centred * centred).mean()))
    if deviation <= 1e-12 * float(np.abs(values).max()):
        return None
    if kind is not Labels.DEMEANED:
        centred = centred / deviation
    return centred


def _ranks(values: Array) -> Array:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    averaged: Array = (last - (count - 1) / 2.0)[place]
    return averaged

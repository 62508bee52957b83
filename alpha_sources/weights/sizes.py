"""How large weights are, so that those of every fit can be brought to one size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.config import Loss, Missing, WeightsConfig
from alpha_sources.weights.errors import WeightsError
from alpha_sources.weights.forms import FORMS, FormKind
from alpha_sources.weights.sample import Sample

Array = NDArray[np.float64]


def sizes_of(
    kind: FormKind, arrays: Mapping[str, Array], sample: Sample, alphas: int, config: WeightsConfig
) -> Array:
    """Return what each member of an ensemble is to be divided by, (E,).

    After that the sizes of the mean weights add up to 1 on average over the training sessions. Members
    trained by rank IC, which does not see how large scores are, are brought to one size before they are
    averaged.

    Parameters
    ----------
    kind : FormKind
    arrays : mapping
        In units of the inputs.
    sample : Sample
    alphas : int
        A; the inputs that say whether an alpha is unknown follow and do not count.
    config : WeightsConfig

    Raises
    ------
    WeightsError
        If every weight is 0.
    """
    weights = training_weights(kind, arrays, sample)
    counted = np.ones(weights.shape[2], dtype=np.bool_)
    if config.missing is Missing.MASK:
        counted[alphas : 2 * alphas] = False
    weights = weights[:, :, counted]
    members = np.ones(weights.shape[1])
    if config.loss is Loss.RANK_IC and config.model.is_network:
        members = np.abs(weights).sum(axis=2).mean(axis=0)
        members[members == 0] = 1.0
    ensemble = (weights / members[:, None]).mean(axis=1)
    size = float(np.abs(ensemble).sum(axis=1).mean())
    if not 0 < size < np.inf:
        raise WeightsError(
            f"weights.model: {config.model} gives every alpha the weight 0; nothing speaks for any of them"
        )
    return members * size


def training_weights(kind: FormKind, arrays: Mapping[str, Array], sample: Sample) -> Array:
    """Weights of every member on the training sessions, (S, E, D); one session where they do not change."""
    states = sample.state[: sample.split.train].astype(np.float64)
    if kind in (FormKind.STATIC, FormKind.MLP):
        states = states[:1]
    form = FORMS[kind](arrays)
    return np.array([form.weights(z) for z in states])

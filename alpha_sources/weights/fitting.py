"""`fit`: from a training set to weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.config import Inputs, Missing, Model, WeightsConfig
from alpha_sources.weights.fitted import Fitted
from alpha_sources.weights.forms import FormKind, rescaled
from alpha_sources.weights.parts import VERSION
from alpha_sources.weights.sample import Sample, gather, input_width
from alpha_sources.weights.sizes import training_weights
from alpha_sources.weights.training_set import TrainingSet
from alpha_sources.weights.warm_start import Start, input_names_of, start_from

Array = NDArray[np.float64]


def fit(data: TrainingSet, config: WeightsConfig, *, seed: int = 0, previous: Fitted | None = None) -> Fitted:
    """Learn weights.

    Parameters
    ----------
    data : TrainingSet
        Up to the session of the refresh.
    config : WeightsConfig
    seed : int
        Of everything that is drawn. On the processor equal data, configuration, seed, `previous` and versions
        give equal bytes.
    previous : Fitted, optional
        Where to begin, if `warm_start` is set.

    Returns
    -------
    Fitted

    Raises
    ------
    WeightsError
        If there is too little to learn from, every weight comes out as 0, training diverges, or CUDA is asked
        for and absent.

    Notes
    -----
    *One alpha.* Where only one alpha says anything and no prices are asked for, its weight is the sign of its
    mean rank IC (1 where that is 0), whatever the model, and the report warns. `equal` takes alphas as they
    are: it looks at no label.
    """
    if config.model is Model.EQUAL:
        count = len(data.names)
        arrays = {"weights": np.full((1, count), 1.0 / count)}
        return _fitted(data, config, FormKind.STATIC, arrays, np.ones(1), {"warnings": []})
    shuffle = np.random.default_rng([seed, 1]) if config.model.is_network else None
    sample = gather(data, config, shuffle)
    # only from here on is torch needed
    from alpha_sources.weights import learning

    count = len(data.names)
    alive = sample.alive[:count]
    if alive.sum() == 1 and config.inputs is Inputs.ALPHAS:
        learned = learning.sign_of_only(sample, count, config)
    elif config.model is Model.RIDGE:
        learned = learning.ridge_regression(sample, count, config)
    elif config.model is Model.IC:
        learned = learning.ic_weighting(sample, count, config, data.horizon_sessions)
    else:
        start = _start(data, config, sample, previous)
        learned = learning.network(sample, count, config, seed, start.parameters)
        if start.reason:
            learned.warnings.append(f"did not begin with the previous weights: {start.reason}")
    dead = [name for name, lives in zip(data.names, alive, strict=True) if not lives]
    if dead:
        learned.warnings.append(f"unknown or 0 throughout, hence without weight: {', '.join(dead)}")
    arrays = rescaled(learned.kind, learned.arrays, np.ones(len(sample.scale)), learned.size)
    if learned.kind in (FormKind.GATED, FormKind.EXPERTS):
        arrays["state_mean"], arrays["state_inverse"] = sample.market.mean, sample.market.inverse
    weights = training_weights(learned.kind, arrays, sample).mean(axis=1)
    report = learned.report | {
        "sessions": data.sessions,
        "sessions_train": sample.split.train,
        "sessions_validation": sample.split.validation,
        "rows_train": int(sample.counted[: sample.split.train].sum()),
        "weights_move": learning.number(float(np.abs(weights - weights.mean(axis=0)).sum(axis=1).mean())),
        "warnings": learned.warnings,
    }
    return _fitted(data, config, learned.kind, arrays, learned.size, report)


def _start(data: TrainingSet, config: WeightsConfig, sample: Sample, previous: Fitted | None) -> Start:
    if previous is None or not config.warm_start:
        return Start(None)
    prices = data.price_names if config.inputs is Inputs.ALPHAS_AND_PRICES else ()
    names = input_names_of(data.names, prices, config.missing is Missing.MASK)
    return start_from(previous, config, FormKind(config.model), names, data.state_names, sample)


def _fitted(
    data: TrainingSet,
    config: WeightsConfig,
    kind: FormKind,
    arrays: dict[str, Array],
    size: Array,
    report: dict[str, Any],
) -> Fitted:
    prices = data.price_names if config.inputs is Inputs.ALPHAS_AND_PRICES else ()
    payload = {
        "version": VERSION,
        "model": str(config.model),
        "form": str(kind),
        "names": list(data.names),
        "state_names": list(data.state_names),
        "price_names": list(prices),
        "inputs": input_width(len(data.names), len(data.price_names), config),
        "mask": config.missing is Missing.MASK,
        "ensemble": len(size),
        "size": size.tolist(),
        "state_clip": config.state_clip,
        "horizon_sessions": data.horizon_sessions,
        "report": report,
    }
    return Fitted.from_parts(payload, arrays)

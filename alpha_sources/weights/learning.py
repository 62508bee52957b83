"""The four ways to learn weights from a sample; all that needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alpha_sources.weights.batches import Batch, Batches, ranked_batches
from alpha_sources.weights.closed_form import PENALTIES, Moments, ic_weights, moments, ridge
from alpha_sources.weights.config import Loss, WeightsConfig
from alpha_sources.weights.devices import resolve, steady
from alpha_sources.weights.forms import FormKind, rescaled
from alpha_sources.weights.measuring import input_rank_ics, mean_known, rank_ics
from alpha_sources.weights.networks import MlpNetwork, Network, Parameters, network_of
from alpha_sources.weights.ranks import correlation
from alpha_sources.weights.sample import Sample
from alpha_sources.weights.sizes import sizes_of
from alpha_sources.weights.training import train

Array = NDArray[np.float64]

#: correlation of scores below which weights that were read out are said to be none
_FAITHFUL = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Learned:
    """What a model found, in units of the inputs.

    Parameters
    ----------
    kind : FormKind
    arrays : dict of str to float64 array
        See `alpha_sources.weights.forms`.
    size : (E,) float64 array
        What the members are to be divided by; see `sizes_of`.
    report : dict
        JSON.
    warnings : list of str
    """

    kind: FormKind
    arrays: dict[str, Array]
    size: Array
    report: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def sign_of_only(sample: Sample, alphas: int, config: WeightsConfig) -> Learned:
    """Weigh the only alpha that says anything by the sign of its mean rank IC over all sessions."""
    device = resolve(config.device)
    with steady(device, config.threads):
        ics = input_rank_ics(ranked_batches(sample, 0, len(sample.split.rows), device))
    mean = mean_known(ics).cpu().numpy()
    weights = np.where(sample.alive, np.where(mean < 0, -1.0, 1.0), 0.0)
    # an input that says whether the alpha is unknown is no alpha
    weights[alphas:] = 0.0
    known = mean[sample.alive & (np.arange(len(mean)) < alphas)]
    told = number(float(known[0]))
    warning = f"only one alpha says anything: its weight is the sign of its mean rank IC ({told})"
    return Learned(
        FormKind.STATIC, {"weights": weights[None]}, np.ones(1), {"device": device.type}, [warning]
    )


def ridge_regression(sample: Sample, alphas: int, config: WeightsConfig) -> Learned:
    """Choose the penalty on the validation sessions, if none is given; then fit on all sessions."""
    device = resolve(config.device)
    split = sample.split
    candidates = PENALTIES if config.penalty is None else (config.penalty,)
    with steady(device, config.threads):
        early = _moments(sample, split.train, config, device)
        tried = [
            _validated(sample, partial(_linear, weights=ridge(early, penalty)[None]), device)
            for penalty in candidates
        ]
        # the largest of equals: where nothing tells them apart, the most careful
        best = max(range(len(candidates)), key=lambda i: (_or_least(tried[i]), candidates[i]))
        weights = ridge(_moments(sample, len(split.rows), config, device), candidates[best])
    report = {
        "device": device.type,
        "penalty": candidates[best],
        "validation_rank_ic": tried[best],
        "validation_by_penalty": [[p, ic] for p, ic in zip(candidates, tried, strict=True)],
    }
    return _static(sample, alphas, config, weights.numpy(), report)


def ic_weighting(sample: Sample, alphas: int, config: WeightsConfig, horizon_sessions: int) -> Learned:
    """Weigh by rank ICs over all sessions; validated is what the training sessions alone would say."""
    device = resolve(config.device)
    split = sample.split
    with steady(device, config.threads):
        ics = input_rank_ics(ranked_batches(sample, 0, len(split.rows), device)).cpu()
        options = (horizon_sessions, config.shrinkage, config.non_negative)
        early = ic_weights(ics[:, : split.train], *options)
        told = _validated(sample, partial(_linear, weights=early[None]), device)
        weights = ic_weights(ics, *options)
    report = {
        "device": device.type,
        "validation_rank_ic": told,
        "mean_rank_ic": [number(value) for value in mean_known(ics[:alphas]).tolist()],
    }
    return _static(sample, alphas, config, weights.numpy(), report)


def network(
    sample: Sample, alphas: int, config: WeightsConfig, seed: int, start: Mapping[str, Array] | None
) -> Learned:
    """Train an ensemble of networks."""
    device = resolve(config.device)
    generator = torch.Generator().manual_seed(seed)
    with steady(device, config.threads):
        model = network_of(config, sample.x.shape[2], sample.state.shape[1])
        begun = None if start is None else {name: torch.from_numpy(a.copy()) for name, a in start.items()}
        trained = train(model, sample, config, device, generator, begun)
        arrays = {name: value.cpu().numpy() for name, value in trained.parameters.items()}
        early = _early(sample, device)
        if isinstance(model, MlpNetwork):
            arrays["weights"] = mean_gradient(model, trained.parameters, early).numpy()
        of_inputs = rescaled(model.kind, arrays, sample.scale, np.ones(config.ensemble))
        size = sizes_of(model.kind, of_inputs, sample, alphas, config)
        mean = _mean_scores(model, trained.parameters, size)
        report: dict[str, Any] = {
            "device": device.type,
            "began": "with the previous weights" if start is not None else "anew",
            "best_epochs": list(trained.best_epochs),
            "losses": [number(value) for value in trained.losses],
            "validation_curve": [None if v is None else number(v) for v in trained.validation],
            "train_rank_ic": _mean_ic(rank_ics(early, mean)),
            "validation_rank_ic": _validated(sample, mean, device),
        }
        if isinstance(model, MlpNetwork):
            read = torch.from_numpy((arrays["weights"] / size[:, None]).mean(axis=0)).float().to(device)
            report["readout_correlation"] = _likeness(early, mean, read)
    warnings = []
    if config.validation and (report["validation_rank_ic"] or 0.0) <= 0:
        told = report["validation_rank_ic"]
        warnings.append(
            f"the validation rank IC is {'unknown' if told is None else told}: no better than none"
        )
    likeness = report.get("readout_correlation")
    if isinstance(model, MlpNetwork) and (likeness or 0.0) < _FAITHFUL:
        warnings.append(f"weights read out give scores that correlate by {likeness} with the network's")
    return Learned(model.kind, of_inputs, size, report, warnings)


def mean_gradient(model: MlpNetwork, parameters: Parameters, batches: Batches) -> Tensor:
    """Mean gradient of the score with respect to the inputs over all rows, (E, D) float64.

    The gradient of a rectified network at a row is the sum of out_h · hidden_in_h over the units that are
    open there; so its mean needs only how often each is open. Exact for what is linear.
    """
    opened = torch.zeros(parameters["out"].shape, dtype=torch.float64)
    with torch.no_grad():
        for batch in batches:
            hidden = model.hidden(parameters, batch.x[batch.counted])
            opened += (hidden > 0).sum(dim=0).double().cpu()
    weighing = parameters["out"].double().cpu() * opened / batches.names
    return torch.einsum("edh,eh->ed", parameters["hidden_in"].double().cpu(), weighing)


def number(value: float) -> float | None:
    """Six significant digits, and None for what is no number: all that a report needs."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _static(
    sample: Sample, alphas: int, config: WeightsConfig, weights: Array, report: dict[str, Any]
) -> Learned:
    arrays = rescaled(FormKind.STATIC, {"weights": weights[None]}, sample.scale, np.ones(1))
    return Learned(FormKind.STATIC, arrays, sizes_of(FormKind.STATIC, arrays, sample, alphas, config), report)


def _moments(sample: Sample, stop: int, config: WeightsConfig, device: torch.device) -> Moments:
    return moments(Batches(sample, 0, stop, Loss.MSE, config.batch, device))


def _early(sample: Sample, device: torch.device) -> Batches:
    return ranked_batches(sample, 0, sample.split.train, device)


def _validated(sample: Sample, scores: Callable[[Batch], Tensor], device: torch.device) -> float | None:
    if not sample.split.validation:
        return None
    held_back = ranked_batches(sample, sample.split.validate, len(sample.split.rows), device)
    return _mean_ic(rank_ics(held_back, scores))


def _mean_ic(ics: Tensor) -> float | None:
    return number(float(mean_known(ics).mean()))


def _or_least(ic: float | None) -> float:
    return -2.0 if ic is None else ic


def _linear(batch: Batch, weights: Tensor) -> Tensor:
    """Scores (E, B, K) of weights (E, D)."""
    return torch.einsum("bkd,ed->ebk", batch.x, weights.to(batch.x.device, batch.x.dtype))


def _mean_scores(model: Network, parameters: Parameters, size: Array) -> Callable[[Batch], Tensor]:
    def scores(batch: Batch) -> Tensor:
        each = model.scores(parameters, batch.x, batch.state)
        shares = torch.from_numpy(1.0 / size).to(each.device, each.dtype)
        return (each * shares[:, None, None]).mean(dim=0, keepdim=True)

    return scores


def _likeness(batches: Batches, scores: Callable[[Batch], Tensor], weights: Tensor) -> float | None:
    """Mean correlation, session by session, of scores with those of the weights read out."""
    found = []
    with torch.no_grad():
        for batch in batches:
            both = [scores(batch)[0], batch.x @ weights]
            names = batch.counted.sum(dim=1, keepdim=True)
            centred = [
                (s - (s * batch.counted).sum(dim=1, keepdim=True) / names) * batch.counted for s in both
            ]
            found.append(correlation(centred[0], centred[1]))
    return _mean_ic(torch.cat(found)[None])

"""Where a fit begins that follows another: at what that one found, for the alphas that both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.config import Missing, WeightsConfig
from alpha_sources.weights.fitted import Fitted
from alpha_sources.weights.forms import FORMS, FormKind, rescaled
from alpha_sources.weights.sample import Sample

Array = NDArray[np.float64]

#: the size of the hidden layer that each form has
_HIDDEN = {FormKind.MLP: "hidden", FormKind.GATED: "gate_hidden", FormKind.EXPERTS: "experts"}


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """Parameters to begin with, or the reason why there are none."""

    parameters: dict[str, Array] | None
    reason: str = ""


def start_from(
    previous: Fitted,
    config: WeightsConfig,
    kind: FormKind,
    input_names: tuple[str, ...],
    state_names: tuple[str, ...],
    sample: Sample,
) -> Start:
    """Translate what was found before into the units of a new sample.

    Alphas are known by their names: new ones begin at 0, those that are gone are dropped. The market's state
    is measured anew, and the gate is moved along with its units (but for the clipping).

    Parameters
    ----------
    previous : Fitted
    config : WeightsConfig
    kind : FormKind
        Of the network to be trained.
    input_names, state_names : tuple of str
        Of the inputs D and features M of the new sample.
    sample : Sample

    Returns
    -------
    Start
    """
    reason = _obstacle(previous, config, kind, state_names)
    if reason:
        return Start(None, reason)
    form = FORMS[kind]
    had = input_names_of(previous.names, previous.price_names, bool(previous.payload["mask"]))
    at = {name: place for place, name in enumerate(had)}
    kept = [(new, at[name]) for new, name in enumerate(input_names) if name in at]
    if not kept:
        return Start(None, "it knew none of the alphas")
    here = np.array([new for new, _ in kept])
    there = np.array([old for _, old in kept])
    # inputs without a scale are all 0: what weighs them does not matter
    scale = np.where(sample.alive, sample.scale, 1.0)
    size = np.array(previous.payload["size"], dtype=np.float64)
    arrays: dict[str, NDArray[Any]] = {}
    for name in form.shapes:
        array = previous.arrays[name]
        if name in form.by_input:
            axis = form.by_input[name]
            shape = list(array.shape)
            shape[axis] = len(input_names)
            moved = np.moveaxis(np.zeros(shape), axis, 0)
            moved[here] = np.moveaxis(array, axis, 0)[there]
            array = np.moveaxis(moved, 0, axis)
        arrays[name] = array
    found = rescaled(kind, arrays, 1.0 / scale, 1.0 / size)
    if kind is not FormKind.MLP:
        _move_gate(found, previous, sample)
    found.pop("weights", None)
    return Start(found)


def input_names_of(names: tuple[str, ...], price_names: tuple[str, ...], mask: bool) -> tuple[str, ...]:
    """Names of all inputs: alphas, whether they are unknown, prices."""
    masks = [f"unknown {name}" for name in names] if mask else []
    return (*names, *masks, *(f"price {name}" for name in price_names))


def _obstacle(previous: Fitted, config: WeightsConfig, kind: FormKind, state_names: tuple[str, ...]) -> str:
    payload = previous.payload
    if payload["form"] != kind:
        return f"it was {payload['model']} ({payload['form']}), not {config.model}"
    if payload["ensemble"] != config.ensemble:
        return f"its ensemble was of {payload['ensemble']}, not {config.ensemble}"
    if bool(payload["mask"]) != (config.missing is Missing.MASK):
        return "it saw other inputs"
    hidden = getattr(config, _HIDDEN[kind])
    bias = "hidden_bias" if kind is FormKind.MLP else "gate_bias"
    if previous.arrays[bias].shape[1] != hidden:
        return f"its {_HIDDEN[kind]} was {previous.arrays[bias].shape[1]}, not {hidden}"
    if kind is not FormKind.MLP and previous.state_names != state_names:
        return "it saw another market state"
    return ""


def _move_gate(found: dict[str, Array], previous: Fitted, sample: Sample) -> None:
    """Make the gate give for a state in new units what it gave for the same in the old ones."""
    old_inverse, new_inverse = previous.arrays["state_inverse"], sample.market.inverse
    # z_old = (mean_new - mean_old) / deviation_old + z_new · deviation_new / deviation_old
    ratio = np.where(new_inverse > 0, old_inverse / np.where(new_inverse > 0, new_inverse, 1.0), 0.0)
    offset = (sample.market.mean - previous.arrays["state_mean"]) * old_inverse
    found["gate_bias"] = found["gate_bias"] + (found["gate_in"] * offset[None, :, None]).sum(axis=1)
    found["gate_in"] = found["gate_in"] * ratio[None, :, None]

"""What was learned, as arrays, and how weights and scores follow from them. No torch.

All sums run over one session's cross-section or over one state, in an order that depends on their shape
alone: a session scored by itself gets the very bits it gets among others.

All arrays have the members of the ensemble first (E), and are in units of the inputs as they come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Arrays = Mapping[str, Array]
#: names of dimensions: E members, D inputs, M features of the state, H units or experts
Shape = tuple[str, ...]


class FormKind(StrEnum):
    """How arrays are to be read."""

    STATIC = "static"
    GATED = "gated"
    EXPERTS = "experts"
    MLP = "mlp"


class Form(ABC):
    """Arrays of a fitted model of one kind."""

    #: shape of each array
    shapes: ClassVar[Mapping[str, Shape]]
    #: those that are in units of one over an input, and the axis of the inputs; the others that the size of
    #: the scores goes by
    by_input: ClassVar[Mapping[str, int]]
    by_size: ClassVar[tuple[str, ...]]

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    @abstractmethod
    def weights(self, z: Array) -> Array:
        """Return the weights of each member at a scaled state (M,): (E, D)."""

    def scores(self, x: Array, z: Array) -> Array:
        """Score the names of a session, (N,): inputs (N, D), none of them NaN, at a scaled state (M,)."""
        return weighed(x, self.weights(z).mean(axis=0))


class Static(Form):
    """The same weights always: ridge, IC-weighted, equal."""

    shapes: ClassVar[Mapping[str, Shape]] = {"weights": ("E", "D")}
    by_input: ClassVar[Mapping[str, int]] = {"weights": 1}
    by_size: ClassVar[tuple[str, ...]] = ("weights",)

    def weights(self, z: Array) -> Array:
        """Return the weights."""
        return self.arrays["weights"]


class Gated(Form):
    """w(z) = base + tanh(z · gate_in + gate_bias) · gate_out."""

    shapes: ClassVar[Mapping[str, Shape]] = {
        "base": ("E", "D"),
        "gate_in": ("E", "M", "H"),
        "gate_bias": ("E", "H"),
        "gate_out": ("E", "H", "D"),
    }
    by_input: ClassVar[Mapping[str, int]] = {"base": 1, "gate_out": 2}
    by_size: ClassVar[tuple[str, ...]] = ("base", "gate_out")

    def weights(self, z: Array) -> Array:
        """Return the weights that the gates give out."""
        arrays = self.arrays
        opened = np.tanh((arrays["gate_in"] * z[None, :, None]).sum(axis=1) + arrays["gate_bias"])
        moved: Array = (opened[:, :, None] * arrays["gate_out"]).sum(axis=1)
        return arrays["base"] + moved


class Experts(Form):
    """w(z) = sum of p_k(z) · expert_k, with p the softmax of z · gate_in + gate_bias."""

    shapes: ClassVar[Mapping[str, Shape]] = {
        "experts": ("E", "H", "D"),
        "gate_in": ("E", "M", "H"),
        "gate_bias": ("E", "H"),
    }
    by_input: ClassVar[Mapping[str, int]] = {"experts": 2}
    by_size: ClassVar[tuple[str, ...]] = ("experts",)

    def mixture(self, z: Array) -> Array:
        """Share of each expert at a scaled state, (E, K); each member's add up to 1."""
        logits = (self.arrays["gate_in"] * z[None, :, None]).sum(axis=1) + self.arrays["gate_bias"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        normalised: Array = shares / shares.sum(axis=1, keepdims=True)
        return normalised

    def weights(self, z: Array) -> Array:
        """Return the mixed weights."""
        mixed: Array = (self.mixture(z)[:, :, None] * self.arrays["experts"]).sum(axis=1)
        return mixed


class Mlp(Form):
    """score = out · max(0, x · hidden_in + hidden_bias) + out_bias; `weights` are its mean gradient."""

    shapes: ClassVar[Mapping[str, Shape]] = {
        "hidden_in": ("E", "D", "H"),
        "hidden_bias": ("E", "H"),
        "out": ("E", "H"),
        "out_bias": ("E",),
        "weights": ("E", "D"),
    }
    by_input: ClassVar[Mapping[str, int]] = {"hidden_in": 1, "weights": 1}
    by_size: ClassVar[tuple[str, ...]] = ("out", "out_bias", "weights")

    def weights(self, z: Array) -> Array:
        """Return the weights read out of the network, whatever the state."""
        return self.arrays["weights"]

    def scores(self, x: Array, z: Array) -> Array:
        """Score the names of a session by the network itself."""
        hidden_in = self.arrays["hidden_in"]
        E, D, H = hidden_in.shape
        rows = np.ascontiguousarray(hidden_in.transpose(1, 0, 2)).reshape(D, E * H)
        columns = np.ascontiguousarray(x.T)
        # one input after the other and not by BLAS, whose sums depend on machine and number of threads
        total = np.repeat(self.arrays["hidden_bias"].reshape(1, E * H), len(x), axis=0)
        step = np.empty_like(total)
        for column, row in zip(columns, rows, strict=True):
            np.multiply(column[:, None], row, out=step)
            total += step
        np.maximum(total, 0.0, out=total)
        mean: Array = weighed(total, self.arrays["out"].reshape(-1)) / E + self.arrays["out_bias"].mean()
        return mean


FORMS: Mapping[FormKind, type[Form]] = {
    FormKind.STATIC: Static,
    FormKind.GATED: Gated,
    FormKind.EXPERTS: Experts,
    FormKind.MLP: Mlp,
}


def weighed(x: Array, weights: Array) -> Array:
    """Sum of inputs times weights, (N,) of (N, D) and (D,)."""
    total: Array = (x * weights).sum(axis=1)
    return total


def rescaled(
    kind: FormKind, arrays: Mapping[str, NDArray[Any]], scale: Array, size: Array
) -> dict[str, Array]:
    """Put arrays into other units: inputs are those before over `scale`, scores those before over `size`.

    Parameters
    ----------
    kind : FormKind
    arrays : mapping
        As `FORMS[kind].shapes` says.
    scale : (D,) float array
        Infinite for inputs that are to have no weight.
    size : (E,) float array

    Returns
    -------
    dict
        float64 arrays.
    """
    form = FORMS[kind]
    out: dict[str, Array] = {}
    for name in form.shapes:
        array = np.array(arrays[name], dtype=np.float64)
        if name in form.by_input:
            axis = form.by_input[name]
            array /= np.expand_dims(scale, [i for i in range(array.ndim) if i != axis])
        if name in form.by_size:
            array /= size.reshape(-1, *[1] * (array.ndim - 1))
        out[name] = array
    return out

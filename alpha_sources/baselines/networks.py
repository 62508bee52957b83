"""The networks of the baselines, as arrays: scoring in numpy, float64, without torch.

Sums are taken one input after the other and not by BLAS, whose sums depend on machine and number of threads:
a score depends on its own inputs alone, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]


def mlp_scores(x: NDArray[Any], arrays: Arrays) -> Array:
    """Score rows of inputs with a multi-layer perceptron.

    Parameters
    ----------
    x : (n, D) float array
        Finite.
    arrays : mapping
        ``0.weight`` (H, D), ``0.bias`` (H,), ``1.weight``, ... as torch's linear layers have them; the last
        has one output, the others are followed by max(0, ·).

    Returns
    -------
    (n,) float array
    """
    layers = sum(name.endswith(".weight") for name in arrays)
    hidden = np.asarray(x, dtype=np.float64)
    for layer in range(layers):
        if layer:
            hidden = np.maximum(hidden, 0.0)
        hidden = _linear(hidden, arrays[f"{layer}.weight"], arrays[f"{layer}.bias"])
    return np.ascontiguousarray(hidden[:, 0])


def lstm_scores(x: NDArray[Any], arrays: Arrays) -> Array:
    """Score sequences with one LSTM layer and a linear read-out of its last state.

    Parameters
    ----------
    x : (n, L, D) float array
        Finite; the oldest session first.
    arrays : mapping
        ``in`` (4H, D), ``state`` (4H, H) and ``bias`` (4H,), gates in torch's order (input, forget, cell,
        output); ``out`` (H,) and ``out_bias`` (1,).

    Returns
    -------
    (n,) float array
    """
    n, L, _ = x.shape
    state_weights = np.asarray(arrays["state"], dtype=np.float64)
    H = state_weights.shape[1]
    driven = _linear(
        np.asarray(x, dtype=np.float64).reshape(n * L, -1), arrays["in"], arrays["bias"]
    ).reshape(n, L, 4 * H)
    columns = np.ascontiguousarray(state_weights.T)
    hidden, cell = np.zeros((n, H)), np.zeros((n, H))
    for step in range(L):
        gates = np.ascontiguousarray(driven[:, step])
        _add_products(gates, hidden, columns)
        opened = _sigmoid(gates[:, : 2 * H])
        cell = opened[:, H:] * cell + opened[:, :H] * np.tanh(np.ascontiguousarray(gates[:, 2 * H : 3 * H]))
        hidden = _sigmoid(gates[:, 3 * H :]) * np.tanh(cell)
    scores: Array = _linear(hidden, np.asarray(arrays["out"])[None, :], arrays["out_bias"])[:, 0]
    return np.ascontiguousarray(scores)


def _linear(x: Array, weight: NDArray[Any], bias: NDArray[Any]) -> Array:
    """Products of (n, D) inputs and (H, D) weights, and the bias, (n, H)."""
    total = np.repeat(np.asarray(bias, dtype=np.float64)[None, :], len(x), axis=0)
    _add_products(total, x, np.ascontiguousarray(np.asarray(weight, dtype=np.float64).T))
    return total


def _add_products(total: Array, x: Array, rows: Array) -> None:
    """Add x · rows to the total, in place."""
    step = np.empty_like(total)
    for column, row in zip(np.ascontiguousarray(x.T), rows, strict=True):
        np.multiply(column[:, None], row, out=step)
        total += step


def _sigmoid(x: Array) -> Array:
    opened: Array = 1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0)))
    return opened

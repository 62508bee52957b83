"""Whether a stored payload and stored arrays are weights of ours; they may have been tampered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.weights.errors import WeightsError
from alpha_sources.weights.forms import FORMS, FormKind
from engine.hashing import canonical_json

Array = NDArray[np.float64]

VERSION = 1
_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "version": int,
    "model": str,
    "form": str,
    "names": list,
    "state_names": list,
    "price_names": list,
    "inputs": int,
    "mask": bool,
    "ensemble": int,
    "size": list,
    "state_clip": (int, float),
    "horizon_sessions": int,
    "report": dict,
}
_STATE = {"state_mean": ("M",), "state_inverse": ("M",)}


def checked_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored payload as plain JSON values.

    Raises
    ------
    WeightsError
        If keys are missing or unknown, or values are of another kind or contradict one another.
    """
    try:
        plain: dict[str, Any] = json.loads(canonical_json(_thawed(payload)))
    except (TypeError, ValueError) as problem:
        raise WeightsError(f"stored weights: the payload is no JSON: {problem}") from None
    if sorted(plain) != sorted(_KEYS):
        odd = ", ".join(sorted(set(plain) ^ set(_KEYS)))
        raise WeightsError(f"stored weights: keys of the payload are missing or unknown: {odd}")
    for key, kind in _KEYS.items():
        if not isinstance(plain[key], kind) or (isinstance(plain[key], bool) and kind is not bool):
            raise WeightsError(f"stored weights: {key} is {plain[key]!r:.60}")
    if plain["version"] != VERSION:
        raise WeightsError(f"stored weights: version {plain['version']}, this program reads {VERSION}")
    if plain["form"] not in list(FormKind):
        raise WeightsError(f"stored weights: form {plain['form']!r:.60} is none of {', '.join(FormKind)}")
    for key in ("names", "state_names", "price_names"):
        texts = plain[key]
        if not all(isinstance(text, str) for text in texts) or len(set(texts)) != len(texts):
            raise WeightsError(f"stored weights: {key} are not different texts")
    inputs = len(plain["names"]) * (1 + plain["mask"]) + len(plain["price_names"])
    if plain["inputs"] != inputs or not plain["names"]:
        raise WeightsError(f"stored weights: {plain['inputs']} inputs where the names say {inputs}")
    sizes = plain["size"]
    if len(sizes) != plain["ensemble"] or not all(isinstance(n, int | float) and n > 0 for n in sizes):
        raise WeightsError("stored weights: size is not one positive number for each member")
    if not plain["state_clip"] > 0:
        raise WeightsError(f"stored weights: state_clip is {plain['state_clip']}")
    return plain


def checked_arrays(payload: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """Return copies of stored arrays.

    Parameters
    ----------
    payload : mapping
        From `checked_payload`.
    arrays : mapping of str to ndarray

    Raises
    ------
    WeightsError
        If one is missing, unknown, of a shape that does not go with the rest, or not finite.
    """
    kind = FormKind(payload["form"])
    shapes = dict(FORMS[kind].shapes)
    if kind in (FormKind.GATED, FormKind.EXPERTS):
        shapes |= _STATE
    if sorted(arrays) != sorted(shapes):
        odd = ", ".join(sorted(set(arrays) ^ set(shapes)))
        raise WeightsError(f"stored weights: arrays are missing or unknown: {odd}")
    sizes = {"E": payload["ensemble"], "D": payload["inputs"], "M": len(payload["state_names"])}
    out: dict[str, Array] = {}
    for name, shape in shapes.items():
        array = np.asarray(arrays[name])
        if array.dtype != np.float64:
            raise WeightsError(f"stored weights: {name} is of {array.dtype}, not float64")
        if array.ndim == len(shape):
            # the first array that has a hidden layer says how wide it is
            sizes |= {d: n for d, n in zip(shape, array.shape, strict=True) if d not in sizes}
        if array.shape != tuple(sizes.get(d) for d in shape):
            wanted = tuple(sizes.get(d, d) for d in shape)
            raise WeightsError(f"stored weights: {name} has shape {array.shape}, not {wanted}")
        if not np.isfinite(array).all():
            raise WeightsError(f"stored weights: {name} holds what is no finite number")
        out[name] = np.array(array, order="C")
        out[name].flags.writeable = False
    return out


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value

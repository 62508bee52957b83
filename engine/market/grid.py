"""Small array tools on the (sessions, symbols) grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


def to_tick(prices: Any, tick: float | None) -> Any:
    """Round prices half up to the tick; None leaves them as they are.

    A price computed in floats may fall a hair below the half it stands for (10.005 * 100 = 1000.4999...), so
    a millionth of a tick is added first. Results are ``n / 100``, the very float that ``10.01`` denotes,
    not ``n * 0.01``, which is another one.
    """
    if tick is None:
        return prices
    per_cny = round(1.0 / tick)
    if abs(per_cny * tick - 1.0) < 1e-9:
        return np.floor(prices * per_cny + (0.5 + 1e-6)) / per_cny
    return np.floor(prices / tick + (0.5 + 1e-6)) * tick


def scatter(shape: tuple[int, int], flat: Ints, values: NDArray[Any], fill: Any = np.nan) -> NDArray[Any]:
    """Return a (T, N) array with `values` at the flat positions and `fill` elsewhere."""
    out = np.full(shape[0] * shape[1], fill, dtype=values.dtype)
    out[flat] = values
    return out.reshape(shape)


def last_true(mask: Bools) -> Ints:
    """(T, N) row of the last True at or above each cell; 0 where there is none."""
    rows = np.where(mask, np.arange(len(mask), dtype=np.intp)[:, None], 0)
    return np.maximum.accumulate(rows, axis=0, out=rows)


def forward_fill(values: NDArray[Any], known: Bools) -> NDArray[Any]:
    """Carry the last known value of each column down; what precedes the first stays as it is."""
    return np.take_along_axis(values, last_true(known), axis=0)


def shifted(mask: Bools) -> Bools:
    """(T, N) the mask of one session earlier; False in the first row."""
    out = np.zeros_like(mask)
    out[1:] = mask[:-1]
    return out

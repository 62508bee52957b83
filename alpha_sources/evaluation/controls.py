"""Random controls: an alpha's own values in the wrong places.

Dealt out anew among the names, the values keep their distribution, their coverage and the universe, and
lose what they knew of each name. What the real alpha beats is then chance in this very market, not in a
textbook's.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alpha_sources.evaluation.significance_errors import SignificanceError
from engine.errors import ShapeError

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Control(StrEnum):
    """How values are dealt out."""

    #: anew on every session: nothing lasts, so turnover is near its maximum
    EACH_SESSION = "each_session"
    #: each name keeps the values of another for the whole span: what lasts in the alpha lasts in the control
    EXCHANGED_NAMES = "exchanged_names"


def random_controls(
    values: Array,
    universe: Bools | None = None,
    *,
    kind: Control = Control.EXCHANGED_NAMES,
    count: int = 100,
    seed: int = 0,
) -> Iterator[Array]:
    """Yield controls of an alpha, one at a time.

    Parameters
    ----------
    values : (T, N) float array
        NaN where there is no opinion.
    universe : (T, N) bool array, optional
        Values outside it are not dealt out, and NaN in the controls.
    kind : Control
        Against an alpha that changes slowly, `EACH_SESSION` is too easy an opponent: its ICs on neighbouring
        sessions are independent, the alpha's are not.
    count : int
        How many, at least 1.
    seed : int
        The k-th control of a seed is the same whatever the count.

    Yields
    ------
    (T, N) float array
        On each session the same values on the same names, in another order; with `EXCHANGED_NAMES` no name
        keeps its own, where there are two or more.

    Raises
    ------
    SignificanceError
        If the count is below 1.
    ShapeError
        If the two arrays differ in shape.

    Notes
    -----
    With `EXCHANGED_NAMES` the names stand in a random circle, and each gets the value of the next one that
    has any on that session. As names come and go, only their neighbours change partners.
    """
    if count < 1:
        raise SignificanceError(f"an alpha is compared with at least 1 control, not {count}")
    panel = np.asarray(values, dtype=np.float64)
    if universe is not None and universe.shape != panel.shape:
        raise ShapeError(f"values {panel.shape} and universe {universe.shape} differ in shape")
    known = np.isfinite(panel) if universe is None else np.isfinite(panel) & universe
    for number in range(count):
        random = np.random.default_rng([seed, number])
        if Control(kind) is Control.EACH_SESSION:
            yield _dealt(panel, known, random)
        else:
            yield _exchanged(panel, known, random)


def control_percentile(statistic: float, controls: ArrayLike) -> float:
    """Return the share of controls whose statistic is smaller in size.

    Parameters
    ----------
    statistic : float
        Of the alpha: the t value of its mean IC, not the mean itself. An alpha that leans on industries or
        size has ICs that swing with them, its controls do not, so that by the mean it beats them all and
        knows nothing.
    controls : (K,) array
        The same of its controls; NaN ones are left out.

    Returns
    -------
    float
        In [0, 1); NaN if the statistic is, or no control is known.

    Notes
    -----
    One minus (1 + number of controls at least as large) / (1 + K): the p-value of a permutation test, in
    which the alpha is one of the orders (Phipson & Smyth 2010).
    """
    known = np.abs(np.asarray(controls, dtype=np.float64))
    known = known[~np.isnan(known)]
    if np.isnan(statistic) or not len(known):
        return float("nan")
    as_large = int((known >= abs(statistic)).sum())
    return 1.0 - (1 + as_large) / (1 + len(known))


def _dealt(panel: Array, known: Bools, random: np.random.Generator) -> Array:
    keys = random.random(panel.shape)
    # those without a value come last in both orders, and stay where they are
    places = np.argsort(~known, axis=1, kind="stable")
    donors = np.argsort(np.where(known, keys, 2.0), axis=1)
    out = np.empty_like(panel)
    np.put_along_axis(out, places, np.take_along_axis(panel, donors, axis=1), axis=1)
    out[~known] = np.nan
    return out


def _exchanged(panel: Array, known: Bools, random: np.random.Generator) -> Array:
    circle = random.permutation(panel.shape[1])
    here, names = known[:, circle], len(circle)
    places = np.where(here, np.arange(names), 2 * names)
    following = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    first = following[:, :1] % (2 * names)
    donors = np.concatenate([following[:, 1:], np.full_like(first, 2 * names)], axis=1)
    # past the last one the circle closes
    donors = np.where(donors < names, donors, np.minimum(first, names - 1))
    out = np.empty_like(panel)
    out[:, circle] = np.take_along_axis(panel[:, circle], donors, axis=1)
    out[~known] = np.nan
    return out

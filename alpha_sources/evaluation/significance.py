"""How large the best of many useless alphas looks, and what follows for each of them.

Who tries N formulas and shows the best one shows a maximum. These functions say what a maximum of pure noise
would be, which t value would be needed to stand out from it, and which alphas of a batch survive a false
discovery rate. They are exact where the literature's closed forms are approximations.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, special

from alpha_sources.evaluation.significance_errors import SignificanceError

Array = NDArray[np.float64]


def expected_maximum(
    trials: float, *, two_sided: bool = False, degrees_of_freedom: float | None = None
) -> float:
    """Return the expected maximum of N independent standard normal or Student t values.

    Parameters
    ----------
    trials : float
        N ≥ 1; an effective number need not be whole.
    two_sided : bool
        Of their sizes: for alphas whose sign is chosen after the fact.
    degrees_of_freedom : float, optional
        Above 1, of a Student t; the normal otherwise.

    Returns
    -------
    float
        In standard errors. Times the standard deviation of N Sharpe ratios it is the best Sharpe ratio to be
        expected without any skill.

    Raises
    ------
    SignificanceError
        If there are fewer than one trial, or the mean does not exist.

    Notes
    -----
    The mean of a variable with distribution Gᴺ, integrated numerically about its median. Bailey and López de
    Prado (2014), "The Deflated Sharpe Ratio", give an approximation to it that is 8 % too low for N = 2 and
    1 % too high for N = 100.
    """
    _check_trials(trials)
    if degrees_of_freedom is not None and not degrees_of_freedom > 1:
        raise SignificanceError(f"with {degrees_of_freedom:g} degrees of freedom a maximum has no mean")

    def quantile(p: float) -> float:
        return float(_upper(-math.expm1(math.log(p) / trials), two_sided, degrees_of_freedom))

    def below(x: float) -> float:
        return math.exp(trials * _log_below(x, two_sided, degrees_of_freedom))

    def above(x: float) -> float:
        return -math.expm1(trials * _log_below(x, two_sided, degrees_of_freedom))

    middle, scale = quantile(0.5), quantile(0.75) - quantile(0.25)
    over, _ = integrate.quad(lambda u: above(middle + scale * u), 0.0, math.inf, limit=200)
    floor = -middle / scale if two_sided else -math.inf
    under, _ = integrate.quad(lambda u: below(middle + scale * u), floor, 0.0, limit=200)
    return middle + scale * (over - under)


def needed_t(
    trials: float,
    *,
    level: float = 0.05,
    two_sided: bool = True,
    degrees_of_freedom: float | None = None,
) -> float:
    """Return the t value that the best of N useless alphas exceeds with probability `level`.

    Parameters
    ----------
    trials : float
        N ≥ 1 independent ones; fewer if they are correlated, see `effective_trials`.
    level : float
        In (0, 1).
    two_sided : bool
        Sizes are compared, whatever the sign.
    degrees_of_freedom : float, optional
        Of a Student t; the normal otherwise.

    Raises
    ------
    SignificanceError
        If there are fewer than one trial, or the level is none.

    Notes
    -----
    Šidák (1967): each test at 1 − (1 − level)^(1/N).
    """
    _check_trials(trials)
    _check_level(level)
    return float(_upper(-math.expm1(math.log1p(-level) / trials), two_sided, degrees_of_freedom))


def p_value(t: ArrayLike, *, two_sided: bool = True, degrees_of_freedom: float | None = None) -> Array:
    """Return the probability of a t value at least as large without skill; NaN for NaN."""
    x = np.asarray(t, dtype=np.float64)
    x = np.abs(x) if two_sided else x
    tail = special.ndtr(-x) if degrees_of_freedom is None else special.stdtr(degrees_of_freedom, -x)
    return np.asarray(2.0 * tail if two_sided else tail, dtype=np.float64)


def p_after_trials(p: ArrayLike, trials: float) -> Array:
    """Return the probability that the best of N useless alphas has a p-value of at most `p`.

    Notes
    -----
    1 − (1 − p)^N, without loss of digits where p is small.
    """
    _check_trials(trials)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(trials * np.log1p(-np.asarray(p, dtype=np.float64))), dtype=np.float64)


class Dependence(StrEnum):
    """What is assumed of the tests of a batch."""

    #: independent, or positively dependent as test statistics of correlated alphas are (Benjamini & Hochberg)
    POSITIVE = "positive"
    #: any (Benjamini & Yekutieli): dearer by the harmonic number of the batch
    ANY = "any"


def false_discovery_q(
    p: ArrayLike, *, tests: int | None = None, dependence: Dependence = Dependence.POSITIVE
) -> Array:
    """Return the smallest false discovery rate at which each alpha of a batch is a discovery.

    Parameters
    ----------
    p : (A,) array
        One p-value for each; NaN where an alpha could not be tested, which stays NaN and counts for nothing.
    tests : int, optional
        How many were tested in all, if `p` holds the best of them only: the others are taken for failures.
    dependence : Dependence

    Returns
    -------
    (A,) float array in [0, 1]
        Those with q ≤ 0.05 are discoveries of which at most 5 % are expected to be false.

    Raises
    ------
    SignificanceError
        If a p-value lies outside [0, 1], or fewer tests are given than p-values.

    Notes
    -----
    Benjamini & Hochberg (1995), Benjamini & Yekutieli (2001), as implemented by scipy.
    """
    from scipy.stats import false_discovery_control  # half a second to import

    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    known = values[tested]
    if np.any((known < 0.0) | (known > 1.0)):
        wrong = known[(known < 0.0) | (known > 1.0)][0]
        raise SignificanceError(f"a p-value lies in 0..1; this is {wrong:g}")
    others = 0 if tests is None else tests - len(known)
    if others < 0:
        raise SignificanceError(f"{len(known)} p-values are more than the {tests} tests in all")
    out = np.full(values.shape, np.nan)
    if len(known):
        family = np.concatenate([known, np.ones(others)])
        if dependence is Dependence.POSITIVE:
            q = false_discovery_control(family, method="bh")
        else:
            q = false_discovery_control(family, method="by")
        out[tested] = q[: len(known)]
    return out


def effective_trials(performance: Array) -> float:
    """Return how many independent trials as many correlated ones are worth.

    Parameters
    ----------
    performance : (S, A) float array
        IC or return of each alpha on each session; NaN where unknown, taken for the alpha's mean. Alphas that
        never vary count for nothing.

    Returns
    -------
    float
        From 1, for twins, to A.

    Raises
    ------
    SignificanceError
        If there are fewer than 3 sessions, or no alpha that varies.

    Notes
    -----
    (Σ √λ)² / Σ λ over the eigenvalues λ of the correlation matrix: Galwey (2009), "A new measure of the
    effective number of tests". From S sessions even independent alphas appear correlated, and more than S of
    them have eigenvalues of zero. So eigenvalues below the upper edge (1 + √(A/S))² that noise alone reaches
    (Marchenko & Pastur 1967) are made equal, which can only raise the count. The sign of a correlation does
    not matter.
    """
    matrix = np.asarray(performance, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) < 3:
        raise SignificanceError(f"trials are told apart by a (sessions, alphas) array, not {matrix.shape}")
    known = np.isfinite(matrix)
    count = known.sum(axis=0)
    sums = np.where(known, matrix, 0.0).sum(axis=0)
    centred = np.where(known, matrix - sums / np.maximum(count, 1), 0.0)
    size = np.sqrt((centred**2).sum(axis=0))
    level = np.abs(np.where(known, matrix, 0.0)).max(axis=0)
    varies = size > 1e-12 * level * np.sqrt(np.maximum(count, 1))
    if not varies.any():
        raise SignificanceError("no alpha varies over the sessions: there is nothing to count")
    unit = centred[:, varies] / size[varies]
    sessions, alphas = unit.shape
    gram = unit @ unit.T if sessions < alphas else unit.T @ unit
    values = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    # one degree of freedom went into the means
    edge = (1.0 + math.sqrt(alphas / (sessions - 1))) ** 2
    signals = values[values > edge]
    others = alphas - len(signals)
    rest = max(alphas - float(signals.sum()), 0.0)
    roots = float(np.sqrt(signals).sum()) + math.sqrt(others * rest)
    return float(min(max(roots**2 / alphas, 1.0), alphas))


def _upper(p: float, two_sided: bool, degrees_of_freedom: float | None) -> float:
    """The value exceeded with probability p."""
    tail = p / 2.0 if two_sided else p
    if degrees_of_freedom is None:
        return -float(special.ndtri(tail))
    return -float(special.stdtrit(degrees_of_freedom, tail))


def _log_below(x: float, two_sided: bool, degrees_of_freedom: float | None) -> float:
    """Logarithm of the probability of a value, or of a size, of at most x."""
    if two_sided:
        if x <= 0.0:
            return -math.inf
        tail = special.ndtr(-x) if degrees_of_freedom is None else special.stdtr(degrees_of_freedom, -x)
        return math.log1p(-2.0 * float(tail)) if tail < 0.5 else -math.inf
    if degrees_of_freedom is None:
        return float(special.log_ndtr(x))
    if x > 0.0:
        return math.log1p(-float(special.stdtr(degrees_of_freedom, -x)))
    below = float(special.stdtr(degrees_of_freedom, x))
    return math.log(below) if below > 0.0 else -math.inf


def _check_trials(trials: float) -> None:
    if not 1 <= trials < math.inf:
        raise SignificanceError(f"significance is deflated by at least 1 trial, not {trials:g}")


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise SignificanceError(f"a level of significance lies between 0 and 1, not {level:g}")

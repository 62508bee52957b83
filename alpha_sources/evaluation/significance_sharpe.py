"""Sharpe ratios with their doubts: probabilistic, and deflated by the number of trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from alpha_sources.evaluation.significance import expected_maximum
from alpha_sources.evaluation.significance_errors import SignificanceError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class SharpeMoments:
    """What a Sharpe ratio's doubts are made of; each (A,), or a number for one series.

    Parameters
    ----------
    sharpe : array
        Mean over standard deviation (ddof 1) of a session, not annualised.
    skewness, kurtosis : array
        Of the returns; a normal's are 0 and 3.
    sessions : array
        Returns that are known.
    """

    sharpe: Array
    skewness: Array
    kurtosis: Array
    sessions: Array


def sharpe_moments(returns: ArrayLike) -> SharpeMoments:
    """Measure returns, (S,) or (S, A), one row a session, NaN where unknown.

    A series with fewer than 3 known returns, or one that never varies, is NaN.
    """
    values = np.asarray(returns, dtype=np.float64)
    known = np.isfinite(values)
    sessions = known.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / sessions
        centred = np.where(known, values - mean, 0.0)
        second = (centred**2).sum(axis=0) / sessions
        level = np.abs(np.where(known, values, 0.0)).max(axis=0, initial=0.0)
        undefined = (sessions < 3) | ~(np.sqrt(second) > 1e-12 * level)
        spread = np.where(undefined, np.nan, np.sqrt(second * sessions / (sessions - 1.0)))
        skewness = (centred**3).sum(axis=0) / sessions / np.where(undefined, np.nan, second) ** 1.5
        kurtosis = (centred**4).sum(axis=0) / sessions / np.where(undefined, np.nan, second) ** 2
        return SharpeMoments(np.asarray(mean / spread), skewness, kurtosis, sessions)


def probabilistic_sharpe(moments: SharpeMoments, benchmark: ArrayLike = 0.0) -> Array:
    """Return the probability that the true Sharpe ratio lies above a benchmark.

    Parameters
    ----------
    moments : SharpeMoments
    benchmark : float or (A,) array
        A Sharpe ratio of a session, not annualised.

    Returns
    -------
    array in [0, 1]
        NaN where a moment is.

    Notes
    -----
    Φ((SR − SR*) √(n − 1) / √(1 − γ₃ SR + (γ₄ − 1) SR² / 4)): Bailey & López de Prado (2012), "The Sharpe
    Ratio Efficient Frontier".
    """
    sharpe = moments.sharpe
    variance = 1.0 - moments.skewness * sharpe + (moments.kurtosis - 1.0) / 4.0 * sharpe**2
    with np.errstate(invalid="ignore", divide="ignore"):
        # two values that take turns leave no variance at all: then the sign decides
        deviation = np.sqrt(np.maximum(variance, 0.0))
        score = (sharpe - np.asarray(benchmark)) * np.sqrt(moments.sessions - 1.0) / deviation
    return np.asarray(special.ndtr(score), dtype=np.float64)


def deflated_sharpe(
    moments: SharpeMoments, *, trials: float, sharpe_deviation: float, two_sided: bool = False
) -> Array:
    """Return the probability that a Sharpe ratio, the best of N, is more than the best of N without skill.

    Parameters
    ----------
    moments : SharpeMoments
        Of the alphas that are shown.
    trials : float
        N ≥ 1, all that were tried, also those that are not shown.
    sharpe_deviation : float
        Standard deviation of the N Sharpe ratios of a session, not annualised. Where they are not known, that
        of noise is ``1 / √(n − 1)``.
    two_sided : bool
        The best of N by size: for alphas whose sign is chosen after the fact.

    Returns
    -------
    array in [0, 1]

    Raises
    ------
    SignificanceError
        If there is no trial, or the deviation is not a number of at least 0.

    Notes
    -----
    Bailey & López de Prado (2014), "The Deflated Sharpe Ratio", with the exact expected maximum in the place
    of their approximation.
    """
    if not 0.0 <= sharpe_deviation < math.inf:
        raise SignificanceError(f"a standard deviation is at least 0, not {sharpe_deviation:g}")
    return probabilistic_sharpe(moments, sharpe_deviation * expected_maximum(trials, two_sided=two_sided))

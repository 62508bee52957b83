"""The probability of backtest overfitting: how often the best of many in one half fails in the other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.significance_errors import SignificanceError

Array = NDArray[np.float64]
#: cells of one array of the computation: what bounds its memory
_CELLS = 4_000_000
_MOST_BLOCKS = 20


class Score(StrEnum):
    """What the best is best at."""

    #: mean over standard deviation: the Sharpe ratio of returns, the ICIR of ICs
    RATIO = "ratio"
    MEAN = "mean"


@dataclass(frozen=True, eq=False, slots=True)
class Overfitting:
    """What came out of all ways to halve the sessions; each array has one value for each, (C,).

    Parameters
    ----------
    probability : float
        Share of the ways in which the best of the first half is in the lower half of the second: 0 where what
        is best stays so, about 0.5 where selection is worth nothing, and more where there is nothing to
        select: what chance gave to one half is missing in the other.
    logits : array
        Logarithm of the odds of its rank in the second half; at most 0 is a failure.
    chosen : int array
        Which alpha was the best, by its column.
    in_sample, out_of_sample : array
        Its score in either half.
    left_out : tuple of int
        Columns that were not compared: without values in a block, or constant.
    """

    probability: float
    logits: Array
    chosen: NDArray[np.int64]
    in_sample: Array
    out_of_sample: Array
    left_out: tuple[int, ...]

    @property
    def probability_of_loss(self) -> float:
        """Share of the ways in which the best of the first half has a score below 0 in the second."""
        return float((self.out_of_sample < 0.0).mean())

    @property
    def degradation(self) -> float:
        """Slope of the score in the second half on that in the first: below 0, better is worse."""
        x = self.in_sample - self.in_sample.mean()
        size = float(x @ x)
        return float(x @ self.out_of_sample) / size if size > 0.0 else float("nan")


def overfitting(
    performance: Array,
    *,
    blocks: int = 16,
    purge: int = 0,
    score: Score = Score.RATIO,
    either_sign: bool = False,
) -> Overfitting:
    """Halve the sessions in all ways, choose the best alpha of one half and look for it in the other.

    Parameters
    ----------
    performance : (S, A) float array
        IC or return of each alpha on each session; NaN where unknown. Sessions at the beginning and at the
        end on which nothing is known of any alpha are left out.
    blocks : int
        Even, from 2 to 20: consecutive sessions that stay together. 16 make 12,870 ways.
    purge : int
        Sessions dropped at the end of every block but the last, ``h + 1`` for labels over h sessions: they
        would be realised in the next block.
    score : Score
    either_sign : bool
        An alpha that is bad enough is good with its sign turned: it is chosen by the size of its score, and
        its score in the second half counts with the sign of the first.

    Returns
    -------
    Overfitting

    Raises
    ------
    SignificanceError
        If blocks are odd, too many or too short, or fewer than two alphas can be compared.

    Notes
    -----
    Combinatorially symmetric cross-validation: Bailey, Borwein, López de Prado & Zhu (2017), "The Probability
    of Backtest Overfitting", Journal of Computational Finance 20(4). Sessions that do not divide by the
    blocks make some blocks longer by one. Ranks of equals are shared.
    """
    moments = _block_moments(np.asarray(performance, dtype=np.float64), blocks, purge, score)
    halves = _halves(blocks)
    step = max(1, _CELLS // len(moments.mean))
    parts = [
        _compared(halves[first : first + step], moments, score, either_sign)
        for first in range(0, len(halves), step)
    ]
    logits, chosen, inside, outside = (np.concatenate(column) for column in zip(*parts, strict=True))
    left_out = tuple(int(column) for column in moments.left_out)
    return Overfitting(
        float((logits <= 0.0).mean()), logits, moments.columns[chosen], inside, outside, left_out
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Moments:
    """Of each block and alpha that is compared, (B, A), less the alpha's `mean` (A,) over all blocks."""

    counts: Array
    sums: Array
    squares: Array
    mean: Array
    columns: NDArray[np.int64]
    left_out: NDArray[np.int64]


def _block_moments(matrix: Array, blocks: int, purge: int, score: Score) -> _Moments:
    if blocks % 2 or not 2 <= blocks <= _MOST_BLOCKS:
        raise SignificanceError(f"blocks are an even number from 2 to {_MOST_BLOCKS}, not {blocks}")
    if purge < 0:
        raise SignificanceError(f"purge is at least 0 sessions, not {purge}")
    if matrix.ndim != 2:
        raise SignificanceError(f"performance is a (sessions, alphas) array, not {matrix.shape}")
    told = np.flatnonzero(np.isfinite(matrix).any(axis=1))
    matrix = matrix[told[0] : told[-1] + 1] if len(told) else matrix[:0]
    rows = np.array_split(np.arange(len(matrix)), blocks)
    rows = [block[: max(len(block) - purge, 0)] for block in rows[:-1]] + rows[-1:]
    if min(len(block) for block in rows) < 2:
        less = f" less {purge} purged" if purge else ""
        raise SignificanceError(
            f"{len(matrix)} sessions are too few for {blocks} blocks of 2 or more{less}; use fewer blocks"
        )
    known = np.isfinite(matrix)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    # measured from the mean, squares lose no digits
    centred = np.where(known, matrix - mean, 0.0)
    counts = np.stack([known[block].sum(axis=0) for block in rows]).astype(np.float64)
    sums = np.stack([centred[block].sum(axis=0) for block in rows])
    squares = np.stack([(centred[block] ** 2).sum(axis=0) for block in rows])
    usable = (counts >= 2).all(axis=0)
    if score is Score.RATIO:
        # a half in which an alpha never varies has no ratio; if more than half of the blocks vary, none is so
        level = np.abs(np.where(known, matrix, 0.0)).max(axis=0, initial=0.0)
        spread = squares - sums**2 / np.maximum(counts, 1.0)
        varies = spread > (1e-12 * level) ** 2 * counts
        usable &= varies.sum(axis=0) > blocks // 2
    if usable.sum() < 2:
        raise SignificanceError(
            f"{int(usable.sum())} of {matrix.shape[1]} alphas vary and have values in all {blocks} blocks; "
            "there must be two to choose from"
        )
    return _Moments(
        counts[:, usable],
        sums[:, usable],
        squares[:, usable],
        mean[usable],
        np.flatnonzero(usable),
        np.flatnonzero(~usable),
    )


def _halves(blocks: int) -> Array:
    """(C, B) choices of half of the blocks, as zeros and ones."""
    out = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        out[row, list(chosen)] = 1.0
    return out


def _compared(
    halves: Array, moments: _Moments, score: Score, either_sign: bool
) -> tuple[Array, NDArray[np.int64], Array, Array]:
    inside, outside = _scores(halves, moments, score), _scores(1.0 - halves, moments, score)
    if either_sign:
        outside *= np.where(inside < 0.0, -1.0, 1.0)
        np.abs(inside, out=inside)
    chosen = inside.argmax(axis=1)
    ways = np.arange(len(halves))
    best = outside[ways, chosen]
    lower = (outside < best[:, None]).sum(axis=1)
    equal = (outside == best[:, None]).sum(axis=1)
    rank = lower + (equal + 1) / 2.0
    logits = np.log(rank / (outside.shape[1] + 1.0 - rank))
    return logits, chosen, inside[ways, chosen], best


def _scores(halves: Array, moments: _Moments, score: Score) -> Array:
    """(C, A) scores of the alphas over the chosen blocks."""
    number, total = halves @ moments.counts, halves @ moments.sums
    mean = moments.mean + total / number
    if score is Score.MEAN:
        return np.asarray(mean)
    variance = (halves @ moments.squares - total**2 / number) / (number - 1.0)
    return np.asarray(mean / np.sqrt(variance))

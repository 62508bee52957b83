"""Rank correlations of many alphas with many others, session by session, as products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit
from engine.metrics import rank_ic

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: Neighbours in size this near, relative to it, are tied: what rounding does to double and single precision.
_TIE, _TIE_OF_SINGLE = 1e-12, 5e-7
#: Pairs that have other names missing are estimated first, and computed exactly if that comes within this of
#: the threshold.
_MARGIN = 0.2
#: A pair is compared where they share at least this part of the sessions of the one that has fewer.
_SHARED = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Ranked:
    """Alphas as standardised ranks.

    Parameters
    ----------
    scores : (S, K, N) float32 array
        Ranks of a session, with mean 0 and squares that sum to 1; 0 where there is no value.
    known : (S, K, N) bool array
        Where there is a value that counts.
    varies : (S, K) bool array
        Sessions with enough values that are not all the same.
    marks : (S, K) uint64 array
        Equal, for practical purposes, where the same names have values.
    """

    scores: Floats
    known: Bools
    varies: Bools
    marks: NDArray[np.uint64]

    @property
    def count(self) -> int:
        """K."""
        return int(self.varies.shape[1])

    def take(self, columns: Sequence[int]) -> Ranked:
        """Return some of the alphas."""
        kept = list(columns)
        return Ranked(
            np.ascontiguousarray(self.scores[:, kept]),
            np.ascontiguousarray(self.known[:, kept]),
            self.varies[:, kept],
            self.marks[:, kept],
        )


def together(parts: Sequence[Ranked]) -> Ranked:
    """Return alphas of several as one."""
    return Ranked(
        *(
            np.concatenate([getattr(part, name) for part in parts], axis=1)
            for name in ("scores", "known", "varies", "marks")
        )
    )


def ranked(panels: Sequence[NDArray[np.floating]], universe: Bools, min_names: int) -> Ranked:
    """Rank alphas.

    Parameters
    ----------
    panels : sequence of (S, N) float arrays
        NaN or infinite where there is no opinion.
    universe : (S, N) bool array
        Values outside it do not count.
    min_names : int
        A session with fewer values says nothing.

    Notes
    -----
    Ties within 1e-12 relative, 5e-7 in single precision, share their mean rank, as everywhere in the formula
    language.
    """
    sessions, names = universe.shape
    shape = (sessions, len(panels))
    out = Ranked(
        np.zeros((*shape, names), dtype=np.float32),
        np.zeros((*shape, names), dtype=np.bool_),
        np.zeros(shape, dtype=np.bool_),
        np.zeros(shape, dtype=np.uint64),
    )
    # one fixed random number for each name: sums of different ones differ
    weights = np.random.default_rng(0).integers(1, 2**63, size=names, dtype=np.uint64)
    for k, panel in enumerate(panels):
        values = np.where(universe & np.isfinite(panel), panel, np.nan).astype(np.float64, copy=False)
        order = np.argsort(values, axis=1)
        tie = _TIE_OF_SINGLE if panel.dtype == np.float32 else _TIE
        _standardise(
            values,
            order,
            max(min_names, 2),
            tie,
            weights,
            k,
            out.scores,
            out.known,
            out.varies,
            out.marks,
        )
    return out


@jit
def _standardise(
    values: Any,
    order: Any,
    least: int,
    tie: float,
    weights: Any,
    k: int,
    scores: Any,
    known: Any,
    varies: Any,
    marks: Any,
) -> None:
    """Write what `Ranked` holds of the k-th alpha, whose values are NaN where they do not count."""
    S, N = values.shape
    ranks = np.empty(N)
    for s in range(S):
        n = 0
        while n < N and values[s, order[s, n]] == values[s, order[s, n]]:
            n += 1
        if n < least:
            continue
        middle = (n + 1) / 2.0
        squares = 0.0
        first = 0
        while first < n:
            value = values[s, order[s, first]]
            end = first + 1
            while end < n:
                following = values[s, order[s, end]]
                if following - value > tie * max(abs(following), abs(value)):
                    break
                value = following
                end += 1
            rank = (first + 1 + end) * 0.5 - middle
            squares += rank * rank * (end - first)
            for i in range(first, end):
                ranks[order[s, i]] = rank
            first = end
        varies[s, k] = squares > 0.0
        size = np.sqrt(squares) if squares > 0.0 else 1.0
        for i in range(n):
            j = order[s, i]
            scores[s, k, j] = ranks[j] / size
            known[s, k, j] = True
            marks[s, k] += weights[j]


def correlations(
    kept: Ranked, new: Ranked, threshold: float, min_names: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean size of the rank correlation of a session, and its mean with its sign, both (K, B).

    Pairs that share too few sessions are 0. Where the same names have values it is exact; where they differ
    it is exact for pairs that may reach the threshold, and estimated for others.
    """
    products = np.matmul(kept.scores, new.scores.transpose(0, 2, 1))
    both = kept.varies[:, :, None] & new.varies[:, None, :]
    differ = both & (kept.marks[:, :, None] != new.marks[:, None, :])
    if differ.any():
        products, both = _adjusted(products, both, kept, new, min_names)
    number = both.sum(axis=0)
    size = np.abs(products).sum(axis=0, dtype=np.float64) / np.maximum(number, 1)
    signed = products.sum(axis=0, dtype=np.float64) / np.maximum(number, 1)
    fewer = np.minimum(kept.varies.sum(axis=0)[:, None], new.varies.sum(axis=0)[None, :])
    shared = (number > 0) & (number >= _SHARED * fewer)
    size, signed = np.where(shared, size, 0.0), np.where(shared, signed, 0.0)
    doubtful = differ.any(axis=0) & (size >= threshold - _MARGIN)
    for k, b in zip(*np.nonzero(doubtful), strict=True):
        exact = _exactly(kept, int(k), new, int(b), min_names)
        defined = exact[~np.isnan(exact)]
        if len(defined) and len(defined) >= _SHARED * fewer[k, b]:
            size[k, b], signed[k, b] = np.abs(defined).mean(), defined.mean()
        else:
            size[k, b] = signed[k, b] = 0.0
    return size, signed


def _adjusted(
    products: Floats, both: Bools, kept: Ranked, new: Ranked, min_names: int
) -> tuple[Floats, Bools]:
    """Make up for names that only one of a pair has: they add nothing to the product, but to its scale."""
    one, other = kept.known.astype(np.float32), new.known.astype(np.float32)
    common = np.matmul(one, other.transpose(0, 2, 1))
    scale = np.sqrt(one.sum(axis=2)[:, :, None] * other.sum(axis=2)[:, None, :])
    both = both & (common >= min_names)
    with np.errstate(invalid="ignore", divide="ignore"):
        adjusted = np.where(both, products * (scale / common), np.float32(0.0))
    return np.clip(adjusted, -1.0, 1.0), both


def _exactly(kept: Ranked, k: int, new: Ranked, b: int, min_names: int) -> NDArray[np.float64]:
    """Spearman correlation over the names that both have, (S,)."""
    x = np.where(kept.known[:, k], kept.scores[:, k], np.nan).astype(np.float64)
    y = np.where(new.known[:, b], new.scores[:, b], np.nan).astype(np.float64)
    return rank_ic(x, y, min_names=min_names)

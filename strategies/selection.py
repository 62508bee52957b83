"""Top-k/Drop-n selection as a pure function.

Source: TopkDropoutStrategy of Qlib (Yang et al., 2020). At a close with scores s and holdings H:
the best ``n + k − |H|`` names outside H are the candidates; of H and the candidates together, the members
of H among the lowest n are sold; as many candidates come in as places become free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strategies.selection_kernel import best_and_worst

#: Scores further apart than this, relative to their size, stay apart when rounded to ten significant digits.
_NEARNESS = 1e-8
#: Names up to which inserting one by one is the quickest way to sort.
_FEW = 512


class Selection(NamedTuple):
    """Columns to sell, and candidates to buy in order of preference.

    The first `wanted` candidates are bought if every sale succeeds; the others are reserves.
    """

    sell: tuple[int, ...]
    candidates: tuple[int, ...]
    wanted: int


def round_scores(scores: NDArray[np.float64], digits: int = 10) -> NDArray[np.float64]:
    """Scores to `digits` significant digits, so that float noise does not decide between equals."""
    out = np.array(scores, dtype=np.float64)
    size = np.abs(out)
    # the power of ten that a smaller number wants overflows; such numbers stay as they are
    some = (size > 1e-290) & (size < np.inf)
    if some.all():
        return _round(out, size, digits)
    out[some] = _round(out[some], size[some], digits)
    return out


def _round(values: NDArray[np.float64], size: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    magnitude = 10.0 ** (digits - 1 - np.floor(np.log10(size)))
    rounded: NDArray[np.float64] = np.rint(values * magnitude) / magnitude
    return rounded


def select(
    scores: NDArray[np.float64],
    held: Sequence[int],
    *,
    topk: int,
    n_drop: int,
    tradable: NDArray[np.bool_] | None = None,
    method_sell: Literal["bottom", "random"] = "bottom",
    method_buy: Literal["top", "random"] = "top",
    rng: np.random.Generator | None = None,
) -> Selection:
    """Choose what to sell and what to buy.

    Parameters
    ----------
    scores : (N,) float array
        Higher is better; NaN is no opinion. A held name without a score ranks last; a name without a score
        is never bought. Ties go by column, that is by symbol.
    held : sequence of int
        Columns held.
    topk, n_drop : int
        Names to hold, and how many of them may be exchanged in a session.
    tradable : (N,) bool array, optional
        Names that may be chosen at all, on either side.
    method_sell, method_buy : str
        ``bottom`` and ``top`` follow the scores; ``random`` draws n of the holdings to sell, or the
        candidates among the k best names not held, from `rng`.
    rng : numpy Generator, optional
        Source of the draws.

    Returns
    -------
    Selection
    """
    most = max(0, n_drop + topk - len(held))
    by_score = tradable is None and method_sell == "bottom" and method_buy == "top"
    if by_score and most + len(held) <= _FEW:
        told, best, worst = best_and_worst(scores, np.array(held, np.int64), most, n_drop, _NEARNESS)
        if told:
            return _selection(worst.tolist(), best.tolist(), topk - len(held))
    mine = np.zeros(len(scores), dtype=bool)
    mine[list(held)] = True
    allowed = ~np.isnan(scores) if tradable is None else tradable & ~np.isnan(scores)
    own = np.flatnonzero(mine if tradable is None else mine & tradable)

    if method_buy == "top":
        others = _near_the_best(np.flatnonzero(allowed & ~mine), scores, most)
    else:
        pool = _ranked(_near_the_best(np.flatnonzero(allowed), scores, topk), scores)[:topk]
        others = _draw(pool[~mine[pool]], most, rng)
    ranked = _ranked(np.sort(np.concatenate([own, others])), scores)
    is_held = mine[ranked]
    candidates = ranked[~is_held][:most] if method_buy == "top" else others
    if method_sell == "bottom":
        # names that only came near are neither held nor candidates
        together = ranked[is_held | (np.cumsum(~is_held) <= most)]
        lowest = together[max(0, len(together) - n_drop) :]
        sold = lowest[mine[lowest]]
    else:
        sold = _draw(ranked[is_held], n_drop, rng)
    return _selection(sold.tolist(), candidates.tolist(), topk - len(held))


def _selection(sold: list[int], candidates: list[int], places: int) -> Selection:
    wanted = max(0, len(sold) + places)
    return Selection(tuple(sold), tuple(candidates), min(wanted, len(candidates)))


def _near_the_best(columns: NDArray[np.intp], scores: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The columns that can be among the best `count` once scores are rounded: those, and close ties."""
    if not 0 < count < len(columns):
        return columns if count > 0 else columns[:0]
    values = scores[columns]
    least = np.partition(values, len(values) - count)[len(values) - count]
    return columns[values >= least - _NEARNESS * abs(least)] if np.isfinite(least) else columns


def _ranked(columns: NDArray[np.intp], scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Ascending columns by rounded score: the highest first, ties by column, NaN last."""
    rounded = round_scores(scores[columns])
    if not np.isfinite(rounded).all():
        rounded = np.nan_to_num(rounded, nan=-np.inf)
    return columns[np.argsort(-rounded, kind="stable")]


def _draw(pool: NDArray[np.intp], n: int, rng: np.random.Generator | None) -> NDArray[np.intp]:
    """`n` of the pool in random order; all of it, in its own, where it has no more."""
    if rng is None:
        raise ValueError("a random method needs an rng")
    return rng.choice(pool, n, replace=False) if n < len(pool) else pool

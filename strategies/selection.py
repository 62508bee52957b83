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
    # the power of ten that a smaller number wants overflows; such numbers stay as they are
    some = np.isfinite(out) & (np.abs(out) > 1e-290)
    magnitude = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(out[some]))))
    out[some] = np.round(out[some] * magnitude) / magnitude
    return out


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
    rounded = round_scores(scores)
    order = np.lexsort((np.arange(len(rounded)), -np.nan_to_num(rounded, nan=-np.inf)))
    mine = np.zeros(len(rounded), dtype=bool)
    mine[list(held)] = True
    allowed = np.ones(len(rounded), dtype=bool) if tradable is None else tradable

    best = order[(allowed & ~np.isnan(rounded))[order]]
    most = max(0, n_drop + topk - len(held))
    if method_buy == "top":
        candidates = best[~mine[best]][:most]
    else:
        pool = best[:topk]
        candidates = _draw(pool[~mine[pool]], most, rng)
    if method_sell == "bottom":
        together = mine & allowed
        together[candidates] = True
        ranked = order[together[order]]
        lowest = ranked[len(ranked) - min(n_drop, len(ranked)) :]
        sold = lowest[mine[lowest]]
    else:
        sold = _draw(order[(mine & allowed)[order]], n_drop, rng)
    wanted = max(0, len(sold) + topk - len(held))
    return Selection(
        tuple(int(c) for c in sold), tuple(int(c) for c in candidates), min(wanted, len(candidates))
    )


def _draw(pool: NDArray[np.intp], n: int, rng: np.random.Generator | None) -> NDArray[np.intp]:
    """`n` of the pool in random order; all of it, in its own, where it has no more."""
    if rng is None:
        raise ValueError("a random method needs an rng")
    return rng.choice(pool, n, replace=False) if n < len(pool) else pool

"""Top-k/Drop-n selection as a pure function.

Source: TopkDropoutStrategy of Qlib (Yang et al., 2020). At a close with scores s and holdings H:
the best ``n + k − |H|`` names outside H are the candidates; of H and the candidates together, the members
of H among the lowest n are sold; as many candidates come in as places become free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
    some = np.isfinite(out) & (out != 0)
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

    Returns
    -------
    Selection
    """
    rounded = round_scores(scores)
    order = np.lexsort((np.arange(len(rounded)), -np.nan_to_num(rounded, nan=-np.inf)))
    mine = np.zeros(len(rounded), dtype=bool)
    mine[list(held)] = True
    allowed = np.ones(len(rounded), dtype=bool) if tradable is None else tradable

    eligible = order[(~mine & allowed & ~np.isnan(rounded))[order]]
    candidates = eligible[: max(0, n_drop + topk - len(held))]
    together = np.zeros(len(rounded), dtype=bool)
    together[candidates] = True
    together |= mine & allowed
    ranked = order[together[order]]
    lowest = ranked[len(ranked) - min(n_drop, len(ranked)) :]
    sell = tuple(int(c) for c in lowest if mine[c])
    wanted = max(0, len(sell) + topk - len(held))
    return Selection(sell, tuple(int(c) for c in candidates), min(wanted, len(candidates)))

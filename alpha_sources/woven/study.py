"""What each alpha did inside the signal: weights, foresight and its share of what the signal earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.labels import forward_returns
from alpha_sources.history import SignalHistory
from alpha_sources.market_state import market_state
from alpha_sources.woven.fabric import Fabric
from alpha_sources.woven.scoring import Signal, index_of
from alpha_sources.woven.settings import WovenSettings
from engine.metrics import rank_ic

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Study:
    """Every alpha that was in force on some session of a run, session by session.

    Parameters
    ----------
    dates : (R,) sessions
    names, categories : tuple of str
        Of the A alphas, in the order in which they came.
    weights : (R, A) float array
        Of the newest strand; NaN on sessions on which the alpha was not in force.
    contributions : (R, A) float array
        What the alpha added to the return of the signal's own portfolio; see `study_of`.
    foresight : (R, A) float array
        Rank IC of the alpha by itself, with the sign it is used with, while in force.
    woven, equal : (R,) float array
        Rank IC of the scores that were used, and of the plain mean of the alphas in force.
    regimes : (R,) int8 array
        Of the market; values of `Regime`.
    """

    dates: NDArray[np.datetime64]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    weights: Array
    contributions: Array
    foresight: Array
    woven: Array
    equal: Array
    regimes: NDArray[np.int8]


def study_of(history: SignalHistory, settings: WovenSettings) -> Study:
    """Take a signal apart.

    Notes
    -----
    The signal's own portfolio holds each member in proportion to its score less the members' mean, long and
    short, its sizes adding to 1; it is bought at the open after the decision and sold at the next. Scores are
    sums of weights times alphas, so that its return is the sum of what the alphas add, with nothing left
    over. It is not the Top-k portfolio, which no such sum describes; nothing is charged. For the mlp the sum
    is of its linear part alone, and so are the contributions.
    """
    R = len(history.rows)
    names: dict[str, int] = {}
    categories: list[str] = []
    for snapshot, _ in history.stretches():
        for alpha in Fabric.of(snapshot).strands[0].alphas:
            if alpha.name not in names:
                names[alpha.name] = len(names)
                categories.append(alpha.category)
    weights, parts, foresight = (np.full((R, len(names)), np.nan) for _ in range(3))
    equal = np.full(R, np.nan)
    labels = forward_returns(history.view, 1)[history.rows]
    for snapshot, positions in history.stretches():
        fabric = Fabric.of(snapshot)
        alphas, w = Signal(fabric, settings).parts(history.view, history.rows[positions])
        columns = np.array([names[name] for name in fabric.strands[0].names])
        members = history.view.universe[history.rows[positions]]
        here = labels[positions]
        weights[np.ix_(positions, columns)] = w
        parts[np.ix_(positions, columns)] = _contributions(alphas, w, members, here)
        for i, column in enumerate(columns):
            foresight[positions, column] = rank_ic(np.where(members, alphas[:, :, i], np.nan), here)
        equal[positions] = rank_ic(np.where(members, alphas.mean(axis=2), np.nan), here)
    state = market_state(history.view, index_of(history.view, settings))
    return Study(
        history.view.dates[history.rows],
        tuple(names),
        tuple(categories),
        weights,
        parts,
        foresight,
        rank_ic(history.scores, labels),
        equal,
        state.regimes[history.rows],
    )


def _contributions(alphas: Array, weights: Array, members: NDArray[np.bool_], labels: Array) -> Array:
    """What each alpha adds to the return of the portfolio, (R, A); NaN where no return is known."""
    held = members & np.isfinite(labels)
    count = np.maximum(held.sum(axis=1), 1)[:, None, None]
    each = np.where(held[:, :, None], alphas * weights[:, None, :], 0.0)
    each = np.where(held[:, :, None], each - each.sum(axis=1, keepdims=True) / count, 0.0)
    size = np.abs(each.sum(axis=2)).sum(axis=1)
    earned = np.einsum("rna,rn->ra", each, np.where(held, labels, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        out: Array = earned / size[:, None]
    out[size <= 0] = np.nan
    return out

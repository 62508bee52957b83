"""How much each agent counts: as the settings say, or by how well its past scores predicted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.config import CommitteeConfig
from alpha_sources.agents.decision import CONFIDENCE, Decision
from engine.market.calendar import iso
from engine.metrics import rank_ic

Array = NDArray[np.float64]

#: alphas that must have a score and a result, for a past decision to say anything of an agent
_LEAST_ALPHAS = 5


def base_weights(config: CommitteeConfig) -> dict[str, float]:
    """Return the weights of the settings: theta's share, and rho's shared out among the risk agents."""
    agents = config.risk_agents()
    total = sum(profile.weight for profile in agents.values())
    chosen = config.profile is not None
    weights = {CONFIDENCE: config.confidence_weight}
    for name, profile in agents.items():
        share = 1.0 if chosen else profile.weight / total
        weights[name] = (1.0 - config.confidence_weight) * share
    return weights


def gains(
    previous: Sequence[Decision], daily: Mapping[str, Array], dates: NDArray[np.datetime64]
) -> dict[str, list[float]]:
    """Return how well each agent's past scores ordered the alphas by what they then did.

    Parameters
    ----------
    previous : sequence of Decision
        Earlier ones, in order.
    daily : mapping of str to (T,) float64 array
        Rank IC of every session, as far as it is realised by now, of the formulas as written.
    dates : (T,) sessions

    Returns
    -------
    dict of str to list of float
        By agent: of each past decision the rank correlation of its marks with the mean realised rank IC from
        that session up to the next decision. Decisions after which nothing is realised yet are left out.
    """
    out: dict[str, list[float]] = {}
    edges = [np.datetime64(one.as_of) for one in previous]
    ends = [*(later for _, later in pairwise(edges)), dates[-1] + np.timedelta64(1, "D")] if edges else []
    for decision, first, end in zip(previous, edges, ends, strict=True):
        inside = (dates >= first) & (dates < end)
        done = {
            one.name: one.sign * float(np.mean(known))
            for one in decision.opinions
            if one.marks
            and one.name in daily
            and len(known := daily[one.name][inside & np.isfinite(daily[one.name])])
        }
        for agent in decision.agents:
            marks = {
                one.name: one.marks[agent].value
                for one in decision.opinions
                if one.name in done and agent in one.marks
            }
            gain = agreement([marks[name] for name in marks], [done[name] for name in marks])
            if math.isfinite(gain):
                out.setdefault(agent, []).append(gain)
    return out


def agreement(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the rank correlation of two lists; NaN with fewer than five pairs, or where one is constant."""
    if len(first) < _LEAST_ALPHAS:
        return math.nan
    return float(rank_ic(np.array([first]), np.array([second]), min_names=_LEAST_ALPHAS)[0])


def learned_weights(
    base: Mapping[str, float], gained: Mapping[str, Sequence[float]], rate: float
) -> dict[str, float]:
    """Return weights that grew with what the agents gained.

    Parameters
    ----------
    base : mapping of str to float
        Weights to begin with; they add to 1.
    gained : mapping of str to sequence of float
        See `gains`. An agent without any keeps its weight.
    rate : float

    Notes
    -----
    Hedge (Freund and Schapire 1997): base x exp(rate x sum of gains), made to add to 1.
    """
    raw = {agent: weight * math.exp(rate * sum(gained.get(agent, ()))) for agent, weight in base.items()}
    total = sum(raw.values())
    return {agent: weight / total for agent, weight in raw.items()} if total > 0 else dict(base)


def earlier(previous: Sequence[Decision], session: np.datetime64) -> tuple[Decision, ...]:
    """Return past decisions in order, without those that are not past."""
    day = iso(session)
    return tuple(sorted((one for one in previous if one.as_of < day), key=lambda one: one.as_of))

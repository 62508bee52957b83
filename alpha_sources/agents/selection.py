"""Who is kept: thresholds, categories, no repeats, and what to do when nobody passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from alpha_sources.agents.config import CommitteeConfig, Pick
from alpha_sources.agents.decision import Fallback, Verdict
from alpha_sources.agents.numbers import rounded

#: says what an alpha repeats, or keeps it and says None
Repeats = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A judged seed.

    Parameters
    ----------
    name, category : str
    score : float
        Rounded to 10 significant digits.
    ratio : float
        ICIR on sessions like today's, with the sign of use; NaN where unknown.
    """

    name: str
    category: str
    score: float
    ratio: float


@dataclass(slots=True)
class Chosen:
    """Who is kept and why each is or is not.

    Parameters
    ----------
    threshold : float
    fallback : Fallback
    kept : list of str
        In the order in which they were taken.
    why : dict of str to (Verdict, str)
    notes : list of str
    """

    threshold: float
    fallback: Fallback = Fallback.NONE
    kept: list[str] = field(default_factory=list)
    why: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def choose(candidates: Sequence[Candidate], config: CommitteeConfig, repeats: Repeats) -> Chosen:
    """Choose among judged seeds.

    Parameters
    ----------
    candidates : sequence of Candidate
    config : CommitteeConfig
    repeats : callable
        Asked of the better alpha first. What it lets pass counts as kept from then on.

    Notes
    -----
    From the highest score down, ties by name: an alpha at or above the threshold is kept unless its category
    or the committee is full or it repeats one that is kept. Where fewer than `least_categories` are then
    represented, the missing categories with the best alphas are given their best one. If nobody reached the
    threshold, the alphas with the highest ICIR are kept instead, as many as `fallback_count`, within the
    limits of the categories.
    """
    order = sorted(candidates, key=lambda one: (-one.score, one.name))
    chosen = Chosen(_threshold([one.score for one in order], config))
    room = _Room(config, repeats, chosen)
    passed = [one for one in order if one.score >= chosen.threshold]
    for one in passed:
        room.take(one, Verdict.KEPT, f"score {one.score:.3f} is at least {chosen.threshold:.3f}")
    if passed:
        _balance(order, config, chosen, room)
    else:
        _fall_back(candidates, config, chosen, room)
    for one in order:
        below = f"score {one.score:.3f} is below {chosen.threshold:.3f}"
        chosen.why.setdefault(one.name, (Verdict.BELOW_THRESHOLD, below))
    return chosen


class _Room:
    """Keeps count of what is taken."""

    def __init__(self, config: CommitteeConfig, repeats: Repeats, chosen: Chosen) -> None:
        self._repeats, self._chosen = repeats, chosen
        self._of_category = {Pick.BEST: 1, Pick.SEVERAL: config.per_category, Pick.ALL_ABOVE: None}[
            config.pick
        ]
        self._most = config.most
        self.count: dict[str, int] = {}

    def take(self, one: Candidate, verdict: Verdict, because: str) -> bool:
        chosen, mine = self._chosen, self.count.get(one.category, 0)
        if self._most is not None and len(chosen.kept) >= self._most:
            chosen.why[one.name] = Verdict.COMMITTEE_FULL, f"{self._most} are kept already"
        elif self._of_category is not None and mine >= self._of_category:
            full = f"{mine} of {one.category} {'is' if mine == 1 else 'are'} kept already"
            chosen.why[one.name] = Verdict.CATEGORY_FULL, full
        elif (twin := self._repeats(one.name)) is not None:
            chosen.why[one.name] = Verdict.DUPLICATE, twin
        else:
            chosen.kept.append(one.name)
            chosen.why[one.name] = verdict, because
            self.count[one.category] = mine + 1
            return True
        return False


def _threshold(scores: Sequence[float], config: CommitteeConfig) -> float:
    if config.threshold_quantile is None or not scores:
        return config.threshold
    # one of the scores themselves: no rounding between two of them decides
    return rounded(float(np.quantile(scores, config.threshold_quantile, method="higher")))


def _balance(order: Sequence[Candidate], config: CommitteeConfig, chosen: Chosen, room: _Room) -> None:
    """Give missing categories their best alpha, those with the best first."""
    there = len({one.category for one in order})
    if there < config.least_categories:
        only = "one category" if there == 1 else f"{there} categories"
        chosen.notes.append(
            f"the seeds that could be judged are of {only}, fewer than the {config.least_categories} wanted"
        )
    for one in order:
        if len(room.count) >= min(config.least_categories, there):
            return
        if one.category not in room.count and one.name not in chosen.why:
            because = f"score {one.score:.3f} is below {chosen.threshold:.3f}: kept for {one.category}"
            room.take(one, Verdict.KEPT_FOR_BALANCE, because)


def _fall_back(candidates: Sequence[Candidate], config: CommitteeConfig, chosen: Chosen, room: _Room) -> None:
    """Keep those with the highest ICIR."""
    chosen.fallback = Fallback.ICIR
    known = [one for one in candidates if math.isfinite(one.ratio)]
    for one in sorted(known, key=lambda one: (-rounded(one.ratio), one.name)):
        if len(chosen.kept) >= config.fallback_count:
            break
        room.take(one, Verdict.KEPT_BY_FALLBACK, f"nothing passed; its ICIR is {one.ratio:+.3f}")
    kept = [one for one in known if one.name in chosen.kept]
    worse = sum(one.ratio <= 0 for one in kept)
    note = f"no alpha reached {chosen.threshold:.3f}: kept {len(kept)} by ICIR"
    if worse:
        note += f", {worse} of which foresaw nothing or the opposite"
    chosen.notes.append(note)

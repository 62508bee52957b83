"""Verdicts in words: pure functions of the numbers. Nobody edits them, and the answer may be no."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alphaloom.reproduce.foresight import MeanIc
from alphaloom.reproduce.statistics import Likeness, Spread

#: a place among random portfolios from which chance is no explanation, and one up to which it is enough
_BEYOND_CHANCE, _CHANCE = 0.95, 0.80
_LEVEL = 0.05
_FEWEST_NULL = 20
#: methods of which one may lie above a band of 95 % by chance
_SEVERAL = 4


class Answer(StrEnum):
    """Of a research question."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    UNKNOWN = "not answered"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer and the sentence that says why.

    Parameters
    ----------
    question : str
    answer : Answer
    because : str
    """

    question: str
    answer: Answer
    because: str

    @property
    def sentence(self) -> str:
        """Question, answer and reason in one line."""
        return f"{self.question} {self.answer.value.capitalize()}: {self.because}"


SELECTION = "Do selections differ by regime?"
FORESIGHT = "Do the kept seeds foresee returns better than all seeds, out of sample?"
PORTFOLIO = "Does the paper's portfolio beat chance and the market, after costs?"


def on_selection(found: Likeness | None) -> Verdict:
    """Answer the first question."""
    if found is None or found.selections == 0:
        return Verdict(SELECTION, Answer.UNKNOWN, "the committee has not sat.")
    if found.regimes < 2 or not math.isfinite(found.p):
        return Verdict(
            SELECTION,
            Answer.UNCLEAR,
            f"{found.selections} sittings fell into {found.regimes} regime(s) with two or more of them.",
        )
    numbers = (
        f"two selections of one regime share {found.within:.0%} of their alphas, two of different regimes "
        f"{found.across:.0%}"
    )
    rotated = f"{found.p:.0%} of the rotations of the regimes give at least that difference"
    if found.within > found.across and found.p <= _LEVEL:
        return Verdict(SELECTION, Answer.YES, f"{numbers}; only {rotated}.")
    if found.within <= found.across:
        return Verdict(SELECTION, Answer.NO, f"{numbers}: they are no more alike within a regime.")
    return Verdict(
        SELECTION, Answer.UNCLEAR, f"{numbers}, but {rotated}, as overlapping evidence alone may do."
    )


def on_foresight(kept: MeanIc | None, all_seeds: MeanIc | None, difference: MeanIc | None) -> Verdict:
    """Answer the second question from what was found on the test span.

    Parameters
    ----------
    kept, all_seeds : MeanIc or None
        Of the seeds in force, and of all.
    difference : MeanIc or None
        Of the one less the other, session by session.
    """
    if kept is None or all_seeds is None or difference is None or not math.isfinite(difference.mean):
        return Verdict(FORESIGHT, Answer.UNKNOWN, "a part of it was not run.")
    numbers = (
        f"mean rank IC {_signed(kept.mean)} (t {_t(kept.t)}) of the seeds in force against "
        f"{_signed(all_seeds.mean)} (t {_t(all_seeds.t)}) of all; the difference is "
        f"{_signed(difference.mean)} with a 95 % interval from {_signed(difference.low)} to "
        f"{_signed(difference.high)}"
    )
    if difference.mean <= 0:
        return Verdict(FORESIGHT, Answer.NO, f"{numbers}: keeping them gained nothing.")
    if difference.low > 0 and kept.low > 0:
        return Verdict(FORESIGHT, Answer.YES, f"{numbers}, and neither it nor their own IC may be zero.")
    what = "their own IC may be zero" if difference.low > 0 else "it may be zero"
    return Verdict(FORESIGHT, Answer.UNCLEAR, f"{numbers}: {what}.")


def on_portfolio(
    ours: Spread | None,
    *,
    place: float,
    place_before_costs: float,
    null_size: int,
    market: float | None,
    equal_weight: float | None,
    claim: float,
) -> Verdict:
    """Answer the third question from returns on the test span, with costs and rules on.

    Parameters
    ----------
    ours : Spread or None
        Total return of the paper's method over seeds.
    place : float
        Share of the random portfolios that the median exceeds.
    place_before_costs : float
        The same where nobody pays costs. Random formulas trade much, so that after costs they are beaten by
        whatever trades less; the lower of the two places counts.
    null_size : int
        How many of these there are.
    market, equal_weight : float or None
        Total returns of the index, and of all members held equally.
    claim : float
        What the paper prints.
    """
    if ours is None:
        return Verdict(PORTFOLIO, Answer.UNKNOWN, "the paper's method was not run.")
    parts = [f"it returned {_percent(ours.median)} ({_range(ours)})"]
    if market is not None:
        parts.append(f"the index {_percent(market)}")
    if equal_weight is not None:
        parts.append(f"all members equally weighted {_percent(equal_weight)}")
    numbers = ", ".join(parts)
    printed = f"The paper prints {_percent(claim)}"
    printed += (
        "." if ours.high >= claim else f", which no seed comes near: the best has {_percent(ours.high)}."
    )
    lower = min(place, place_before_costs)
    if null_size < _FEWEST_NULL or not math.isfinite(lower):
        return Verdict(
            PORTFOLIO,
            Answer.UNKNOWN,
            f"{numbers}; {null_size} random portfolios are too few to say what chance does. {printed}",
        )
    among = f"it exceeds {place:.0%} of {null_size} random portfolios, before costs {place_before_costs:.0%}"
    bars = [bar for bar in (market, equal_weight) if bar is not None]
    beaten = bool(bars) and all(ours.median > bar for bar in bars)
    if passes(ours, lower, bars):
        return Verdict(PORTFOLIO, Answer.YES, f"{numbers}; {among}. {printed}")
    if not beaten or lower <= _CHANCE:
        why = "chance does as well" if lower <= _CHANCE else "simply holding does as well"
        return Verdict(PORTFOLIO, Answer.NO, f"{numbers}; {among}: {why}. {printed}")
    return Verdict(PORTFOLIO, Answer.UNCLEAR, f"{numbers}; {among}: more than usual, not proof. {printed}")


def passes(found: Spread, lower: float, bars: Sequence[float]) -> bool:
    """Whether a method beats chance and the market: all seeds all bars, and the lower place nearly all.

    Parameters
    ----------
    found : Spread
        Total return over seeds.
    lower : float
        The lower of its places among random portfolios, after costs and before.
    bars : sequence of float
        Returns of the index and of all members held equally.
    """
    return bool(bars) and lower >= _BEYOND_CHANCE and all(found.low > bar for bar in bars)


def on_others(passing: Sequence[str], tried: int) -> str:
    """Say which of the other methods pass where the paper's is judged, and what so many tries are worth.

    Parameters
    ----------
    passing : sequence of str
        Titles of those that pass.
    tried : int
        How many others there are.
    """
    if tried == 0:
        return ""
    by_chance = tried * (1.0 - _BEYOND_CHANCE)
    which = f": {_listed(passing)}" if passing else ""
    lucky = f"without any skill {by_chance:.1f} of {tried} would be placed so high"
    return f"Of the {tried} other methods {len(passing)} would be a yes{which}; {lucky}."


def on_placebo(pairs: Mapping[str, tuple[float, float]], *, low: float, high: float) -> tuple[Answer, str]:
    """Say whether shuffled labels destroy what there is of an edge.

    Parameters
    ----------
    pairs : mapping of title to (rank IC as it is, rank IC on shuffled labels)
        Of the signal on the test span.
    low, high : float
        Between which 95 % of the random signals' rank ICs lie; NaN where there are none.

    Returns
    -------
    answer : Answer
        Yes if no method keeps, on shuffled labels, an IC above that of random signals; unclear if one of
        many does.
    sentence : str
    """
    if not pairs or not math.isfinite(high):
        return Answer.UNKNOWN, "Shuffled labels: nothing to compare, or no random signals to compare with."
    alive = [title for title, (_, shuffled) in pairs.items() if shuffled > high]
    edges = [title for title, (real, _) in pairs.items() if real > high]
    band = f"95 % of the random signals have a rank IC between {_signed(low)} and {_signed(high)}"
    had = (
        f"As it is, {_listed(edges)} {_lie(edges)} above that."
        if edges
        else "As it is, no method lies above that: there was no edge to destroy."
    )
    if len(alive) == 1 and len(pairs) >= _SEVERAL:
        said = f"On shuffled labels {alive[0]} alone lies above it, as one random signal in forty does"
        return Answer.UNCLEAR, f"{band}. {said}. {had}"
    if alive:
        return Answer.NO, f"{band}. On shuffled labels {_listed(alive)} still {_lie(alive)} above it. {had}"
    return Answer.YES, f"{band}. On shuffled labels no method lies above it. {had}"


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(titles)


def _lie(titles: Sequence[str]) -> str:
    return "lies" if len(titles) == 1 else "lie"


def _range(spread: Spread) -> str:
    if spread.count == 1:
        return "one seed"
    return f"median of {spread.count} seeds, {_percent(spread.low)} to {_percent(spread.high)}"


def _percent(value: float) -> str:
    return f"{value:+.1%}".replace("-", "−").replace("%", " %")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _t(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")

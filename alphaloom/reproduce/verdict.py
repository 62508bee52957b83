"""Verdicts in words: pure functions of the numbers. Nobody edits them, and the answer may be no."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alphaloom.reproduce.foresight import MeanIc
from alphaloom.reproduce.statistics import Likeness, Spread

#: a place among random portfolios from which chance is no explanation, and one up to which it is enough
_BEYOND_CHANCE, _CHANCE = 0.95, 0.80
_LEVEL = 0.05
_FEWEST_NULL = 20
#: share of random signals above a band that holds 95 % of them
_ABOVE = 0.025


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
            f"{_counted(found.selections, 'sitting')} fell into {_counted(found.regimes, 'regime')} with two "
            "or more of them, so that there is nothing to tell apart.",
        )
    numbers = (
        f"two selections of one regime share {_rounded(found.within)} of their alphas, two of different "
        f"regimes {_rounded(found.across)}"
    )
    rotated = f"{_rounded(found.p)} of the rotations of the regimes give at least that difference"
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
    if kept.mean <= 0:
        return Verdict(FORESIGHT, Answer.NO, f"{numbers}: the others are worse, and these foresee nothing.")
    if difference.low > 0 and kept.low > 0:
        return Verdict(FORESIGHT, Answer.YES, f"{numbers}, and neither it nor their own IC may be zero.")
    doubts = ["the difference may be zero"] if difference.low <= 0 else []
    doubts += ["their own IC may be zero"] if kept.low <= 0 else []
    return Verdict(FORESIGHT, Answer.UNCLEAR, f"{numbers}: {_listed(doubts)}.")


def on_portfolio(
    ours: Spread | None,
    *,
    place: float,
    place_before_costs: float,
    null_size: int,
    market: float | None,
    equal_weight: float | None,
    claim: float | None,
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
    claim : float or None
        What the paper prints; None where it prints nothing of this market and year.
    """
    if ours is None:
        return Verdict(PORTFOLIO, Answer.UNKNOWN, "the paper's method was not run.")
    bars = {name: bar for name, bar in ((_MARKET, market), (_EQUAL_WEIGHTS, equal_weight)) if bar is not None}
    numbers = ", ".join(
        [
            f"it returned {_percent(ours.median)} ({_range(ours)})",
            *(f"{name} {_percent(bar)}" for name, bar in bars.items()),
        ]
    )
    printed = _beside(ours, claim)
    if not bars:
        missing = "there is neither an index nor a portfolio of equal weights to compare it with"
        return Verdict(PORTFOLIO, Answer.UNKNOWN, f"{numbers}; {missing}.{printed}")
    lower = min(place, place_before_costs)
    if null_size < _FEWEST_NULL or not math.isfinite(lower):
        few = f"{_counted(null_size, 'random portfolio')}: too few to say what chance does"
        return Verdict(PORTFOLIO, Answer.UNKNOWN, f"{numbers}; {few}.{printed}")
    among = (
        f"it exceeds {share(place)} of {null_size} random portfolios, before costs "
        f"{share(place_before_costs)}"
    )
    lost = [name for name, bar in bars.items() if ours.median <= bar]
    when = " where nobody pays costs" if place_before_costs < place else ""
    lucky = f"{share(1.0 - lower)} of the random portfolios do as well{when}"
    if lost or lower <= _CHANCE:
        why = []
        if lost:
            why.append(
                f"it beats neither {' nor '.join(lost)}" if len(lost) > 1 else f"it does not beat {lost[0]}"
            )
        why += [lucky] if lower <= _CHANCE else []
        return Verdict(PORTFOLIO, Answer.NO, f"{numbers}; {among}: {', and '.join(why)}.{printed}")
    doubts = [f"not every seed beats {name}" for name, bar in bars.items() if ours.low <= bar]
    doubts += [lucky] if lower < _BEYOND_CHANCE else []
    absent = [name for name in (_MARKET, _EQUAL_WEIGHTS) if name not in bars]
    doubts += [f"nothing is known of {_listed(absent)}"] if absent else []
    if doubts:
        return Verdict(PORTFOLIO, Answer.UNCLEAR, f"{numbers}; {among}; but {_listed(doubts)}.{printed}")
    return Verdict(PORTFOLIO, Answer.YES, f"{numbers}; {among}.{printed}")


_MARKET, _EQUAL_WEIGHTS = "the index", "all members equally weighted"


def _beside(ours: Spread, claim: float | None) -> str:
    if claim is None:
        return ""
    printed = f" The paper prints {_percent(claim)}"
    if ours.high >= claim or ours.count == 1:
        return f"{printed}."
    return f"{printed}, which no seed reaches: the best has {_percent(ours.high)}."


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
    which = f"{len(passing)} would be a yes: {_listed(passing)}" if passing else "none would be a yes"
    lucky = f"without any skill at most {by_chance:.2g} of {tried} would be placed so high"
    return f"Of {_counted(tried, 'other method')} {which}; {lucky}."


def on_placebo(
    pairs: Mapping[str, tuple[float, Sequence[float]]], *, low: float, high: float
) -> tuple[Answer, str]:
    """Say whether shuffled labels destroy what there is of an edge.

    Parameters
    ----------
    pairs : mapping of title to (rank IC as it is, rank ICs on shuffled labels)
        Of the signal on the test span; one of the latter for each deal.
    low, high : float
        Between which 95 % of the random signals' rank ICs lie; NaN where there are none.

    Returns
    -------
    answer : Answer
        No if the median over deals of any method lies above that band; unclear if more single deals do than
        luck explains; else yes.
    sentence : str

    Notes
    -----
    Luck explains a count that as many independent random signals reach in one of twenty markets. Deals of
    one market are not independent, so that "unclear" is sooner said than it should be.
    """
    if not any(deals for _, deals in pairs.values()) or not math.isfinite(high):
        return Answer.UNKNOWN, "Shuffled labels: nothing to compare, or no random signals to compare with."
    middle = {title: statistics.median(deals) for title, (_, deals) in pairs.items() if deals}
    every = [ic for _, deals in pairs.values() for ic in deals]
    above = sum(ic > high for ic in every)
    alive = [title for title, ic in middle.items() if ic > high]
    band = f"95 % of the random signals have a rank IC between {_signed(low)} and {_signed(high)}"
    edges = [
        f"{title} ({_signed(real)}, on shuffled labels {_signed(middle[title])})"
        for title, (real, deals) in pairs.items()
        if deals and real > high
    ]
    had = (
        f"As it is, {_listed(edges)} {_lie(edges)} above that."
        if edges
        else "As it is, none of these methods lies above that: there was no edge to destroy."
    )
    counted = f"of {_counted(len(every), 'deal')} of labels {above or 'none'} {_lie_count(above)} above it"
    if alive:
        verb = _lie(alive)
        return (
            Answer.NO,
            f"{band}. On shuffled labels {_listed(alive)} still {verb} above it in the median. {had}",
        )
    luck = f"luck alone would put {_ABOVE * len(every):.2g} there"
    if _tail(above, len(every)) < _LEVEL:
        return (
            Answer.UNCLEAR,
            f"{band}. On shuffled labels no method lies above it in the median, yet {counted}, and {luck}. "
            f"{had}",
        )
    return (
        Answer.YES,
        f"{band}. On shuffled labels no method lies above it in the median; {counted}, and {luck}. {had}",
    )


def _tail(count: int, tries: int) -> float:
    """How often so many or more of some independent random signals lie above the band."""
    below = sum(math.comb(tries, k) * _ABOVE**k * (1.0 - _ABOVE) ** (tries - k) for k in range(count))
    return 1.0 - below


def share(value: float) -> str:
    """Return a share such as ``70 %`` or ``99.5 %``; empty for NaN."""
    return "" if math.isnan(value) else f"{100 * value:.1f}".removesuffix(".0") + " %"


def _rounded(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _lie_count(count: int) -> str:
    return "lie" if count > 1 else "lies"


def _listed(titles: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def _lie(titles: Sequence[str]) -> str:
    return _lie_count(len(titles))


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

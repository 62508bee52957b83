"""The judgement of one alpha in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from alpha_sources.evaluation.significance import needed_t, p_value
from alpha_sources.evaluation.significance_errors import SignificanceError


class Verdict(StrEnum):
    """What can be said of an alpha, from the least to the most."""

    #: there is no t value: too few sessions, a constant, no coverage
    UNDEFINED = "undefined"
    #: as large as useless alphas get
    NOISE = "noise"
    #: a discovery within its batch, yet not beyond what the best of all trials reaches by chance
    UNPROVEN = "unproven"
    #: beyond what chance explains, the number of trials included
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class Levels:
    """How sure one wants to be; each lies between 0 and 1.

    Parameters
    ----------
    family : float
        Probability with which the best of N useless alphas may pass.
    discovery : float
        Share of false ones among the discoveries of a batch.
    control : float
        Share of the random controls that an alpha must beat.
    """

    family: float = 0.05
    discovery: float = 0.05
    control: float = 0.95

    def __post_init__(self) -> None:
        for name in ("family", "discovery", "control"):
            value = getattr(self, name)
            if not 0.0 < value < 1.0:
                raise SignificanceError(f"the level {name!r} lies between 0 and 1, not {value:g}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the sentence that says it, and the t value it would have taken."""

    verdict: Verdict
    sentence: str
    needed_t: float

    def __str__(self) -> str:
        return self.sentence


def judgement(
    t: float,
    trials: int,
    *,
    q: float | None = None,
    control: float | None = None,
    degrees_of_freedom: float | None = None,
    levels: Levels | None = None,
) -> Judgement:
    """Say whether an alpha is told apart from noise.

    Parameters
    ----------
    t : float
        Of its mean IC; its sign is the alpha's, and does not matter. NaN where there is none.
    trials : int
        N ≥ 1: formulas that were ever tried, this one included.
    q : float, optional
        Its `false_discovery_q` within the batch.
    control : float, optional
        Share of random controls that it beats, from `control_percentile`.
    degrees_of_freedom : float, optional
        Of the t value; a normal is assumed otherwise.
    levels : Levels, optional

    Returns
    -------
    Judgement
        ``DISTINCT`` takes a t value beyond `needed_t`, and whatever else is given to agree.

    Raises
    ------
    SignificanceError
        If there is no trial, or a share lies outside 0..1.
    """
    asked = Levels() if levels is None else levels
    for name, share in (("q", q), ("control", control)):
        if share is not None and not math.isnan(share) and not 0.0 <= share <= 1.0:
            raise SignificanceError(f"{name} is a share in 0..1, not {share:g}")
    needed = needed_t(trials, level=asked.family, degrees_of_freedom=degrees_of_freedom)
    tried = f"{trials:,} trial{'s' if trials != 1 else ''}"
    if math.isnan(t):
        return Judgement(Verdict.UNDEFINED, "cannot be judged: it has no t value", needed)
    size = abs(t)
    numbers = f"|t| {size:.2f}, and {needed:.2f} is needed"
    noise = f"indistinguishable from noise after {tried}"
    if control is not None and control < asked.control:
        return Judgement(
            Verdict.NOISE, f"{noise}: it beats {control:.0%} of its own values dealt out at random", needed
        )
    if size > needed:
        if q is not None and q > asked.discovery:
            doubt = f"beyond {tried}, but no discovery of its batch (q {q:.3f})"
            return Judgement(Verdict.UNPROVEN, f"unproven: {doubt}: {numbers}", needed)
        return Judgement(Verdict.DISTINCT, f"distinguishable from noise after {tried}: {numbers}", needed)
    if q is not None and q <= asked.discovery:
        found = f"a discovery of its batch (q {q:.3f}), but not after {tried}"
        return Judgement(Verdict.UNPROVEN, f"unproven: {found}: {numbers}", needed)
    alone = float(p_value(t, degrees_of_freedom=degrees_of_freedom)) <= asked.family
    remark = "; alone it would have passed" if alone and trials > 1 else ""
    return Judgement(Verdict.NOISE, f"{noise}: {numbers}{remark}", needed)

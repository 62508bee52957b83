"""`Decision`: what a committee decided, with everything needed to say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.errors import ProviderError
from engine.plugins import nearest

#: raised when a record changes its meaning
RECORD_VERSION = 1

#: the agent that gives theta; the others are named by their profile
CONFIDENCE = "confidence"


class Verdict(StrEnum):
    """What became of a seed."""

    KEPT = "kept"
    #: kept although below the threshold: its category was missing
    KEPT_FOR_BALANCE = "kept_for_balance"
    #: kept by its ICIR: nothing reached the threshold
    KEPT_BY_FALLBACK = "kept_by_fallback"
    BELOW_THRESHOLD = "below_threshold"
    #: others of its category are better
    CATEGORY_FULL = "category_full"
    #: as many are kept as may be
    COMMITTEE_FULL = "committee_full"
    DUPLICATE = "duplicate"
    NOT_JUDGED = "not_judged"

    @property
    def kept(self) -> bool:
        """Whether the seed goes on."""
        return self in (Verdict.KEPT, Verdict.KEPT_FOR_BALANCE, Verdict.KEPT_BY_FALLBACK)


class Fallback(StrEnum):
    """How alphas are kept where none reaches the threshold."""

    NONE = "none"
    ICIR = "icir"


class Answered(StrEnum):
    """What came of a question to a model."""

    YES = "answered"
    #: some of its entries can be used
    PART = "answered in part"
    #: it was asked, and gave nothing that can be used
    UNUSABLE = "no usable answer"
    #: it could not be asked
    NO = "not asked"


class Dropped(StrEnum):
    """Why something a model said does not count."""

    UNKNOWN_ALPHA = "unknown alpha"
    UNKNOWN_ITEM = "cites an item that the brief does not have"
    NO_CITATION = "cites no item of the brief"
    FOREIGN_AGENT = "speaks for an agent it was not asked for"
    REPEATED = "names an alpha again"
    ALL_EQUAL = "the same number for every alpha"
    MALFORMED = "is not what was asked for"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Rank IC of an alpha over some sessions, with the sign it would be used with; see `Foresight`."""

    sessions: int
    mean: float | None
    error: float | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class BookRecord:
    """The alpha's own portfolio after fees, and the universe's; see `book.Book` and `book.Ride`."""

    gain: float | None
    volatility: float | None
    drawdown: float | None
    tail: float | None
    universe_gain: float | None
    universe_volatility: float | None
    universe_drawdown: float | None
    universe_tail: float | None
    cost: float | None
    turnover: float | None
    capacity_cny: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A score of one agent for one alpha.

    Parameters
    ----------
    prior : float
        By rules, in [0, 1].
    value : float
        What counts: the prior, moved by a model within the bound.
    proposed : float or None
        What the model asked for.
    cites : tuple of str
        Items of the brief that it names.
    reason : str
        Its words: text of a stranger, shown and never obeyed.
    """

    prior: float
    value: float
    proposed: float | None = None
    cites: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the committee thinks of one seed.

    Parameters
    ----------
    name, category, formula : str
    canonical : str
        Normal form of the formula.
    verdict : Verdict
    because : str
        In one line.
    sign : int
        -1 where it would be used with the other sign.
    overall, like_today : Foreseen or None
        None of a seed that could not be judged.
    level : str
        Sessions that `like_today` is of: the decision's level, or ``all`` for an alpha seldom seen in such.
    by_regime : mapping of str to Foreseen
    belief_mean, belief_deviation, category_mean, drawn : float or None
        Of the rank IC, after its category was consulted; see `confidence.Belief`.
    book : BookRecord or None
    utilities : mapping of str to float or None
        By risk agent.
    marks : mapping of str to Mark
        By agent, the confidence agent first.
    theta, rho, score : float or None
        rho is the weighted mean over risk agents.
    disagreement : float or None
        Highest less lowest mark.
    """

    name: str
    category: str
    formula: str
    canonical: str
    verdict: Verdict
    because: str
    sign: int = 1
    overall: Foreseen | None = None
    like_today: Foreseen | None = None
    level: str = ""
    by_regime: Mapping[str, Foreseen] = field(default_factory=dict)
    belief_mean: float | None = None
    belief_deviation: float | None = None
    category_mean: float | None = None
    drawn: float | None = None
    book: BookRecord | None = None
    utilities: Mapping[str, float | None] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    theta: float | None = None
    rho: float | None = None
    score: float | None = None
    disagreement: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the seed goes on."""
        return self.verdict.kept


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a model.

    Parameters
    ----------
    round : int
        1, or 2 after the debate.
    agents : tuple of str
        That it was asked to speak for.
    answered : Answered
    model, prompt, prompt_hash, key : str
        Key of the reply on the cassette; empty where there is none.
    characters : int
        Length of what it was shown.
    proposals, used : int
        Scores proposed, and how many of them count.
    statements : mapping of str to str
        What each agent said.
    replies : int
        That were read: the first, and one for each time it was sent back.
    reason : str
        Why it has no answer, or a part of one, in one line; empty where it could not be asked, since a
        replay has other troubles.
    """

    round: int
    agents: tuple[str, ...]
    answered: Answered
    model: str = ""
    prompt: str = ""
    prompt_hash: str = ""
    key: str = ""
    characters: int = 0
    proposals: int = 0
    used: int = 0
    statements: Mapping[str, str] = field(default_factory=dict)
    replies: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something a model said that does not count."""

    agent: str
    alpha: str
    why: Dropped
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a committee decided at one refresh.

    Parameters
    ----------
    as_of : str
        ISO date of the session.
    evidence_until : str or None
        Last session whose label was known.
    horizon_sessions : int
    sessions : int
        With a known universe up to then.
    regime : str
        Label of today's.
    level : str
        Sessions that foresight was taken from: the regime's, its trend's, or ``all``.
    level_sessions : int
    opinions : tuple of Opinion
        In the order of the seeds.
    kept : tuple of str
        Names, by category in the order of the seeds' first of each, the best first.
    threshold : float
    fallback : Fallback
    weights : mapping of str to float
        Of the agents in the score; they add to 1.
    agreement : float or None
        Mean rank correlation of the agents' marks, pair by pair.
    notes : tuple of str
        What a reader must know: fallbacks, what was filled up, what a model got wrong.
    brief : mapping or None
        Payload of the market brief.
    questions : tuple of Question
    refused : tuple of Refused
    seed : int
    version : int
    brief_calls : int
        Replies that scoring the brief's texts took.
    most_calls : int
        Replies that the refresh might take in all; 0 in a record that does not say.
    costs : str
        What the calls of models came to, and what went wrong. Not part of the record: a replay costs nothing.
    """

    as_of: str
    evidence_until: str | None
    horizon_sessions: int
    sessions: int
    regime: str
    level: str
    level_sessions: int
    opinions: tuple[Opinion, ...]
    kept: tuple[str, ...]
    threshold: float
    fallback: Fallback
    weights: Mapping[str, float]
    agreement: float | None = None
    notes: tuple[str, ...] = ()
    brief: Mapping[str, Any] | None = None
    questions: tuple[Question, ...] = ()
    refused: tuple[Refused, ...] = ()
    seed: int = 0
    version: int = RECORD_VERSION
    brief_calls: int = 0
    most_calls: int = 0
    costs: str = field(default="", compare=False)

    @property
    def calls(self) -> int:
        """Replies of models that the refresh took: for the brief's texts, first answers and repaired ones."""
        return self.brief_calls + sum(one.replies for one in self.questions)

    @property
    def in_short(self) -> bool:
        """Whether evidence and reasons were left out: the refresh that decided has them."""
        return not any(one.because for one in self.opinions)

    def __getitem__(self, name: str) -> Opinion:
        for one in self.opinions:
            if one.name == name:
                return one
        raise ProviderError(
            f"the committee of {self.as_of} judged no alpha {name!r}"
            f"{nearest(name, [one.name for one in self.opinions])}"
        )

    @property
    def agents(self) -> tuple[str, ...]:
        """Names of the agents, the confidence agent first."""
        return tuple(self.weights)

    @property
    def signs(self) -> dict[str, int]:
        """1 or -1 of every kept seed: how it is used."""
        return {name: self[name].sign for name in self.kept}

    def to_payload(self) -> dict[str, Any]:
        """Return the record as JSON values, the same for the same decision."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json", exclude={"costs"})
        # what keeps records may sort keys: the order of agents is part of this one
        plain["agents"] = list(self.weights)
        return plain

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Decision:
        """Read a record back.

        Raises
        ------
        ProviderError
            If it is none, or of another version.
        """
        plain = _thawed(payload)
        if not isinstance(plain, dict) or plain.get("version") != RECORD_VERSION:
            version = plain.get("version") if isinstance(plain, dict) else None
            raise ProviderError(
                f"a decision of version {version}; this program reads {RECORD_VERSION}: refresh anew"
            )
        agents = plain.pop("agents", None)
        try:
            if isinstance(agents, list):
                plain["weights"] = {name: plain["weights"][name] for name in agents}
                for one in plain["opinions"]:
                    for part in ("marks", "utilities"):
                        if part in one:
                            one[part] = {name: one[part][name] for name in agents if name in one[part]}
            return _adapter().validate_python(plain)
        except (ValidationError, KeyError, TypeError) as problem:
            said = str(problem).splitlines()
            raise ProviderError(f"a decision cannot be read: {said[0] if said else problem!r}") from None


@cache
def _adapter() -> TypeAdapter[Decision]:
    return TypeAdapter(Decision)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _thawed(item) for key, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value

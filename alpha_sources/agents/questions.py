"""What models are asked: which agents share a question, and what they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from alpha_sources.agents.answers import MOST_MOVES
from alpha_sources.agents.config import CommitteeConfig, RiskProfile
from alpha_sources.agents.decision import CONFIDENCE
from alpha_sources.llm.fencing import DataKind, Envelope, fence
from alpha_sources.llm.prompt import Prompt, Rendered

if TYPE_CHECKING:
    from alpha_sources.agents.brief import MarketBrief
    from alpha_sources.llm.attachment import Attachment

_TEXTS = "alpha_sources.agents.texts"
_VERSION = 1
#: calls that the second round of a debate makes
_DEBATE_CALLS = 2
#: characters of what an agent is shown to have said
_LONGEST_STATEMENT = 2500
_LONGEST_FORMULA = 160


@dataclass(frozen=True, slots=True)
class Shown:
    """One alpha as models see it.

    Parameters
    ----------
    mark : str
        Such as ``A7``: a name of ours, since names and titles of seeds are others' words.
    name : str
    line : str
        Its row of the table, without scores.
    priors : mapping of str to float
        By agent.
    """

    mark: str
    name: str
    line: str
    priors: Mapping[str, float]


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """A brief as models are shown it.

    Parameters
    ----------
    words : str
        Our own items.
    published : tuple of Envelope
        What others wrote, each piece in an envelope of its own: what stands in one cannot pose as another.
    charts : str
        What the attached images show.
    images : tuple of Attachment
    ids : frozenset of str
        What may be cited: what is shown.
    """

    words: str
    published: tuple[Envelope, ...]
    charts: str
    images: tuple[Attachment, ...]
    ids: frozenset[str]

    @classmethod
    def of(cls, brief: MarketBrief, *, images: bool) -> Told:
        """Return what is shown of a brief, with or without its images."""
        published = brief.envelopes()
        ids = {one.id for one in brief.items}
        if images and (attached := brief.attachments()):
            charts = f"The attached images, in this order:\n{brief.chart_titles()}"
            ids = set(brief.ids)
        else:
            attached, charts = (), "No images are attached."
        nothing = fence("Nothing.", source="the brief", kind=DataKind.METADATA)
        return cls(
            brief.words() or "It has no items of its own.",
            published or (nothing,),
            charts,
            attached,
            frozenset(ids),
        )


def seatings(agents: Sequence[str], config: CommitteeConfig) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return which agents are asked together, round by round.

    Parameters
    ----------
    agents : sequence of str
        The confidence agent first.
    config : CommitteeConfig

    Returns
    -------
    tuple of rounds
        Each agent has a question of its own as far as `most_calls` goes round; otherwise risk agents share.
        One call is left to the brief's texts, also where it has none: who sits with whom must not depend on
        the news. The second round of a debate takes at most two calls: the confidence agent's and the risk
        agents'.
    """
    calls = config.most_calls - 1
    second = min(_DEBATE_CALLS, calls // 2) if config.debate else 0
    rounds = [_dealt(agents, calls - second)]
    if second:
        rounds.append(_dealt(agents, second))
    return tuple(rounds)


def calls_for_texts(config: CommitteeConfig) -> int:
    """Return the calls that scoring a brief's texts may take, sent back or not.

    Its own, and all that are left when every question of the agents has one.
    """
    agents = [CONFIDENCE, *config.risk_agents()]
    return config.most_calls - sum(map(len, seatings(agents, config)))


def _dealt(agents: Sequence[str], calls: int) -> tuple[tuple[str, ...], ...]:
    first, others = agents[:1], agents[1:]
    if calls == 1 or not others:
        return (tuple(agents),)
    parts = min(len(others), calls - 1)
    # neighbours sit together, in groups whose sizes differ by one at most
    bounds = [round(i * len(others) / parts) for i in range(parts + 1)]
    return (tuple(first), *(tuple(others[a:b]) for a, b in pairwise(bounds)))


def described(agent: str, profile: RiskProfile | None) -> str:
    """Return what an agent is, in one line."""
    if profile is None:
        return (
            f"- {CONFIDENCE}: its score is the probability that the alpha's mean IC is above 0 in a market "
            "like today's."
        )
    tastes = ", ".join(
        f"{name} {getattr(profile, name):g}"
        for name in ("gain", "volatility", "drawdown", "tail", "cost", "capacity")
    )
    return (
        f"- {agent}: a risk agent. Its score is 0.5 for an alpha whose portfolio is worth as much to it as "
        f"holding the whole universe, and higher for more. What it weighs, a year: {tastes}."
    )


def opinion_prompt(
    seats: Sequence[str],
    shown: Sequence[Shown],
    brief: Told,
    config: CommitteeConfig,
    *,
    horizon_sessions: int,
    level: str,
    statements: Sequence[Envelope] = (),
) -> Rendered:
    """Return the question for some agents; with `statements`, that of the second round."""
    agents = config.risk_agents()
    head = "mark | category | formula | IC today | IC all | gain | volatility | drawdown | cost"
    columns = " | ".join(f"score {agent}" for agent in seats)
    rows = [f"{head} | {columns}"]
    rows += [f"{one.line} | " + " | ".join(f"{one.priors[agent]:.3f}" for agent in seats) for one in shown]
    values: dict[str, Any] = {
        "agents": "\n".join(described(agent, agents.get(agent)) for agent in seats),
        "bound": f"{config.bound:g}",
        "horizon": horizon_sessions,
        "level": level,
        "most": MOST_MOVES,
        "brief": brief.words,
        "charts": brief.charts,
        "published": list(brief.published),
        "evidence": fence("\n".join(rows), source="the judge", kind=DataKind.TABLE),
    }
    if statements:
        values["statements"] = list(statements)
    name = "debate" if statements else "opinion"
    return Prompt.load(_TEXTS, name, _VERSION).render(**values)


def statement_envelopes(said: Mapping[str, str]) -> list[Envelope]:
    """Return what agents said, each in an envelope: a model's words are data to another."""
    return [
        fence(text, source=f"statement of the {agent} agent", kind=DataKind.DOCUMENT, most=_LONGEST_STATEMENT)
        for agent, text in said.items()
    ]


def short(formula: str) -> str:
    """Return a formula cut to what a table takes."""
    return formula if len(formula) <= _LONGEST_FORMULA else formula[: _LONGEST_FORMULA - 3] + "..."

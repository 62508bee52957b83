"""What of a model's answer counts: known alphas, cited items, and no further than the bound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from alpha_sources.agents.answers import Proposal, Views
from alpha_sources.agents.decision import Dropped, Mark, Refused
from alpha_sources.agents.numbers import rounded
from alpha_sources.llm.salvage import Spoilt

#: proposals of one agent that must differ somewhere
_LEAST_TO_DIFFER = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of an answer.

    Parameters
    ----------
    marks : mapping of agent to mapping of alpha to Mark
        Only those that were moved.
    refused : tuple of Refused
    statements : mapping of str to str
        What each agent said.
    used : int
        Proposals that count.
    """

    marks: Mapping[str, Mapping[str, Mark]]
    refused: tuple[Refused, ...]
    statements: Mapping[str, str]
    used: int


def moved(
    views: Views,
    seats: Sequence[str],
    names: Mapping[str, str],
    priors: Mapping[str, Mapping[str, float]],
    items: Collection[str],
    bound: float,
    spoilt: Sequence[Spoilt] = (),
) -> Moved:
    """Apply an answer to the scores that the rules gave.

    Parameters
    ----------
    views : Views
        Already bounded: the door lets no number through that is none, or lies outside [0, 1].
    seats : sequence of str
        Agents that the answer may speak for.
    names : mapping of str to str
        Alphas by their mark.
    priors : mapping of agent to mapping of alpha to float
    items : collection of str
        Ids of the brief's items and charts.
    bound : float
    spoilt : sequence of Spoilt
        Entries of the answer that could not be used.

    Notes
    -----
    Nothing in a reason or statement is looked at: an agent's words move no score but those it proposes, and
    no other agent's.
    """
    refused = [_malformed(one, seats, names) for one in spoilt]
    accepted: dict[str, dict[str, Proposal]] = {}
    for one in views.proposals:
        why = _fault(one, seats, names, accepted, items)
        if why is not None:
            refused.append(Refused(one.agent, names.get(one.alpha, one.alpha), why, _detail(one, why, items)))
            continue
        accepted.setdefault(one.agent, {})[names[one.alpha]] = one
    marks: dict[str, dict[str, Mark]] = {}
    for agent, proposals in accepted.items():
        numbers = {one.score for one in proposals.values()}
        if len(proposals) >= _LEAST_TO_DIFFER and len(numbers) == 1:
            refused.append(Refused(agent, "", Dropped.ALL_EQUAL, f"{numbers.pop():g} for {len(proposals)}"))
            continue
        marks[agent] = {
            name: _mark(priors[agent][name], one, bound) for name, one in sorted(proposals.items())
        }
    said: dict[str, str] = {}
    for statement in views.statements:
        if statement.agent in seats:
            said.setdefault(statement.agent, statement.text)
        else:
            refused.append(Refused(statement.agent, "", Dropped.FOREIGN_AGENT, "a statement"))
    return Moved(marks, tuple(refused), said, sum(map(len, marks.values())))


def _malformed(one: Spoilt, seats: Sequence[str], names: Mapping[str, str]) -> Refused:
    agent, alpha = one.label("agent"), one.label("alpha")
    place = f"{one.field} {one.number}: {one.why}"
    return Refused(agent if agent in seats else "", names.get(alpha, alpha), Dropped.MALFORMED, place)


def _fault(
    one: Proposal,
    seats: Sequence[str],
    names: Mapping[str, str],
    accepted: Mapping[str, Mapping[str, Proposal]],
    items: Collection[str],
) -> Dropped | None:
    if one.agent not in seats:
        return Dropped.FOREIGN_AGENT
    if one.alpha not in names:
        return Dropped.UNKNOWN_ALPHA
    if names[one.alpha] in accepted.get(one.agent, {}):
        return Dropped.REPEATED
    if not one.cites:
        return Dropped.NO_CITATION
    if any(cited not in items for cited in one.cites):
        return Dropped.UNKNOWN_ITEM
    return None


def _detail(one: Proposal, why: Dropped, items: Collection[str]) -> str:
    if why is Dropped.UNKNOWN_ITEM:
        return ", ".join(cited for cited in one.cites if cited not in items)
    return ""


def _mark(prior: float, one: Proposal, bound: float) -> Mark:
    value = min(max(one.score, prior - bound, 0.0), prior + bound, 1.0)
    return Mark(prior, rounded(value), rounded(one.score), tuple(dict.fromkeys(one.cites)), one.reason)

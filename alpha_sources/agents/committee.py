"""`decide`: one refresh of the committee, from evidence to a record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.asking import Heard, hear
from alpha_sources.agents.book import Book
from alpha_sources.agents.confidence import Belief, beliefs, theta
from alpha_sources.agents.config import CommitteeConfig, Experts
from alpha_sources.agents.decision import (
    CONFIDENCE,
    BookRecord,
    Decision,
    Foreseen,
    Mark,
    Opinion,
    Verdict,
)
from alpha_sources.agents.evidence import Evidence, Held, Seen, compared_rows, gather, hold
from alpha_sources.agents.experts import agreement, base_weights, earlier, gains, learned_weights
from alpha_sources.agents.foresight import Foresight
from alpha_sources.agents.likeness import Distinct
from alpha_sources.agents.numbers import recorded, rounded
from alpha_sources.agents.questions import Shown, short
from alpha_sources.agents.risk import rho, utility
from alpha_sources.agents.selection import Candidate, Chosen, choose
from alpha_sources.evaluation.store import ResultStore
from alpha_sources.libraries import LibraryEntry
from engine.market.calendar import iso
from engine.market.view import MarketView

if TYPE_CHECKING:
    from alpha_sources.agents.brief import MarketBrief
    from alpha_sources.llm.door import Door

Array = NDArray[np.float64]


def decide(
    view: MarketView,
    seeds: Sequence[LibraryEntry],
    config: CommitteeConfig,
    *,
    horizon_sessions: int = 1,
    previous: Sequence[Decision] = (),
    brief: MarketBrief | None = None,
    door: Door | None = None,
    seed: int = 0,
    store: ResultStore | None = None,
    start: date | None = None,
    calls_made: int | None = None,
) -> Decision:
    """Judge seeds for the market as it stands, and say which go on.

    Parameters
    ----------
    view : MarketView
        Nothing after its session is known.
    seeds : sequence of LibraryEntry
        With names that differ.
    config : CommitteeConfig
    horizon_sessions : int
        Sessions of the labels.
    previous : sequence of Decision
        Earlier ones, for experts that are learned; those that are not earlier are left out.
    brief : MarketBrief, optional
        Without one, or with an empty one, no model is asked: there is nothing that a reason could cite.
    door : Door, optional
        Without one, or offline, the rules decide.
    seed : int
        Recorded; nothing here is drawn at random.
    store : ResultStore, optional
        Of the judge: what is found there is not computed again.
    start : date, optional
        First decision day of the evidence.
    calls_made : int, optional
        Replies that scoring the brief's texts took, which count against `most_calls`; by default one where
        the brief says that a model was asked. Texts that are scored through `Door.within`, with
        `questions.calls_for_texts` replies, leave enough for the agents.

    Returns
    -------
    Decision
        The same, bit for bit, for the same market up to the session, whatever comes after it.

    Raises
    ------
    DataError
        If there are fewer sessions than `least_sessions`, or not one seed can be judged.
    ConfigError
        If there is no seed, or two bear one name, or `most_calls` is used up before the agents are asked.
    LlmError
        If a model cannot be asked, and `on_model_failure` is ``stop``.
    """
    evidence = gather(view, seeds, config, horizon_sessions=horizon_sessions, start=start, store=store)
    believed = _beliefs(evidence)
    signs = {
        name: -1 if config.allow_inverted and belief.mean < 0 else 1 for name, belief in believed.items()
    }
    held = hold(evidence, signs, config, store=store)
    utilities = {
        name: {
            agent: utility(one.book, profile, config.capital_cny)
            for agent, profile in config.risk_agents().items()
        }
        for name, one in held.items()
    }
    priors = {
        name: {
            CONFIDENCE: rounded(theta(believed[name], inverted=signs[name] < 0)),
            **{agent: rounded(rho(value, config.utility_scale)) for agent, value in utilities[name].items()},
        }
        for name in believed
    }
    weights, notes = _weights(evidence, config, earlier(previous, view.session))
    taken = _calls_of(brief) if calls_made is None else calls_made
    heard = _heard(evidence, signs, held, priors, list(weights), config, brief, door, horizon_sessions, taken)
    marks = {
        name: {
            agent: heard.marks.get(agent, {}).get(name, Mark(prior, prior)) for agent, prior in given.items()
        }
        for name, given in priors.items()
    }
    scores = {name: _score(given, weights) for name, given in marks.items()}
    chosen = _choose(evidence, signs, held, scores, config)
    opinions = tuple(
        _opinion(one, believed, signs, held, utilities, marks, scores, weights, chosen)
        for one in evidence.seen
    )
    return Decision(
        as_of=iso(view.session),
        evidence_until=None if evidence.last_label is None else evidence.last_label.isoformat(),
        horizon_sessions=horizon_sessions,
        sessions=int(evidence.ground.groups.inside[0].sum()),
        regime=evidence.conditions.regime.label,
        level=evidence.conditions.level,
        level_sessions=evidence.conditions.sessions,
        opinions=opinions,
        kept=_by_category(opinions),
        threshold=chosen.threshold,
        fallback=chosen.fallback,
        weights={agent: rounded(weight) for agent, weight in weights.items()},
        agreement=_agreement(marks, list(weights)),
        notes=(
            *notes,
            *_evidence_notes(evidence, config),
            *chosen.notes,
            *_model_notes(heard, config, brief, door),
        ),
        brief=None if brief is None else brief.to_payload(),
        questions=heard.questions,
        refused=heard.refused,
        seed=seed,
        brief_calls=taken,
        most_calls=config.most_calls,
        costs=_costs(heard, door, taken),
    )


def _beliefs(evidence: Evidence) -> dict[str, Belief]:
    usable = evidence.usable
    settings = evidence.ground.settings
    return beliefs(
        {one.entry.name: one.like_today for one in usable},
        {one.entry.name: one.overall for one in usable},
        {one.entry.name: str(one.entry.category) for one in usable},
        {one.entry.name: one.rank_ic for one in usable},
        evidence.conditions.inside,
        settings.lags_at(settings.horizon_sessions),
    )


def _weights(
    evidence: Evidence, config: CommitteeConfig, past: Sequence[Decision]
) -> tuple[dict[str, float], list[str]]:
    base = base_weights(config)
    if config.experts is Experts.FIXED:
        return base, []
    daily = {one.entry.name: one.rank_ic for one in evidence.usable}
    gained = gains(past, daily, evidence.view.dates)
    counted = max((len(each) for each in gained.values()), default=0)
    if not counted:
        return base, ["experts: no past decision has results yet; the weights are those of the settings"]
    told = ", ".join(f"{agent} {np.mean(each):+.2f}" for agent, each in gained.items() if agent in base)
    note = f"experts: mean rank correlation of past scores with what followed, {counted} decisions: {told}"
    return learned_weights(base, gained, config.learning_rate), [note]


def _heard(
    evidence: Evidence,
    signs: Mapping[str, int],
    held: Mapping[str, Held],
    priors: Mapping[str, Mapping[str, float]],
    agents: Sequence[str],
    config: CommitteeConfig,
    brief: MarketBrief | None,
    door: Door | None,
    horizon_sessions: int,
    calls_made: int,
) -> Heard:
    """Ask models where there is one to be asked and something that it can cite."""
    if door is None or door.offline or brief is None or not brief.ids or not config.bound:
        return Heard()
    shown = [
        Shown(f"A{i}", one.entry.name, _line(f"A{i}", one, signs, held), priors[one.entry.name])
        for i, one in enumerate(evidence.usable, start=1)
    ]
    return hear(
        door,
        shown,
        brief,
        agents,
        config,
        horizon_sessions=horizon_sessions,
        level=evidence.conditions.level,
        calls_made=calls_made,
    )


def _calls_of(brief: MarketBrief | None) -> int:
    """Replies that a brief took at least; what was transcribed bears no prompt."""
    return 0 if brief is None else sum(bool(one.prompt) for one in brief.asked)


def _line(mark: str, one: Seen, signs: Mapping[str, int], held: Mapping[str, Held]) -> str:
    """Return the row of an alpha in the table that models see: no name, no day."""
    name = one.entry.name
    sign, book = signs[name], held[name].book
    own, universe = book.own, book.universe
    formula = short(str(one.entry.parsed))
    parts = [
        mark,
        str(one.entry.category),
        formula if sign > 0 else f"-({formula})",
        *(
            f"{sign * seen.mean:+.4f} +- {seen.error:.4f} ({seen.sessions})"
            for seen in (one.like_today, one.overall)
        ),
        f"{own.gain - universe.gain:+.1%}",
        f"{own.volatility - universe.volatility:+.1%}",
        f"{own.drawdown - universe.drawdown:+.1%}",
        f"{book.cost:.1%}",
    ]
    return " | ".join(parts)


def _score(marks: Mapping[str, Mark], weights: Mapping[str, float]) -> float:
    return rounded(math.fsum(weights[agent] * mark.value for agent, mark in marks.items()))


def _choose(
    evidence: Evidence,
    signs: Mapping[str, int],
    held: Mapping[str, Held],
    scores: Mapping[str, float],
    config: CommitteeConfig,
) -> Chosen:
    usable = evidence.usable
    distinct = Distinct(
        evidence.ground.fills.members[compared_rows(evidence)],
        samples={name: one.sample for name, one in held.items()},
        formulas={one.entry.name: one.entry.parsed for one in usable},
        daily={one.entry.name: one.rank_ic for one in usable},
        signs=signs,
        correlation=config.duplicate_correlation,
        ic_correlation=config.duplicate_ic_correlation,
        min_names=config.min_names,
    )
    candidates = [
        Candidate(
            one.entry.name,
            str(one.entry.category),
            scores[one.entry.name],
            signs[one.entry.name] * one.like_today.ratio,
        )
        for one in usable
    ]
    return choose(candidates, config, distinct.repeats)


def _opinion(
    one: Seen,
    believed: Mapping[str, Belief],
    signs: Mapping[str, int],
    held: Mapping[str, Held],
    utilities: Mapping[str, Mapping[str, float]],
    marks: Mapping[str, Mapping[str, Mark]],
    scores: Mapping[str, float],
    weights: Mapping[str, float],
    chosen: Chosen,
) -> Opinion:
    name, category = one.entry.name, str(one.entry.category)
    formula = one.judged.formula if one.judged is not None else one.entry.formula
    canonical = one.judged.canonical if one.judged is not None else ""
    if not one.usable:
        because = f"{one.status.replace('_', ' ')}: {one.reason}" if one.reason else one.status
        return Opinion(name, category, formula, canonical, Verdict.NOT_JUDGED, because)
    verdict, because = chosen.why[name]
    sign, belief, mine = signs[name], believed[name], marks[name]
    risk = math.fsum(weights[agent] for agent in mine if agent != CONFIDENCE)
    numbers = [mark.value for mark in mine.values()]
    return Opinion(
        name=name,
        category=category,
        formula=formula,
        canonical=canonical,
        verdict=verdict,
        because=because,
        sign=sign,
        overall=_foreseen(one.overall, sign),
        like_today=_foreseen(one.like_today, sign),
        level=one.level,
        by_regime={regime: _foreseen(found, sign) for regime, found in one.by_regime.items()},
        belief_mean=recorded(sign * belief.mean),
        belief_deviation=recorded(belief.deviation),
        category_mean=recorded(sign * belief.category_mean),
        drawn=recorded(belief.drawn),
        book=_book_record(held[name].book),
        utilities={agent: recorded(value) for agent, value in utilities[name].items()},
        marks=mine,
        theta=mine[CONFIDENCE].value,
        rho=recorded(
            math.fsum(weights[agent] * mark.value for agent, mark in mine.items() if agent != CONFIDENCE)
            / risk
            if risk > 0
            else float(np.mean([mark.value for agent, mark in mine.items() if agent != CONFIDENCE]))
        ),
        score=scores[name],
        disagreement=recorded(max(numbers) - min(numbers)),
    )


def _foreseen(one: Foresight, sign: int) -> Foreseen:
    turned = one if sign > 0 else one.reversed()
    return Foreseen(turned.sessions, recorded(turned.mean), recorded(turned.error), recorded(turned.ratio))


def _book_record(book: Book) -> BookRecord:
    own, universe = book.own, book.universe
    return BookRecord(
        gain=recorded(own.gain),
        volatility=recorded(own.volatility),
        drawdown=recorded(own.drawdown),
        tail=recorded(own.tail),
        universe_gain=recorded(universe.gain),
        universe_volatility=recorded(universe.volatility),
        universe_drawdown=recorded(universe.drawdown),
        universe_tail=recorded(universe.tail),
        cost=recorded(book.cost),
        turnover=recorded(book.turnover),
        capacity_cny=recorded(book.capacity_cny),
    )


def _by_category(opinions: Sequence[Opinion]) -> tuple[str, ...]:
    """Names of those kept: categories in the order of the seeds, in each the best first."""
    order = list(dict.fromkeys(one.category for one in opinions))
    kept = [one for one in opinions if one.kept]
    kept.sort(key=lambda one: (order.index(one.category), -(one.score or 0.0), one.name))
    return tuple(one.name for one in kept)


def _agreement(marks: Mapping[str, Mapping[str, Mark]], agents: Sequence[str]) -> float | None:
    found = []
    for first, second in combinations(agents, 2):
        pairs = [(given[first].value, given[second].value) for given in marks.values()]
        if math.isfinite(value := agreement([a for a, _ in pairs], [b for _, b in pairs])):
            found.append(value)
    return recorded(float(np.mean(found))) if found else None


def _evidence_notes(evidence: Evidence, config: CommitteeConfig) -> list[str]:
    notes = []
    conditions = evidence.conditions
    if evidence.ground.index_symbol is None:
        notes.append("the market carries no index: regimes are unknown, and all sessions count alike")
    elif config.regime_conditional and conditions.level != conditions.regime.label:
        notes.append(
            f"too few realised sessions are {conditions.regime.label}: foresight is that of "
            f"{conditions.level} ({conditions.sessions} sessions)"
        )
    silent = [one for one in evidence.seen if not one.usable]
    if silent:
        counts: dict[str, int] = {}
        for one in silent:
            counts[one.status] = counts.get(one.status, 0) + 1
        told = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(counts.items()))
        notes.append(f"{len(silent)} of {len(evidence.seen)} seeds could not be judged: {told}")
    return notes


def _model_notes(
    heard: Heard, config: CommitteeConfig, brief: MarketBrief | None, door: Door | None
) -> list[str]:
    if door is None or door.offline:
        return ["no model was asked: the agents went by rules"]
    if brief is None or not brief.ids:
        return ["the brief is empty: no reason could cite it, so no model was asked"]
    if not config.bound:
        return ["bound is 0: no model could move a score, so no agent asked one"]
    notes = [
        f"round {one.round}, {', '.join(one.agents)}: {one.answered}; the scores of the rules stand"
        for one in heard.questions
        if not one.key
    ]
    notes += heard.notes
    whys: dict[str, int] = {}
    for refused in heard.refused:
        key = f"{refused.agent or 'a model'}: {refused.why}"
        whys[key] = whys.get(key, 0) + 1
    notes += [f"{key} ({count} dropped)" for key, count in sorted(whys.items())]
    return notes


def _costs(heard: Heard, door: Door | None, calls_made: int) -> str:
    if door is None or door.offline or not (heard.questions or calls_made):
        return "Language model: none was asked"
    return "; ".join([door.costs().line(), *heard.troubles])

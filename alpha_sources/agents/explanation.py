"""Why is this alpha in? A record, in words."""

from __future__ import annotations

from collections.abc import Iterator

from alpha_sources.agents.decision import CONFIDENCE, Decision, Dropped, Fallback, Foreseen, Opinion
from engine.hashing import hash_json


def explained(decision: Decision) -> Iterator[tuple[str, str]]:
    """Yield what a decision was and rested on, as (label, text)."""
    judged = [one for one in decision.opinions if one.marks]
    yield "decided", f"at the close of {decision.as_of}"
    yield from _left_out(decision)
    until = decision.evidence_until or "no session"
    yield (
        "evidence",
        f"{decision.sessions} sessions; labels of {decision.horizon_sessions} "
        f"session{'s' * (decision.horizon_sessions != 1)} are known up to {until}",
    )
    like = "all sessions" if decision.level == "all" else f"sessions that are {decision.level}"
    yield "market", f"{decision.regime}; foresight from {decision.level_sessions} {like}"
    weights = ", ".join(f"{agent} {weight:.2f}" for agent, weight in decision.weights.items())
    yield "agents", weights
    if decision.agreement is not None:
        yield "agreement", f"mean rank correlation of the agents' scores {decision.agreement:+.2f}"
    passed = sum(one.score is not None and one.score >= decision.threshold for one in judged)
    threshold = f"{decision.threshold:.3f}: {passed} of {len(judged)} judged seeds reach it"
    if decision.fallback is not Fallback.NONE:
        threshold += f"; fallback by {decision.fallback.upper()}"
    yield "threshold", threshold
    yield "kept", f"{len(decision.kept)} of {len(decision.opinions)} seeds"
    for note in decision.notes:
        yield "note", note
    if decision.calls:
        yield "calls", called(decision)
    for question in decision.questions:
        told = f"round {question.round}, {', '.join(question.agents)}: {question.answered}"
        if question.key:
            told += f"; {question.used} of {question.proposals} proposals count"
            told += f"; {question.model}, {question.prompt}, key {question.key[:12]}"
        if question.reason:
            told += f"; {question.reason}"
        yield "model", told
    if decision.brief is not None:
        items = decision.brief.get("items", ())
        yield "brief", f"{len(items)} items, sha256 {hash_json(decision.to_payload()['brief'])[:12]}"


def called(decision: Decision) -> str:
    """Say how many replies of models a refresh took, and what for."""
    first = sum(question.replies > 0 for question in decision.questions)
    again = sum(max(question.replies - 1, 0) for question in decision.questions)
    parts = [
        (decision.brief_calls, "for the texts of the brief"),
        (first, "for the agents"),
        (again, "to have the agents' answers repaired"),
    ]
    told = ", ".join(f"{count} {words}" for count, words in parts if count)
    most = f" of at most {decision.most_calls}" if decision.most_calls else ""
    return f"{decision.calls}{most}: {told}"


def reasons(decision: Decision, name: str) -> Iterator[tuple[str, str]]:
    """Yield why a seed is in or not, as (label, text).

    Raises
    ------
    ProviderError
        If the committee judged no such seed; the nearest name is given.
    """
    one = decision[name]
    yield from _left_out(decision)
    yield "alpha", f"{one.name} ({one.category})"
    verdict = one.verdict.replace("_", " ")
    if decision.in_short:
        yield "verdict", verdict
        for agent, mark in one.marks.items():
            yield agent, f"{mark.value:.3f}"
        return
    yield "formula", one.formula if one.sign > 0 else f"-({one.formula})"
    yield "verdict", f"{verdict}: {one.because}"
    if not one.marks:
        return
    if one.sign < 0:
        yield "inverted", "its evidence speaks for the opposite of what it says; numbers are of the inverse"
    yield "foresight", _seen(one)
    if one.by_regime:
        yield "by regime", "; ".join(f"{regime} {_ic(found)}" for regime, found in one.by_regime.items())
    if one.belief_mean is not None and one.belief_deviation is not None and one.drawn is not None:
        yield (
            "belief",
            f"rank IC {one.belief_mean:+.4f} ± {one.belief_deviation:.4f}, drawn {one.drawn:.0%} of the way "
            f"towards its category's {one.category_mean or 0.0:+.4f}",
        )
    book = one.book
    if book is not None:
        yield (
            "book",
            f"after fees {_percent(book.gain)} a year (universe {_percent(book.universe_gain)}), volatility "
            f"{_percent(book.volatility)} ({_percent(book.universe_volatility)}), drawdown "
            f"{_percent(book.drawdown)} ({_percent(book.universe_drawdown)}), shortfall "
            f"{_percent(book.tail)} ({_percent(book.universe_tail)})",
        )
        room = "unknown" if book.capacity_cny is None else f"{book.capacity_cny:,.0f} CNY"
        yield (
            "trading",
            f"{_percent(book.turnover)} of its names are new each session; costs {_percent(book.cost)} a "
            f"year; capacity {room}",
        )
    for agent, mark in one.marks.items():
        greek = "theta" if agent == CONFIDENCE else "rho"
        told = f"{greek} {mark.value:.3f}"
        utility = one.utilities.get(agent)
        if utility is not None:
            told += f", utility {utility:+.3f} a year"
        if mark.proposed is not None:
            told += (
                f"; the rules gave {mark.prior:.3f}, the model asked for {mark.proposed:.3f} citing "
                f"{', '.join(mark.cites)}: {mark.reason}"
            )
        else:
            told += _by_rules(decision, name, agent)
        yield agent, told
    yield (
        "score",
        f"{one.score or 0.0:.3f} (theta {one.theta or 0.0:.3f}, rho {one.rho or 0.0:.3f}), threshold "
        f"{decision.threshold:.3f}; the agents differ by {one.disagreement or 0.0:.3f}",
    )
    yield from _cited(decision, one)


def _by_rules(decision: Decision, name: str, agent: str) -> str:
    """Say why a model that was asked did not move a score, where it was not its own choice."""
    told = [
        f"; what the model proposed was dropped: {one.why}{f' ({one.detail})' if one.detail else ''}"
        for one in decision.refused
        if one.agent == agent and (one.alpha == name or one.why is Dropped.ALL_EQUAL)
    ]
    last = [one for one in decision.questions if agent in one.agents][-1:]
    told += [f"; by rules: {one.answered}" for one in last if not one.key]
    return "".join(dict.fromkeys(told))  # said in both rounds, it is one fault


def _left_out(decision: Decision) -> Iterator[tuple[str, str]]:
    if decision.in_short:
        yield (
            "note",
            f"evidence, reasons and brief are in the snapshot of {decision.as_of}, which is not among these",
        )


def _cited(decision: Decision, one: Opinion) -> Iterator[tuple[str, str]]:
    """What the brief says where a model cited it."""
    cited = {item for mark in one.marks.values() for item in mark.cites}
    for item in (decision.brief or {}).get("items", ()):
        if item["id"] in cited:
            yield item["id"], f"{item['text']} ({item['source']}, {item['date']})"


def _seen(one: Opinion) -> str:
    if one.level in ("", "all"):
        return f"rank IC {_ic(one.overall)} over all"
    return f"rank IC {_ic(one.like_today)} when {one.level}; {_ic(one.overall)} over all"


def _ic(found: Foreseen | None) -> str:
    if found is None or found.mean is None:
        return "unknown"
    error = "?" if found.error is None else f"{found.error:.4f}"
    return f"{found.mean:+.4f} ± {error} ({found.sessions} session{'s' * (found.sessions != 1)})"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.1%}"

"""Checks of what comes back: a row of numbers, the same for the same question, whatever was asked before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, noted, passed
from alpha_sources.conformance.rows import Array, equal, first_difference
from alpha_sources.conformance.subject import Subject, is_history
from alpha_sources.conformance.worlds import between, exchanged
from alpha_sources.snapshot import Snapshot
from engine.market.view import MarketView

#: fewer scored members than this are too few to choose from
_FEW = 10


def check_shape(subject: Subject) -> Finding:
    """Every session gives (N,) finite or NaN numbers in the order of ``view.symbols``."""
    if not is_history(subject.declared):
        raise CheckFailedError(
            Fault.SHORT_HISTORY,
            f"history must be a number of sessions, 0 or more, not {subject.declared!r}",
        )
    subject.prefer_scored_rows()
    for row in subject.rows:
        subject.honest(row)
    row = subject.rows[0]
    view, snapshot = subject.panel.view(row), subject.snapshot(row)
    kind = np.asarray(subject.raw(subject.fresh(), view, snapshot)).dtype
    said = "" if kind.kind == "f" else "; integers are taken as floats"
    return passed("shape", f"{len(view.symbols)} scores a session, {kind}{said}")


def check_nan_rules(subject: Subject) -> Finding:
    """Members have scores; a short look-back gives NaN, no exception."""
    counts = {row: int(np.isfinite(subject.honest(row)).sum()) for row in subject.rows}
    members = {row: int(subject.panel.universe[row].sum()) for row in subject.rows}
    if not any(counts.values()):
        raise CheckFailedError(
            Fault.EMPTY,
            f"no member has a score on any of {len(counts)} sessions, the first "
            f"{subject.session(subject.rows[0])}",
            subject.session(subject.rows[0]),
        )
    row = min(subject.rows, key=lambda row: counts[row] / members[row])
    scored = f"{counts[row]} of {members[row]} members"
    remarks = []
    if counts[row] < min(_FEW, members[row]):
        remarks.append(
            f"too few names: at {subject.session(row)} {scored} have a score; those without one are "
            "never bought"
        )
    if all(len(np.unique(_known(subject.honest(row)))) <= 1 for row in subject.rows):
        remarks.append("all scores of a session are the same: names are then chosen by symbol")
    remarks.extend(_on_short_views(subject))
    if remarks:
        return noted("nan_rules", "; ".join(remarks))
    return passed("nan_rules", f"at least {scored} have a score; a view too short raises nothing")


def check_determinism(subject: Subject) -> Finding:
    """Fresh instances give the same answers to the same questions, bit for bit."""
    for row in subject.learning_rows:
        view, previous = subject.panel.view(row), subject.before(row)
        if subject.refresh(subject.fresh(), view, previous) != subject.snapshot(row):
            raise CheckFailedError(
                Fault.RANDOM,
                f"refresh at {subject.session(row)} on two fresh instances learns two things: "
                f"{_why_random(subject)}",
                subject.session(row),
            )
    for row in subject.rows:
        again = subject.scores(subject.fresh(), subject.panel.view(row), subject.snapshot(row))
        if not equal(again, subject.honest(row)):
            symbol, values = first_difference(subject.honest(row), again, subject.panel.symbols)
            raise CheckFailedError(
                Fault.RANDOM,
                f"at {subject.session(row)} two fresh instances give {symbol} {values}: "
                f"{_why_random(subject)}",
                subject.session(row),
                symbol,
            )
    return passed("determinism", f"the same on two fresh instances, {len(subject.rows)} sessions")


def check_hidden_state(subject: Subject) -> Finding:
    """What was asked before changes nothing: neither order, nor repetition, nor another market."""
    provider = subject.fresh()
    for rows, when in ((subject.rows[::-1], "after later sessions"), (subject.rows, "a second time")):
        for row in rows:
            again = subject.scores(provider, subject.panel.view(row), subject.snapshot(row))
            _unchanged(subject, row, again, f"asked {when}")
    row = subject.rows[-1]
    other = exchanged(subject.panel).view(row)
    snapshot = subject.snapshot(row)
    used, fresh = subject.scores(provider, other, snapshot), subject.scores(subject.fresh(), other, snapshot)
    if not equal(used, fresh):
        symbol, values = first_difference(fresh, used, subject.panel.symbols)
        raise CheckFailedError(
            Fault.HIDDEN_STATE,
            f"at {subject.session(row)}, shown other data for a session it was asked about before, it gives "
            f"{symbol} {values} (fresh instance, used one): it keeps what it computed from the market",
            subject.session(row),
            symbol,
        )
    _nothing_on_the_class(subject, row, other, fresh)
    _learned_is_in_the_snapshot(subject)
    return passed("hidden_state", "no answer depends on what was asked before")


def _nothing_on_the_class(subject: Subject, row: int, other: MarketView, shown: Array) -> None:
    """What all instances share, on the class or in the module, holds nothing of the market."""
    snapshot, first, second = subject.snapshot(row), subject.renewed(), subject.renewed()
    if first is None or second is None:
        return
    try:
        known = subject.scores(first, subject.panel.view(row), snapshot)
        scores = subject.scores(second, other, snapshot)
    except CheckFailedError:
        return  # its module does not bear to be run twice
    if equal(known, subject.honest(row)) and not equal(scores, shown):
        symbol, values = first_difference(scores, shown, subject.panel.symbols)
        raise CheckFailedError(
            Fault.HIDDEN_STATE,
            f"at {subject.session(row)}, shown other data for a session it was asked about before, it gives "
            f"{symbol} {values} (its module imported anew, as it was): it keeps what it computed from the "
            "market on its class, in its module or in a cache that does not go by the data",
            subject.session(row),
            symbol,
        )


def _unchanged(subject: Subject, row: int, again: Array, how: str) -> None:
    if equal(again, subject.honest(row)):
        return
    symbol, values = first_difference(subject.honest(row), again, subject.panel.symbols)
    raise CheckFailedError(
        Fault.HIDDEN_STATE,
        f"at {subject.session(row)} {symbol} has {values} (fresh instance, one {how}): it remembers "
        "something between calls; what is learned belongs into the Snapshot that refresh returns",
        subject.session(row),
        symbol,
    )


def _learned_is_in_the_snapshot(subject: Subject) -> None:
    """A whole run's refreshes on one instance are those of fresh instances, and so are its scores."""
    provider = subject.fresh()
    for row in subject.learning_rows:
        view = subject.panel.view(row)
        learned = subject.refresh(provider, view, subject.before(row))
        if learned != subject.snapshot(row):
            raise CheckFailedError(
                Fault.HIDDEN_STATE,
                f"refresh at {subject.session(row)} learns something else on an instance that was refreshed "
                "before: what it goes on from must be in `previous`",
                subject.session(row),
            )
        _unchanged(subject, row, subject.scores(provider, view, learned), "that has refreshed")


def _on_short_views(subject: Subject) -> Iterator[str]:
    """A run that begins where the data begin asks for scores before there is any look-back."""
    row = subject.rows[-1]
    for sessions in sorted({1, max(1, subject.history // 2)}):
        view = between(subject.panel, row + 1 - sessions, row).view(sessions - 1)
        try:
            subject.scores(subject.fresh(), view, subject.snapshot(row))
        except CheckFailedError as problem:
            yield (
                f"on a view of {sessions} session{'s' if sessions > 1 else ''} {problem.message}: a run that "
                "starts with the data stops there; give NaN instead"
            )
            return


def _why_random(subject: Subject) -> str:
    with _global_randomness_kept():
        row = subject.rows[0]
        answers: list[tuple[Snapshot | None, Array]] = []
        for _ in range(2):
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002 -- the state that providers draw from by mistake
            provider, view = subject.fresh(), subject.panel.view(row)
            snapshot = subject.refresh(provider, view, subject.before(row))
            answers.append((snapshot, subject.scores(provider, view, snapshot)))
    if answers[0][0] == answers[1][0] and equal(answers[0][1], answers[1][1]):
        return "it draws from the global random generator; take a `seed` and np.random.default_rng(seed)"
    return "it draws without a seed, reads a clock, or keeps something on its class or module"


@contextmanager
def _global_randomness_kept() -> Iterator[None]:
    # the global generators are what a provider without a seed draws from
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002


def _known(scores: Array) -> Array:
    known: Array = scores[np.isfinite(scores)]
    return known

"""Checks that nothing after the session matters: to scores, to what is learned, to `scores_panel`."""

from __future__ import annotations

import numpy as np

from alpha_sources.conformance.diagnosis import (
    Answer,
    Probe,
    Step,
    changed_market,
    name_the_way,
    where_they_differ,
)
from alpha_sources.conformance.findings import CheckFailedError, Fault, Finding, passed, skipped
from alpha_sources.conformance.rows import alike, first_difference
from alpha_sources.conformance.subject import Subject
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.market.panel import MarketPanel

#: sessions after the first one that a panel of scores spans while it is examined
_SPAN = 60
#: sessions it spans at least, where there are so many
_LAST = 5
#: of what shows only where nothing is kept from question to question
_KEPT = "(its module imported anew for every question, since it keeps things there)"


def check_future_in_scores(subject: Subject) -> Finding:
    """Scores on a copy that ends at the session, or goes on otherwise, equal those on the view."""
    for row in subject.rows:
        _examine(subject, _scores_probe(subject, row), subject.panel, "scores change")
    for row in _ends(subject.rows):
        _examine(subject, _scores_probe(subject, row, True), subject.panel, f"{_KEPT} scores change")
    return passed(
        "future_in_scores",
        f"the same when later sessions are cut off, or replaced by noise, at {len(subject.rows)} sessions",
    )


def check_future_in_refresh(subject: Subject) -> Finding:
    """What is learned on a copy that ends at the session, or goes on otherwise, is what the view teaches."""
    if not subject.learns:
        return skipped("future_in_refresh", "it learns nothing")
    for row in subject.learning_rows:
        _examine(subject, _refresh_probe(subject, row), subject.panel, "what refresh learns changes")
    for row in _ends(subject.learning_rows):
        _examine(
            subject, _refresh_probe(subject, row, True), subject.panel, f"{_KEPT} what refresh learns changes"
        )
    return passed(
        "future_in_refresh",
        "the same when later sessions are cut off, or replaced by noise, at "
        f"{len(subject.learning_rows)} refreshes",
    )


def check_scores_panel(subject: Subject) -> Finding:
    """Every row of `scores_panel` is what `scores` gives there, and knows nothing of the rows below it."""
    if not subject.vectorised:
        return skipped("scores_panel", "it is the default, which asks scores row by row")
    for start in _starts(subject):
        stop = min(start + _SPAN, subject.panel.shape[0] - 1)
        panel, snapshot = subject.panel.truncate(stop), subject.snapshot(start)
        _examine(subject, _panel_probe(subject, start, snapshot), panel, "scores_panel changes")
        view = subject.panel.view(stop)
        rows = subject.scores_panel(subject.fresh(), view, snapshot, start)
        for row in sorted({start, (start + stop) // 2, stop}):
            alone = subject.scores(subject.fresh(), subject.panel.view(row), snapshot)
            if not alike(rows[row - start], alone):
                symbol, values = first_difference(alone, rows[row - start], subject.panel.symbols)
                raise CheckFailedError(
                    Fault.PANEL_DIFFERS,
                    f"at {subject.session(row)} {symbol} has {values} (scores, scores_panel from "
                    f"{subject.session(start)} to {subject.session(stop)})",
                    subject.session(row),
                    symbol,
                )
    return passed(
        "scores_panel", f"row for row what scores gives, {subject.session(subject.rows[0])} and later"
    )


def _starts(subject: Subject) -> list[int]:
    """First, middle and last row that are scored, the last with some sessions after it."""
    rows, end = subject.rows, subject.panel.shape[0] - 1
    return sorted({rows[0], rows[len(rows) // 2], max(rows[0], min(rows[-1], end - _LAST))})


def _examine(subject: Subject, probe: Probe, panel: MarketPanel, what: str) -> None:
    found = changed_market(probe, panel)
    if found is None:
        return
    market, other = found
    shown, altered = probe.answer(market), probe.answer(other)
    symbol, difference = where_they_differ(shown, altered, subject.panel.symbols)
    fault, words = name_the_way(probe, panel, market)
    session = subject.session(probe.row)
    how = "cut off" if len(other.dates) < len(market.dates) else "replaced by noise"
    raise CheckFailedError(
        fault,
        f"{words}. At {session} {what} when later sessions are {how}: {difference}",
        session,
        symbol,
    )


def _ends(rows: tuple[int, ...]) -> list[int]:
    return sorted({rows[0], rows[-1]})


def _instance(subject: Subject, anew: bool) -> AlphaProvider:
    return (subject.renewed() if anew else None) or subject.fresh()


def _scores_probe(subject: Subject, row: int, anew: bool = False) -> Probe:
    snapshot = subject.snapshot(row)

    def ask(panel: MarketPanel) -> Answer:
        return subject.scores(_instance(subject, anew), panel.view(row), snapshot)

    return Probe(Step.SCORES, ask, row, subject.options.seed)


def _refresh_probe(subject: Subject, row: int, anew: bool = False) -> Probe:
    previous = subject.before(row)

    def ask(panel: MarketPanel) -> Answer:
        return subject.refresh(_instance(subject, anew), panel.view(row), previous)

    return Probe(Step.REFRESH, ask, row, subject.options.seed)


def _panel_probe(subject: Subject, row: int, snapshot: Snapshot | None) -> Probe:
    def ask(panel: MarketPanel) -> Answer:
        rows = subject.scores_panel(subject.fresh(), panel.view(panel.shape[0] - 1), snapshot, row)
        return np.asarray(rows[0])

    return Probe(Step.PANEL, ask, row, subject.options.seed)

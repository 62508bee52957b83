"""How long a provider takes."""

from __future__ import annotations

import time

from alpha_sources.conformance.findings import Finding, noted, passed
from alpha_sources.conformance.subject import Subject

#: seconds a session beyond which a back-test of three years takes a quarter of an hour
_SLOW = 1.0
_SESSIONS_A_YEAR = 242


def check_speed(subject: Subject) -> Finding:
    """Seconds per session, and per refresh where it learns."""
    provider = subject.fresh()
    took = []
    for row in (subject.rows[0], *subject.rows):  # what is done once falls on the first
        view, snapshot = subject.panel.view(row), subject.snapshot(row)
        before = time.perf_counter()
        subject.scores(provider, view, snapshot)
        took.append(time.perf_counter() - before)
    seconds = sorted(took[1:])[len(took[1:]) // 2]
    words = f"{_shown(seconds)} a session, {_shown(seconds * _SESSIONS_A_YEAR)} a year"
    if subject.learns:
        row = subject.learning_rows[-1]
        before = time.perf_counter()
        subject.refresh(provider, subject.panel.view(row), subject.before(row))
        words += f"; {_shown(time.perf_counter() - before)} a refresh"
    return noted("speed", f"slow: {words}") if seconds > _SLOW else passed("speed", words)


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1.0 else f"{seconds * 1000:.2g} ms"

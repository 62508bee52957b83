"""A year and a half of the bundled data, with few fields, so that many providers can be checked quickly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alpha_sources.conformance import Finding, Options, Subject, needs, run_check
from alpha_sources.conformance.worlds import between
from alphaloom import load_panel

FIELDS = ("close", "adj_factor", "turnover", "trading")


@pytest.fixture(scope="session")
def market():
    panel = between(load_panel("sse50"), 560, 940)
    return replace(panel, fields={name: panel.fields[name] for name in FIELDS})


@pytest.fixture(scope="session")
def verdict(market):
    """Run one check, and those it needs."""

    def run(make, check: str, panel=None, sessions: int = 4, **options) -> Finding:
        subject = Subject("mine", make, panel or market, Options(sessions, **options))
        before: dict[str, Finding] = {}
        for needed in needs(check):
            before[needed] = run_check(needed, subject, before)
        return run_check(check, subject, before)

    return run

"""Ledgers to test, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_edits import execute
from paper_days import PaperDay, days_of_a_back_test, open_account, write_day
from postgres_server import NoServerError, server

from engine.result import Result
from live.ledger import AccountWriter, Ledger

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    running = server()
    try:
        url = running.__enter__()
    except NoServerError as reason:
        pytest.skip(f"no PostgreSQL server: {reason}")
    yield url
    running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty place for a ledger."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'paper.db'}"
        return
    base = request.getfixturevalue("postgres")
    name = f"ledger_{next(_NUMBERS)}"
    execute(f"{base}/postgres", f"CREATE DATABASE {name}", alone=True)
    yield f"{base}/{name}"
    execute(f"{base}/postgres", f"DROP DATABASE {name} WITH (FORCE)", alone=True)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url, create=True, timeout_s=2) as opened:
        yield opened


@pytest.fixture
def writer(ledger: Ledger) -> Iterator[AccountWriter]:
    with ledger.writer("demo") as held:
        open_account(held)
        yield held


@pytest.fixture(scope="session")
def back_test() -> tuple[list[PaperDay], Result]:
    """June and July 2023: dividends, a bonus issue, refused orders."""
    return days_of_a_back_test("2023-06-01", "2023-06-30")


@pytest.fixture(scope="session")
def days(back_test: tuple[list[PaperDay], Result]) -> list[PaperDay]:
    return back_test[0]


@pytest.fixture
def traded(writer: AccountWriter, days: list[PaperDay]) -> AccountWriter:
    """An account with ten sessions behind it."""
    for day in days[:10]:
        write_day(writer, day, starts=False)
    return writer

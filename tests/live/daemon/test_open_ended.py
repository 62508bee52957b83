"""Accounts on a store that grows, taken by hand: made, stepped through as sessions come, begun anew."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from simulation import World, moment

from alphaloom.paper.accounts import open_account, reset, step
from alphaloom.paper.parity import parity_of
from engine.broker.orders import Fill
from engine.errors import ConfigError, DataError
from live.errors import LedgerConflict, SessionError
from live.ledger import Ledger, Task, TaskState

FIRST, SECOND, THIRD = date(2023, 6, 12), date(2023, 6, 13), date(2023, 6, 14)
AT = moment("2023-06-11T12:00")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "paper.db")


def grown(world: World, last: date) -> None:
    """Let the store have the prices up to a session."""
    world.sync(world.store, last, lambda: None)


def test_an_account_is_made_for_the_session_to_come(world: World, url: str) -> None:
    settings = world.settings()
    made, first = open_account(settings, url, "live", start=FIRST, at=AT)
    assert (made, first) == (True, FIRST)
    assert open_account(settings, url, "live", start=FIRST, at=AT) == (False, FIRST)
    with Ledger.open(url, read_only=True) as ledger:
        span = ledger.configuration("live")["config"]["span"]
    assert span == {"start": "2023-06-12", "end": None}


def test_it_is_stepped_through_as_its_sessions_come_and_equals_its_back_test(world: World, url: str) -> None:
    open_account(world.settings(), url, "live", start=FIRST, at=AT)
    assert step(url, None, FIRST, Task.PLAN) == {}
    with pytest.raises((DataError, SessionError), match="no prices of the session yet"):
        step(url, None, FIRST)
    grown(world, FIRST)
    assert step(url, None, FIRST) == {FIRST: []}
    # a session that was left out is valued, and missed
    grown(world, THIRD)
    assert step(url, None, THIRD) == {THIRD: []}
    assert parity_of(url, None, FIRST) == []
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        states = {task.session: task.state for task in ledger.tasks() if task.task is Task.EXECUTE}
        assert len([trade for _, trade in ledger.trades(FIRST) if isinstance(trade, Fill)]) == 5
    assert states == {FIRST: TaskState.DONE, SECOND: TaskState.MISSED, THIRD: TaskState.DONE}


def test_a_reset_begins_where_it_is_told_to_and_stays_open_ended(world: World, url: str) -> None:
    settings = world.settings()
    open_account(settings, url, "live", start=FIRST, at=AT)
    grown(world, THIRD)
    step(url, None, FIRST)
    assert reset(url, None, None, start=SECOND, at=AT, reason="again") == ("live", 2)
    assert step(url, None, SECOND) == {SECOND: []}
    with Ledger.open(url, read_only=True) as ledger:
        assert ledger.verify().sound
        assert ledger.configuration()["config"]["span"] == {"start": "2023-06-13", "end": None}
        assert [day for day, _ in ledger.marks()] == [SECOND]
        assert [day for day, _ in ledger.marks(epoch=1)] == [FIRST]
    # with another configuration, for a session that is still to come
    other = world.settings("strategy.params.topk=4")
    assert reset(url, None, other, start=date(2023, 6, 15), at=AT, reason="four") == ("live", 3)
    step(url, None, date(2023, 6, 15), Task.PLAN)
    with Ledger.open(url, read_only=True) as ledger:
        plan = ledger.plan(date(2023, 6, 15))
    assert plan is not None
    assert len(plan.target) == 4


def test_an_account_that_was_stepped_through_is_taken_over_by_a_daemon(world: World, url: str) -> None:
    settings = world.settings()
    open_account(settings, url, "live", start=FIRST, at=AT)
    grown(world, FIRST)
    step(url, None, FIRST)
    world.clock.at = moment("2023-06-12T17:00")
    messages = world.run(url, settings, "2023-06-13T20:00")
    assert [each.session for each in messages if " settled: " in each.title] == [SECOND]
    with Ledger.open(url, read_only=True) as ledger:
        assert {task.state for task in ledger.tasks(SECOND)} == {TaskState.DONE}
    with pytest.raises(LedgerConflict, match="is traded by a daemon"):
        step(url, None, THIRD)
    # what a daemon did is archived with its epoch; the next one may be stepped through
    reset(url, None, None, start=SECOND, at=moment("2023-06-13T21:00"), reason="by hand again")
    assert step(url, None, SECOND) == {SECOND: []}


def test_a_store_that_ends_before_the_account_begins_is_named_with_the_remedy(world: World, url: str) -> None:
    message = "begins on 2023-06-20, and the prices in the store end 2023-06-09.*alphaloom data sync"
    with pytest.raises(DataError, match=message):
        open_account(world.settings(), url, "live", start=date(2023, 6, 20), at=AT)
    assert not Path(url).exists()


def test_a_day_before_the_account_begins_is_refused(world: World, url: str) -> None:
    open_account(world.settings(), url, "live", start=FIRST, at=AT)
    with pytest.raises(ConfigError, match=r"account 'live' begins on 2023-06-12, after 2023-06-09"):
        step(url, None, date(2023, 6, 9))

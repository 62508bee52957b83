"""What is due, by where the account stands, what is stored and what time it is."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.broker.config import BrokerConfig
from engine.errors import CalendarError
from engine.market.calendar import Calendar, xshg
from engine.market.phases import SHANGHAI
from live.config import LiveConfig
from live.daemon.agenda import Agenda, Standing, Step
from live.ledger import Task, TaskState
from live.timetable import Timetable

#: a Wednesday before two holidays, the holiday, and the Monday after
EVE, HOLIDAY, SESSION = date(2023, 6, 21), date(2023, 6, 22), date(2023, 6, 26)
DONE, MISSED = TaskState.DONE, TaskState.MISSED
PLANNED = {Task.PREPARE: DONE, Task.REFRESH: DONE, Task.PLAN: DONE}


def agenda(fill: str = "open") -> Agenda:
    return Agenda(xshg(), Timetable.of(BrokerConfig(fill=fill)), LiveConfig())


def at(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "clock", "states", "stored", "step"),
    [
        (EVE, "15:59", {}, date(2023, 6, 20), None),
        (EVE, "16:00", {}, date(2023, 6, 20), Step.SYNC),
        (HOLIDAY, "03:00", {}, date(2023, 6, 20), Step.SYNC),
        (EVE, "16:00", {}, EVE, None),
        (EVE, "16:30", {}, EVE, Step.PREPARE),
        (EVE, "17:00", {Task.PREPARE: DONE}, EVE, Step.REFRESH),
        (EVE, "18:00", {}, EVE, Step.PLAN),
        (HOLIDAY, "12:00", {}, EVE, Step.PLAN),
        (EVE, "18:00", PLANNED, EVE, None),
        (SESSION, "09:16", {}, EVE, Step.PLAN),  # which says that it is too late
        (SESSION, "09:15:01", {}, date(2023, 6, 20), Step.SYNC),
        (SESSION, "09:19", PLANNED, EVE, None),
        (SESSION, "09:20", PLANNED, EVE, Step.ARM),
        (SESSION, "09:25", PLANNED, EVE, Step.ARM),
        (SESSION, "09:25:05", PLANNED, EVE, Step.EXECUTE),
        (SESSION, "09:30", PLANNED, EVE, Step.EXECUTE),
        (SESSION, "09:30:01", PLANNED, EVE, Step.GIVE_UP),
        (SESSION, "09:20", {**PLANNED, Task.PLAN: MISSED}, EVE, Step.GIVE_UP),
        (SESSION, "10:00", {**PLANNED, Task.EXECUTE: DONE}, EVE, None),
        (SESSION, "15:30", {**PLANNED, Task.EXECUTE: DONE}, SESSION, Step.SETTLE),
        (SESSION, "15:29", {**PLANNED, Task.EXECUTE: DONE}, SESSION, None),
        (SESSION, "23:00", {}, None, Step.SYNC),
    ],
)
def test_what_is_due(day: date, clock: str, states: dict, stored: date | None, step: Step | None) -> None:
    assert agenda().due(Standing(SESSION, states, stored), at(day, clock)) is step


def test_without_the_prices_of_the_eve_a_session_is_given_up_at_the_deadline() -> None:
    standing = Standing(SESSION, {}, date(2023, 6, 20))
    assert agenda().without_sync(standing, at(SESSION, "09:15")) is None
    assert agenda().without_sync(standing, at(SESSION, "09:15:01")) is Step.GIVE_UP


def test_orders_for_the_close_are_sent_at_the_close() -> None:
    standing, closing = Standing(SESSION, PLANNED, EVE), agenda("close")
    assert closing.due(standing, at(SESSION, "09:25:05")) is None
    assert closing.due(standing, at(SESSION, "14:55")) is Step.ARM
    assert closing.due(standing, at(SESSION, "15:00:05")) is Step.EXECUTE


def test_gaps_are_asked_for_again_before_the_session_is_settled() -> None:
    standing = Standing(SESSION, PLANNED, SESSION, wants_again=SESSION)
    assert agenda().due(standing, at(SESSION, "16:30")) is Step.SYNC
    assert agenda().without_sync(standing, at(SESSION, "16:30")) is None


def test_the_last_session_of_the_calendar_is_gone_through_to_its_end() -> None:
    days = xshg().sessions
    ends = Calendar("xshg", days[days <= np.datetime64(SESSION, "D")].copy())
    plan = Agenda(ends, agenda().timetable, LiveConfig())
    standing = Standing(SESSION, PLANNED, EVE)
    assert plan.next_moment(standing, at(SESSION, "09:15:01")) == at(SESSION, "09:20")
    assert plan.next_moment(standing, at(SESSION, "15:30")) == at(SESSION, "16:00")
    with pytest.raises(CalendarError, match="no session after 2023-06-27"):
        plan.next_moment(standing, at(date(2023, 6, 27), "00:00"))


@given(
    minutes=st.integers(0, 60 * 24 * 30),
    stored=st.integers(0, 12),
    session=st.integers(1, 14),
    states=st.dictionaries(st.sampled_from(list(Task)[:4]), st.sampled_from(list(TaskState))),
)
def test_between_two_wakes_nothing_becomes_due_unnoticed(
    minutes: int, stored: int, session: int, states: dict[Task, TaskState]
) -> None:
    """What is due at any second was due at the last moment that the agenda named before it."""
    days = xshg().between(np.datetime64("2023-06-12"), np.datetime64("2023-07-14"))
    plan, standing = agenda(), Standing(days[session].astype(object), states, days[stored].astype(object))
    start = at(date(2023, 6, 12), "00:00").timestamp()
    now = datetime.fromtimestamp(start + minutes * 60, SHANGHAI)
    again = plan.next_moment(standing, now)
    assert again > now
    span = (again - now).total_seconds()
    for share in (0.1, 0.5, 0.9, 0.999):
        between = datetime.fromtimestamp(now.timestamp() + span * share, SHANGHAI)
        # a deadline is over after it, and the moment after it is one that is named
        deadlines = {plan.timetable.deadline(task, day.astype(object)) for task in Task for day in days}
        if between not in deadlines and now not in deadlines:
            assert plan.due(standing, between) is plan.due(standing, now)

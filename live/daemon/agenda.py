"""What is due for an account: a pure function of where it stands, what is stored, and the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from engine.market.calendar import Calendar
from engine.market.phases import SHANGHAI
from live.config import LiveConfig
from live.ledger import Task, TaskState
from live.task_book import OVER
from live.timetable import Timetable

#: after the auction: vendors that are late show its price within a minute or two, and at 9:30 it is too late
_PATIENCE = timedelta(minutes=2)


class Step(StrEnum):
    """What the daemon can do next."""

    SYNC = "sync"
    SETTLE = "settle"
    PREPARE = "prepare"
    REFRESH = "refresh"
    PLAN = "plan"
    ARM = "arm"
    EXECUTE = "execute"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands.

    Parameters
    ----------
    session : date
        The first that is not settled.
    states : mapping of Task to TaskState
        Of its tasks; empty where nothing of it is recorded.
    stored : date or None
        The last session whose prices are stored.
    wants_again : date or None
        A stored session whose prices have gaps, and are to be asked for again.
    armed : bool
        Whether its plan is ready to be sent.
    """

    session: date
    states: Mapping[Task, TaskState] = field(default_factory=dict)
    stored: date | None = None
    wants_again: date | None = None
    armed: bool = False

    def over(self, task: Task) -> bool:
        """Whether a task of the session is done, or never will be."""
        return self.states.get(task) in OVER


@dataclass(frozen=True)
class Agenda:
    """When things are due.

    Parameters
    ----------
    calendar : Calendar
    timetable : Timetable
    config : LiveConfig
    """

    calendar: Calendar
    timetable: Timetable
    config: LiveConfig

    def due(self, at: Standing, now: datetime) -> Step | None:
        """The next thing to do at a moment, or None. Steps that wait after a failure are for the caller."""
        wanted = self.wanted(now)
        if wanted is not None and (at.stored is None or at.stored < wanted or at.wants_again == wanted):
            return Step.SYNC
        return self.without_sync(at, now)

    def without_sync(self, at: Standing, now: datetime) -> Step | None:
        """The next thing to do that needs no more data than there are."""
        session, eve = at.session, self.eve(at.session)
        if at.stored is not None and session <= at.stored:
            # what was not sent in time is missed by then, and never filled at prices that are known
            sent = at.over(Task.EXECUTE) or now > self.timetable.deadline(Task.EXECUTE, session)
            settle = sent and now >= self.timetable.due(Task.SETTLE, session, eve)
            return Step.SETTLE if settle and at.wants_again != session else None
        if at.over(Task.EXECUTE):
            return None
        if at.stored is None or at.stored < eve:
            late = now > self.timetable.deadline(Task.PLAN, session)
            return Step.GIVE_UP if late else None
        if not at.over(Task.PLAN):
            return self._evening(at, now)
        if at.states[Task.PLAN] is TaskState.MISSED or now > self.timetable.deadline(Task.EXECUTE, session):
            return Step.GIVE_UP
        if now >= self.execute_at(session):
            return Step.EXECUTE
        return Step.ARM if now >= self.arm_at(session) and not at.armed else None

    def _evening(self, at: Standing, now: datetime) -> Step | None:
        eve = self.eve(at.session)
        for task, step in _EVENING:
            if now >= self.timetable.due(task, at.session, eve):
                return None if at.over(task) else step
        return None

    def next_moment(self, at: Standing, now: datetime) -> datetime:
        """The next moment at which something may have become due.

        Raises
        ------
        CalendarError
            If the calendar ends.
        """
        today = np.datetime64(now.date(), "D")
        sessions = {at.session, self.eve(at.session)}
        if self.calendar.is_session(today):
            sessions.add(now.date())
        if today < self.calendar.last:
            sessions.add(self._after(today))
        moments = [moment for day in sessions for moment in self._moments(day) if moment > now]
        if not moments:
            self._after(today)  # which says that there is none
        return min(moments)

    def wanted(self, now: datetime) -> date | None:
        """The last session whose prices ought to be stored by now."""
        day = np.datetime64(now.date(), "D")
        if not (self.calendar.is_session(day) and now >= self.sync_due(now.date())):
            before = self.calendar.before(day)
            return None if before is None else before.astype(object)
        today: date = day.astype(object)
        return today

    def eve(self, session: date) -> date:
        """The session before one; the day itself where the calendar begins."""
        before = self.calendar.before(np.datetime64(session, "D"))
        eve: date = session if before is None else before.astype(object)
        return eve

    def execute_at(self, session: date) -> datetime:
        """When quotes are asked for."""
        due = self.timetable.due(Task.EXECUTE, session, session)
        return due + timedelta(seconds=self.config.quotes_after_s)

    def whole_until(self, session: date) -> datetime:
        """Until when names are waited for whose quotes may yet be trusted; then it goes without them."""
        return self.timetable.due(Task.EXECUTE, session, session) + _PATIENCE

    def arm_at(self, session: date) -> datetime:
        """When the plan is made ready to be sent."""
        due = self.timetable.due(Task.EXECUTE, session, session)
        return due - timedelta(minutes=self.config.arm_minutes)

    def sync_due(self, session: date) -> datetime:
        """When the prices of a session are asked for."""
        return datetime.combine(session, self.config.sync_at, SHANGHAI)

    def last_moment(self, session: date) -> datetime:
        """Until when gaps in the prices of a session are waited for."""
        return self.timetable.deadline(Task.SETTLE, session)

    def _after(self, day: np.datetime64) -> date:
        after: date = self.calendar.after(day).astype(object)
        return after

    def _moments(self, session: date) -> Iterator[datetime]:
        instant = timedelta(seconds=1)  # a deadline is over the moment after it
        for task in (Task.PREPARE, Task.REFRESH, Task.PLAN):
            yield self.timetable.due(task, session, session)  # of the session after this one
        yield self.timetable.deadline(Task.PLAN, session) + instant
        yield self.arm_at(session)
        yield self.execute_at(session)
        yield self.timetable.deadline(Task.EXECUTE, session) + instant
        yield self.timetable.due(Task.SETTLE, session, session)
        yield self.sync_due(session)
        yield self.last_moment(session) + instant


_EVENING = ((Task.PLAN, Step.PLAN), (Task.REFRESH, Step.REFRESH), (Task.PREPARE, Step.PREPARE))

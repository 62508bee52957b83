"""When the tasks of a session are due, and when it is too late for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from types import MappingProxyType
from typing import NamedTuple

from engine.broker.config import BrokerConfig
from engine.broker.match import FillAt
from engine.market.phases import CLOSE, OPEN, OPENING_PRICE, SHANGHAI
from live.ledger.entries import Task


class Slot(NamedTuple):
    """From when a task may be done, and until when; `eve` for times of the day of the session before."""

    due: time
    deadline: time
    eve: bool = False


_EVENING = {
    Task.PREPARE: Slot(time(16, 30), time(9, 15), eve=True),
    Task.REFRESH: Slot(time(17, 0), time(9, 15), eve=True),
    Task.PLAN: Slot(time(18, 0), time(9, 15), eve=True),
}
_SETTLE = Slot(time(15, 30), time(23, 59))


@dataclass(frozen=True)
class Timetable:
    """Due times and deadlines by task, on the exchanges' clock.

    The plan is ready on the evening before the session, after its close; a session's orders meet the prices
    of the moment at which `execute` is due.
    """

    slots: Mapping[Task, Slot]

    @classmethod
    def of(cls, broker: BrokerConfig) -> Timetable:
        """Return the timetable of a way to trade: from the opening auction on, or at the close.

        The average price of a session stands for trading all through it, and is known when it is over.
        """
        at_open = FillAt.OPEN in (broker.fill.sell, broker.fill.buy)
        # the price of the auction is the only one there is until continuous trading begins
        execute = Slot(OPENING_PRICE, OPEN) if at_open else Slot(CLOSE, time(15, 30))
        return cls(MappingProxyType({**_EVENING, Task.EXECUTE: execute, Task.SETTLE: _SETTLE}))

    def due(self, task: Task, session: date, eve: date) -> datetime:
        """Moment from which a task of a session may be done; `eve` is the day of the session before."""
        slot = self.slots[task]
        return datetime.combine(eve if slot.eve else session, slot.due, SHANGHAI)

    def deadline(self, task: Task, session: date) -> datetime:
        """Moment after which a task of a session is missed."""
        return datetime.combine(session, self.slots[task].deadline, SHANGHAI)

    def deadlines(self, session: date) -> dict[Task, datetime | None]:
        """All deadlines of a session."""
        return {task: self.deadline(task, session) for task in Task}

    @property
    def at_auction(self) -> bool:
        """Whether orders are sent when the opening price is all that is known."""
        return self.slots[Task.EXECUTE].due < CLOSE

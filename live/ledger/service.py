"""`Service`: what is kept of an account beside its ledger: heartbeat, halts, what people were told.

It needs no lock of the account, so that whoever halts an account need not wait for the daemon that trades it.
No money follows from it, and no event explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update

from live.errors import LedgerError
from live.ledger import schema as s
from live.ledger.database import Database
from live.ledger.payloads import moment, plain_text

#: rows of messages that are kept of one account
_KEPT_MESSAGES = 5000


class DaemonState(StrEnum):
    """What a daemon is doing."""

    WAITING = "waiting"
    WORKING = "working"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """That a daemon lived at a moment, and what it did.

    `wakes_at` is when it will look for work again, unless it is working; `every_s` after how many seconds its
    next heartbeat is due, None where that is not known.
    """

    at: datetime
    started_at: datetime
    host: str
    process: int
    state: DaemonState
    doing: str
    wakes_at: datetime | None = None
    every_s: float | None = None


class Action(StrEnum):
    """What a person asked of an account."""

    HALT = "halt"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Control:
    """That a person halted or resumed an account, when and why."""

    number: int
    at: datetime
    action: Action
    reason: str


class Told(StrEnum):
    """Whether a message has reached anybody; ``kept`` where no channel is named."""

    WAITING = "waiting"
    SENT = "sent"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it is kept; `key` is unique within an account, so that nobody is told twice."""

    number: int
    key: str
    at: datetime
    kind: str
    session: date | None
    title: str
    body: str
    state: Told
    error: str | None = None


class Service:
    """What is kept of one account beside its ledger; made by :meth:`live.ledger.Ledger.service`."""

    def __init__(self, database: Database, account: str) -> None:
        self._database, self.account = database, account

    # -- the heartbeat

    def beat(self, beat: Heartbeat) -> None:
        """Keep a heartbeat in place of the last one."""
        row = {
            "account": self.account,
            "at": moment(beat.at),
            "started_at": moment(beat.started_at),
            "host": plain_text(beat.host),
            "process": beat.process,
            "state": beat.state.value,
            "doing": plain_text(beat.doing),
            "wakes_at": None if beat.wakes_at is None else moment(beat.wakes_at),
            "every_s": beat.every_s,
        }
        mine = s.heartbeats.c.account == self.account
        with self._database.connect() as connection, self._database.writing(connection):
            if not connection.execute(update(s.heartbeats).where(mine).values(**row)).rowcount:
                connection.execute(insert(s.heartbeats), [row])

    def heartbeat(self) -> Heartbeat | None:
        """Return the last heartbeat; None if no daemon ever ran."""
        rows = self._rows(s.heartbeats)
        if not rows:
            return None
        row = rows[-1]
        wakes = None if row.wakes_at is None else datetime.fromisoformat(row.wakes_at)
        at, started = datetime.fromisoformat(row.at), datetime.fromisoformat(row.started_at)
        state = DaemonState(row.state)
        return Heartbeat(at, started, row.host, row.process, state, row.doing, wakes, row.every_s)

    # -- halt and resume

    def control(self, action: Action, reason: str, *, at: datetime) -> bool:
        """Keep that a person halted or resumed the account; False if it is so already.

        Raises
        ------
        LedgerError
            If no reason is given for a halt.
        """
        if action is Action.HALT and not reason.strip():
            raise LedgerError("a halt needs its reason: it is what whoever resumes must know")
        halted = self.halted() is not None
        if halted == (action is Action.HALT):
            return False
        row = {"at": moment(at), "action": action.value, "reason": plain_text(reason.strip())}
        self._append(s.controls, row)
        return True

    def halted(self) -> Control | None:
        """Return the halt that stands; None if the account may trade."""
        controls = self.controls()
        return controls[-1] if controls and controls[-1].action is Action.HALT else None

    def controls(self) -> list[Control]:
        """Every halt and resumption, oldest first."""
        return [
            Control(row.number, datetime.fromisoformat(row.at), Action(row.action), row.reason)
            for row in self._rows(s.controls)
        ]

    # -- messages

    def post(
        self, key: str, kind: str, session: date | None, title: str, body: str, *, at: datetime
    ) -> Posted | None:
        """Keep a message that is to be sent; None if its key is there already."""
        with self._database.reading() as connection:
            same = (s.messages.c.account == self.account) & (s.messages.c.key == key)
            if connection.execute(select(s.messages.c.number).where(same)).first() is not None:
                return None
        row = {
            "key": key,
            "at": moment(at),
            "kind": kind,
            "session": None if session is None else session.isoformat(),
            "title": plain_text(title),
            "body": plain_text(body),
            "state": Told.WAITING.value,
            "error": None,
        }
        return Posted(self._append(s.messages, row), key, at, kind, session, title, body, Told.WAITING)

    def told(self, number: int, state: Told, error: str | None = None) -> None:
        """Keep what became of a message."""
        mine = (s.messages.c.account == self.account) & (s.messages.c.number == number)
        values = {"state": state.value, "error": None if error is None else plain_text(error)}
        with self._database.connect() as connection, self._database.writing(connection):
            connection.execute(update(s.messages).where(mine).values(**values))

    def messages(self, states: Sequence[Told] = (), last: int | None = None) -> list[Posted]:
        """Messages in some of the states, or all; oldest first, the `last` of them."""
        mine = s.messages.c.account == self.account
        if states:
            mine &= s.messages.c.state.in_([state.value for state in states])
        query = select(s.messages).where(mine).order_by(s.messages.c.number.desc()).limit(last)
        with self._database.reading() as connection:
            found = list(connection.execute(query))
        return [_posted(row) for row in reversed(found)]

    # -- inside

    def _rows(self, table: Table) -> list[Any]:
        query = select(table).where(table.c.account == self.account).order_by(*table.primary_key)
        with self._database.reading() as connection:
            return list(connection.execute(query))

    def _append(self, table: Table, row: dict[str, Any]) -> int:
        """Add a row under the next number."""
        mine = table.c.account == self.account
        with self._database.connect() as connection, self._database.writing(connection):
            last = connection.execute(select(func.max(table.c.number)).where(mine)).scalar_one() or 0
            connection.execute(insert(table), [{"account": self.account, "number": last + 1, **row}])
            if table is s.messages:
                connection.execute(delete(table).where(mine, table.c.number <= last + 1 - _KEPT_MESSAGES))
        return int(last) + 1


def _posted(row: Any) -> Posted:
    session = None if row.session is None else date.fromisoformat(row.session)
    at, state = datetime.fromisoformat(row.at), Told(row.state)
    return Posted(row.number, row.key, at, row.kind, session, row.title, row.body, state, row.error)

"""What is read from a ledger: epochs, tasks, entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from live.ledger import schema as s
from live.ledger.entries import Entry, Task, TaskState
from live.ledger.payloads import decode, is_entry
from live.ledger.rows import EpochKey, load_events, read

_PLACE = {task: place for place, task in enumerate(Task)}


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch of an account: from its opening to a reset."""

    account: str
    epoch: int
    state: str
    config_hash: str
    opened_at: str
    archived_at: str | None
    opening_fen: int
    cash_fen: int
    head_seq: int
    head_hash: str
    moved_on: str | None
    marked_on: str | None
    receivables: str
    """Dividends to come, as JSON."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """Where a task of a session stands."""

    session: date
    task: Task
    state: TaskState
    deadline: datetime | None
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    note: str | None
    content_hash: str | None


def task_records(connection: Connection, key: EpochKey, session: date | None) -> list[TaskRecord]:
    """Return tasks of a session, or of all, in their order."""
    where = {} if session is None else {"session": session.isoformat()}
    found = [
        TaskRecord(
            date.fromisoformat(row.session),
            Task(row.task),
            TaskState(row.state),
            _moment(row.deadline),
            row.attempts,
            _moment(row.started_at),
            _moment(row.ended_at),
            row.error,
            row.note,
            row.content_hash,
        )
        for row in read(connection, key, s.tasks, **where)
    ]
    return sorted(found, key=lambda record: (record.session, _PLACE[record.task]))


def read_entries(
    connection: Connection, key: EpochKey, session: date | None, task: Task | None, kinds: Sequence[str]
) -> list[tuple[date, Entry]]:
    """Return recorded entries with their sessions, in the order in which they were recorded."""
    where = {}
    if session is not None:
        where["session"] = session.isoformat()
    if task is not None:
        where["task"] = Task(task).value
    if len(kinds) == 1:
        where["kind"] = kinds[0]
    return [
        (date.fromisoformat(event.session), decode(event.kind, json.loads(event.payload)))
        for event in load_events(connection, key, **where)
        if event.session is not None and is_entry(event.kind) and (not kinds or event.kind in kinds)
    ]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

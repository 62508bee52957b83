"""Proves a ledger: events are replayed, hashes and all other tables computed anew and compared."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from live.errors import LedgerError
from live.ledger import schema as s
from live.ledger.chain import fault, genesis
from live.ledger.epoch_state import EpochState, Row
from live.ledger.rows import EpochKey, load_events, load_header, read


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row of an epoch that is not what it should be."""

    account: str
    epoch: int
    table: str
    row: str
    problem: str

    def __str__(self) -> str:
        return f"account {self.account!r}, epoch {self.epoch}: {self.table} {self.row}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was verified, and what was found: at most one finding per epoch."""

    accounts: int
    epochs: int
    events: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether every row is what the events make it."""
        return not self.findings


def verify_epoch(connection: Connection, key: EpochKey) -> tuple[int, Finding | None]:
    """Replay an epoch; the number of its events, and the first row that differs."""
    events = load_events(connection, key)

    def found(table: str, row: object, problem: str) -> tuple[int, Finding]:
        return len(events), Finding(*key, table, str(row), problem)

    state, expected = EpochState.empty(), _no_rows()
    head = genesis(*key)
    for seq, event in enumerate(events, start=1):
        problem = fault(event, seq, head)
        if problem is not None:
            return found("events", f"seq {seq}", problem)
        try:
            rows = state.apply(event, json.loads(event.payload))
        except (LedgerError, KeyError, TypeError, ValueError, AttributeError) as error:
            return found("events", f"seq {seq}", f"cannot have happened: {error}")
        head = event.hash
        for name, row in rows:
            expected[name].append(row)
    header = load_header(connection, key)
    if header["head_seq"] > len(events):
        missing = f"it is missing: the epoch ends with event {header['head_seq']}"
        return found("events", f"seq {len(events) + 1}", missing)
    for name, row in state.position_rows():
        expected[name].append(row)
    for (session, task), row in state.tasks.items():
        expected["tasks"].append({"session": session, "task": task, **row})
    problem = _first_difference(header, state.header)
    if problem is not None:
        return found("epochs", key.epoch, problem)
    for table in s.PROJECTIONS:
        difference = compare(connection, key, table, expected[table.name])
        if difference is not None:
            return found(table.name, *difference)
    return len(events), None


def compare(
    connection: Connection, key: EpochKey, table: Table, expected: Sequence[Row]
) -> tuple[str, str] | None:
    """Name the first row of a table that differs from those expected, and how."""
    names = [column.name for column in table.primary_key if column.name not in ("account", "epoch")]

    def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    ours = {key_of(row): row for row in expected}
    stored = (row._asdict() for row in read(connection, key, table))
    theirs = {key_of(row): row for row in stored}
    for at in sorted(ours.keys() | theirs.keys(), key=repr):
        words = ", ".join(f"{name} {value}" for name, value in zip(names, at, strict=True))
        if at not in theirs:
            return words, "the row is missing"
        if at not in ours:
            return words, "no event explains this row"
        problem = _first_difference(theirs[at], ours[at])
        if problem is not None:
            return words, problem
    return None


def check_frame(connection: Connection) -> Finding | None:
    """Look at what lies outside any epoch: SQLite's pages and references, accounts without an epoch."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if pages != "ok":
            return Finding("", 0, "the file", "", str(pages))
        orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if orphan is not None:
            return Finding("", 0, orphan[0], f"rowid {orphan[1]}", f"it belongs to no row of {orphan[2]}")
    opened: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for account, epoch, at in connection.execute(
        select(s.epochs.c.account, s.epochs.c.epoch, s.epochs.c.opened_at)
    ):
        opened[account][epoch] = at
    for account, at in connection.execute(select(s.accounts)):
        own = opened[account]
        missing = min(set(range(1, len(own) + 2)) - own.keys())
        if missing <= max(own, default=1):
            return Finding(account, missing, "epochs", str(missing), "the epoch is missing")
        if at != own[1]:
            return Finding(account, 1, "accounts", account, f"opened_at is {at!r}, its epoch says {own[1]!r}")
    return None


def _no_rows() -> defaultdict[str, list[Row]]:
    return defaultdict(list)


def _first_difference(stored: Mapping[str, Any], expected: Mapping[str, Any]) -> str | None:
    for name, value in expected.items():
        if stored[name] != value or (isinstance(value, int) and type(stored[name]) is float):
            return f"{name} is {stored[name]!r}, the events make it {value!r}"
    return None

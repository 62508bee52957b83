"""`AccountWriter`: the one who may write to an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, func, insert, select

from engine.broker.account import Account, Receivable
from engine.broker.orders import Fill
from engine.hashing import canonical_json, hash_json
from live.errors import LedgerConflict, LedgerError
from live.ledger import schema as s
from live.ledger.chain import Event, genesis, link
from live.ledger.database import Database
from live.ledger.entries import Entry, ExDated, SessionMark, Task, TaskState
from live.ledger.epoch_state import EpochState, NewRow, order_ids
from live.ledger.lock import AccountLock, AdvisoryLock
from live.ledger.payloads import Payload, encode, is_entry, moment, plain_text, whole_number
from live.ledger.rows import EpochKey, load_events, load_orders, load_positions, load_state, open_epoch, store

#: entries that change, or are compared with, what is held
_MOVING = Fill | ExDated | Receivable | SessionMark

Draft = tuple[str | None, str | None, str, Payload]  # session, task, kind, payload


class AccountWriter:
    """Writes to one account; made by :meth:`live.ledger.Ledger.writer`, to be closed or used with ``with``.

    Every method is one transaction: events and all that follows from them, or nothing. The moment `at` of
    each is handed in; it is kept, but no part of what must be equal when a step is repeated.
    """

    def __init__(self, database: Database, account: str) -> None:
        self._database, self.name = database, account
        self._lock: AccountLock | AdvisoryLock
        self._connection: Connection
        if database.path is not None:
            self._lock = AccountLock(database.path, account)
            try:
                self._connection = database.connect()
            except BaseException:
                self._lock.release()
                raise
            self._file = _identity(database.path)
            return
        self._connection = database.connect()
        try:
            with database.errors():
                self._lock = AdvisoryLock(self._connection, account, database.name)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> AccountWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the account free."""
        with suppress(LedgerError), self._database.errors():
            self._lock.release()
        self._connection.close()

    def require_file(self) -> None:
        """Refuse to go on where the file that was opened no longer has the ledger's name.

        Raises
        ------
        LedgerError
            If it was removed or replaced: what is written to it would be lost, and readers see another one.
        """
        path = self._database.path
        if path is None:
            return
        file = _identity(path)
        if file != self._file:
            what = "was removed" if file is None else "was replaced by another"
            raise LedgerError(
                f"ledger {self._database.name}: its file {what} while account {self.name!r} was open; "
                "nothing more is written to the old one"
            )

    # -- epochs

    def open(self, cash_fen: int, config_hash: str, config: Mapping[str, Any], *, at: datetime) -> bool:
        """Make the account and its first epoch; False if it is there, with the same cash and configuration.

        Raises
        ------
        LedgerConflict
            If its open epoch has another configuration or began with other cash.
        """
        opening = _opening(cash_fen, config_hash, config)
        with self._writing() as connection:
            row = connection.execute(select(s.accounts).where(s.accounts.c.name == self.name)).first()
            if row is not None:
                _, header = open_epoch(connection, self.name)
                if (header["opening_fen"], header["config_hash"]) == (cash_fen, config_hash):
                    return False
                raise LedgerConflict(
                    f"account {self.name!r} runs with configuration {header['config_hash'][:12]} and began "
                    f"with {header['opening_fen']} fen, not {config_hash[:12]} and {cash_fen}; "
                    "a changed configuration needs a new epoch: alphaloom paper reset"
                )
            connection.execute(insert(s.accounts), [{"name": self.name, "opened_at": moment(at)}])
            self._begin_epoch(connection, 1, opening, at)
        return True

    def reset(
        self, cash_fen: int, config_hash: str, config: Mapping[str, Any], *, at: datetime, reason: str = ""
    ) -> int:
        """Archive the open epoch and begin another; return the new one's number."""
        opening = _opening(cash_fen, config_hash, config)
        with self._writing() as connection:
            key, state = load_state(connection, self.name)
            archived = None, None, "epoch_archived", {"reason": plain_text(reason)}
            self._append(connection, key, state, [archived], at)
            opening["previous_head"] = state.header["head_hash"]
            last = select(func.max(s.epochs.c.epoch)).where(s.epochs.c.account == self.name)
            number = int(connection.execute(last).scalar_one()) + 1
            self._begin_epoch(connection, number, opening, at)
        return number

    # -- tasks

    def schedule(self, session: date, deadlines: Mapping[Task, datetime | None], *, at: datetime) -> bool:
        """Enter the tasks of a session as waiting; those that are there already stay as they are."""
        day = session.isoformat()
        with self._writing() as connection:
            key, state = load_state(connection, self.name, day)
            new = self._new_tasks(state, day, deadlines)
            if new:
                self._append(connection, key, state, new, at)
        return bool(new)

    def start(
        self, session: date, task: Task, *, at: datetime, deadline: datetime | None = None
    ) -> TaskState:
        """Count an attempt; a task that is done or missed stays so, and its state says it."""
        payload = {"deadline": None if deadline is None else moment(deadline)}
        return self._change(session, task, "task_started", payload, at)

    def fail(self, session: date, task: Task, error: str, *, at: datetime) -> TaskState:
        """Enter that an attempt failed; the task may be started again."""
        return self._change(session, task, "task_failed", {"error": plain_text(error)}, at)

    def miss(self, session: date, task: Task, error: str, *, at: datetime) -> TaskState:
        """Enter that a task can never be done any more; final, unless it is done already."""
        return self._change(session, task, "task_missed", {"error": plain_text(error)}, at)

    def record(
        self,
        session: date,
        task: Task,
        entries: Iterable[Entry],
        *,
        at: datetime,
        account: Account | None = None,
        note: str = "",
        schedule: Mapping[Task, datetime | None] | None = None,
    ) -> bool:
        """Store what a task of a session did, and that it is done.

        Parameters
        ----------
        entries : iterable of Entry
            In the order in which they happened: what the broker's step returns goes in as it is.
        account : Account, optional
            The account after them, as the broker has it; needed where a fill or an ex-date is among them.
        note : str
            What the task ended with, for the user: for instance why nothing traded.
        schedule : mapping of Task to datetime or None
            Tasks of the session to enter as waiting, as `schedule` does, in the same transaction.

        Returns
        -------
        bool
            False if the same was recorded before: nothing is written then.

        Raises
        ------
        LedgerConflict
            If something else is recorded under this key, or the task was missed.
        LedgerError
            If the entries contradict the account, each other or the plan, or are not whole numbers.
        """
        entries, note, task, day = list(entries), plain_text(note), Task(task), session.isoformat()
        drafts: list[Draft] = [(day, task.value, *encode(entry)) for entry in entries]
        content = _hash([[kind, payload] for _, _, kind, payload in drafts] + [note])
        done = {"content_hash": content, "note": note}
        with self._writing() as connection:
            key, state = load_state(connection, self.name, day)
            before = state.tasks.get((day, task.value))
            if before is not None and before["state"] == TaskState.DONE:
                if before["content_hash"] == content:
                    return False
                stored = load_events(connection, key, session=day, task=task.value)
                raise LedgerConflict(_difference(stored, drafts, f"{task.value} of {day}"))
            if before is not None and before["state"] == TaskState.MISSED:
                raise LedgerConflict(
                    f"{task.value} of {day} was missed: {before['error']}; it is not done later"
                )
            load_orders(connection, key, state.book, order_ids(entries))
            waiting = self._new_tasks(state, day, schedule or {})
            if any(isinstance(entry, _MOVING) for entry in entries) or account is not None:
                load_positions(connection, key, state.book, day)
            drafts = [*waiting, *drafts, (day, task.value, "task_done", done)]
            self._append(connection, key, state, drafts, at)
            self._compare(state, account, f"{task.value} of {day}")
        return True

    # -- inside

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._connection.closed or self._connection.invalidated:
            # on PostgreSQL the lock went with the connection: whoever reconnects must ask for it again
            raise LedgerError(f"the connection to {self._database.name} is gone; open the account again")
        self.require_file()
        with self._database.writing(self._connection):
            yield self._connection

    @staticmethod
    def _new_tasks(state: EpochState, day: str, deadlines: Mapping[Task, datetime | None]) -> list[Draft]:
        """Draft the entry of those tasks that are not known yet."""
        new = {
            Task(task).value: None if deadline is None else moment(deadline)
            for task, deadline in deadlines.items()
            if (day, Task(task).value) not in state.tasks
        }
        return [(day, None, "tasks_scheduled", {"deadlines": new})] if new else []

    def _change(self, session: date, task: Task, kind: str, payload: Payload, at: datetime) -> TaskState:
        day, task = session.isoformat(), Task(task)
        with self._writing() as connection:
            key, state = load_state(connection, self.name, day)
            before = state.tasks.get((day, task.value))
            if before is not None and before["state"] in (TaskState.DONE, TaskState.MISSED):
                return TaskState(before["state"])
            self._append(connection, key, state, [(day, task.value, kind, payload)], at)
            return TaskState(state.tasks[day, task.value]["state"])

    def _begin_epoch(self, connection: Connection, number: int, opening: Payload, at: datetime) -> None:
        key = EpochKey(self.name, number)
        named = {**opening, **key._asdict()}
        self._append(connection, key, EpochState.empty(), [(None, None, "epoch_opened", named)], at)

    def _append(
        self, connection: Connection, key: EpochKey, state: EpochState, drafts: list[Draft], at: datetime
    ) -> None:
        """Chain drafts to the epoch's events, and store them with all that follows."""
        moment_text = moment(at)
        seq = state.header.get("head_seq", 0)
        head = state.header.get("head_hash", genesis(*key))
        events: list[Event] = []
        rows: list[NewRow] = []
        known = list(state.tasks)
        for session, task, kind, payload in drafts:
            seq += 1
            event = link(head, seq, session, task, kind, moment_text, _json(payload))
            rows += state.apply(event, payload)
            events.append(event)
            head = event.hash
        store(connection, key, state, events, rows, known)

    def _compare(self, state: EpochState, account: Account | None, where: str) -> None:
        """Refuse an account that is not what the events make of the one before."""
        if account is None:
            if state.book.touched:
                raise LedgerError(f"{where} moves the account; hand over the account after it, too")
            return
        ours = state.book.account
        if account.cash_fen != ours.cash_fen:
            raise LedgerError(
                f"{where}: the broker's cash is {account.cash_fen} fen, the events make it {ours.cash_fen}"
            )
        if account.receivables != ours.receivables:
            raise LedgerError(
                f"{where}: the broker waits for dividends {account.receivables}, by the events for "
                f"{ours.receivables}"
            )
        for symbol in {**account.lots, **ours.lots}:
            theirs, own = account.lots.get(symbol, ()), ours.lots.get(symbol, ())
            if theirs != own:
                raise LedgerError(
                    f"{where}: the broker's lots of {symbol} are {theirs}, the events make them {own}"
                )
        if list(account.lots) != list(ours.lots):
            raise LedgerError(f"{where}: the broker lists its positions in another order than they began")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _opening(cash_fen: int, config_hash: str, config: Mapping[str, Any]) -> Payload:
    cash = whole_number(cash_fen, "the opening cash")
    if cash <= 0:
        raise LedgerError(f"an account begins with some cash, not {cash} fen")
    return {"cash_fen": cash, "config_hash": config_hash, "config": dict(config), "previous_head": None}


def _json(payload: Any) -> str:
    try:
        return canonical_json(payload)
    except (TypeError, ValueError) as problem:
        raise LedgerError(f"this cannot be stored as JSON ({problem}): {str(payload)[:200]}") from None


def _hash(content: Any) -> str:
    _json(content)
    return hash_json(content)


def _difference(stored: list[Event], drafts: list[Draft], where: str) -> str:
    """Say where what is recorded and what is to be recorded part."""
    old = [(event.kind, event.payload) for event in stored if is_entry(event.kind)]
    new = [(kind, _json(payload)) for _, _, kind, payload in drafts]
    said = f"{where} is recorded already, with other content: "
    for n, (before, now) in enumerate(zip(old, new, strict=False), start=1):
        if before != now:
            return said + f"entry {n} is {' '.join(before)[:300]}, now {' '.join(now)[:300]}"
    if len(old) != len(new):
        return said + f"{len(old)} entries, now {len(new)}"
    return said + "another note"

"""`Ledger`: what a paper account did, kept in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, select

from engine.broker.account import Account
from engine.broker.orders import Fill, Refusal, Trade
from engine.run_folder import RunFolder
from live.errors import LedgerError
from live.ledger import schema as s
from live.ledger.database import Database
from live.ledger.entries import Entry, Planned, Refreshed, SessionMark, Task, TaskState
from live.ledger.migrate import migrate
from live.ledger.records import Epoch, TaskRecord, read_entries, task_records
from live.ledger.rows import EpochKey, book_of, current_epoch, load_events, load_header, load_lots
from live.ledger.service import Service
from live.ledger.verify import Finding, Verification, check_frame, verify_epoch
from live.ledger.writer import AccountWriter

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Ledger:
    """A database of paper accounts; made by :meth:`open`, to be closed or used with ``with``.

    Reading needs no lock and sees a consistent moment, also while another process writes. Where a method
    takes an account, None means the only one there is; where it takes an epoch, None means the open one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(
        cls, url: str, *, create: bool = False, read_only: bool = False, timeout_s: float = 10.0
    ) -> Ledger:
        """Open a ledger, bringing its tables up to date.

        Parameters
        ----------
        url : str
            ``sqlite:///file.db``, ``postgresql://user@host/name``, or the path of a SQLite file.
        create : bool
            Make the ledger where there is none.
        read_only : bool
            Never write, not even to update the tables.
        timeout_s : float
            How long to wait for another process that is in a transaction.

        Raises
        ------
        LedgerError
            If there is no ledger, it cannot be read or was written by a newer program.
        """
        database = Database(url, create=create, read_only=read_only, timeout_s=timeout_s)
        try:
            migrate(database, create=create, read_only=read_only)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; writers have their own."""
        self._database.close()

    @property
    def name(self) -> str:
        """The database, as messages name it."""
        return self._database.name

    @property
    def path(self) -> Path | None:
        """The file of a SQLite ledger; None for a server."""
        return self._database.path

    def configuration(self, account: str | None = None, epoch: int | None = None) -> dict[str, Any]:
        """Return the configuration that an epoch was opened with."""
        with self._at(account, epoch) as (connection, key):
            opening = json.loads(load_events(connection, key)[0].payload)
        stored: dict[str, Any] = opening["config"]
        return stored

    def writer(self, account: str) -> AccountWriter:
        """Take the lock of an account, which need not exist yet.

        Raises
        ------
        LedgerLocked
            If another process, or another writer of this one, has it.
        """
        check_account_name(account)
        if self._database.read_only:
            raise LedgerError(f"ledger {self.name} is open for reading only")
        return AccountWriter(self._database, account)

    def service(self, account: str | None = None) -> Service:
        """Return what is kept of an account beside its ledger: heartbeat, halts, messages."""
        with self._database.reading() as connection:
            return Service(self._database, self._account(connection, account))

    # -- what is in it

    def accounts(self) -> list[str]:
        """Names of all accounts."""
        with self._database.reading() as connection:
            return _accounts(connection)

    def epochs(self, account: str | None = None) -> list[Epoch]:
        """All epochs of an account, oldest first."""
        with self._database.reading() as connection:
            name = self._account(connection, account)
            numbers = select(s.epochs.c.epoch).where(s.epochs.c.account == name).order_by(s.epochs.c.epoch)
            keys = [EpochKey(name, number) for number in connection.execute(numbers).scalars()]
            return [Epoch(*key, **load_header(connection, key)) for key in keys]

    def epoch(self, account: str | None = None, epoch: int | None = None) -> Epoch:
        """One epoch: state, cash, configuration hash, how far it has come."""
        with self._at(account, epoch) as (connection, key):
            return Epoch(*key, **load_header(connection, key))

    def account(self, account: str | None = None, epoch: int | None = None) -> Account:
        """Return cash and lots as the broker takes them (``broker.restore(account)``)."""
        with self._at(account, epoch) as (connection, key):
            lots, _ = load_lots(connection, key)
            return book_of(load_header(connection, key), lots).account

    def task(
        self, session: date, task: Task, account: str | None = None, epoch: int | None = None
    ) -> TaskRecord | None:
        """Where a task stands; None if nothing is known of it."""
        return next((r for r in self.tasks(session, account, epoch) if r.task is Task(task)), None)

    def tasks(
        self, session: date | None = None, account: str | None = None, epoch: int | None = None
    ) -> list[TaskRecord]:
        """Tasks of a session, or of all sessions, in their order."""
        with self._at(account, epoch) as (connection, key):
            return task_records(connection, key, session)

    def last_done(self, task: Task, account: str | None = None, epoch: int | None = None) -> date | None:
        """Return the latest session for which a task is done."""
        done = [r.session for r in self.tasks(None, account, epoch)
                if r.task is Task(task) and r.state is TaskState.DONE]  # fmt: skip
        return max(done, default=None)

    def entries(
        self,
        session: date | None = None,
        task: Task | None = None,
        account: str | None = None,
        epoch: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[tuple[date, Entry]]:
        """Return entries as they were recorded, with their sessions; filtered where asked for.

        `kinds` are ``note``, ``plan``, ``fill``, ``refusal``, ``ex_date``, ``quotes``, ``sent``, ``refresh``,
        ``learned``, ``mark``.
        """
        with self._at(account, epoch) as (connection, key):
            return read_entries(connection, key, session, task, kinds)

    def plan(self, session: date, account: str | None = None, epoch: int | None = None) -> Planned | None:
        """Return the plan of a session, with the basket as it will be matched."""
        found = self.entries(session, Task.PLAN, account, epoch, ("plan",))
        return next((entry for _, entry in found if isinstance(entry, Planned)), None)

    def trades(
        self, session: date | None = None, account: str | None = None, epoch: int | None = None
    ) -> list[tuple[date, Trade]]:
        """Fills and refusals in the order of matching."""
        found = self.entries(session, None, account, epoch, ("fill", "refusal"))
        return [(day, entry) for day, entry in found if isinstance(entry, Fill | Refusal)]

    def marks(self, account: str | None = None, epoch: int | None = None) -> list[tuple[date, SessionMark]]:
        """Return the account at the close of every session settled."""
        found = self.entries(None, None, account, epoch, ("mark",))
        return [(day, entry) for day, entry in found if isinstance(entry, SessionMark)]

    def last_refresh(
        self, account: str | None = None, epoch: int | None = None
    ) -> tuple[date, Refreshed] | None:
        """Return the snapshot in force, with the session of its task."""
        found = self.entries(None, None, account, epoch, ("refresh",))
        refreshes = [(day, entry) for day, entry in found if isinstance(entry, Refreshed)]
        return refreshes[-1] if refreshes else None

    # -- what is made of it

    def verify(self, account: str | None = None) -> Verification:
        """Replay all events of an account, or of all, and compare every row with what they make it.

        Raises
        ------
        LedgerError
            If the ledger holds no account at all.
        """
        findings: list[Finding] = []
        events = 0
        with self._database.reading() as connection:
            names = _accounts(connection) if account is None else [self._account(connection, account)]
            if not names:
                raise LedgerError(f"ledger {self.name} is empty: it holds no account")
            frame = check_frame(connection)
            if frame is not None:
                return Verification(len(names), 0, 0, (frame,))
            epochs = select(s.epochs.c.account, s.epochs.c.epoch).where(s.epochs.c.account.in_(names))
            keys = [EpochKey(*row) for row in connection.execute(epochs.order_by(*s.epochs.primary_key))]
            for key in keys:
                seen, finding = verify_epoch(connection, key)
                events += seen
                if finding is not None:
                    findings.append(finding)
        return Verification(len(names), len(keys), events, tuple(findings))

    def require_sound(self, account: str) -> None:
        """Refuse a ledger in which an account's rows are not what its events make them.

        Raises
        ------
        LedgerError
        """
        verified = self.verify(account)
        if not verified.sound:
            raise LedgerError(
                f"ledger {self.name} is not sound: {verified.findings[0]}; nothing is added to it. "
                "Restore a backup, or look with alphaloom paper verify"
            )

    def export(self, folder: str | Path, account: str | None = None, epoch: int | None = None) -> Path:
        """Write equity, fills, orders, positions and events as Parquet, as a back-test does.

        Raises
        ------
        OutputError
            If the folder is not empty or cannot be written.
        """
        from live.ledger.export import frames

        with self._at(account, epoch) as (connection, key):
            tables = frames(connection, key)
        with RunFolder(Path(folder)) as out:
            for name, frame in tables.items():
                frame.to_parquet(out / f"{name}.parquet", index=False)
        return Path(folder)

    # -- inside

    @contextmanager
    def _at(self, account: str | None, epoch: int | None) -> Iterator[tuple[Connection, EpochKey]]:
        with self._database.reading() as connection:
            name = self._account(connection, account)
            key = current_epoch(connection, name) if epoch is None else EpochKey(name, epoch)
            yield connection, key

    def _account(self, connection: Connection, account: str | None) -> str:
        names = _accounts(connection)
        if account is None and len(names) == 1:
            return names[0]
        if account in names and account is not None:
            return account
        known = ", ".join(names) or "none"
        if account is None and names:
            raise LedgerError(f"ledger {self.name} holds several accounts; name one of: {known}")
        raise LedgerError(f"ledger {self.name} has no account {account or ''!r}; known: {known}")


def check_account_name(account: str) -> None:
    """Refuse a name that no account can have."""
    if not _NAME.fullmatch(account):
        raise LedgerError(
            f"account {account!r}: use letters, digits, - and _, at most 64, a letter or digit first"
        )


def _accounts(connection: Connection) -> list[str]:
    return list(connection.execute(select(s.accounts.c.name).order_by(s.accounts.c.name)).scalars())

"""Connections to the ledger's database, and its errors in words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from engine.sqlite import HEADER, WRITES, open_engine
from engine.wal import use_wal
from live.errors import LedgerError, LedgerLocked

_SQLITE_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full; nothing of this step was stored: free some space and repeat it",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a backup",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that its folder exists and can be written to",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write; nothing of this step was stored",
}


class Database:
    """One database, SQLite or PostgreSQL, with the promises that the ledger needs.

    Parameters
    ----------
    url : str
        ``sqlite:///file.db``, ``postgresql://…``, or the path of a SQLite file.
    create : bool
        Make the SQLite file if there is none.
    read_only : bool
        Never write; a SQLite file in a read-only folder can be read too.
    timeout_s : float
        How long to wait for another process that is writing.

    Raises
    ------
    LedgerError
        If the URL names no database that can be used.
    """

    def __init__(self, url: str, *, create: bool, read_only: bool, timeout_s: float) -> None:
        self.url = _parse(url)
        self.timeout_s, self.read_only = timeout_s, read_only
        self.path: Path | None = None
        if self.url.get_backend_name() == "sqlite":
            self.path = _sqlite_path(self.url)
            self.engine = self._sqlite(self.path, create, read_only)
        else:
            self.engine = self._postgresql()

    @property
    def name(self) -> str:
        """The database as messages name it, without the password."""
        return str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def connect(self) -> Connection:
        """Open a connection of one's own."""
        with self.errors():
            return self.engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees the database as it was at one moment."""
        with self.errors(), self.engine.connect() as connection:
            if self.path is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, connection: Connection) -> Iterator[None]:
        """Run a transaction on `connection`: all of it is stored and on disk, or nothing."""
        with self.errors(), connection.execution_options(**{WRITES: True}).begin():
            yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what a database says into a `LedgerError` that says what to do."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as problem:
            raise self._in_words(problem) from problem

    def _in_words(self, problem: Exception) -> LedgerError:
        cause: Any = problem.orig if isinstance(problem, DBAPIError) else problem
        first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return LedgerLocked(
                f"ledger {self.name}: another process has held it for more than {self.timeout_s:g} s; "
                "nothing of this step was stored: repeat it"
            )
        if code is not None and code & 0xFF in _SQLITE_WORDS:
            return LedgerError(f"ledger {self.name}: {_SQLITE_WORDS[code & 0xFF]} ({first_line})")
        if getattr(cause, "sqlstate", None) == "53100":
            return LedgerError(f"ledger {self.name}: {_SQLITE_WORDS[sqlite3.SQLITE_FULL]} ({first_line})")
        if getattr(cause, "sqlstate", None) in ("55P03", "57014"):
            return LedgerLocked(
                f"ledger {self.name}: another process holds it ({first_line}); repeat the step"
            )
        if isinstance(problem, IntegrityError):
            return LedgerError(f"ledger {self.name}: the database refuses a row: {first_line}")
        return LedgerError(f"ledger {self.name}: {first_line}")

    def _sqlite(self, path: Path, create: bool, read_only: bool) -> Engine:
        _check_file(path, create and not read_only)
        options = f"mode={'ro' if read_only else 'rwc' if create else 'rw'}"
        if (
            read_only
            and not os.access(path.parent, os.W_OK)
            and not path.with_name(f"{path.name}-wal").exists()
        ):
            options = "immutable=1"  # WAL wants files beside the database, even for reading
        engine = open_engine(path, options, self.timeout_s)
        if not read_only:

            @event.listens_for(engine, "connect")
            def prepare(connection: Any, _: Any) -> None:
                use_wal(connection, self.timeout_s)

        return engine

    def _postgresql(self) -> Engine:
        milliseconds = int(self.timeout_s * 1000)
        try:
            return create_engine(
                self.url,
                poolclass=NullPool,
                connect_args={"connect_timeout": max(2, int(self.timeout_s)),
                              "options": f"-c lock_timeout={milliseconds}"},
            )  # fmt: skip
        except ModuleNotFoundError:
            raise LedgerError(
                f"ledger {self.name}: PostgreSQL needs a driver; pip install 'alphaloom[postgres]'"
            ) from None


def _parse(text: str) -> URL:
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise LedgerError(
            "the ledger's URL cannot be understood; write sqlite:///paper.db or postgresql://user@host/name"
        ) from None
    return url


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise LedgerError("a ledger in memory would be lost; name a file, as in sqlite:///paper.db")
    return Path(url.database).expanduser()


def _check_file(path: Path, create: bool) -> None:
    """Say what is wrong with a file before SQLite says it less clearly."""
    try:
        if path.is_dir():
            raise LedgerError(f"ledger {path}: it is a folder; name a file")
        if create and not path.parent.is_dir():
            raise LedgerError(f"ledger {path}: there is no folder {path.parent}")
        if not path.exists():
            if create:
                return
            raise LedgerError(f"ledger {path}: there is no such file; start one with alphaloom paper init")
        with path.open("rb") as file:
            head = file.read(len(HEADER))
    except OSError as problem:
        raise LedgerError(f"ledger {path}: {problem.strerror}") from None
    if head and head != HEADER:
        raise LedgerError(f"ledger {path}: the file is not a SQLite database")

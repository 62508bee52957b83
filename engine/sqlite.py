"""SQLite files that several processes share: made once, never overwritten, and clear about what is wrong.

SQLAlchemy is imported only by who imports this module.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.errors import AlphaloomError
from engine.wal import use_wal

#: how a SQLite file begins
HEADER = b"SQLite format 3\x00"
#: execution option of a connection whose transactions write
WRITES = "alphaloom_writes"
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full; nothing of this step was stored: free some space and repeat it",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only; make it writable, or name another file",
    sqlite3.SQLITE_PERM: "access is denied; make it readable and writable, or name another file",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that its folder exists and can be written to",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write; nothing of this step was stored",
}
_DAMAGED = "the file is damaged and was left as it is; restore a backup, or move it away to begin a new one"
_NO_DATABASE = "the file is no SQLite database and was left as it is; name another file, or move it away"


class DatabaseError(AlphaloomError):
    """A database file cannot be opened, read or written."""


class DatabaseLocked(DatabaseError):  # noqa: N818 - says what it is
    """Another process has held the file for too long."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a kind of file, and how they came to be.

    Parameters
    ----------
    what : str
        What messages call the file: ``trial ledger``.
    version_table : str
        Where alembic keeps the version; a file that has other tables and lacks this one is somebody else's.
    versions : tuple of str
        Versions of the tables that this program knows, oldest first.
    migrations : str
        Where alembic finds them: ``package:folder``.
    """

    what: str
    version_table: str
    versions: tuple[str, ...]
    migrations: str


class SqliteFile:
    """One file, opened for reading and writing.

    Parameters
    ----------
    path : Path
    schema : Schema
        Tables of an older version are brought up to date, in one transaction.
    create : bool
        Make the file, and its folder, if there is none.
    timeout_s : float
        How long to wait for another process that is writing.

    Raises
    ------
    DatabaseError
        If the file is missing, damaged, no SQLite database, of another kind or of a newer version. It is
        never written to before all of this is known.
    DatabaseLocked
        If another process holds it for longer than `timeout_s`.
    """

    def __init__(self, path: Path, schema: Schema, *, create: bool, timeout_s: float) -> None:
        self.path, self.schema, self.timeout_s = path, schema, timeout_s
        made = _check_file(self, create)
        if made:
            _check_content(self, create)
        self._engine = open_engine(self.path, f"mode={'rwc' if create else 'rw'}", timeout_s)
        self._migrate()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees the file as it was at one moment."""
        with self.errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection whose changes are stored together, on disk, or not at all."""
        with self.errors(), self._engine.connect() as connection:
            writer = connection.execution_options(**{WRITES: True})
            with writer.begin():
                yield writer

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what SQLite says into a `DatabaseError` that says what to do."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as problem:
            raise self._in_words(problem) from problem

    def error(self, words: str) -> DatabaseError:
        """Return an error that names the file."""
        return DatabaseError(f"{self.schema.what} {self.path}: {words}")

    def _in_words(self, problem: Exception) -> DatabaseError:
        cause: Any = problem.orig if isinstance(problem, DBAPIError) else problem
        first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        code = getattr(cause, "sqlite_errorcode", None)
        kind = None if code is None else code & 0xFF
        if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return DatabaseLocked(
                f"{self.schema.what} {self.path}: another process has held it for more than "
                f"{self.timeout_s:g} s; nothing of this step was stored: repeat it once that process is done"
            )
        if kind == sqlite3.SQLITE_CORRUPT:
            return self.error(f"{_DAMAGED} ({first_line})")
        if kind == sqlite3.SQLITE_NOTADB:
            return self.error(_NO_DATABASE)
        return self.error(f"{_WORDS[kind]} ({first_line})" if kind in _WORDS else first_line)

    def _migrate(self) -> None:
        newest = self.schema.versions[-1]
        with self.reading() as connection:
            if _version(connection, self.schema) == newest:
                return
        with self.errors(), closing(self._engine.raw_connection()) as connection:
            assert connection.driver_connection is not None
            use_wal(connection.driver_connection, self.timeout_s)
        with self.writing() as connection:
            # another process may have been quicker
            if _version(connection, self.schema) != newest:
                _upgrade(connection, self.schema)


def _check_file(file: SqliteFile, create: bool) -> bool:
    """Say what is wrong with a file before SQLite says it less clearly; whether there is anything in it."""
    path = file.path
    try:
        if path.is_dir():
            raise file.error("it is a folder; name a file")
        if not path.exists():
            if not create:
                raise file.error("there is no such file")
            path.parent.mkdir(parents=True, exist_ok=True)
            return False
        with path.open("rb") as opened:
            head = opened.read(len(HEADER))
    except OSError as problem:
        raise file.error(f"{problem.strerror}; name a file that can be read and written") from None
    if head and head != HEADER:
        raise file.error(_NO_DATABASE)
    return bool(head)


def _check_content(file: SqliteFile, create: bool) -> None:
    """Look at a file without writing to it, but for what SQLite has left to do after a writer was killed."""
    schema = file.schema
    engine = open_engine(file.path, "mode=rw", file.timeout_s)
    with file.errors(), engine.connect() as connection, connection.begin():
        connection.execute(text("PRAGMA query_only = ON"))
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        if found != "ok":
            raise file.error(f"{_DAMAGED} ({str(found).splitlines()[-1]})")
        version = _version(connection, schema)
        tables = inspect(connection).get_table_names()
    if version is None and tables:
        raise file.error(f"it is the database of something else, no {schema.what}; name another file")
    if version is None and not create:
        raise file.error(f"there is no {schema.what} in the file")
    if version is not None and version not in schema.versions:
        raise file.error(
            f"its tables have version {version}, this program knows {schema.versions[-1]}; it was written by "
            "a newer alphaloom: update it with pip install -U alphaloom"
        )


def _version(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    row = connection.execute(text(f"SELECT version_num FROM {schema.version_table}")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection, schema: Schema) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", schema.migrations)
    config.attributes["connection"] = connection
    config.attributes["version_table"] = schema.version_table
    command.upgrade(config, "head")


def open_engine(path: Path, options: str, timeout_s: float) -> Engine:
    """Make an engine for a SQLite file whose transactions are on disk when they end.

    A transaction of a connection with the execution option `WRITES` takes the writer's turn when it begins;
    every other only reads.

    Parameters
    ----------
    path : Path
    options : str
        Query of SQLite's URI, as in ``mode=rw``.
    timeout_s : float
        How long to wait for another process that is writing.
    """
    uri = f"file:{quote(str(path.absolute()))}?{options}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a writer takes its turn at once: upgrading a read transaction would fail instead of waiting
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine

"""One writer per account: a lock that the system takes away when its process dies.

On SQLite it is an open transaction on a small database beside the ledger's file; SQLite's locks work on
every platform, within a process too, and are not inherited by children. On PostgreSQL it is an advisory
lock of the very connection that writes, so whoever loses the lock cannot write any more.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engine.hashing import hash_json
from live.errors import LedgerError, LedgerLocked


class FileLock:
    """The lock of an account in a SQLite ledger, held until `release` or the end of the process.

    Raises
    ------
    LedgerLocked
        If another writer has it; its process id is named.
    """

    def __init__(self, ledger: Path, account: str) -> None:
        real = ledger.resolve()  # one lock, by whatever name the file is reached
        self.path = real.with_name(f"{real.name}.{account}.lock")
        self._connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as problem:
            raise LedgerError(f"the lock {self.path} cannot be made: {problem}") from None
        try:
            # the process id is for people; whoever gets the second transaction has the lock
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA user_version = {os.getpid() % 2**31}")
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as problem:
            connection.close()
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise LedgerError(f"the lock {self.path} cannot be taken: {problem}") from None
            raise LedgerLocked(
                f"account {account!r} of ledger {ledger} is in use by {_holder(self.path)}; stop it first"
            ) from None
        self._connection = connection

    def release(self) -> None:
        """Let others write; the file stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class AdvisoryLock:
    """The lock of an account in PostgreSQL, held by a connection."""

    def __init__(self, connection: Connection, account: str, ledger: str) -> None:
        self._connection, self._key = connection, lock_key(account)
        try:
            # a server may need a moment to notice that the last holder died: lock_timeout is the patience
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": self._key})
            connection.commit()
        except OperationalError as problem:
            connection.rollback()
            if getattr(problem.orig, "sqlstate", None) != "55P03":
                raise
            raise LedgerLocked(
                f"account {account!r} of ledger {ledger} is in use by another process; stop it first"
            ) from None

    def release(self) -> None:
        """Let others write."""
        if not self._connection.closed and not self._connection.invalidated:
            self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})
            self._connection.commit()


def lock_key(name: str) -> int:
    """Return the 64-bit number of a lock."""
    return int.from_bytes(bytes.fromhex(hash_json(["alphaloom ledger", name]))[:8], signed=True)


def _holder(path: Path) -> str:
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            return f"process {connection.execute('PRAGMA user_version').fetchone()[0]}"
    except sqlite3.Error:
        return "another process"

"""One writer per account: a lock that the system takes away when its process dies.

On SQLite it is a file of its own beside the ledger's. On PostgreSQL it is an advisory lock of the very
connection that writes, so whoever loses the lock cannot write any more.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engine.hashing import hash_json
from engine.locks import FileLock, LockFailed, LockHeld
from live.errors import LedgerError, LedgerLocked


class AccountLock:
    """The lock of an account in a SQLite ledger, held until `release` or the end of the process.

    Raises
    ------
    LedgerLocked
        If another writer has it; its process id is named.
    """

    def __init__(self, ledger: Path, account: str) -> None:
        real = ledger.resolve()  # one lock, by whatever name the file is reached
        self._lock = FileLock(real.with_name(f"{real.name}.{account}.lock"))
        try:
            self._lock.acquire()
        except LockFailed as problem:
            raise LedgerError(str(problem)) from None
        except LockHeld as problem:
            who = "another process" if problem.process is None else f"process {problem.process}"
            raise LedgerLocked(
                f"account {account!r} of ledger {ledger} is in use by {who}; stop it first"
            ) from None

    def release(self) -> None:
        """Let others write; the file stays."""
        self._lock.release()


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

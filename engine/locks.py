"""One at a time: a lock between processes that the operating system takes back when its holder dies.

It is an open transaction on a small SQLite file of its own: SQLite's locks work on every platform, within a
process too, and no child inherits them.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType


class LockHeld(Exception):  # noqa: N818 - says what it is
    """Somebody else holds the lock.

    Parameters
    ----------
    path : Path
    process : int or None
        Who, if that can be told.
    """

    def __init__(self, path: Path, process: int | None) -> None:
        super().__init__(
            f"{path} is held by {'another process' if process is None else f'process {process}'}"
        )
        self.path, self.process = path, process


class LockFailed(OSError):  # noqa: N818 - says what it is
    """The lock's file cannot be made, read or written."""


class FileLock:
    """A lock, held from `acquire` or entering a ``with`` until `release`, its end, or the end of the process.

    Parameters
    ----------
    path : Path
        A file of the lock's own; it stays. Its folder must exist.
    timeout_s : float
        How long to wait for another holder.
    """

    def __init__(self, path: Path, timeout_s: float = 0.0) -> None:
        self.path, self.timeout_s = path, timeout_s
        self._connection: sqlite3.Connection | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        LockHeld
            If another process, or another lock of this one, has it for longer than `timeout_s`.
        LockFailed
            If the file cannot be used.
        """
        try:
            connection = sqlite3.connect(
                self.path, timeout=self.timeout_s, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as problem:
            raise self._failed(problem) from None
        try:
            # no journal beside it: there is nothing in the file that could be lost
            connection.execute("PRAGMA journal_mode = MEMORY")
            # the process id is for people; whoever gets the second transaction has the lock
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA user_version = {os.getpid() % 2**31}")
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as problem:
            connection.close()
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise self._failed(problem) from None
            raise LockHeld(self.path, _holder(self.path)) from None
        self._connection = connection

    def release(self) -> None:
        """Let others have it; nothing happens if it is not held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _failed(self, problem: sqlite3.Error) -> LockFailed:
        return LockFailed(f"the lock {self.path} cannot be taken: {problem}")


def _holder(path: Path) -> int | None:
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0]) or None
    except sqlite3.Error:
        return None

"""SQLite's write-ahead log, switched on by processes that may all do it at once."""

from __future__ import annotations

import sqlite3
import time

_PAUSE_S = 0.01


def use_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Let readers and a writer of a file work side by side; the file remembers it.

    SQLite waits for others before a transaction, but not before this: whoever opens a new file together with
    another process would be told that it is locked.

    Parameters
    ----------
    connection : sqlite3.Connection
        Outside a transaction.
    timeout_s : float
        How long to try.

    Raises
    ------
    sqlite3.OperationalError
        If another process keeps the file locked for longer.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
        time.sleep(_PAUSE_S)

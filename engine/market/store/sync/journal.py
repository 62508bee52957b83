"""What vendors were asked, and up to which session, so that what they do not have is not asked for ever.

It lies beside the store's files and is no part of the store: without it the same is asked once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType

from engine.market.store.files import StoreError

NAME = "asked.db"
_TABLE = """
CREATE TABLE IF NOT EXISTS asked (
    kind TEXT NOT NULL, about TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, due TEXT NOT NULL,
    PRIMARY KEY (kind, about, first, last)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Parameters
    ----------
    kind, about : str
        The table, and the name in it or what was asked for.
    first, last : date
        Its days.
    due : date
        The last complete session when it was asked.
    """

    kind: str
    about: str
    first: date
    last: date
    due: date


class Journal:
    """Questions of earlier runs; a context manager.

    Parameters
    ----------
    folder : Path
        The store's, which exists.

    Raises
    ------
    StoreError
        By any call, if the file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def of(self, kind: str, about: str) -> list[Asked]:
        """Return what was asked about a name or table."""
        if self._connection is None and not self.path.exists():
            return []
        try:
            rows = self._open().execute(
                "SELECT first, last, due FROM asked WHERE kind = ? AND about = ?", (kind, about)
            )
            days = [tuple(map(date.fromisoformat, row)) for row in rows]
        except (sqlite3.Error, ValueError) as problem:
            raise self._error(problem) from problem
        return [Asked(kind, about, *row) for row in days]

    def newest(self, kind: str) -> date | None:
        """Return the last complete session when a table was last asked for; None: it never was."""
        if self._connection is None and not self.path.exists():
            return None
        try:
            (due,) = self._open().execute("SELECT max(due) FROM asked WHERE kind = ?", (kind,)).fetchone()
            return None if due is None else date.fromisoformat(due)
        except (sqlite3.Error, ValueError) as problem:
            raise self._error(problem) from problem

    def note(self, questions: Iterable[Asked]) -> None:
        """Keep questions; each takes the place of older ones that lie within it."""
        try:
            db = self._open()
            with db:
                for q in questions:
                    key = (q.kind, q.about, q.first.isoformat(), q.last.isoformat())
                    db.execute(
                        "DELETE FROM asked WHERE kind = ? AND about = ? AND first >= ? AND last <= ?", key
                    )
                    db.execute("INSERT INTO asked VALUES (?, ?, ?, ?, ?)", (*key, q.due.isoformat()))
        except sqlite3.Error as problem:
            raise self._error(problem) from problem

    def forget_older(self, repairs: int) -> None:
        """Forget everything if the store has been repaired since: what it has lost is to be asked for anew.

        Parameters
        ----------
        repairs : int
            How often the store has been repaired so far.
        """
        if not self.path.exists() and not repairs:
            return
        try:
            db = self._open()
            if db.execute("PRAGMA user_version").fetchone()[0] != repairs:
                with db:
                    db.execute("DELETE FROM asked")
                    db.execute(f"PRAGMA user_version = {repairs:d}")
        except sqlite3.Error as problem:
            raise self._error(problem) from problem

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            db = sqlite3.connect(self.path, timeout=10.0)
            # whatever a loss of power takes is asked again
            db.execute("PRAGMA synchronous = OFF")
            db.execute(_TABLE)
            self._connection = db
        return self._connection

    def _error(self, problem: Exception) -> StoreError:
        full = getattr(problem, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        remedy = "free some space and repeat the command" if full else "delete it, it only spares questions"
        return StoreError(f"{self.path} cannot be used: {problem}; the store is unharmed: {remedy}")

"""`Cassette`: replies that were paid once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from alpha_sources.llm.cassette.misses import what_differs
from alpha_sources.llm.cassette.owner import Owner
from alpha_sources.llm.cassette.schema import SCHEMA, in_flight, replies
from alpha_sources.llm.reply import Received
from alpha_sources.llm.request import PARTS, Request
from engine.hashing import canonical_json
from engine.sqlite import SqliteFile


class Claim(StrEnum):
    """What came of wanting to ask a request."""

    WON = "won"  # ask it
    INTERRUPTED = "interrupted"  # ask it: who asked before is gone, and may have paid
    TAKEN = "taken"  # somebody else is asking: wait


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reply on the cassette: the body as it came, and when."""

    body: str
    format: str
    attempts: int
    seconds: float
    interrupted: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A request that was sent and has no reply yet.

    Its process is asking, or ended between sending and storing. In the second case the server may have
    charged for it; the next process that wants the reply asks again and says so.
    """

    key: str
    sample: int
    label: str
    owner: Owner
    since: datetime


class Cassette:
    """Every request and reply of one or many runs, in a file that several processes may share.

    A reply is on disk before anybody uses it. Whoever asks first says so in a row of its own; others that
    want the same reply wait for it. Keys and headers are never part of what is stored; of attachments it is
    hash, type and size.

    Use :meth:`open`, as a context manager or with :meth:`close`.
    """

    def __init__(self, file: SqliteFile, owner: Owner) -> None:
        self._file, self._owner = file, owner

    @classmethod
    def open(
        cls, path: Path | str, *, create: bool = False, timeout_s: float = 30.0, owner: Owner | None = None
    ) -> Cassette:
        """Open a cassette.

        Parameters
        ----------
        path : Path or str
        create : bool
            Make it, and its folder, if there is none.
        timeout_s : float
            How long to wait for another process that is writing.
        owner : Owner or None
            Who asks; None is this process.

        Raises
        ------
        DatabaseError
            If there is no file, or it is damaged, foreign or of a newer version; it is left as it is.
        DatabaseLocked
            If another process holds it for longer than `timeout_s`.
        """
        file = SqliteFile(Path(path).expanduser(), SCHEMA, create=create, timeout_s=timeout_s)
        return cls(file, owner or Owner.this_process())

    def __enter__(self) -> Cassette:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def find(self, request: Request, sample: int) -> Recorded | None:
        """Return the reply to a request, or None.

        Raises
        ------
        DatabaseError
            If the reply is not what was recorded.
        """
        with self._file.reading() as connection:
            return self._find(connection, request, sample)

    def claim(self, request: Request, sample: int, *, now: datetime, seconds: float) -> Claim | Recorded:
        """Say that a request will be asked, before it is; or return the reply that came meanwhile.

        A claim is another's as long as its process lives and its time has not run out.
        """
        mine = _place(request, sample)
        with self._file.writing() as connection:
            if (found := self._find(connection, request, sample)) is not None:
                return found
            row = connection.execute(select(in_flight).where(*mine)).mappings().first()
            if row is not None and not self._is_over(row, now):
                return Claim.TAKEN
            interrupted = 0 if row is None else row["interrupted"] + 1
            connection.execute(delete(in_flight).where(*mine))
            values = {
                "key": request.key,
                "sample": sample,
                "label": request.label,
                "host": self._owner.host,
                "process": self._owner.process,
                "started": self._owner.started,
                "since": _text(now),
                "until": _text(now + timedelta(seconds=seconds)),
                "interrupted": interrupted,
            }
            connection.execute(insert(in_flight), values)
        return Claim.WON if row is None else Claim.INTERRUPTED

    def renew(self, request: Request, sample: int, *, now: datetime, seconds: float) -> None:
        """Say that a claimed request is still being asked, for so many seconds more."""
        with self._file.writing() as connection:
            until = _text(now + timedelta(seconds=seconds))
            connection.execute(self._own(update(in_flight), request, sample).values(until=until))

    def release(self, request: Request, sample: int) -> None:
        """Give a claim up: there will be no reply."""
        with self._file.writing() as connection:
            connection.execute(self._own(delete(in_flight), request, sample))

    def store(self, request: Request, sample: int, received: Received, *, now: datetime) -> Recorded:
        """Write a reply down, on disk, and return the one that stands: the first that was recorded."""
        mine = _place(request, sample)
        with self._file.writing() as connection:
            taken = select(in_flight.c.interrupted).where(*mine)
            row = {
                "key": request.key,
                "sample": sample,
                "label": request.label,
                "task": request.task.value,
                **request.parts,
                "request": canonical_json(request.plain()),
                "reply": received.body,
                "reply_hash": _hash(received.body),
                "format": received.format,
                "attempts": received.attempts,
                "seconds": received.seconds,
                "interrupted": connection.execute(taken).scalar() or 0,
                "recorded_at": _text(now),
            }
            connection.execute(insert(replies).on_conflict_do_nothing(), row)
            connection.execute(delete(in_flight).where(*mine))
            stands = self._find(connection, request, sample)
        if stands is None:  # it was inserted above
            raise self._file.error("a reply was not stored")
        return stands

    def why_missing(self, request: Request, sample: int) -> str:
        """Say what distinguishes a request from the recorded one that is most like it."""
        # one of the same prompt is more like it than any other with one part in common
        likeness: ColumnElement[int] = case((replies.c.label == request.label, 2), else_=0)
        for name in PARTS:
            likeness = likeness + case((replies.c[name] == request.parts[name], 1), else_=0)
        query = select(replies.c.key, replies.c.label, replies.c.request).order_by(
            likeness.desc(), replies.c.id.desc()
        )
        with self._file.reading() as connection:
            samples = select(replies.c.sample).where(replies.c.key == request.key)
            others = sorted(connection.execute(samples).scalars())
            nearest = connection.execute(query.limit(1)).mappings().first()
        if others:
            return f"sample {sample} was not recorded, only {', '.join(map(str, others[:10]))}"
        if nearest is None:
            return "the cassette is empty"
        return what_differs(request, nearest["label"], nearest["request"])

    def unfinished(self) -> list[Unfinished]:
        """Return what was sent and has no reply, the oldest first."""
        query = select(in_flight).order_by(in_flight.c.since, in_flight.c.key, in_flight.c.sample)
        with self._file.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Unfinished(
                row["key"],
                row["sample"],
                row["label"],
                _owner(row),
                datetime.fromisoformat(row["since"]),
            )
            for row in rows
        ]

    def __len__(self) -> int:
        with self._file.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(replies)).scalar_one())

    def _find(self, connection: Connection, request: Request, sample: int) -> Recorded | None:
        query = select(replies).where(replies.c.key == request.key, replies.c.sample == sample)
        row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if _hash(row["reply"]) != row["reply_hash"]:
            raise self._file.error(
                f"the reply to {row['label']} (key {request.key[:12]}) is not what was recorded; "
                "restore a backup"
            )
        return Recorded(
            row["reply"],
            row["format"],
            row["attempts"],
            row["seconds"],
            row["interrupted"],
            datetime.fromisoformat(row["recorded_at"]),
        )

    def _own(self, statement: Any, request: Request, sample: int) -> Any:
        own = (in_flight.c.host == self._owner.host, in_flight.c.process == self._owner.process)
        return statement.where(*_place(request, sample), *own)

    def _is_over(self, row: Any, now: datetime) -> bool:
        if datetime.fromisoformat(row["until"]) < now:
            return True
        return _owner(row).is_gone(self._owner)


def _place(request: Request, sample: int) -> tuple[Any, Any]:
    return in_flight.c.key == request.key, in_flight.c.sample == sample


def _owner(row: Any) -> Owner:
    return Owner(row["host"], row["process"], row["started"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")

"""Texts on arrival: each with the moment of its publication, or not at all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.market.store.folder import StoreReader, StoreWriter
from engine.market.store.intake import Taken
from engine.market.store.rows import records, table_of
from engine.market.store.schema import Kind, TextKind

_UNDATED = "do not say when they were published"
_FUTURE = "say that they will be published later than now"
_EMPTY = "have neither title nor words"
_KINDS = f"are of a kind that is none of {', '.join(TextKind)}"
_CHANGED = "came again with other words under the same title and moment; what was seen first stands"


def text_id(source: str, published_at: datetime, title: str) -> str:
    """Return by what a text is known: the sha256 of its address, the moment of publication and its title."""
    return sha256(f"{source}|{published_at.isoformat()}|{title}".encode()).hexdigest()


def take_texts(writer: StoreWriter, table: Any, *, source: str) -> Taken:
    """Add texts; one that is stored already stands as it was first seen.

    Parameters
    ----------
    writer : StoreWriter
    table : pyarrow.Table
        ``published_at`` (naive, Asia/Shanghai), ``symbol`` (null for the market), ``kind``, ``title``,
        ``body`` and ``source``, the address it was read at.
    source : str
        Who delivers; stands for the address of texts without one.

    Notes
    -----
    What says no moment of publication, or one after now, is not taken: nobody could know from when on it may
    be used. `Taken.notes` says how many there were, and names the first.
    """
    now, taken, refused = writer.now, Taken(), _Refused(source)
    rows = records(table)
    found: dict[tuple[Any, str], dict[str, Any]] = {}
    for row in rows:
        title, body = (str(row.get(name) or "").strip() for name in ("title", "body"))
        moment = row.get("published_at")
        label = f"{title[:60] or body[:60]!r}"
        if moment is None:
            refused.note(_UNDATED, label)
        elif moment > now:
            refused.note(_FUTURE, f"{label}, {moment:%Y-%m-%d %H:%M}")
        elif not title and not body:
            refused.note(_EMPTY, f"of {moment:%Y-%m-%d %H:%M}")
        elif row.get("kind") not in list(TextKind):
            refused.note(_KINDS, f"{label}, {row.get('kind')!r}")
        else:
            address = str(row.get("source") or "").strip() or source
            moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
            key = (moment.date(), text_id(address, moment, title))
            new = {
                **row, "day": key[0], "id": key[1], "published_at": moment, "title": title, "body": body,
                "source": address, "symbol": row.get("symbol") or None, "first_seen": now,
            }  # fmt: skip
            if found.setdefault(key, new)["body"] != body:
                refused.note(_CHANGED, label)
    if found:
        _without_known(writer, found, taken, refused)
        writer.add(Kind.TEXTS, table_of(Kind.TEXTS, found.values()))
        if found:
            taken.added[Kind.TEXTS] += len(found)
    taken.notes += refused.notes()
    return taken


def _without_known(
    reader: StoreReader, found: dict[tuple[Any, str], dict[str, Any]], taken: Taken, refused: _Refused
) -> None:
    """Take out of `found` what is stored."""
    days = sorted({day for day, _ in found})
    there = reader.rows(Kind.TEXTS, first=days[0], last=days[-1], columns=("day", "id", "body"))
    mine = there.filter(pc.is_in(there["id"], value_set=pa.array([key for _, key in found], pa.string())))
    for row in records(mine):
        new = found.pop((row["day"], row["id"]), None)
        if new is not None:
            taken.repeated[Kind.TEXTS] += 1
            if new["body"] != row["body"]:
                refused.note(_CHANGED, new["title"][:60])


class _Refused:
    """How many texts were not taken for each reason, and one of them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def note(self, why: str, example: str) -> None:
        self._counts[why] += 1
        self._examples.setdefault(why, example)

    def notes(self) -> list[str]:
        return [
            f"{self.source}: {count:,} {'text' if count == 1 else 'texts'} left out that {why}; e.g. "
            f"{self._examples[why]}"
            for why, count in self._counts.items()
        ]

"""The chain of events: each carries the hash of the one before it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from engine.hashing import canonical_json, hash_json


class Event(NamedTuple):
    """One row of the log. `payload` is canonical JSON; `session` and `task` are None for an epoch's own."""

    seq: int
    session: str | None
    task: str | None
    kind: str
    at: str
    payload: str
    previous_hash: str
    hash: str


def genesis(account: str, epoch: int) -> str:
    """What the first event of an epoch follows: no chain fits another account or epoch."""
    return hash_json({"account": account, "epoch": epoch})


def link(
    previous_hash: str, seq: int, session: str | None, task: str | None, kind: str, at: str, payload: str
) -> Event:
    """Make the event that follows `previous_hash`."""
    own = canonical_json([seq, session, task, kind, at, payload])
    digest = hashlib.sha256(f"{previous_hash}\n{own}".encode()).hexdigest()
    return Event(seq, session, task, kind, at, payload, previous_hash, digest)


def fault(event: Event, seq: int, previous_hash: str) -> str | None:
    """Why an event cannot be number `seq` after `previous_hash`; None if it is."""
    if event.seq != seq:
        return f"event {seq} is missing; the next one is {event.seq}"
    if event.previous_hash != previous_hash:
        return "it does not follow the event before it: one of the two was changed, moved or removed"
    if link(previous_hash, *event[:6]).hash != event.hash:
        return "its contents do not match its hash: it was changed"
    return None

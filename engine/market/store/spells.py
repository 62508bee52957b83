"""Spells of stocks: special treatment, suspensions and special sessions, as they become known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from engine.market.calendar import Calendar
from engine.market.store.folder import StoreWriter
from engine.market.store.intake import Taken, updated
from engine.market.store.rows import records, table_of
from engine.market.store.schema import Kind, Spell

_KEY = ("symbol", "kind", "start")
_DAY = timedelta(days=1)


def take_stock_spells(writer: StoreWriter, table: Any, calendar: Calendar) -> Taken:
    """Add spells; a known end is not forgotten.

    Vendors list who is under special treatment today, so every list makes spells of one day; these are
    joined to those before them, and reach as far as the last of them. Suspensions are told with their first
    day, and are left as they are told: a stock that resumes sooner than was said is not to be taken for
    suspended.

    Parameters
    ----------
    writer : StoreWriter
    table : pyarrow.Table
        Columns of `Kind.SPELLS`; ``end`` is the first day no longer, null while the spell lasts.
    calendar : Calendar
        Spells between which it has no session are one.
    """
    stored = records(writer.rows(Kind.SPELLS))
    ends = {_key(row): row["end"] for row in stored if row["kind"] == Spell.ST and row["end"] is not None}
    # the list of a spell's first day, told again, takes nothing of what was joined to it since
    told = [row for row in records(table) if row["end"] is None or row["end"] > ends.get(_key(row), date.min)]
    rows = joined(updated(stored, told, _KEY), calendar)
    before, taken = {tuple(row.items()) for row in stored}, Taken()
    news = sum(tuple(row.items()) not in before for row in rows)
    if news or len(rows) != len(stored):
        writer.replace(Kind.SPELLS, table_of(Kind.SPELLS, rows))
    if news:
        taken.added[Kind.SPELLS] += news
    return taken


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEY)


def joined(rows: Iterable[dict[str, Any]], calendar: Calendar) -> list[dict[str, Any]]:
    """Make one spell of spells of special treatment that overlap, or have no session between them.

    A spell without an end runs on, whatever shorter ones follow it. One that holds no session (a list that
    was read on a weekend) begins with the session before it, of which it tells.
    """
    ordered = sorted(rows, key=lambda row: (row["symbol"], row["kind"], row["start"]))
    out: list[dict[str, Any]] = []
    for (_, kind), group in groupby(ordered, key=lambda row: (row["symbol"], row["kind"])):
        spells = list(group)
        out += _one_by_one(spells, calendar) if kind == Spell.ST else spells
    return out


def _one_by_one(spells: Iterable[dict[str, Any]], calendar: Calendar) -> Iterator[dict[str, Any]]:
    last: dict[str, Any] | None = None
    for row in spells:
        row = {**row, "start": _with_a_session(row, calendar)}
        if last is not None and not _session_between(last["end"], row["start"], calendar):
            ends = last["end"], row["end"]
            last["end"] = None if None in ends else max(ends)
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


def _with_a_session(row: dict[str, Any], calendar: Calendar) -> date:
    start, end = row["start"], row["end"]
    if end is None or _session_between(start, end, calendar) or not _known(end - _DAY, calendar):
        return start  # type: ignore[no-any-return]
    before = calendar.before(np.datetime64(start, "D"))
    found: date = start if before is None else before.astype(object)
    return found


def _session_between(start: date | None, end: date, calendar: Calendar) -> bool:
    """Whether a session lies in start..end, without the end; days beyond the calendar count as sessions."""
    if start is None or start >= end:
        return False
    if not _known(end - _DAY, calendar):
        return True
    lo, hi = np.searchsorted(calendar.sessions, np.array([start, end], dtype="datetime64[D]"))
    return bool(lo < hi)


def _known(day: date, calendar: Calendar) -> bool:
    return bool(calendar.first <= np.datetime64(day, "D") <= calendar.last)

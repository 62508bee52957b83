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
#: so many stocks may leave special treatment at once, be it most of those that the store knows
_FEW = 5


def take_stock_spells(writer: StoreWriter, table: Any, calendar: Calendar, *, whole: bool = False) -> Taken:
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
    whole : bool
        The table may be a vendor's list of all who are under special treatment on one day: then a stored
        spell that would last longer ends on that day, if the list lacks the stock.
    """
    stored, notes = records(writer.rows(Kind.SPELLS)), list[str]()
    before = {tuple(row.items()) for row in stored}
    ends = {_key(row): row["end"] for row in stored if row["kind"] == Spell.ST and row["end"] is not None}
    if whole:
        stored, notes = _ended(stored, records(table), calendar)
    # the list of a spell's first day, told again, takes nothing of what was joined to it since
    told = [row for row in records(table) if row["end"] is None or row["end"] > ends.get(_key(row), date.min)]
    rows = joined(updated(stored, told, _KEY), calendar)
    taken = Taken(notes=notes)
    news = sum(tuple(row.items()) not in before for row in rows)
    if news or len(rows) != len(stored):
        writer.replace(Kind.SPELLS, table_of(Kind.SPELLS, rows))
    if news:
        taken.added[Kind.SPELLS] += news
    return taken


def _ended(
    stored: list[dict[str, Any]], told: list[dict[str, Any]], calendar: Calendar
) -> tuple[list[dict[str, Any]], list[str]]:
    """End spells of special treatment that last beyond the day of a list without the stock.

    Stocks of an exchange of which the list has none are left alone, and so are all if most of them would end:
    then it is the list that lacks something.
    """
    listed = [row for row in told if row["kind"] == Spell.ST]
    days = {row["start"] for row in listed if row["end"] == row["start"] + _DAY}
    if len(days) != 1 or any(row["end"] != row["start"] + _DAY for row in listed):
        return stored, []  # spells, and no list of a day
    names, (day,) = {row["symbol"] for row in listed}, days
    exchanges = {name[-2:] for name in names}
    lasting = [
        row
        for row in stored
        if row["kind"] == Spell.ST
        and row["start"] < day
        and (row["end"] is None or row["end"] > day)
        and row["symbol"][-2:] in exchanges
    ]
    gone = {_key(row) for row in lasting if row["symbol"] not in names}
    if 2 * len(gone) > len(lasting) and len(gone) > _FEW:
        return stored, [
            f"special treatment: the list of {day} lacks {len(gone):,} of {len(lasting):,} stocks that are "
            "under it by the store; none of these spells was ended: import them anew, with their ends"
        ]
    # on a day without a session it tells of the next one
    sessions = calendar.sessions
    place = int(np.searchsorted(sessions, np.datetime64(day, "D")))
    end: date = sessions[place].astype(object) if place < len(sessions) else day
    return [{**row, "end": end} if _key(row) in gone else row for row in stored], []


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

"""Sessions of the exchange beyond what is known of old, fetched or imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import CalendarError
from engine.market.calendar import Calendar, Dates, extended, plain_list, xshg
from engine.market.store.folder import StoreReader, StoreWriter
from engine.market.store.intake import Taken
from engine.market.store.rows import day_numbers, records, table_of
from engine.market.store.schema import Kind


def stored_sessions(reader: StoreReader) -> Dates:
    """(S,) sessions that the store has been told of, ascending."""
    return np.sort(day_numbers(reader.rows(Kind.SESSIONS)["session"]).astype("datetime64[D]"))


def store_calendar(reader: StoreReader, base: Calendar | None = None) -> Calendar:
    """Return the exchange's calendar, as far as it is known of old and to the store.

    Parameters
    ----------
    reader : StoreReader
    base : Calendar, optional
        What is known without the store; by default `xshg`. Within its coverage the store has no say: verify
        names what of it contradicts.

    Raises
    ------
    CalendarError
        If the store's sessions do not join on to it.
    """
    base = base or xshg()
    later = stored_sessions(reader)
    return extended(base, later[later > base.last], str(reader.folder))


def take_sessions(writer: StoreWriter, table: Any, *, source: str, base: Calendar | None = None) -> Taken:
    """Add a list of sessions; those known of old confirm it, or it is refused.

    A later list may amend days to come, as the exchange does when holidays are moved; it cannot amend what is
    past.

    Parameters
    ----------
    writer : StoreWriter
    table : pyarrow.Table
        ``session``: every session from the first day in it to the last.
    source : str
    base : Calendar, optional
        What is known without the store; by default `xshg`.

    Raises
    ------
    CalendarError
        If the list contradicts sessions that are known, with the days; or is no list of sessions.
    """
    base = base or xshg()
    listed = np.unique(day_numbers(table["session"]).astype("datetime64[D]"))
    if not len(listed):
        return Taken()
    # of what it says of days known of old nothing is stored, but all of it is compared
    extended(base, listed, source)
    taken, stored = Taken(), stored_sessions(writer)
    stored = stored[stored > base.last]
    mine = listed[listed > base.last]
    if not len(mine):
        taken.repeated[Kind.SESSIONS] += len(listed)
        return taken
    today = np.datetime64(writer.now.date(), "D")
    spoken_of = (stored >= listed[0]) & (stored <= listed[-1])
    others = np.setxor1d(stored[spoken_of], mine[mine <= stored[-1]] if len(stored) else mine[:0])
    past = others[others <= today]
    if len(past):
        raise CalendarError(
            f"{source}: its sessions are not those the store has for days that are past: {plain_list(past)}; "
            "nothing was stored: ask another source, or correct the file"
        )
    gone = np.setdiff1d(stored[spoken_of], mine)
    new = np.setdiff1d(mine, stored)
    taken.repeated[Kind.SESSIONS] += len(listed) - len(new)
    if len(others):
        taken.notes.append(f"{source}: amends the sessions of days to come: {plain_list(others)}")
    # what is known after the change must still be one calendar
    after = np.setdiff1d(np.union1d(stored, new), gone)
    extended(base, after, source)
    rows = [
        {"session": day, "source": source, "first_seen": writer.now} for day in new.astype(object).tolist()
    ]
    if len(gone):
        kept = [
            row
            for row in records(writer.rows(Kind.SESSIONS))
            if np.datetime64(row["session"], "D") not in gone
        ]
        writer.replace(Kind.SESSIONS, table_of(Kind.SESSIONS, [*kept, *rows]))
    else:
        writer.add(Kind.SESSIONS, table_of(Kind.SESSIONS, rows))
    if len(new) or len(gone):
        taken.added[Kind.SESSIONS] += len(new) + len(gone)
    return taken


def contradictions(sessions: Dates, base: Calendar) -> Dates:
    """Stored sessions that a calendar which covers them by now does not have."""
    covered = sessions[(sessions >= base.first) & (sessions <= base.last)]
    return covered[~np.isin(covered, base.sessions)]

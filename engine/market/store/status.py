"""What a store holds: coverage, gaps, what is stale, what was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.calendar import Calendar, half_known
from engine.market.grid import Ints
from engine.market.store.folder import MarketStore, StoreReader
from engine.market.store.manifest import Commit
from engine.market.store.members import universes
from engine.market.store.reasons import ArrivalRules
from engine.market.store.rows import codes_of, day_numbers, records
from engine.market.store.schema import Kind, Spell
from engine.market.store.sessions import store_calendar
from engine.market.store.status_tables import (
    MacroStatus,
    MinutesStatus,
    TextsStatus,
    macro_status,
    minutes_status,
    texts_status,
)
from engine.market.store.sync.journal import Journal


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table: its rows, files, bytes on disk, and first and last day where it is cut by days."""

    kind: Kind
    rows: int
    files: int
    bytes: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Sessions between a name's first and last bar without a row, that no suspension explains."""

    symbol: str
    sessions: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MembersStatus:
    """An index: how many members it has after the last list or import, and which days are known."""

    universe: str
    members: int
    known_from: date
    known_to: date


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What a store holds.

    Parameters
    ----------
    tables : tuple of TableStatus
    symbols : int
        Names with bars.
    due : date
        Last complete session by the clock.
    behind : int
        Complete sessions after the last stored one.
    asked : date or None
        The last complete session when vendors were last asked for bars; None: never, as far as is known.
    stale : tuple of str
        Names not delisted whose bars end before the store's last session (suspended ones among them).
    gaps : tuple of Gap
        The longest first.
    members : tuple of MembersStatus
    quarantined : dict of str to int
        Bars set aside, by reason.
    calendar_to : date
        Last session that is known, of old or to the store.
    half_known : str or None
        That the next year's sessions should be known by now, and what to do; None: they are, or need not be.
    macro : tuple of MacroStatus
    texts : tuple of TextsStatus
    minutes : MinutesStatus or None
        None where there are none.
    last_commit : Commit or None
    """

    tables: tuple[TableStatus, ...]
    symbols: int
    due: date
    behind: int
    asked: date | None
    stale: tuple[str, ...]
    gaps: tuple[Gap, ...]
    members: tuple[MembersStatus, ...]
    quarantined: dict[str, int]
    calendar_to: date
    half_known: str | None
    macro: tuple[MacroStatus, ...]
    texts: tuple[TextsStatus, ...]
    minutes: MinutesStatus | None
    last_commit: Commit | None


def status(store: MarketStore, now: datetime) -> StoreStatus:
    """Look a store over; `now` is naive, in Asia/Shanghai.

    Raises
    ------
    StoreError
        If there is no store, or it is damaged.
    """
    return store.read(lambda reader: _status(reader, now))


def _status(reader: StoreReader, now: datetime) -> StoreStatus:
    calendar = store_calendar(reader)
    due = calendar.sessions[calendar.sessions <= ArrivalRules(calendar, now).last_complete][-1]
    rows = reader.rows(Kind.BARS, columns=("symbol", "session"))
    symbols = np.array(sorted(rows["symbol"].unique().to_pylist()), dtype=np.str_)
    column, at = (
        codes_of(rows["symbol"], symbols),
        np.searchsorted(calendar.sessions, day_numbers(rows["session"]).astype("datetime64[D]")),
    )
    last = int(at.max()) if len(at) else None
    reasons = reader.rows(Kind.QUARANTINE, columns=("symbol", "reason"))["reason"].value_counts().to_pylist()
    commits = reader.manifest.commits
    ends: date = calendar.last.astype(object)
    return StoreStatus(
        tables=tuple(_tables(reader)),
        symbols=len(symbols),
        due=due.astype(object),
        behind=0 if last is None else max(0, int(np.searchsorted(calendar.sessions, due)) - last),
        asked=_asked(reader),
        stale=_stale(reader, symbols, column, at),
        gaps=tuple(_gaps(reader, calendar, symbols, column, at)),
        members=tuple(_members(reader)),
        quarantined={entry["values"]: entry["counts"] for entry in reasons},
        calendar_to=ends,
        half_known=half_known(calendar, now.date()),
        macro=macro_status(reader, now.date()),
        texts=texts_status(reader),
        minutes=minutes_status(reader),
        last_commit=commits[-1] if commits else None,
    )


def _asked(reader: StoreReader) -> date | None:
    with Journal(reader.folder) as journal:
        return journal.newest(Kind.BARS)


def _tables(reader: StoreReader) -> list[TableStatus]:
    out = []
    for kind in Kind:
        mine = reader.manifest.of(kind)
        if mine:
            days = [day for s in mine for day in (s.first, s.last) if day]
            sums = sum(s.rows for s in mine), len(mine), sum(s.bytes for s in mine)
            out.append(TableStatus(kind, *sums, min(days, default=""), max(days, default="")))
    return out


def _stale(reader: StoreReader, symbols: NDArray[np.str_], column: Ints, at: Ints) -> tuple[str, ...]:
    if not len(at):
        return ()
    ends = np.zeros(len(symbols), dtype=np.intp)
    np.maximum.at(ends, column, at)
    gone = {row["symbol"] for row in records(reader.rows(Kind.INSTRUMENTS)) if row["delist_date"] is not None}
    return tuple(s for s, end in zip(symbols.tolist(), ends, strict=True) if end < at.max() and s not in gone)


def _gaps(
    reader: StoreReader, calendar: Calendar, symbols: NDArray[np.str_], column: Ints, at: Ints
) -> list[Gap]:
    sessions = calendar.sessions
    order = np.argsort((column << 32) + at, kind="stable")
    column, at = column[order], at[order]
    jumps = np.flatnonzero((column[1:] == column[:-1]) & (at[1:] > at[:-1] + 1))
    halts: dict[str, list[dict[str, Any]]] = {}
    for row in records(reader.rows(Kind.SPELLS)):
        if row["kind"] == Spell.SUSPENSION:
            halts.setdefault(row["symbol"], []).append(row)
    found = []
    for i in jumps.tolist():
        symbol = str(symbols[column[i]])
        missing = sessions[at[i] + 1 : at[i + 1]]
        for halt in halts.get(symbol, ()):
            end = np.datetime64(halt["end"] or "9999-12-31", "D")
            missing = missing[(missing < np.datetime64(halt["start"], "D")) | (missing >= end)]
        if len(missing):
            found.append(Gap(symbol, len(missing), missing[0].astype(object), missing[-1].astype(object)))
    return sorted(found, key=lambda gap: (-gap.sessions, gap.symbol, gap.first))


def _members(reader: StoreReader) -> list[MembersStatus]:
    spells, seen = records(reader.rows(Kind.MEMBERSHIP)), records(reader.rows(Kind.SNAPSHOTS))
    out = []
    for universe in universes(reader):
        mine = [row for row in spells if row["universe"] == universe]
        said = [row["session"] for row in seen if row["universe"] == universe]
        said += [day for row in mine for day in (row["in_date"], row["out_date"]) if day is not None]
        first, inside = min(row["in_date"] for row in mine), sum(row["out_date"] is None for row in mine)
        out.append(MembersStatus(universe, inside, first, max(said)))
    return out

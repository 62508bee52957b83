"""Membership that grows: spells from imports, carried on by each day's list of members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from engine.errors import DataError
from engine.market.store.folder import StoreReader, StoreWriter
from engine.market.store.intake import Taken
from engine.market.store.rows import records, table_of
from engine.market.store.schema import Kind
from engine.market.universe import INDEX_SIZE


class MemberSpell(NamedTuple):
    """A member from `joined` to the session before `left`; None: still in, as far as is known."""

    symbol: str
    joined: date
    left: date | None


def grown(spells: Sequence[MemberSpell], session: date, members: Collection[str]) -> list[MemberSpell]:
    """Carry spells on by the list of a session: who is missing has left, who is new has joined.

    A name that is found missing left on some session since the last list; the session of this one is the
    first on which that is known. One that has left and is listed again begins another spell. Changes that are
    announced for later days stay, but for a name that is listed before the day on which it was to join.
    """
    here, out = set(members), []
    inside = {s.symbol for s in spells if _within(s, session)}
    for spell in sorted(spells, key=lambda s: s.joined):
        if spell.left is None and spell.symbol not in here and spell.joined < session:
            spell = spell._replace(left=session)
        elif spell.joined > session and spell.symbol in here - inside:
            spell = spell._replace(joined=session)
            inside.add(spell.symbol)
        out.append(spell)
    present = {s.symbol for s in out if _within(s, session)}
    out += [MemberSpell(symbol, session, None) for symbol in here - present]
    return sorted(out, key=lambda s: (s.symbol, s.joined))


def preceded(
    spells: Sequence[MemberSpell], start: date, until: date, members: Collection[str]
) -> list[MemberSpell]:
    """Put the members of the days before the first known one in front of spells.

    Whoever was a member and begins on `until`, the first day that was known so far, has been one from `start`
    on; the others have left by then.
    """
    before, out = set(members), []
    for spell in spells:
        if spell.joined == until and spell.symbol in before:
            spell = spell._replace(joined=start)
            before.remove(spell.symbol)
        out.append(spell)
    out += [MemberSpell(symbol, start, until) for symbol in before]
    return sorted(out, key=lambda s: (s.symbol, s.joined))


class DatedList(NamedTuple):
    """The members of an index from a session on, until another list or the first known day."""

    session: date
    members: frozenset[str]


def take_earlier_lists(
    writer: StoreWriter, universe: str, lists: Sequence[DatedList], *, source: str
) -> Taken:
    """Put lists of days gone by before the first day on which the store knows the members.

    Parameters
    ----------
    writer : StoreWriter
    universe : str
    lists : sequence of DatedList
        By ascending session, the last before the first known day, on which the last one ends.
    source : str
    """
    spells = member_spells(writer, universe)
    until = min(spell.joined for spell in spells)
    for session, members in reversed(lists):
        spells = preceded(spells, session, until, members)
        until = session
    taken = _store(writer, universe, spells)
    rows = [
        {"universe": universe, "session": day, "members": len(members), "source": source}
        for day, members in lists
    ]
    writer.add(Kind.SNAPSHOTS, table_of(Kind.SNAPSHOTS, rows))
    taken.added[Kind.SNAPSHOTS] += len(rows)
    return taken


def take_snapshot(
    writer: StoreWriter, universe: str, session: date, members: Collection[str], *, source: str
) -> Taken:
    """Carry the spells of an index on by the list of its members on a session.

    Raises
    ------
    DataError
        If the list has not as many members as the index, or is older than the last one.
    """
    size = INDEX_SIZE.get(universe)
    if len(set(members)) != (size or len(set(members))) or not members:
        raise DataError(
            f"{source}: {len(set(members))} members of {universe} on {session}, which has {size or 'some'}; "
            "the list was not taken: ask again, or ask another source"
        )
    seen = records(writer.rows(Kind.SNAPSHOTS))
    last = max((row["session"] for row in seen if row["universe"] == universe), default=None)
    if last is not None and session < last:
        raise DataError(
            f"{source}: the list of {universe} is of {session}, the store has one of {last} already, and "
            "lists are taken in order; what is known of earlier days is imported as spells: a file of "
            "symbol, in_date, out_date"
        )
    if session == last:
        there = {s.symbol for s in member_spells(writer, universe) if _within(s, session)}
        other = sorted(there ^ set(members))
        first = f"{source}: another list of {universe} on {session}; the first stands, which differs in"
        return Taken(notes=[f"{first} {', '.join(other[:5])}"] if other else [])
    taken = _store(writer, universe, grown(member_spells(writer, universe), session, members))
    row = {"universe": universe, "session": session, "members": len(set(members)), "source": source}
    writer.add(Kind.SNAPSHOTS, table_of(Kind.SNAPSHOTS, [row]))
    taken.added[Kind.SNAPSHOTS] += 1
    return taken


def take_spells(writer: StoreWriter, universe: str, spells: Sequence[MemberSpell], *, source: str) -> Taken:
    """Add spells of an import; a stored spell that was open ends where the import says so.

    Where a stored spell begins or ends on the day of a list, which is only the first on which somebody
    looked, the import knows better: its day takes the place of the list's.

    Raises
    ------
    DataError
        If a spell ends before it begins, or two spells of one symbol overlap.
    """
    for spell in spells:
        if spell.left is not None and spell.left <= spell.joined:
            raise DataError(
                f"{source}: {spell.symbol} leaves {universe} on {spell.left}, which is not after "
                f"{spell.joined}, when it joins; correct the dates, nothing was stored"
            )
    taken, stored = Taken(), {(s.symbol, s.joined): s for s in member_spells(writer, universe)}
    looked = {row["session"] for row in records(writer.rows(Kind.SNAPSHOTS)) if row["universe"] == universe}
    changed = False
    for spell in spells:
        old = stored.get((spell.symbol, spell.joined))
        if old is None and (grew := _of_a_list(stored.values(), spell, looked)) is not None:
            # the same spell, seen late
            taken.notes.append(
                f"{universe} {spell.symbol}: joined on {spell.joined} by {source}, first listed on "
                f"{grew.joined}"
            )
            del stored[grew.symbol, grew.joined]
            old = stored[spell.symbol, spell.joined] = grew._replace(joined=spell.joined)
            changed = True
        if (
            old is None
            or _earlier(spell.left, old.left, looked)
            or (old.left is None and spell.left is not None)
        ):
            stored[spell.symbol, spell.joined] = spell
            changed = True
        elif old.left != spell.left and spell.left is not None:
            taken.notes.append(
                f"{universe} {spell.symbol}: {source} lets it leave on {spell.left}, the store on "
                f"{old.left}; kept"
            )
    merged = sorted(stored.values(), key=lambda s: (s.symbol, s.joined))
    for one, other in pairwise(merged):
        if one.symbol == other.symbol and (one.left is None or one.left > other.joined):
            raise DataError(
                f"{source}: {one.symbol} joins {universe} on {other.joined}, but it has been a member since "
                f"{one.joined}; correct the dates, nothing was stored"
            )
    if changed:
        taken += _store(writer, universe, merged)
    return taken


def _of_a_list(
    stored: Iterable[MemberSpell], spell: MemberSpell, looked: Collection[date]
) -> MemberSpell | None:
    """The one stored spell that begins within another's days, on the day of a list."""
    found = [
        one
        for one in stored
        if one.symbol == spell.symbol and one.joined > spell.joined and _within(spell, one.joined)
    ]
    return found[0] if len(found) == 1 and found[0].joined in looked else None


def _earlier(left: date | None, listed: date | None, looked: Collection[date]) -> bool:
    """Whether a day of leaving is before the day of the list that showed it."""
    return left is not None and listed is not None and listed in looked and left < listed


def _within(spell: MemberSpell, day: date) -> bool:
    return spell.joined <= day and (spell.left is None or spell.left > day)


def member_spells(reader: StoreReader, universe: str) -> list[MemberSpell]:
    """Return the stored spells of an index, by symbol and day of joining."""
    rows = records(reader.rows(Kind.MEMBERSHIP))
    mine = [MemberSpell(r["symbol"], r["in_date"], r["out_date"]) for r in rows if r["universe"] == universe]
    return sorted(mine, key=lambda s: (s.symbol, s.joined))


def universes(reader: StoreReader) -> tuple[str, ...]:
    """Indices whose members the store knows."""
    return tuple(sorted(set(reader.rows(Kind.MEMBERSHIP)["universe"].to_pylist())))


def _store(writer: StoreWriter, universe: str, spells: Sequence[MemberSpell]) -> Taken:
    rows: list[dict[str, Any]] = records(writer.rows(Kind.MEMBERSHIP))
    others = [row for row in rows if row["universe"] != universe]
    mine = [
        {"universe": universe, "symbol": s.symbol, "in_date": s.joined, "out_date": s.left} for s in spells
    ]
    new = [row for row in mine if row not in rows]
    taken = Taken()
    if new:
        writer.replace(Kind.MEMBERSHIP, table_of(Kind.MEMBERSHIP, [*others, *mine]))
        taken.added[Kind.MEMBERSHIP] += len(new)
    return taken

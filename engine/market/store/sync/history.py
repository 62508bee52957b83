"""Who was a member of an index before the store's first list of its members: asked backwards, day by day.

A vendor that knows the list of a day gone by is asked for the first and last session between two reviews of
the index; where these two lists differ, the change is found by halving. What is found is stored stretch by
stretch, the newest first, so that at any moment the store knows the members from one day on, and a sync that
was killed goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.market.calendar import Dates
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.store.members import DatedList, member_spells, take_earlier_lists
from engine.market.store.rows import records
from engine.market.store.schema import Kind
from engine.market.store.sync.context import Context
from engine.market.store.sync.journal import Asked

#: months in which the indices are reviewed: a change counts from the session after the month's second Friday
#: (CSI's rules for compiling its indices). Changes at other times are found too, by some more questions.
_REVIEWS = (6, 12)
_FRIDAY = 4
_OR_IMPORT = "or import their history: alphaloom data import-csv FILE --as membership"
#: neighbouring sessions that are tried where a list cannot be read
_TRIES = 5


def review_sessions(sessions: Dates, years: range) -> list[int]:
    """Return the places of the sessions on which the usual changes of an index count first, ascending.

    Parameters
    ----------
    sessions : (S,) datetime64[D] array
        The calendar.
    years : range
    """
    days = [_second_friday(year, month) for year in years for month in _REVIEWS]
    places = np.searchsorted(sessions, np.array(days, dtype="datetime64[D]"), side="right")
    return [int(place) for place in places if place < len(sessions)]


def _second_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first.replace(day=8 + (_FRIDAY - first.weekday()) % 7)


class _At(NamedTuple):
    """The list that was in force on a session, given by its place in the calendar."""

    place: int
    members: frozenset[str]


class PastMembership:
    """The members of one index before the first list that the store has.

    Parameters
    ----------
    ctx : Context
    universe : str
    """

    def __init__(self, ctx: Context, universe: str) -> None:
        self.ctx, self.universe = ctx, universe
        self._sessions: Dates = ctx.rules.calendar.sessions
        self._lists: dict[int, frozenset[str] | None] = {}
        #: why the last list that could not be had was not there
        self._why: VendorError | None = None

    @property
    def known(self) -> date | None:
        """The first day on which the store knows members; None: it knows none at all."""
        spells = member_spells(self.ctx.writer, self.universe)
        return min((spell.joined for spell in spells), default=None)

    @property
    def missing(self) -> bool:
        """Whether sessions that are wanted lie before it."""
        known = self.known
        return known is not None and self._place(self.ctx.since) < self._place(known)

    def run(self) -> None:
        """Ask for what is missing, as far as a vendor tells it; the report says how far."""
        ctx, began = self.ctx, self.known
        if began is None or not self.missing or self._nobody_has():
            return
        about = f"members of {self.universe} before {began}"
        try:
            source = self._stretches(began)
        except VendorError as problem:
            ctx.report.failed[about] = f"{problem}; {_OR_IMPORT}"
            return
        if self.missing and self._why is not None:
            # lists came, so it is those days that have none, or a wrong one: that will not change
            if source or self._why.trouble is Trouble.EMPTY:
                nobody = Asked(Kind.MEMBERSHIP, self.universe, ctx.since, self.known or began, ctx.due)
                ctx.intake.note(nobody)
                ctx.intake.store()
            else:
                ctx.report.failed[about] = f"{self._why}; {_OR_IMPORT}"
        if source:
            spells = member_spells(ctx.writer, self.universe)
            days = {s.joined for s in spells if s.joined <= began} - {self.known}
            times = f"{len(days):,} {'day' if len(days) == 1 else 'days'}"
            ctx.report.taken.notes.append(
                f"members of {self.universe} are known from {self.known} on, by lists of {source}: they "
                f"changed on {times} before {began}"
            )

    def _stretches(self, began: date) -> str:
        """Take one stretch between reviews after the other; return who told."""
        ctx, source = self.ctx, ""
        first, until = self._place(ctx.since), self._place(began)
        total = until - first
        years = range(ctx.since.year, began.year + 1)
        starts = [first, *(place for place in review_sessions(self._sessions, years) if first < place)]
        while until > first:
            ctx.progress(f"members of {self.universe} in the past", total - (until - first), total)
            lists = self._stretch(starts, until)
            if not lists:
                break
            told = [DatedList(self._day(one.place), one.members) for one in lists]
            self._check_kinship(told)
            source = ctx.vendors.answered
            ctx.intake.keep(take_earlier_lists(ctx.writer, self.universe, told, source=source), source)
            ctx.intake.store()
            until = lists[0].place
            self._lists = {place: one for place, one in self._lists.items() if place < until}
        return source

    def _stretch(self, starts: list[int], until: int) -> list[_At]:
        """Lists with the sessions from which they hold, ascending; none if nobody knows the last of them."""
        last = self._near(until - 1, max(starts[0], until - _TRIES))
        if last is None:
            return []
        start = max(place for place in starts if place <= last.place)
        first = self._told(start) or self._earliest(start, last)
        return [first, *self._changes(first, last)]

    def _changes(self, one: _At, other: _At) -> Iterator[_At]:
        """Lists that came into force after one, up to another; found where the halves differ."""
        if one.members == other.members:
            return
        middle = None
        if other.place - one.place > 1:
            half = (one.place + other.place) // 2
            middle = self._near(half, max(one.place + 1, half - _TRIES + 1))
        if middle is None:
            yield other
            return
        yield from self._changes(one, middle)
        yield from self._changes(middle, other)

    def _earliest(self, nobody: int, somebody: _At) -> _At:
        """The first list there is, between a session of which there is none and one of which there is."""
        while somebody.place - nobody > 1:
            half = (nobody + somebody.place) // 2
            found = self._told(half)
            if found is None:
                nobody = half
            else:
                somebody = found
        return somebody

    def _near(self, place: int, back_to: int) -> _At | None:
        """The list of a session, or of the nearest one before it of which there is one."""
        found = (self._told(at) for at in range(place, back_to - 1, -1))
        return next((one for one in found if one is not None), None)

    def _told(self, place: int) -> _At | None:
        """The list of a session; None if there is none, or none that can be read.

        Raises
        ------
        VendorError
            If nobody answers.
        """
        if place not in self._lists:
            try:
                table = self.ctx.vendors.members_on(self.universe, self._day(place))
            except VendorError as problem:
                if problem.trouble not in (Trouble.EMPTY, Trouble.COLUMNS, Trouble.STALE):
                    raise
                self._why, self._lists[place] = problem, None
            else:
                self._lists[place] = frozenset(row["symbol"] for row in records(table))
        members = self._lists[place]
        return None if members is None else _At(place, members)

    def _check_kinship(self, lists: list[DatedList]) -> None:
        """Refuse lists of which most names change at once: one of them is of another index."""
        spells = member_spells(self.ctx.writer, self.universe)
        began = min(spell.joined for spell in spells)
        known = DatedList(began, frozenset(s.symbol for s in spells if s.joined == began))
        # of an import, only few may begin on its first day
        whole = 2 * len(known.members) > len(lists[-1].members)
        for one, other in pairwise([*lists, known] if whole else lists):
            if 2 * len(one.members & other.members) < len(other.members):
                raise VendorError(
                    self.ctx.vendors.answered, "", f"members of {self.universe}", Trouble.COLUMNS,
                    f"most names of its list of {one.session} are gone on {other.session}",
                    "leave it out with --vendor",
                    "these are not lists of one index",
                )  # fmt: skip

    def _nobody_has(self) -> bool:
        """Whether it was found out before that nobody has what is missing now."""
        asked = self.ctx.journal.of(Kind.MEMBERSHIP, self.universe)
        known = self.known
        return any(q.first <= self.ctx.since and known is not None and q.last >= known for q in asked)

    def _place(self, day: date) -> int:
        return int(np.searchsorted(self._sessions, np.datetime64(day, "D")))

    def _day(self, place: int) -> date:
        found: date = self._sessions[place].astype(object)
        return found

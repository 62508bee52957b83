"""What is to be asked: the sessions of a name that are missing, less those that nobody seems to have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from engine.market.calendar import Dates
from engine.market.store.sync.journal import Asked

#: missing sessions this near to each other are asked for together
_NEAR = 60
#: A session that did not come is asked for again when its age, in sessions, has grown by one part in so many:
#: what is young may be late, what is old is not there.
_PATIENCE = 5
#: the same for a name as a whole: silent for 20 sessions it is asked after on each, for 100 on every fifth
_SILENT = 20


#: a suspension: its first day, and the first day no longer; None: it lasts
Halt = tuple[date, date | None]


@dataclass(frozen=True, slots=True)
class Span:
    """One question about a name.

    Parameters
    ----------
    first, last : date
        Its days; the session before the first missing one is asked for along, where it is stored, to tie
        what comes to what is there.
    wanted : (W,) datetime64[D] array
        The missing sessions.
    """

    first: date
    last: date
    wanted: Dates


def spans(
    sessions: Dates,
    *,
    stored: Dates,
    due: date,
    first: date,
    last: date,
    halts: Iterable[Halt] = (),
    asked: Sequence[Asked] = (),
) -> list[Span]:
    """Plan the questions about one name.

    Parameters
    ----------
    sessions : (S,) datetime64[D] array
        The calendar.
    stored : datetime64[D] array
        Sessions that the store has, in any order.
    due : date
        The last complete session.
    first, last : date
        The days between which bars are wanted: listing and delisting considered.
    halts : iterable of Halt
    asked : sequence of Asked
        Earlier questions.
    """
    lo, hi = np.searchsorted(sessions, _day(first)), np.searchsorted(sessions, _day(last), side="right")
    wanted = sessions[lo:hi]
    missing = ~np.isin(wanted, stored)
    for start, end in halts:
        missing &= (wanted < _day(start)) | (wanted >= _day(end or date.max))
    wanted = wanted[missing]
    wanted = wanted[_worth_asking(sessions, wanted, stored, due, asked)]
    if not len(wanted):
        return []
    at = np.searchsorted(sessions, wanted)
    cuts = np.flatnonzero(np.diff(at) > _NEAR) + 1
    have = np.sort(stored)
    out = []
    for part in np.split(wanted, cuts):
        before = have[have < part[0]]
        start = before[-1] if len(before) else part[0]
        out.append(Span(start.astype(object), part[-1].astype(object), part))
    return out


def _worth_asking(
    sessions: Dates, wanted: Dates, stored: Dates, due: date, asked: Sequence[Asked]
) -> NDArray[np.bool_]:
    """(W,) sessions that were never asked for, or so long ago that they may have come since."""
    out = np.ones(len(wanted), dtype=bool)
    if not len(wanted) or not asked:
        return out
    now = int(np.searchsorted(sessions, _day(due)))
    at = np.searchsorted(sessions, wanted)
    for question in asked:
        then = int(np.searchsorted(sessions, _day(question.due)))
        within = (wanted >= _day(question.first)) & (wanted <= _day(question.last))
        out &= ~within | (now - then >= (then - at) // _PATIENCE)
    # a name that has fallen silent is asked after less and less often, whatever the calendar adds
    spoke = int(np.searchsorted(sessions, stored.max())) if len(stored) else int(at[0]) - 1
    last = max(question.due for question in asked)
    then = int(np.searchsorted(sessions, _day(last)))
    if now - then < (then - spoke) // _SILENT:
        out &= at <= spoke
    return out


def _day(day: date) -> np.datetime64:
    return np.datetime64(day, "D")

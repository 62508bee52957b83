"""The trading calendar: which days are sessions, and where periods end.

Two kinds: ``xshg`` (the exchange's own, from exchange_calendars) and ``data`` (the dates found in a data
file, for synthetic panels). Period ends are facts of the calendar, never of the last row someone has seen.

The exchange announces the sessions of a year in the December before. What exchange_calendars does not know
yet is added by `extended`; past what is known the calendar answers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError

if TYPE_CHECKING:
    from engine.market.table import Table

Session = np.datetime64
DAY = np.timedelta64(1, "D")
Dates = NDArray[np.datetime64]

#: What to do where the exchange's calendar ends.
EXTEND = (
    "add the sessions of the year after it: set data.calendar_extra to a file of sessions, store them with "
    "alphaloom data import-csv FILE or alphaloom data sync, or update exchange_calendars"
)
#: The longest holiday since 1991 closed the exchange from one session to the next for 20 days; since 2005,
#: 12.
_LONGEST_CLOSED = np.timedelta64(14, "D")
_SHOWN = 5
_DECEMBER = 12


def to_session(value: Any) -> Session:
    """Return any date-like value (text, date, Timestamp, datetime64) as a day, or raise `CalendarError`."""
    try:
        day: Session
        if isinstance(value, np.datetime64):
            day = value.astype("datetime64[D]")
        else:
            day = np.datetime64(str(value)[:10], "D")
    except ValueError:
        raise CalendarError(f"{value!r} is no date; write it like 2023-01-03") from None
    return day


def iso(session: Session) -> str:
    """Return a session as ``YYYY-MM-DD``."""
    return str(session.astype("datetime64[D]"))


@dataclass(frozen=True, eq=False)
class Calendar:
    """An ordered set of sessions.

    Parameters
    ----------
    name : str
        ``xshg`` or ``data``.
    sessions : (S,) datetime64[D] array
        Every session the calendar knows, ascending.
    """

    name: str
    sessions: Dates

    def __post_init__(self) -> None:
        self.sessions.flags.writeable = False

    @property
    def first(self) -> Session:
        """First session covered."""
        return self._at(0)

    @property
    def last(self) -> Session:
        """Last session covered."""
        return self._at(-1)

    def _at(self, i: int) -> Session:
        session: Session = self.sessions[i]
        return session

    def is_session(self, day: Session) -> bool:
        """Whether `day` is a session."""
        i = int(np.searchsorted(self.sessions, day))
        return i < len(self.sessions) and bool(self.sessions[i] == day)

    def between(self, start: Session, end: Session) -> Dates:
        """Sessions from `start` to `end`, both inclusive calendar days.

        Raises
        ------
        CalendarError
            If the days reach past the calendar's coverage.
        """
        if end > self.last or start < self.first:
            remedy = f"; {EXTEND}" if end > self.last and self.name == "xshg" else ""
            raise CalendarError(
                f"{iso(start)}..{iso(end)} reaches past the {self.name} calendar, which covers "
                f"{iso(self.first)}..{iso(self.last)}{remedy}"
            )
        lo, hi = np.searchsorted(self.sessions, start), np.searchsorted(self.sessions, end, side="right")
        return self.sessions[lo:hi]

    def after(self, day: Session) -> Session:
        """First session strictly after `day`."""
        i = int(np.searchsorted(self.sessions, day, side="right"))
        if i == len(self.sessions):
            remedy = f"; {EXTEND}" if self.name == "xshg" else ""
            raise CalendarError(
                f"the {self.name} calendar ends {iso(self.last)}: no session after {iso(day)} is "
                f"known{remedy}"
            )
        return self._at(i)

    def before(self, day: Session) -> Session | None:
        """Last session strictly before `day`, or None."""
        i = int(np.searchsorted(self.sessions, day, side="left"))
        return self._at(i - 1) if i else None

    def ends_week(self, session: Session) -> bool:
        """Whether `session` is the last of its ISO week."""
        return bool(self._flag(self._week_ends, session))

    def ends_month(self, session: Session) -> bool:
        """Whether `session` is the last of its month."""
        return bool(self._flag(self._month_ends, session))

    def ends_quarter(self, session: Session) -> bool:
        """Whether `session` is the last of its quarter."""
        return self.ends_month(session) and int(session.astype("datetime64[M]").astype(int)) % 3 == 2

    def _flag(self, flags: NDArray[np.bool_], session: Session) -> bool:
        i = int(np.searchsorted(self.sessions, session))
        if i == len(self.sessions) or self.sessions[i] != session:
            raise CalendarError(f"{iso(session)} is no session of the {self.name} calendar")
        return bool(flags[i])

    @cached_property
    def _following(self) -> Dates:
        # past the end of coverage the next weekday stands in for the next session
        tail = np.busday_offset(self.last, 1, roll="forward")
        return np.append(self.sessions[1:], tail)

    @cached_property
    def _month_ends(self) -> NDArray[np.bool_]:
        out: NDArray[np.bool_] = self.sessions.astype("datetime64[M]") != self._following.astype(
            "datetime64[M]"
        )
        return out

    @cached_property
    def _week_ends(self) -> NDArray[np.bool_]:
        out: NDArray[np.bool_] = _week(self.sessions) != _week(self._following)
        return out


def _week(days: Dates) -> NDArray[np.int64]:
    # 1970-01-01 was a Thursday; shifting by three days makes weeks start on Monday
    return (days.astype("datetime64[D]").astype(np.int64) + 3) // 7


@lru_cache(maxsize=1)
def xshg() -> Calendar:
    """Return the calendar of the Shanghai exchange, which all mainland exchanges share, from 1991 on."""
    import exchange_calendars

    sessions = exchange_calendars.get_calendar("XSHG", start="1991-01-02").sessions
    return Calendar("xshg", sessions.to_numpy().astype("datetime64[D]"))


def extended(base: Calendar, sessions: Dates, source: str) -> Calendar:
    """Return a calendar that goes on where another ends.

    Parameters
    ----------
    base : Calendar
    sessions : (K,) datetime64[D] array
        Every session from the first of them to the last. Those that `base` covers must be its own.
    source : str
        Who says so, for messages.

    Raises
    ------
    CalendarError
        If the sessions contradict `base`, naming the days; if some are missing between the two, or within; or
        if one falls on a weekend.
    """
    listed = np.unique(np.asarray(sessions, dtype="datetime64[D]"))
    if not len(listed):
        return base
    covered = (listed >= base.first) & (listed <= base.last)
    first, last = listed[0], min(listed[-1], base.last)
    known = base.sessions[(base.sessions >= first) & (base.sessions <= last)]
    strange, absent = np.setdiff1d(listed[covered], known), np.setdiff1d(known, listed)
    if len(strange) or len(absent):
        said = [f"{plain_list(strange)} {_are(strange)} none of its sessions"] if len(strange) else []
        said += [f"{plain_list(absent)} {_are(absent)} missing"] if len(absent) else []
        raise CalendarError(
            f"{source} contradicts the {base.name} calendar: {', and '.join(said)}; its sessions were not "
            "taken: correct them, or ask another source"
        )
    new = listed[listed > base.last]
    if not len(new):
        return base
    weekend = new[~np.is_busday(new)]
    if len(weekend):
        raise CalendarError(
            f"{source}: {plain_list(weekend)} {'falls' if len(weekend) == 1 else 'fall'} on a weekend, when "
            "the exchange never opens; correct the list of sessions"
        )
    steps = np.diff(new, prepend=base.last)
    if (steps > _LONGEST_CLOSED).any():
        at = int(np.argmax(steps > _LONGEST_CLOSED))
        before = new[at - 1] if at else base.last
        raise CalendarError(
            f"{source} lacks the sessions between {iso(before)} and {iso(new[at])}; give every session after "
            f"{iso(base.last)}"
        )
    return replace(base, sessions=np.concatenate([base.sessions, new]))


def read_sessions(table: Table) -> Dates:
    """Read a list of sessions: the column ``session``, ``date`` or ``trade_date``, or the only one there is.

    Raises
    ------
    DataError
        If there is no such column, no row, or a cell is no date.
    """
    names = [name for name in ("session", "date", "trade_date") if name in table]
    if not names and len(table.columns) == 1:
        names = table.columns
    if not names:
        table.require(("session",))
    table.refuse_empty()
    return np.unique(table.dates(names[0]))


def half_known(calendar: Calendar, today: date) -> str | None:
    """Say that the next year's sessions are not known though they are announced by now; None: all is well.

    Parameters
    ----------
    calendar : Calendar
        Of the exchange.
    today : date
        In Shanghai.

    Notes
    -----
    The exchange announces next year's holidays in the second half of a year, and by December at the latest.
    """
    last: date = calendar.last.astype(object)
    if calendar.name != "xshg" or last.year > today.year:
        return None
    if last.year == today.year and today.month < _DECEMBER:
        return None
    return f"no session after {last} is known, and what reaches past it stops; {EXTEND}"


def plain_list(days: Dates | Sequence[Session]) -> str:
    """Return a few days as text, and how many more there are."""
    words = ", ".join(iso(day) for day in days[:_SHOWN])
    return words if len(days) <= _SHOWN else f"{words} and {len(days) - _SHOWN} more"


def _are(days: Dates) -> str:
    return "is" if len(days) == 1 else "are"


def data_calendar(dates: Dates) -> Calendar:
    """Return the calendar made of the dates found in a data file."""
    return Calendar("data", np.unique(np.asarray(dates, dtype="datetime64[D]")))

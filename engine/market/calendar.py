"""The trading calendar: which days are sessions, and where periods end.

Two kinds: ``xshg`` (the exchange's own, from exchange_calendars) and ``data`` (the dates found in a data
file, for synthetic panels). Period ends are facts of the calendar, never of the last row someone has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError

Session = np.datetime64
DAY = np.timedelta64(1, "D")
Dates = NDArray[np.datetime64]


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
            raise CalendarError(
                f"{iso(start)}..{iso(end)} reaches past the {self.name} calendar, which covers "
                f"{iso(self.first)}..{iso(self.last)}"
            )
        lo, hi = np.searchsorted(self.sessions, start), np.searchsorted(self.sessions, end, side="right")
        return self.sessions[lo:hi]

    def after(self, day: Session) -> Session:
        """First session strictly after `day`."""
        i = int(np.searchsorted(self.sessions, day, side="right"))
        if i == len(self.sessions):
            raise CalendarError(
                f"the {self.name} calendar ends {iso(self.last)}: no session after {iso(day)}"
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


def data_calendar(dates: Dates) -> Calendar:
    """Return the calendar made of the dates found in a data file."""
    return Calendar("data", np.unique(np.asarray(dates, dtype="datetime64[D]")))

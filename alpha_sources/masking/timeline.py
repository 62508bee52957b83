"""What stands for a date: sessions, months and years, counted from a day that the model is not told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from engine.market.calendar import Calendar


@dataclass(frozen=True)
class Timeline:
    """Sessions, months and years counted from a reference day.

    Parameters
    ----------
    calendar : Calendar
    reference_day : date
        Session 0 is the last session on or before it.
    """

    calendar: Calendar
    reference_day: date

    def day(self, day: date) -> str:
        """Return ``session -35``; ``after session -35`` for a day without trading, see Notes.

        Notes
        -----
        The days of one closed stretch have one alias: their number would tell a long holiday, and that the
        season. A day outside the calendar has the alias of its year.
        """
        wanted = np.datetime64(day, "D")
        if not self.calendar.first <= wanted <= self.calendar.last:
            return self.year(day.year)
        at = self._at(day)
        closed = "" if self.calendar.sessions[at] == wanted else "after "
        return f"{closed}session {signed(at - self._at(self.reference_day))}"

    def month(self, year: int, month: int) -> str:
        """Return ``month -3``."""
        today = self.reference_day
        return f"month {signed((year - today.year) * 12 + month - today.month)}"

    def year(self, year: int) -> str:
        """Return ``year -1``."""
        return f"year {signed(year - self.reference_day.year)}"

    def century(self, short: int) -> int:
        """Return the year that two digits mean: the one nearest to the reference day."""
        return min((1900 + short, 2000 + short), key=lambda year: abs(year - self.reference_day.year))

    def nearest(self, month: int, day: int, dated: date | None) -> date | None:
        """Return the day of a month that is nearest to a date; None if there is none, as of 31 June.

        Parameters
        ----------
        month, day : int
        dated : date or None
            Of the text; None is the reference day.
        """
        about = dated or self.reference_day
        near = [valid(year, month, day) for year in range(about.year - 4, about.year + 5)]
        return min((d for d in near if d), key=lambda d: abs(d - about), default=None)

    def _at(self, day: date) -> int:
        return int(np.searchsorted(self.calendar.sessions, np.datetime64(day, "D"), side="right")) - 1


def valid(year: int, month: int, day: int) -> date | None:
    """Return the date, or None if there is none."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def signed(number: int) -> str:
    """Return ``-3``, ``0`` or ``+3``."""
    return f"{number:+d}" if number else "0"

"""`RefreshRule`: on which sessions something recurring is done: a refresh, or a rebalance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import ConfigError
from engine.market.calendar import Calendar, Session


class Recurrence(StrEnum):
    """The forms a rule can take."""

    NEVER = "never"
    ONCE = "once"
    EVERY = "every"
    WEEK_END = "week_end"
    MONTH_END = "month_end"
    QUARTER_END = "quarter_end"


_ALIASES = {
    "every_session": "every 1",
    "daily": "every 1",
    "weekly": "week_end",
    "monthly": "month_end",
    "quarterly": "quarter_end",
}
_ACCEPTED = (
    "never, once, every N (sessions), week_end, month_end or quarter_end "
    "(also every_session, daily, weekly, monthly, quarterly)"
)


@dataclass(frozen=True, slots=True)
class RefreshRule:
    """On which sessions to act. Every rule but ``never`` acts at the first decision too.

    Parameters
    ----------
    recurrence : Recurrence
        The form.
    sessions : int
        N of ``every N``; 0 for the other forms.
    """

    recurrence: Recurrence
    sessions: int = 0

    @classmethod
    def parse(cls, text: str | int, key: str = "alpha.refresh") -> RefreshRule:
        """Read a rule as a configuration writes it; a bare N is ``every N``.

        Raises
        ------
        ConfigError
            Naming `key` and the accepted forms.
        """
        words = " ".join(str(text).lower().split())
        words = _ALIASES.get(words, words)
        every = re.fullmatch(r"(?:every )?(\d{1,6})", words, re.ASCII)
        if every and int(every[1]) > 0:
            return cls(Recurrence.EVERY, int(every[1]))
        if words in set(Recurrence) - {Recurrence.EVERY}:
            return cls(Recurrence(words))
        raise ConfigError(f"{key}: {text!r} is no schedule; write {_ACCEPTED}")

    def __str__(self) -> str:
        return f"every {self.sessions}" if self.recurrence is Recurrence.EVERY else self.recurrence.value

    def is_due(self, session: Session, sessions_since_last: int | None, calendar: Calendar) -> bool:
        """Whether to act at `session`.

        Parameters
        ----------
        session : datetime64[D]
            The session at whose close the question is asked.
        sessions_since_last : int or None
            Sessions gone by since the rule was last due; None at the first decision.
        calendar : Calendar
            Tells where weeks, months and quarters end, whatever data have been seen so far.
        """
        if self.recurrence is Recurrence.NEVER or sessions_since_last == 0:
            return False
        if sessions_since_last is None:
            return True
        match self.recurrence:
            case Recurrence.EVERY:
                return sessions_since_last >= self.sessions
            case Recurrence.WEEK_END:
                return calendar.ends_week(session)
            case Recurrence.MONTH_END:
                return calendar.ends_month(session)
            case Recurrence.QUARTER_END:
                return calendar.ends_quarter(session)
            case _:
                return False

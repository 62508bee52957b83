"""`Published`: whatever has a moment from which on it could be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime, time, timedelta, timezone

from alpha_sources.agents.brief.errors import BriefError, FutureItemError
from engine.market.calendar import Session
from engine.market.text import CLOSE

#: China has kept no summer time since 1991.
_SHANGHAI = timezone(timedelta(hours=8))


class Published(ABC):
    """Something of which it is known when it was published."""

    __slots__ = ()

    #: in Shanghai, naive
    published_at: datetime

    @property
    @abstractmethod
    def called(self) -> str:
        """What it is called in messages."""

    @property
    def day(self) -> date:
        """On which it was published."""
        return self.published_at.date()

    def refuse_after(self, session: Session) -> None:
        """Raise unless it was out by 15:00 of a session.

        Raises
        ------
        FutureItemError
            Naming it and its date.
        """
        if self.published_at > closing(session):
            raise FutureItemError(
                f"{self.called} was published at {self.published_at:%Y-%m-%d %H:%M}, after the close of "
                f"{session}: leave it out, or make the brief of a later session"
            )


def checked_moment(value: object, what: str) -> datetime:
    """Return a moment in Shanghai, naive; a day alone is its first moment.

    Raises
    ------
    BriefError
        If there is none, naming `what`.
    """
    # NaT is a datetime that is not even itself
    if not isinstance(value, date) or value != value:
        raise BriefError(
            f"{what} has no date: a brief takes only what says when it was published; give its publication "
            "date, or leave it out"
        )
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    return value.astimezone(_SHANGHAI).replace(tzinfo=None) if value.tzinfo else value


def closing(session: Session) -> datetime:
    """Return the moment up to which a session's brief may know things."""
    return datetime.combine(session.astype(object), CLOSE)

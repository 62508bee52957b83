"""What people are told, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

#: characters of a subject: what is longer is cut by phones, and by services at 250
_SUBJECT = 160


class Kind(StrEnum):
    """What a message is about; a channel may take some kinds only."""

    SESSION = "session"
    PLAN = "plan"
    TRADE = "trade"
    REFRESH = "refresh"
    PROTECTION = "protection"
    QUOTES = "quotes"
    ERROR = "error"
    HALT = "halt"
    DAEMON = "daemon"


class Level(StrEnum):
    """How urgent it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0, 1, 2: the more urgent, the higher."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell.

    Parameters
    ----------
    kind : Kind
    title : str
        One line.
    body : str
        Plain text.
    level : Level
    session : date or None
        The session that it is about.
    account : str
    """

    kind: Kind
    title: str
    body: str = ""
    level: Level = Level.INFO
    session: date | None = None
    account: str = ""

    @property
    def headline(self) -> str:
        """The title with account and session before it, as far as it does not name the session itself."""
        session = "" if self.session is None or str(self.session) in self.title else str(self.session)
        about = " ".join(part for part in (self.account, session) if part)
        return f"[{about}] {self.title}" if about else self.title

    @property
    def subject(self) -> str:
        """The headline, cut where it is too long for a subject; `text` has all of it then."""
        headline = " ".join(self.headline.split())
        if len(headline) <= _SUBJECT:
            return headline
        return f"{headline[: _SUBJECT - 1].rsplit(' ', 1)[0]}\u2026"

    @property
    def text(self) -> str:
        """The body; it begins with the title where there is no other, or the subject is not all of it."""
        if not self.body:
            return self.title
        return self.body if self.subject.endswith(self.title) else f"{self.title}\n{self.body}"


class Outcome(StrEnum):
    """What became of a message on a channel."""

    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    DROPPED = "dropped"


class Delivery(NamedTuple):
    """A message, the name of a channel, and what became of it; `why` never holds an address or a secret."""

    message: Message
    channel: str
    outcome: Outcome
    why: str = ""

"""What people are told, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple


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
        """The title with account and session before it."""
        about = " ".join(part for part in (self.account, str(self.session or "")) if part)
        return f"[{about}] {self.title}" if about else self.title


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

"""`Teller`: keeps what people are to be told, once each, and hands it to the channels."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from live.errors import LedgerError
from live.ledger import Posted, Service, Told
from live.notify import Delivery, Kind, Level, Message, Outcome


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened.

    Parameters
    ----------
    key : str
        Who is told the same thing twice is told it once: after a crash, or when it goes on.
    kind : Kind
    title, body : str
    level : Level
    session : date or None
    """

    key: str
    kind: Kind
    title: str
    body: str = ""
    level: Level = Level.INFO
    session: date | None = None


#: messages older than this are not sent any more
_FRESH = timedelta(days=2)


class Channels(Protocol):
    """Where messages go; `live.notify.Notifier` is one."""

    def tell(self, message: Message) -> None:
        """Send a message; it returns at once and raises nothing."""
        ...


class Teller:
    """Tells people what happens to an account.

    Parameters
    ----------
    service : Service
        Where messages are kept before they are sent.
    clock : callable
    log : callable
        Called with a level and a line for the daemon's own log.
    """

    def __init__(
        self, service: Service, clock: Callable[[], datetime], log: Callable[[Level, str], None]
    ) -> None:
        self._service, self._clock, self._log = service, clock, log
        self._channels: Channels | None = None
        self._under_way: dict[Message, int] = {}
        self._heard: deque[int] = deque(maxlen=200)
        #: keys of what was told while the ledger could not keep it
        self._unkept: deque[str] = deque(maxlen=200)
        #: why the ledger could not keep it; each reason is said once, until it keeps something again
        self._reasons: set[str] = set()

    def use(self, channels: Channels | None) -> None:
        """Send from now on; what an earlier daemon kept and did not send goes first."""
        self._channels = channels
        since = self._clock() - _FRESH
        for posted in self._service.messages((Told.WAITING,)):
            if posted.at < since:  # no channel took it, or nobody would read it any more
                self._note(posted.number, Told.KEPT)
            else:
                self._send(posted, Level.WARNING)

    def tell(self, news: News) -> bool:
        """Keep a message and send it; False if the same was told before."""
        try:
            posted = self._service.post(
                news.key, news.kind.value, news.session, news.title, news.body, at=self._clock()
            )
        except LedgerError as problem:
            # people are told all the same, but a ledger that stays away must not make it every minute
            if news.key in self._unkept:
                return False
            self._unkept.append(news.key)
            if str(problem) not in self._reasons:
                self._reasons.add(str(problem))
                self._log(Level.ERROR, f"a message could not be kept: {problem}")
            posted = Posted(
                0, news.key, self._clock(), news.kind.value, news.session, news.title, news.body, Told.WAITING
            )
        else:
            self._reasons.clear()
        if posted is None:
            return False
        self._log(news.level, " | ".join([news.title, *news.body.splitlines()]))
        self._send(posted, news.level)
        return True

    def delivered(self, delivery: Delivery) -> None:
        """Take down what became of a message; channels call this, from a thread of their own."""
        number = self._under_way.get(delivery.message)
        if delivery.outcome is not Outcome.SENT:
            self._log(
                Level.WARNING,
                f"{delivery.channel}: {delivery.outcome.value}: {delivery.why} ({delivery.message.title})",
            )
        sent = delivery.outcome is Outcome.SENT
        if not number or number in self._heard:
            return
        if sent:  # one channel is enough
            self._heard.append(number)
        self._note(number, Told.SENT if sent else Told.FAILED, None if sent else delivery.why)

    def _note(self, number: int, state: Told, why: str | None = None) -> None:
        """Take down what became of a message, if it is kept; that this fails must end nothing."""
        if not number:
            return
        try:
            self._service.told(number, state, why)
        except LedgerError as problem:
            self._log(Level.ERROR, f"what became of a message could not be kept: {problem}")

    def _send(self, posted: Posted, level: Level) -> None:
        if self._channels is None:
            self._note(posted.number, Told.KEPT)
            return
        message = Message(
            Kind(posted.kind), posted.title, posted.body, level, posted.session, self._service.account
        )
        self._under_way[message] = posted.number
        while len(self._under_way) > 100:  # those of long ago have been heard of
            del self._under_way[next(iter(self._under_way))]
        self._channels.tell(message)

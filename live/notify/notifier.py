"""`Notifier`: sends messages to channels in the background, and lets nothing of it disturb the trading."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple

from engine.errors import ConfigError
from live.notify.channel import Channel, address_of
from live.notify.config import NotifyConfig
from live.notify.dispatch import Dispatch
from live.notify.message import Delivery, Message, Outcome

_WAITING = 200
#: after so long without a message, what sends them is let go
_IDLE_S = 30.0
#: a message that failed for a reason that may pass is tried again after so long, each time, and then given up
_AGAIN_S = (60.0, 300.0, 900.0, 3600.0)
#: apprise's names of levels
_LEVELS = {"info": "info", "warning": "warning", "error": "failure"}


class _Late(NamedTuple):
    """A message to be tried again on a channel."""

    due: float
    channel: Channel
    message: Message
    since: float
    tries: int


class Notifier:
    """Tells people what happens.

    Parameters
    ----------
    config : NotifyConfig
    environ : mapping of str to str
        Where the addresses are: ``os.environ``.
    monotonic : callable
        Seconds, for repetitions and the hour.
    record : callable, optional
        Told what became of every message on every channel that takes it; from a thread of its own.

    Raises
    ------
    ConfigError
        If an address is not in the environment, or apprise does not understand it. After that nothing is
        raised any more.
    """

    def __init__(
        self,
        config: NotifyConfig,
        *,
        environ: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
        record: Callable[[Delivery], None] | None = None,
    ) -> None:
        self._config, self._monotonic, self._record = config, monotonic, record
        self._dispatch = Dispatch(config.deadline_s)
        self._channels: list[Channel] = []
        self._late: list[_Late] = []
        self._queue: queue.Queue[Message | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        if config.enabled:
            self._channels = [Channel(each, address_of(each, environ), config) for each in config.channels]
            self._refuse_what_cannot_work()
            self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)
            self._thread.start()

    def tell(self, message: Message) -> None:
        """Send a message, soon; it returns at once and raises nothing."""
        if self._thread is None:
            return
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            for channel in self._channels:
                if channel.takes(message):
                    why = f"{_WAITING} messages wait already"
                    self._note(Delivery(message, channel.name, Outcome.DROPPED, why))

    def close(self, timeout_s: float = 30.0) -> bool:
        """Wait for what is under way, no longer than that; whether all of it was seen to."""
        if self._thread is None:
            return True
        begun = self._monotonic()
        with suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
        self._thread.join(max(0.0, timeout_s - (self._monotonic() - begun)))
        done = not self._thread.is_alive()
        self._dispatch.end()
        if not done:
            self._thread.join(5.0)
        self._thread = None
        return done

    def __enter__(self) -> Notifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refuse_what_cannot_work(self) -> None:
        for channel in self._channels:
            why = self._dispatch.check(channel.address)
            if why:
                self._dispatch.rest()
                raise ConfigError(f"notify.channels: {channel.name} (${channel.config.url_env}): {why}")

    def _work(self) -> None:
        while True:
            try:
                message = self._queue.get(timeout=self._patience_s())
            except queue.Empty:
                if not self._send_the_late():
                    self._dispatch.rest()
                continue
            if message is None:
                self._dispatch.rest()
                return
            for channel in self._channels:
                if channel.takes(message):
                    now = self._monotonic()
                    self._note(self._send(_Late(now, channel, message, now, 0)))
            self._send_the_late()

    def _patience_s(self) -> float:
        first = min((late.due for late in self._late), default=float("inf"))
        return min(_IDLE_S, max(0.0, first - self._monotonic()))

    def _send_the_late(self) -> bool:
        """Try what is due to be tried again; False if nothing is."""
        now = self._monotonic()
        due = [late for late in self._late if late.due <= now]
        self._late = [late for late in self._late if late.due > now]
        for late in due:
            self._note(self._send(late))
        return bool(due)

    def _send(self, late: _Late) -> Delivery:
        channel, message = late.channel, late.message
        try:
            now = self._monotonic()
            held_back = channel.holds_back(message, now)
            if held_back:
                return Delivery(message, channel.name, Outcome.SUPPRESSED, held_back)
            text = channel.text(message, now - late.since if late.tries else 0.0)
            level = _LEVELS[message.level]
            outcome, why, may_pass = self._dispatch.send(channel.address, message.subject, text, level)
            channel.tried(message, now, outcome)
            if may_pass and late.tries < len(_AGAIN_S):
                wait = _AGAIN_S[late.tries]
                self._late.append(
                    _Late(self._monotonic() + wait, channel, message, late.since, late.tries + 1)
                )
                why = f"{why}; it is tried again in {wait / 60:.0f} min"
            return Delivery(message, channel.name, outcome, why)
        except Exception as problem:  # trading goes on whatever happens here
            return Delivery(message, channel.name, Outcome.FAILED, f"a defect: {type(problem).__name__}")

    def _note(self, delivery: Delivery) -> None:
        if self._record is not None:
            with suppress(Exception):
                self._record(delivery)

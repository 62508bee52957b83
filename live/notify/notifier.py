"""`Notifier`: sends messages to channels in the background, and lets nothing of it disturb the trading."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType

from engine.errors import ConfigError
from live.notify.config import ChannelConfig, NotifyConfig
from live.notify.dispatch import Address, Dispatch
from live.notify.message import Delivery, Message, Outcome

_WAITING = 200
#: after so long without a message, what sends them is let go
_IDLE_S = 30.0
_HOUR_S, _DAY_S = 3600.0, 86400.0


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
        self._channels: list[_Channel] = []
        self._queue: queue.Queue[Message | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        if config.enabled:
            self._channels = [_Channel(each, _address(each, environ), config) for each in config.channels]
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
                message = self._queue.get(timeout=_IDLE_S)
            except queue.Empty:
                self._dispatch.rest()
                continue
            if message is None:
                self._dispatch.rest()
                return
            for channel in self._channels:
                if channel.takes(message):
                    self._note(self._send(channel, message))

    def _send(self, channel: _Channel, message: Message) -> Delivery:
        try:
            now = self._monotonic()
            held_back = channel.holds_back(message, now)
            if held_back:
                return Delivery(message, channel.name, Outcome.SUPPRESSED, held_back)
            title, level = message.headline, _LEVELS[message.level]
            outcome, why = self._dispatch.send(channel.address, title, channel.body(message), level)
            channel.tried(message, now, outcome)
            return Delivery(message, channel.name, outcome, why)
        except Exception as problem:  # trading goes on whatever happens here
            return Delivery(message, channel.name, Outcome.FAILED, f"a defect: {type(problem).__name__}")

    def _note(self, delivery: Delivery) -> None:
        if self._record is not None:
            with suppress(Exception):
                self._record(delivery)


#: apprise's names of levels
_LEVELS = {"info": "info", "warning": "warning", "error": "failure"}


class _Channel:
    """A channel and what it was sent lately."""

    def __init__(self, config: ChannelConfig, address: Address, whole: NotifyConfig) -> None:
        self.config, self.address, self.name = config, address, config.name
        self._repeat_after_s, self._most = whole.repeat_after_s, whole.most_per_hour
        self._told: dict[Message, tuple[float, int]] = {}
        self._times: deque[float] = deque()

    def takes(self, message: Message) -> bool:
        """Whether it wants to hear of it."""
        kinds = self.config.kinds
        return message.level.rank >= self.config.level.rank and (not kinds or message.kind in kinds)

    def holds_back(self, message: Message, now: float) -> str:
        """Why a message is not sent now; empty if it is."""
        at, times = self._told.get(message, (-float("inf"), 0))
        if now - at < self._repeat_after_s:
            self._told[message] = at, times + 1
            return f"told {now - at:.0f} s ago"
        while self._times and now - self._times[0] >= _HOUR_S:
            self._times.popleft()
        if len(self._times) >= self._most:
            return f"{self._most} messages in an hour already"
        return ""

    def body(self, message: Message) -> str:
        """The text, with how often the same was held back."""
        _, times = self._told.get(message, (0.0, 0))
        more = f"\n(happened {times} more times since it was last told)" if times else ""
        return (message.body or message.title) + more

    def tried(self, message: Message, now: float, outcome: Outcome) -> None:
        """Remember that it was sent; one that failed may be sent again at once."""
        self._times.append(now)
        if outcome is Outcome.SENT:
            old = now - _DAY_S - self._repeat_after_s
            self._told = {told: seen for told, seen in self._told.items() if seen[0] > old}
            self._told[message] = now, 0


def _address(channel: ChannelConfig, environ: Mapping[str, str]) -> Address:
    url = environ.get(channel.url_env, "").strip()
    if not url:
        raise ConfigError(
            f"notify.channels: {channel.name} has its address in ${channel.url_env}, which is not set; set "
            "it, or take the channel out"
        )
    return Address(url)

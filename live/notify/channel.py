"""`Channel`: where messages go, what it wants to hear, and what it was told lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from engine.errors import ConfigError
from live.notify.config import ChannelConfig, NotifyConfig
from live.notify.dispatch import Address
from live.notify.message import Message, Outcome

_HOUR_S, _DAY_S = 3600.0, 86400.0


class Channel:
    """A channel and what it was sent lately.

    Parameters
    ----------
    config : ChannelConfig
    address : Address
    whole : NotifyConfig
        How often it may be told something.
    """

    def __init__(self, config: ChannelConfig, address: Address, whole: NotifyConfig) -> None:
        self.config, self.address, self.name = config, address, config.name
        self._repeat_after_s, self._most = whole.repeat_after_s, whole.most_per_hour
        self._told: dict[Message, tuple[float, int]] = {}
        self._times: deque[float] = deque()
        #: messages of which the hour had too many, since the last one that was sent
        self._held_back = 0

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
            self._held_back += 1
            return f"{self._most} messages in an hour already"
        return ""

    def text(self, message: Message, late_s: float = 0.0) -> str:
        """The text, with how late it is, how often the same was held back, and how many others were."""
        _, times = self._told.get(message, (0.0, 0))
        lines = [message.text]
        if late_s:
            lines.append(f"(sent {late_s / 60:.0f} min late: this channel could not be reached before)")
        if times:
            lines.append(f"(happened {_counted(times, 'more time')} since it was last told)")
        if self._held_back:
            others = _counted(self._held_back, "other message")
            lines.append(f"({others} not sent here: more than {self._most} in an hour; the log has them)")
        return "\n".join(lines)

    def tried(self, message: Message, now: float, outcome: Outcome) -> None:
        """Remember that it was sent; one that failed may be sent again at once."""
        self._times.append(now)
        if outcome is Outcome.SENT:
            self._held_back = 0
            old = now - _DAY_S - self._repeat_after_s
            self._told = {told: seen for told, seen in self._told.items() if seen[0] > old}
            self._told[message] = now, 0


def address_of(channel: ChannelConfig, environ: Mapping[str, str]) -> Address:
    """Return the address of a channel.

    Raises
    ------
    ConfigError
        If it is not in the environment.
    """
    url = environ.get(channel.url_env, "").strip()
    if not url:
        raise ConfigError(
            f"notify.channels: {channel.name} has its address in ${channel.url_env}, which is not set; set "
            "it, or take the channel out"
        )
    return Address(url)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"

"""Where an account stands besides its ledger: its daemon, halts, what was learned, what reached nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from engine.market.phases import SHANGHAI
from live.config import LiveConfig
from live.ledger import DaemonState, Heartbeat, Learned, Ledger, Told

#: heartbeats that may be late before a daemon counts as gone
_LATE = 4


def standing(ledger: Ledger, account: str, now: datetime) -> Iterator[tuple[str, str]]:
    """Lines for whoever asks how an account is doing: a word, and a sentence.

    Parameters
    ----------
    ledger : Ledger
    account : str
    now : datetime
        With a zone; a heartbeat is held against it.
    """
    service = ledger.service(account)
    beat = service.heartbeat()
    if beat is not None:
        yield "daemon", _daemon(beat, now)
    halt = service.halted()
    if halt is not None:
        yield "halted", f"since {_when(halt.at)}: {halt.reason}; alphaloom paper resume lets it trade again"
    learned = [
        (day, entry)
        for day, entry in ledger.entries(account=account, kinds=("learned",))
        if isinstance(entry, Learned)
    ]
    if learned:
        labels = next((entry.labels for _, entry in reversed(learned) if entry.labels), ())
        yield "learned", _learned(*learned[-1], labels)
        lines = [str(entry.costs["line"]) for _, entry in learned if entry.costs.get("line")]
        if lines:
            yield "costs", f"{lines[-1]} (the last of {len(lines)} refreshes; export has all of them)"
    lost = service.messages((Told.FAILED,))
    if lost:
        yield "unheard", f"{len(lost)} messages reached nobody, the last: {lost[-1].title} ({lost[-1].error})"


def is_stale(beat: Heartbeat, now: datetime) -> bool:
    """Whether a daemon that has not said that it stopped is silent for too long.

    So is one whose last heartbeat is yet to come: the clock was set back, and it has not beaten since.
    """
    every_s = beat.every_s or LiveConfig().heartbeat_s
    return beat.state is not DaemonState.STOPPED and abs(now - beat.at) > timedelta(seconds=_LATE * every_s)


def is_alive(ledger: Ledger, account: str, now: datetime) -> bool:
    """Whether a daemon runs an account, by its heartbeat."""
    beat = ledger.service(account).heartbeat()
    if beat is None or beat.state is DaemonState.STOPPED:
        return False
    return not is_stale(beat, now)


def _daemon(beat: Heartbeat, now: datetime) -> str:
    who = f"process {beat.process} on {beat.host}"
    if beat.state is DaemonState.STOPPED:
        return f"stopped at {_when(beat.at)}: {beat.doing}"
    ago = (now - beat.at).total_seconds()
    if is_stale(beat, now):
        return (
            f"STALE: no heartbeat since {_when(beat.at)} ({_span(ago)}); {who} is gone or stuck, "
            f"it last said: {beat.doing}. Start it again: alphaloom paper run CONFIG"
        )
    return f"{beat.doing}; {who} since {_when(beat.started_at)}, heartbeat {_span(ago)} ago"


def _learned(day: date, entry: Learned, labels: Sequence[str]) -> str:
    named = f"; labels: {', '.join(labels)}" if labels else ""
    if entry.failed:
        return f"the refresh for {day} failed: {entry.failed}{named}"
    return f"for {day}{named}"


def _when(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"

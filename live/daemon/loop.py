"""The life of a daemon process: woken, working, and ended by a signal without leaving anything half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

from live.daemon.alarm import Alarm
from live.daemon.daemon import PaperDaemon


class Stopping(BaseException):
    """The daemon is to end; nothing that handles errors may hold it up."""


class StopSign:
    """Set by a signal, looked at where the daemon may end: between steps, and while it waits for others."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self.reason = ""

    def raise_if_set(self) -> None:
        """End what is going on, if it is to end.

        Raises
        ------
        Stopping
        """
        if self._set.is_set():
            raise Stopping(self.reason)

    def put(self, reason: str) -> None:
        """Ask for the end."""
        self.reason = self.reason or reason
        self._set.set()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT for the sign, until the end of the block."""

        def put(number: int, frame: FrameType | None) -> None:
            self.put(f"asked to by {signal.Signals(number).name}")

        before = {number: signal.signal(number, put) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(
    daemon: PaperDaemon,
    sign: StopSign,
    *,
    now: Callable[[], datetime],
    beat: Callable[[], None],
    heartbeat_s: float,
) -> None:
    """Let a daemon live until a signal; what it was doing is finished or was never begun."""
    why = "it was left alone"
    try:
        with sign.on_signals(), Alarm(now, beat, heartbeat_s) as alarm:
            daemon.start()
            while True:
                alarm.sleep_until(daemon.wake(), sign.raise_if_set)
    except Stopping:
        why = sign.reason
    finally:
        daemon.close(why)

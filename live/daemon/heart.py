"""`Heart`: says that the daemon lives, what it does, and when it will look again."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime

from live.errors import LedgerError
from live.ledger import DaemonState, Heartbeat, Service


class Heart:
    """Keeps the heartbeat of a daemon; from any thread.

    Parameters
    ----------
    service : Service
    clock : callable
    every_s : float
        How often whoever owns it lets it beat.
    trouble : callable
        Told of a heartbeat that could not be kept.
    """

    def __init__(
        self,
        service: Service,
        clock: Callable[[], datetime],
        every_s: float,
        trouble: Callable[[str], None],
    ) -> None:
        self._service, self._clock, self._trouble = service, clock, trouble
        self._every_s = every_s
        self._started, self._host, self._process = clock(), socket.gethostname(), os.getpid()
        self._lock = threading.Lock()
        #: what has kept heartbeats from being kept since the last that was: each reason is said once
        self._said: set[str] = set()
        self._last: tuple[DaemonState, str, datetime | None] = DaemonState.WORKING, "starting", None

    def beat(
        self,
        state: DaemonState | None = None,
        doing: str = "",
        wakes_at: datetime | None = None,
    ) -> None:
        """Say what the daemon does now; without a state, that it still does what it did."""
        with self._lock:
            if state is not None:
                self._last = state, doing, wakes_at
            beat = Heartbeat(
                self._clock(), self._started, self._host, self._process, *self._last, self._every_s
            )
            try:
                self._service.beat(beat)
                self._said.clear()
            except LedgerError as problem:
                if str(problem) not in self._said:
                    self._said.add(str(problem))
                    self._trouble(f"the heartbeat could not be kept: {problem}")

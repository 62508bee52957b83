"""Time, handed in: tests hand in another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a door reads the time and how it waits.

    Parameters
    ----------
    now : callable
        Moment of the calendar, with a time zone.
    monotonic : callable
        Seconds that never run back.
    sleep : callable
        Wait so many seconds.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]

    @classmethod
    def system(cls) -> Clock:
        """Return the clock of the machine."""
        return cls(lambda: datetime.now(UTC), time.monotonic, time.sleep)

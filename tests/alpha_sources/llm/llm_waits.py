"""A clock on which nobody really waits."""

from __future__ import annotations

from datetime import UTC, datetime

from alpha_sources.llm import Clock


class Waits(list[float]):
    """What a door slept; nobody really sleeps."""

    def clock(self) -> Clock:
        system = Clock.system()
        return Clock(lambda: datetime(2024, 1, 2, 7, 0, tzinfo=UTC), system.monotonic, self.append)

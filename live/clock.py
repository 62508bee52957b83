"""Clocks of paper trading."""

from __future__ import annotations

from datetime import datetime


class SimulatedClock:
    """Stands at the moment last reached, and jumps to the next one.

    Parameters
    ----------
    now : datetime, optional
        Where it stands at first; moments before that have passed.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now

    def reach(self, due: datetime) -> datetime:
        """Jump to a moment, unless it has passed; the time it is then."""
        self.now = due if self.now is None else max(self.now, due)
        return self.now

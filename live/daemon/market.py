"""What the daemon is handed: the market as it is stored, how it grows, and what is done with a session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from engine.market.calendar import Calendar
from live.parity import Difference
from live.past import PastSession
from live.run import PaperRun


@dataclass(frozen=True, eq=False)
class LiveRun:
    """An account's market up to the session to come.

    Parameters
    ----------
    run : PaperRun
        Its last row is the session to come, unless the calendar knows none.
    silent : frozenset of str
        Members and holdings without a row in the last stored session, of which no suspension is known.
    """

    run: PaperRun
    silent: frozenset[str]

    @property
    def stored(self) -> date:
        """The last session with prices."""
        rows = len(self.run.panel.dates)
        return self.run.session(rows - 1 if self.run.coming is None else rows - 2)

    @property
    def coming(self) -> date | None:
        """The session to come."""
        return None if self.run.coming is None else self.run.session(self.run.coming)


class Market(Protocol):
    """Where an account's market is kept."""

    def calendar(self) -> Calendar:
        """The sessions of the exchange, as far as they are known."""
        ...

    def stored(self) -> date | None:
        """The last session with prices; None where nothing is stored."""
        ...

    def load(self, held: Collection[str]) -> LiveRun:
        """Read the market; names held are carried on whatever the universe says."""
        ...

    def sync(self, wanted: date, stop: Callable[[], None]) -> Sequence[str]:
        """Bring the store up to a session; what is left open, a sentence each.

        `stop` is called now and then, and raises when the daemon is to end.

        Raises
        ------
        AlphaloomError
            If nothing could be asked.
        """
        ...

    def compare(self, run: PaperRun, sessions: list[PastSession], session: date) -> list[Difference]:
        """Back-test a settled session, and say where it differs."""
        ...

"""`Deputy`: a provider that learns elsewhere; if that fails, what was learned before stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.honesty import Provenance
from alpha_sources.llm.costs import Costs
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import LookAheadError, ProviderError
from engine.market.view import MarketView
from engine.report.section import Section
from live.ledger import Learned


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of a refresh.

    Parameters
    ----------
    snapshot : Snapshot or None
        What was learned; None where what was there stays.
    failed : str
        Why nothing was learned; empty where nothing went wrong.
    costs, labels, notes
        As `live.ledger.Learned` has them.
    """

    snapshot: Snapshot | None = None
    failed: str = ""
    costs: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


#: Learns at the session of a view, given what was learned before; it raises nothing that a provider raises.
Learn = Callable[[MarketView, Snapshot | None], Lesson]


class Deputy(AlphaProvider):
    """Scores as its provider does; learns through somebody else.

    Parameters
    ----------
    provider : AlphaProvider
    learn : callable
        Makes the refreshes in the provider's place.
    """

    def __init__(self, provider: AlphaProvider, learn: Learn) -> None:
        self._provider, self._learn = provider, learn
        self.history = provider.history
        self._lessons: list[Lesson] = []
        #: why the last refresh failed, if it did
        self._failed = ""

    def take(self) -> list[Learned]:
        """What the refreshes since the last call were like, in order."""
        lessons, self._lessons = self._lessons, []
        return [Learned(dict(one.costs), one.labels, one.notes, one.failed) for one in lessons]

    def refresh(self, view: MarketView, previous: Snapshot | None) -> Snapshot | None:
        """Let the other one learn; None where that failed."""
        lesson = self._learn(view, previous)
        self._lessons.append(lesson)
        self._failed = lesson.failed
        return lesson.snapshot

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """As the provider scores.

        Raises
        ------
        ProviderError
            If it cannot score because nothing was learned yet, with the reason why not.
        """
        try:
            return self._provider.scores(view, snapshot)
        except LookAheadError:
            raise
        except Exception as problem:  # whatever a provider raises that has nothing to score with
            if snapshot is not None or not self._failed:
                raise
            why = f"nothing is learned yet, for the refresh failed: {self._failed}"
            raise ProviderError(why) from problem

    def scores_panel(self, view: MarketView, snapshot: Snapshot | None, start: int) -> NDArray[np.float64]:
        """As the provider scores."""
        return self._provider.scores_panel(view, snapshot, start)

    def provenance(self) -> Provenance | None:
        """As the provider says."""
        return self._provider.provenance()

    def costs(self) -> Costs | None:
        """What scoring has cost; what learning did is in the lessons."""
        return self._provider.costs()

    def sections(self, snapshots: Sequence[Snapshot]) -> list[Section]:
        """As the provider's."""
        return self._provider.sections(snapshots)

    def close(self) -> None:
        """Close the provider."""
        self._provider.close()

"""`LearnedProvider`: what baselines that learn have in common."""

from __future__ import annotations

from abc import abstractmethod
from importlib.metadata import version
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from alpha_sources.honesty import Provenance
from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import ProviderError
from engine.hashing import hash_json
from engine.market.view import MarketView

Array = NDArray[np.float64]


class Scorer(Protocol):
    """A snapshot that is ready to score."""

    def last(self, view: MarketView) -> Array:
        """Scores of the view's session, (N,)."""

    def panel(self, view: MarketView, start: int) -> Array:
        """Scores of the rows `start` .. t, each what `last` gives there, (t + 1 - start, N)."""


class LearnedProvider(AlphaProvider):
    """A baseline that learns in `refresh` and is a pure function of view and snapshot in `scores`."""

    #: raised when the same settings and market come to teach something else
    _LEARNING_VERSION: ClassVar[int] = 1
    #: libraries whose version decides what is learned
    _LIBRARIES: ClassVar[tuple[str, ...]] = ()

    _ready: tuple[str, Scorer] | None = None

    @abstractmethod
    def _scorer(self, snapshot: Snapshot) -> Scorer:
        """Make a snapshot ready to score."""

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Score the view's session from the sessions that are looked back on alone, (N,)."""
        return self._in_force(snapshot).last(view)

    def scores_panel(self, view: MarketView, snapshot: Snapshot | None, start: int) -> NDArray[np.float64]:
        """Score the rows `start` .. ``view.t``, (view.t + 1 - start, N)."""
        return self._in_force(snapshot).panel(view, start)

    def fingerprint(self) -> str:
        """Hash of the versions of what learns."""
        versions = {name: version(name).split("+")[0] for name in ("alphaloom", "numpy", *self._LIBRARIES)}
        return hash_json({"learning": self._LEARNING_VERSION, "versions": versions})

    def provenance(self) -> Provenance:
        """Nothing is known besides the market."""
        return Provenance()

    def _in_force(self, snapshot: Snapshot | None) -> Scorer:
        """Return the snapshot ready to score; the last one stays ready, since reading it takes a while."""
        if snapshot is None:
            raise ProviderError(
                "nothing was learned yet: set alpha.refresh to month_end, quarter_end, once or every N"
            )
        if self._ready is None or self._ready[0] != snapshot.hash:
            self._ready = snapshot.hash, self._scorer(snapshot)
        return self._ready[1]


def part_of(snapshot: Snapshot, name: str, key: str) -> Any:
    """Return a part of a payload.

    Raises
    ------
    ProviderError
        If the snapshot is not one of the provider `name`.
    """
    try:
        return snapshot.payload[key]
    except KeyError:
        raise ProviderError(
            f"snapshot {snapshot.hash[:12]} is none of {name}: it has no {key!r}; refresh anew"
        ) from None

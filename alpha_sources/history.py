"""`SignalHistory`: what a signal did over a run, for whoever reports on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from alpha_sources.snapshot import Snapshot
from engine.market.view import MarketView


@dataclass(frozen=True, eq=False)
class SignalHistory:
    """The scores of a run, and what they were made from.

    Parameters
    ----------
    view : MarketView
        The market at the end of the run: later than the scores, so that what followed them is known.
    rows : (R,) int array
        Rows of the panel that were scored, ascending.
    scores : (R, N) float array
        As they were used; NaN outside the universe.
    in_force : sequence of Snapshot or None
        The snapshot that each row was scored with.
    """

    view: MarketView
    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    in_force: Sequence[Snapshot | None]

    def stretches(self) -> Iterator[tuple[Snapshot, NDArray[np.int64]]]:
        """Positions in `rows` of consecutive ones under the same snapshot; those without one are left out."""
        keys = ((None if s is None else s.hash) for s in self.in_force)
        for key, group in groupby(enumerate(keys), key=lambda pair: pair[1]):
            positions = np.array([i for i, _ in group])
            snapshot = self.in_force[positions[0]]
            if key is not None and snapshot is not None:
                yield snapshot, positions

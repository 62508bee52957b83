"""Whether a formula orders the stocks as an earlier one does, within its category and beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.duplicates_ranks import Ranked, correlations, ranked, together
from alpha_sources.formula import evaluate, parse
from alpha_sources.libraries.categories import Category
from alpha_sources.seed.errors import SeedError
from engine.market.view import MarketView

#: A session with fewer values says nothing.
MIN_NAMES = 10
#: Kept alphas that are compared in one product.
_AT_ONCE = 64
_TREND = "pct_change(close, 20)"


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a batch of formulas looks like beside price, size, trend, each other and those that are kept.

    Parameters
    ----------
    varies : (B,) float array
        Part of the sessions with enough values on which these differ; NaN without any.
    references : (3, B) float array
        Mean rank correlation with price, size and the return of the past 20 sessions.
    references_abs : (3, B) float array
        Mean size of the same.
    size, signed : (K + B, B) float arrays
        Mean size of the rank correlation, and its mean, with those kept and then with the batch itself.
    """

    varies: NDArray[np.float64]
    references: NDArray[np.float64]
    references_abs: NDArray[np.float64]
    size: NDArray[np.float64]
    signed: NDArray[np.float64]


class KeptRanks:
    """Ranks of the formulas that are kept.

    Parameters
    ----------
    view : MarketView
    sessions : int
        As many of those with members are compared, chosen at random.
    seed : int
        Of that choice.

    Raises
    ------
    SeedError
        If no session has enough members.
    """

    def __init__(self, view: MarketView, sessions: int, seed: int) -> None:
        usable = np.flatnonzero(view.universe.sum(axis=1) >= MIN_NAMES)
        if not len(usable):
            raise SeedError(
                f"no session of the data has {MIN_NAMES} members: seeds cannot be compared; use more stocks"
            )
        if sessions < len(usable):
            usable = np.sort(np.random.default_rng(seed).choice(usable, sessions, replace=False))
        #: (S,) rows that are compared
        self.rows = usable
        self._universe = np.ascontiguousarray(view.universe[usable])
        self._chunks: list[Ranked] = []
        self.names: list[str] = []
        self.categories: list[Category] = []
        nothing = np.full(view.universe.shape, np.nan)
        names = view.field_names
        panels = [view.field(n) if n in names else nothing for n in ("close", "market_cap")]
        trend = evaluate(parse(_TREND), view)[0] if "close" in names else nothing
        self._references = self._ranked([*panels, trend])

    def compare(self, panels: Sequence[NDArray[np.floating]], threshold: float) -> tuple[Ranked, Likeness]:
        """Rank a batch and compare it.

        Parameters
        ----------
        panels : sequence of (T, N) float arrays
        threshold : float
            From which on a correlation has to be exact.
        """
        new = self._ranked(panels)
        enough = new.known.sum(axis=2) >= MIN_NAMES  # (S, B)
        with np.errstate(invalid="ignore", divide="ignore"):
            varies = new.varies.sum(axis=0) / enough.sum(axis=0)
        sizes, references = correlations(self._references, new, threshold, MIN_NAMES)
        pairs = [correlations(chunk, new, threshold, MIN_NAMES) for chunk in (*self._chunks, new)]
        size = np.concatenate([pair[0] for pair in pairs])
        signed = np.concatenate([pair[1] for pair in pairs])
        return new, Likeness(varies, references, sizes, size, signed)

    def keep(
        self, ranks: Ranked, columns: Sequence[int], names: Sequence[str], of: Sequence[Category]
    ) -> None:
        """Remember some of a batch."""
        if not columns:
            return
        taken = ranks.take(columns)
        if self._chunks and self._chunks[-1].count + taken.count <= _AT_ONCE:
            self._chunks[-1] = together([self._chunks[-1], taken])
        else:
            self._chunks.append(taken)
        self.names += names
        self.categories += of

    def _ranked(self, panels: Sequence[NDArray[np.floating]]) -> Ranked:
        return ranked([panel[self.rows] for panel in panels], self._universe, MIN_NAMES)

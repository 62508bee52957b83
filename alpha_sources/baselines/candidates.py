"""What formulas were worth on the sessions that are learned from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.baselines.features import BEFORE
from alpha_sources.baselines.grammar import MOST_LOOKBACK
from alpha_sources.baselines.lessons import MIN_NAMES, labels_from
from alpha_sources.baselines.settings import LearningSettings
from alpha_sources.formula import Formula, evaluate_stream
from alpha_sources.teaching import first_row
from alpha_sources.treatment import Treatment
from engine.market.view import MarketView
from engine.metrics import rank_ic

Array = NDArray[np.float64]

#: a formula says something if it has values for so many of the names that can be bought
_COVERED = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """One formula, and what it was worth.

    Parameters
    ----------
    formula : Formula
    ic : float
        Mean rank IC, 0 on sessions on which all names are the same; NaN for a formula without a value for
        most names.
    """

    formula: Formula
    ic: float


class Proving:
    """The sessions on which formulas are tried, and how many were.

    Parameters
    ----------
    view : MarketView
    settings : LearningSettings

    Attributes
    ----------
    first : int
        Row of the view from which on they are tried.
    tried : int
        Formulas tried so far.

    Raises
    ------
    ProviderError
        If there are too few sessions.
    """

    def __init__(self, view: MarketView, settings: LearningSettings) -> None:
        self.first = first_row(view, settings)
        self.tried = 0
        count = len(view) - self.first
        self._window = view.window(count + MOST_LOOKBACK + BEFORE)
        self._begin = len(self._window) - count
        labels = labels_from(view, self.first, settings)
        # nobody else is bought, and a shorter panel is ranked in less time
        self._columns = np.flatnonzero(np.isfinite(labels).any(axis=0))
        known = np.isfinite(labels)
        self._rows = np.flatnonzero(known.sum(axis=1) >= MIN_NAMES)
        self._labels = np.ascontiguousarray(labels[np.ix_(self._rows, self._columns)])
        self._universe = view.universe[self.first :]

    def tried_on(self, formulas: Iterable[Formula]) -> Iterator[Candidate]:
        """Try formulas, one after the other."""
        wanted = np.isfinite(self._labels)
        for formula, values in evaluate_stream(formulas, self._window):
            self.tried += 1
            seen = values[self._begin :][np.ix_(self._rows, self._columns)].astype(np.float64)
            covered = np.count_nonzero(np.isfinite(seen) & wanted)
            ic = float("nan")
            if covered >= _COVERED * np.count_nonzero(wanted):
                # a session on which it tells no name from another is one on which it foresees nothing
                ic = float(np.nan_to_num(rank_ic(seen, self._labels, min_names=MIN_NAMES)).mean())
            yield Candidate(formula, ic)

    def distinct(self, candidates: Sequence[Candidate], count: int, most_alike: float) -> list[Candidate]:
        """Take candidates in order, but none that is much like one that was taken before.

        Parameters
        ----------
        candidates : sequence of Candidate
            The best first.
        count : int
            At most.
        most_alike : float
            Size of the rank correlation, over all sessions together, above which two are alike.
        """
        kept: list[Candidate] = []
        forms: set[str] = set()
        directions: list[NDArray[np.float32]] = []
        by_key = {candidate.formula.key: candidate for candidate in candidates}
        for formula, values in evaluate_stream((c.formula for c in candidates), self._window):
            if len(kept) == count:
                break
            ranks = Treatment().apply(
                self._universe, values[self._begin :].astype(np.float64), np.zeros(values.shape[1]), None
            )
            flat = np.nan_to_num(ranks).astype(np.float32).ravel()
            length = float(np.sqrt(np.square(flat, dtype=np.float64).sum()))
            if not length or formula.canonical in forms:
                continue
            flat /= length
            # products one by one and not by BLAS, whose sums depend on the machine
            if any(abs(float((flat * other).sum(dtype=np.float64))) > most_alike for other in directions):
                continue
            kept.append(by_key[formula.key])
            forms.add(formula.canonical)
            directions.append(flat)
        return kept

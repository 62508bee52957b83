"""Which alphas repeat one that is kept: by form, by the order of their values, or by when they foresee."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.duplicates import Candidate, How, KeptSet
from alpha_sources.formula import Formula

Array = NDArray[np.float64]

#: sessions on which both must have a rank IC
_LEAST_SHARED = 60


class Distinct:
    """Alphas of which none repeats another, in the order in which they come: the better one first.

    Parameters
    ----------
    universe : (S, N) bool array
        Of the sessions on which values are compared.
    samples : mapping of str to (S, N) float64 array
    formulas : mapping of str to Formula
    daily : mapping of str to (T,) float64 array
        Rank IC of every session, as the formulas are written.
    signs : mapping of str to int
        How they would be used.
    correlation, ic_correlation : float
        From which one repeats another; of daily ICs with the sign of use.
    min_names : int
    """

    def __init__(
        self,
        universe: NDArray[np.bool_],
        *,
        samples: Mapping[str, Array],
        formulas: Mapping[str, Formula],
        daily: Mapping[str, Array],
        signs: Mapping[str, int],
        correlation: float,
        ic_correlation: float,
        min_names: int,
    ) -> None:
        self._values = KeptSet(universe, threshold=correlation, min_names=min_names)
        self._samples, self._formulas, self._daily, self._signs = samples, formulas, daily, signs
        self._ic_correlation = ic_correlation
        self._kept: list[str] = []

    def repeats(self, name: str) -> str | None:
        """Say what an alpha repeats, in words; None if it is new, which is then kept."""
        for other in self._kept:
            together = self._together(name, other)
            if together >= self._ic_correlation:
                return f"foresees when {other} does (correlation of daily rank ICs {together:.2f})"
        found = self._values.add(Candidate(name, self._samples[name], self._formulas.get(name)))
        if found is None:
            self._kept.append(name)
            return None
        if found.kept is None:
            return "orders nothing on the sessions compared"
        if found.how in (How.SAME_RANKS, How.OPPOSITE_RANKS):
            return f"orders the names as {found.kept} does (rank correlation {found.signed:+.2f})"
        return f"is {found.kept} written otherwise ({found.how.value.replace('_', ' ')})"

    def _together(self, name: str, other: str) -> float:
        """Correlation of daily ICs, with the signs of use; 0 where they share too few sessions."""
        first = self._signs[name] * self._daily[name]
        second = self._signs[other] * self._daily[other]
        both = np.isfinite(first) & np.isfinite(second)
        if int(both.sum()) < _LEAST_SHARED:
            return 0.0
        x, y = first[both] - first[both].mean(), second[both] - second[both].mean()
        scale = float(np.sqrt((x @ x) * (y @ y)))
        return float(x @ y) / scale if scale > 0 else 0.0

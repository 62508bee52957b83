"""Sums of several seeds, places among random portfolios, and how alike selections are: pure numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of a number over seeds.

    Parameters
    ----------
    median, low, high : float
    count : int
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread | None:
        """Sum numbers up; None where none is known."""
        known = [float(v) for v in values if v is not None and math.isfinite(v)]
        if not known:
            return None
        return cls(statistics.median(known), min(known), max(known), len(known))


def share_below(value: float, others: Sequence[float]) -> float:
    """Return the share of others that a value exceeds, ties counting half; NaN without others."""
    if not others:
        return math.nan
    return sum(1.0 if other < value else 0.5 if other == value else 0.0 for other in others) / len(others)


def jaccard(a: Sequence[str], b: Sequence[str]) -> float:
    """Return how much two selections share: what is in both, of what is in either; NaN if both are empty."""
    one, other = set(a), set(b)
    either = one | other
    return len(one & other) / len(either) if either else math.nan


@dataclass(frozen=True, slots=True)
class Likeness:
    """Whether selections made under one regime are more alike than selections made under two.

    Parameters
    ----------
    within, across : float
        Mean overlap (Jaccard) of two selections of the same regime, and of two regimes; NaN without such.
    p : float
        Share of rotations of the regimes against the selections with at least that difference; NaN where
        there is none.
    regimes : int
        With two selections or more.
    selections : int
    """

    within: float
    across: float
    p: float
    regimes: int
    selections: int


def likeness(selections: Sequence[Sequence[str]], regimes: Sequence[str]) -> Likeness:
    """Compare selections in the order of time with the regimes that they were made under.

    Notes
    -----
    Selections that follow one another share most of their evidence and most often their regime, so that they
    would be alike under any division of time into stretches. Rotating the regimes against the selections
    keeps both sequences as they are and takes away what connects them.
    """
    count = len(selections)
    overlap = np.full((count, count), np.nan)
    for i, j in combinations(range(count), 2):
        overlap[i, j] = overlap[j, i] = jaccard(selections[i], selections[j])
    labels = np.array(list(regimes), dtype=str)

    def difference(turned: np.ndarray) -> tuple[float, float]:
        same = turned[:, None] == turned[None, :]
        upper = np.triu(np.ones((count, count), dtype=bool), 1) & np.isfinite(overlap)
        inside, outside = overlap[upper & same], overlap[upper & ~same]
        return (
            float(inside.mean()) if len(inside) else math.nan,
            float(outside.mean()) if len(outside) else math.nan,
        )

    within, across = difference(labels)
    _, sizes = np.unique(labels, return_counts=True)
    several = int((sizes >= 2).sum())
    if not math.isfinite(within - across):
        return Likeness(within, across, math.nan, several, count)
    found = [difference(np.roll(labels, shift)) for shift in range(count)]
    # the sequence as it stands is one of its rotations
    as_large = sum(1 for one, other in found if one - other >= within - across - 1e-12)
    return Likeness(within, across, as_large / count, several, count)

"""Groups of sessions that every measure is taken for: the whole span, years, regimes, ranges of dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.regimes import Regime, Stress, Trend
from alpha_sources.evaluation.settings import DateRange

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


class GroupKind(StrEnum):
    """What makes sessions belong together."""

    ALL = "all"
    YEAR = "year"
    REGIME = "regime"
    TREND = "trend"
    STRESS = "stress"
    RANGE = "range"


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Named groups of sessions, the whole span first.

    Parameters
    ----------
    kinds : tuple of GroupKind
    names : tuple of str
    inside : (G, T) bool array
    """

    kinds: tuple[GroupKind, ...]
    names: tuple[str, ...]
    inside: Flags
    rows: Rows = field(init=False, repr=False)
    starts: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # the same as row numbers, group after group, and where each group begins
        each = [np.flatnonzero(inside) for inside in self.inside]
        object.__setattr__(self, "rows", np.concatenate(each).astype(np.int64))
        object.__setattr__(self, "starts", np.cumsum([0, *map(len, each)], dtype=np.int64))

    def positions(self, kind: GroupKind) -> list[int]:
        """Return the positions of the groups of a kind."""
        return [i for i, other in enumerate(self.kinds) if other is kind]


def groups_of(
    dates: NDArray[np.datetime64],
    span: Flags,
    regimes: NDArray[np.int8] | None,
    ranges: tuple[DateRange, ...] = (),
) -> Groups:
    """Return the groups of a span.

    Parameters
    ----------
    dates : (T,) sessions
    span : (T,) bool array
        Sessions that are judged at all.
    regimes : (T,) int8 array or None
        Codes of `regimes.classify`.
    ranges : tuple of DateRange
        The user's own.
    """
    found = [*_calendar(dates, span), *_states(regimes), *_ranges(dates, ranges)]
    return Groups(
        kinds=tuple(kind for kind, _, _ in found),
        names=tuple(name for _, name, _ in found),
        inside=np.ascontiguousarray(np.array([span & inside for _, _, inside in found])),
    )


def _calendar(dates: NDArray[np.datetime64], span: Flags) -> Iterator[tuple[GroupKind, str, Flags]]:
    yield GroupKind.ALL, "all", np.ones(len(dates), dtype=bool)
    years = dates.astype("datetime64[Y]")
    for year in np.unique(years[span]):
        yield GroupKind.YEAR, str(year), years == year


def _states(regimes: NDArray[np.int8] | None) -> Iterator[tuple[GroupKind, str, Flags]]:
    if regimes is None:
        return
    for regime in Regime:
        if regime is not Regime.UNKNOWN:
            yield GroupKind.REGIME, regime.label, regimes == regime
    for trend in Trend:
        yield GroupKind.TREND, str(trend), np.isin(regimes, [r for r in Regime if r.trend is trend])
    for stress in Stress:
        yield GroupKind.STRESS, str(stress), np.isin(regimes, [r for r in Regime if r.stress is stress])


def _ranges(
    dates: NDArray[np.datetime64], ranges: tuple[DateRange, ...]
) -> Iterator[tuple[GroupKind, str, Flags]]:
    for one in ranges:
        inside = (dates >= np.datetime64(one.start)) & (dates <= np.datetime64(one.end))
        yield GroupKind.RANGE, one.name, inside

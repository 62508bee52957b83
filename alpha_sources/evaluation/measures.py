"""The measures of one alpha, all from one sort of each session's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from alpha_sources.evaluation._correlations import (
    autocorrelations,
    group_share,
    label_correlations,
    rank_correlation,
)
from alpha_sources.evaluation._portfolios import portfolio_returns, top_turnover
from alpha_sources.evaluation._ranks import place_sessions, rank_sessions
from alpha_sources.evaluation._summary import foresight, summarise
from alpha_sources.evaluation.ground import Ground
from alpha_sources.evaluation.status import Status, verdict
from alpha_sources.formula.context import read_only
from engine.errors import ShapeError

Array = NDArray[np.float64]

_OF_FORESIGHT = ("sessions", "mean", "std", "ir", "t", "p", "positive")
_AVERAGED = (
    "spread",
    "turnover",
    "rank_autocorrelation",
    "rank_autocorrelation_horizon",
    "size",
    "price",
    "industry",
    "coverage",
    "names",
)
_EARNED = ("long_top", "long_top_net", "long_short", "long_short_net")
_OF_EARNINGS = ("return", "sharpe", "drawdown")
#: alphas measured together; fewer where their ranks would not fit
_SLOTS = 6
_SLOT_BYTES = 64 * 2**20
#: what `decay` says of the rank IC at each horizon
DECAY = ("mean", "std", "ir", "t", "p")


def series_names(quantiles: int) -> tuple[str, ...]:
    """Names of the series that an alpha has, one value per session.

    ``rank_ic`` and ``ic`` at the main horizon; ``quantile_i``: mean label; ``spread``: of the highest less
    the lowest; ``turnover``: share of the top quantile's names that are new; rank autocorrelations at one
    session and at the horizon; rank correlations with size and price; industries' share of the variance of
    ranks; share of members covered; tradable names; returns of paper portfolios from one open to the next.
    """
    curve = tuple(f"quantile_{i + 1}" for i in range(quantiles))
    return ("rank_ic", "ic", *curve, *_AVERAGED, *_EARNED)


def measure_names(quantiles: int) -> tuple[str, ...]:
    """Names of the measures that each group of sessions has, in order."""
    return (
        *(f"{kind}_{name}" for kind in ("rank_ic", "ic") for name in _OF_FORESIGHT),
        *(f"quantile_{i + 1}" for i in range(quantiles)),
        "monotonicity",
        *_AVERAGED,
        *(f"{kind}_{name}" for kind in _EARNED for name in _OF_EARNINGS),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """The measures of one alpha.

    Parameters
    ----------
    status, reason
        Whether it could be judged.
    measures : (G, M) float64 array
        By group of sessions and `measure_names`.
    decay : (H, 5) float64 array
        Of the rank IC, by horizon and `DECAY`, over the whole span.
    rank_ic : (T,) float64 array
        At the main horizon.
    series : (S, T) float64 array or None
        By `series_names`, where they are kept.
    rank_ics : (H, T) float64 array or None
        Rank IC of every session at every horizon, where they are kept.
    """

    status: Status
    reason: str
    measures: Array
    decay: Array
    rank_ic: Array
    series: Array | None = None
    rank_ics: Array | None = None


@dataclass(frozen=True, eq=False, slots=True)
class _Sorted:
    """What measures of one alpha are computed from; see `_ranks.rank_sessions`."""

    ranks: NDArray[np.int16]
    orders: NDArray[np.uint16]
    buckets: NDArray[np.int8]
    names: NDArray[np.int64]
    edges: NDArray[np.int64]
    squares: Array


class Measurer:
    """Measures alphas on one ground; keeps its scratch memory from one to the next.

    One thread at a time.
    """

    def __init__(self, ground: Ground, *, keep_series: bool = True) -> None:
        self._ground, self._keep = ground, keep_series
        T, N = ground.fills.members.shape
        self._slots: int = max(1, min(_SLOTS, _SLOT_BYTES // (5 * T * N)))
        shape = self._slots, T, N
        self._ranks, self._orders = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.uint16)
        self._buckets = np.empty(shape, dtype=np.int8)
        self._names = np.empty(shape[:2], dtype=np.int64)
        self._edges = np.empty((self._slots, 2, T), dtype=np.int64)
        self._squares = np.empty(shape[:2])
        self._found = np.empty((self._slots, 6), dtype=np.int64)
        self._keys = np.empty((T, N), dtype=np.uint32)
        self._costs = np.empty((2, T))

    @property
    def slots(self) -> int:
        """How many alphas are best measured together."""
        return self._slots

    def measure(self, values: NDArray[Any]) -> Measured:
        """Measure one alpha.

        Parameters
        ----------
        values : (T, N) float array
            One row per session of the ground; NaN where undefined. What is no member does not count.

        Raises
        ------
        ShapeError
            If the shape is another.
        """
        return self.measure_all([values])[0]

    def measure_all(self, alphas: Sequence[NDArray[Any]]) -> list[Measured]:
        """Measure several alphas, each as `measure` would, in less time."""
        out: list[Measured] = []
        for first in range(0, len(alphas), self._slots):
            out += self._together(alphas[first : first + self._slots])
        return out

    def _together(self, alphas: Sequence[NDArray[Any]]) -> list[Measured]:
        ground, settings = self._ground, self._ground.settings
        series = [self._sort(values, slot) for slot, values in enumerate(alphas)]
        count = len(alphas)
        rank_ics = np.empty((count, len(ground.horizons), ground.fills.sessions))
        label_correlations(
            self._ranks[:count],
            self._buckets[:count],
            self._names[:count],
            self._squares[:count],
            ground.horizons,
            ground.label_ranks,
            ground.label_orders,
            ground.label_names,
            ground.label_squares,
            rank_ics,
        )
        main = settings.horizons.index(settings.horizon_sessions)
        for own, ics in zip(series, rank_ics, strict=True):
            own[0] = ics[main]
        # an array of its own: what is kept of one alpha keeps no other
        each = zip(series, rank_ics, strict=True)
        return [self._measured(slot, own, ics.copy()) for slot, (own, ics) in enumerate(each)]

    def _sort(self, values: NDArray[Any], slot: int) -> Array:
        """Sort an alpha into a slot; return its series, of which coverage, IC and quantiles are written."""
        ground, settings = self._ground, self._ground.settings
        fills = ground.fills
        if values.shape != fills.members.shape:
            raise ShapeError(f"an alpha of shape {values.shape}, the market has {fills.members.shape}")
        names = series_names(settings.quantiles)
        series = np.empty((len(names), fills.sessions))
        values = read_only(np.ascontiguousarray(values, dtype=np.float64))
        place_sessions(
            values,
            fills.members,
            fills.eligible,
            ground.eligible_columns,
            ground.member_count,
            ground.label_names,
            max(settings.min_names, settings.quantiles),
            self._keys,
            self._names[slot],
            series[names.index("coverage")],
            self._found[slot],
        )
        self._keys.sort(axis=1)
        rank_sessions(
            values,
            self._keys,
            self._names[slot],
            ground.label_names,
            ground.centred,
            ground.label_means,
            ground.centred_squares,
            settings.quantiles,
            self._ranks[slot],
            self._orders[slot],
            self._buckets[slot],
            self._edges[slot],
            self._squares[slot],
            series[1],
            series[2 : 2 + settings.quantiles],
        )
        return series

    def _measured(self, slot: int, series: Array, rank_ics: Array) -> Measured:
        settings, span = self._ground.settings, self._ground.groups.inside[0]
        labelled = int(np.isfinite(series[0]).sum())
        status, reason = verdict(self._found[slot].tolist(), settings, int(span.sum()), labelled)
        if not status.judged or not labelled:
            return self._without_measures(status, reason)
        self._fill(slot, series)
        return Measured(
            status,
            reason,
            self._summary(series),
            self._decay(rank_ics),
            series[0].copy(),
            series if self._keep else None,
            rank_ics if self._keep else None,
        )

    def unreadable(self, reason: str) -> Measured:
        """Return what becomes of a text that is no formula, or that asks for what the market lacks."""
        return self._without_measures(Status.UNREADABLE, reason)

    def _fill(self, slot: int, series: Array) -> None:
        """Write all series but coverage, the ICs and the quantiles."""
        ground, settings = self._ground, self._ground.settings
        q, horizon = settings.quantiles, settings.horizon_sessions
        mine = _Sorted(
            self._ranks[slot],
            self._orders[slot],
            self._buckets[slot],
            self._names[slot],
            self._edges[slot],
            self._squares[slot],
        )
        ranked = (mine.ranks, mine.buckets, mine.names, mine.squares)
        cut = (mine.buckets, mine.orders, mine.names, mine.edges)
        least = settings.min_names
        row = dict(zip(series_names(q), series, strict=True))
        np.subtract(series[1 + q], series[2], out=row["spread"])
        top_turnover(mine.buckets, mine.names, mine.edges, q, 1, row["turnover"])
        autocorrelations(*ranked, 1, least, row["rank_autocorrelation"])
        if horizon == 1:
            row["rank_autocorrelation_horizon"][:] = row["rank_autocorrelation"]
        else:
            autocorrelations(*ranked, horizon, least, row["rank_autocorrelation_horizon"])
        for name, other in zip(("size", "price"), ground.exposures, strict=True):
            rank_correlation(
                mine.ranks,
                mine.orders,
                mine.buckets,
                mine.names,
                mine.squares,
                other.ranks,
                other.orders,
                other.names,
                other.squares,
                ground.label_names,
                least,
                row[name],
            )
        group_share(
            mine.ranks,
            mine.buckets,
            mine.squares,
            ground.industries,
            ground.industry_count,
            least,
            row["industry"],
        )
        row["names"][:] = np.where(mine.names > 0, mine.names, np.nan)
        buy, sell = ground.buy_costs, ground.sell_costs
        top, bottom = row["long_top"], row["long_short"]
        portfolio_returns(*cut, ground.held, series[1 + q], q, horizon, buy, sell, top, self._costs[0])
        # whoever sells short sells first and buys back
        portfolio_returns(*cut, ground.held, series[2], 1, horizon, sell, buy, bottom, self._costs[1])
        np.subtract(top, self._costs[0], out=row["long_top_net"])
        np.subtract(top, bottom, out=row["long_short"])
        np.subtract(row["long_short"], self._costs.sum(axis=0), out=row["long_short_net"])

    def _summary(self, series: Array) -> Array:
        settings, groups = self._ground.settings, self._ground.groups
        out = np.empty((len(groups.names), len(measure_names(settings.quantiles))))
        horizon = settings.horizon_sessions
        summarise(
            series,
            groups.rows,
            groups.starts,
            2,
            len(_AVERAGED),
            settings.quantiles,
            len(_EARNED),
            settings.lags_at(horizon),
            horizon,
            out,
        )
        for at in (0, len(_OF_FORESIGHT)):
            of_kind = out[:, at : at + len(_OF_FORESIGHT)]
            of_kind[:, 5] = two_sided_p(of_kind[:, 4], of_kind[:, 0])
        return out

    def _decay(self, rank_ics: Array) -> Array:
        settings = self._ground.settings
        groups = self._ground.groups
        span = groups.rows[: groups.starts[1]]
        seven = np.empty((len(settings.horizons), len(_OF_FORESIGHT)))
        for i, horizon in enumerate(settings.horizons):
            foresight(rank_ics[i], span, settings.lags_at(horizon), horizon, seven[i])
        seven[:, 5] = two_sided_p(seven[:, 4], seven[:, 0])
        return seven[:, 1:6].copy()

    def _without_measures(self, status: Status, reason: str) -> Measured:
        settings, groups = self._ground.settings, self._ground.groups
        shape = len(groups.names), len(measure_names(settings.quantiles))
        sessions, horizons = self._ground.fills.sessions, len(settings.horizons)
        return Measured(
            status,
            reason,
            np.full(shape, np.nan),
            np.full((horizons, len(DECAY)), np.nan),
            np.full(sessions, np.nan),
            np.full((len(series_names(settings.quantiles)), sessions), np.nan) if self._keep else None,
            np.full((horizons, sessions), np.nan) if self._keep else None,
        )


def two_sided_p(t: Array, sessions: Array) -> Array:
    """Probability of a t at least as far from 0 by chance, from Student's distribution with n - 1 degrees."""
    with np.errstate(invalid="ignore"):
        p: Array = 2.0 * stdtr(sessions - 1.0, -np.abs(t))
    return p

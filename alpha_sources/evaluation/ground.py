"""What all alphas of an evaluation share: labels, exposures, costs and groups, prepared once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation._ranks import place_rows, rank_rows
from alpha_sources.evaluation.groups import Groups, groups_of
from alpha_sources.evaluation.labels import Fills, fills_of, last_known
from alpha_sources.evaluation.regimes import classify
from alpha_sources.evaluation.settings import Settings
from engine.errors import DataError, RuleError, ShapeError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView
from engine.rules.fees import AShareFees

Array = NDArray[np.float64]
Ranks = NDArray[np.int16]
Columns = NDArray[np.uint16]

#: the first of these that a market carries is the index of its regimes
_INDICES = ("000300.SH", "000016.SH", "000001.SH")
#: columns are kept in 16 bits
_MOST_NAMES = 32_767
_RATE = 1e9


@dataclass(frozen=True, eq=False, slots=True)
class Exposure:
    """Something that alphas are held against, sorted once; see `_ranks.rank_rows`."""

    ranks: Ranks
    orders: Columns
    names: NDArray[np.int64]
    squares: Array

    @classmethod
    def of(cls, values: Array, valid: NDArray[np.bool_]) -> Exposure:
        """Sort the valid values of each session."""
        ranks, orders = np.empty(values.shape, dtype=np.int16), np.empty(values.shape, dtype=np.uint16)
        names, squares = np.empty(len(values), dtype=np.int64), np.empty(len(values))
        keys = np.empty(values.shape, dtype=np.uint32)
        place_rows(values, valid, keys, names)
        keys.sort(axis=1)
        rank_rows(values, keys, names, ranks, orders, squares)
        return cls(ranks, orders, names, squares)


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """What all alphas of an evaluation share.

    Parameters
    ----------
    view : MarketView
        Ends with the span: nothing after it is read.
    settings : Settings
    fills : Fills
        Members and eligible names within the span only.
    horizons : (H,) int64 array
    label_ranks, label_orders : (T, H, N) int16 and uint16 arrays
    label_squares : (T, H) float64 array
        See `_ranks.rank_rows`.
    member_count, label_names : (T,) int64 arrays
        Members and eligible names.
    eligible_columns : (T, N) uint16 array
        Columns of the eligible names, at the beginning of each row.
    centred : (T, N) float64 array
        Labels at the main horizon less their mean of the session.
    label_means, centred_squares : (T,) float64 arrays
        That mean, and sums of squares of what is left; 0 where all labels are the same.
    held : (T, N) float64 array
        Returns from the open of t+1 to that of t+2 of all names.
    exposures : tuple of Exposure
        Size and log price, in this order.
    industries : (N,) uint16 array
        Codes from 0; `industry_count` where unknown.
    buy_costs, sell_costs : (T,) float64 arrays
        Share of the amount, of fills at the open after each session; NaN where no rates are known.
    groups : Groups
    index_symbol : str or None
        The index that regimes were read from.
    """

    view: MarketView
    settings: Settings
    fills: Fills
    horizons: NDArray[np.int64]
    label_ranks: Ranks
    label_orders: Columns
    label_squares: Array
    member_count: NDArray[np.int64]
    label_names: NDArray[np.int64]
    eligible_columns: Columns
    centred: Array
    label_means: Array
    centred_squares: Array
    held: Array
    exposures: tuple[Exposure, ...]
    industries: Columns
    industry_count: int
    buy_costs: Array
    sell_costs: Array
    groups: Groups
    index_symbol: str | None


def prepare(view: MarketView, settings: Settings) -> Ground:
    """Prepare what all alphas share.

    Raises
    ------
    DataError
        If the span holds no session with a known universe, or the market lacks what labels are made of.
    ShapeError
        If there are more than 32,767 symbols.
    """
    if len(view.symbols) > _MOST_NAMES:
        raise ShapeError(f"{len(view.symbols)} symbols: at most {_MOST_NAMES} can be judged at once")
    view, span = _span(view, settings)
    panel = view.panel()
    fills = fills_of(view)
    fills = replace(fills, members=fills.members & span[:, None], eligible=fills.eligible & span[:, None])
    horizons = np.array(settings.horizons, dtype=np.int64)
    shape = len(span), len(horizons), len(view.symbols)
    ranks, orders = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.uint16)
    squares = np.empty(shape[:2])
    for i, horizon in enumerate(settings.horizons):
        values = fills.returns(horizon)
        sorted_labels = Exposure.of(values, np.isfinite(values))
        ranks[:, i], orders[:, i] = sorted_labels.ranks, sorted_labels.orders
        squares[:, i] = sorted_labels.squares
    labels = fills.returns(settings.horizon_sessions)
    counts = np.isfinite(labels).sum(axis=1)
    means = np.nansum(labels, axis=1) / np.maximum(counts, 1)
    centred = labels - means[:, None]
    main = settings.horizons.index(settings.horizon_sessions)
    held = np.full(fills.prices.shape, np.nan)
    held[:-2] = fills.prices[2:] / fills.prices[1:-1] - 1.0
    regimes, index_symbol = _regimes(view, settings)
    buy, sell = _costs(panel, settings)
    industries = panel.instruments.industries
    known, codes = np.unique(industries, return_inverse=True)
    return Ground(
        view=view,
        settings=settings,
        fills=fills,
        horizons=horizons,
        label_ranks=ranks,
        label_orders=orders,
        label_squares=squares,
        member_count=fills.members.sum(axis=1, dtype=np.int64),
        label_names=fills.eligible.sum(axis=1, dtype=np.int64),
        eligible_columns=np.argsort(~fills.eligible, axis=1, kind="stable").astype(np.uint16),
        centred=centred,
        label_means=means,
        centred_squares=np.where(squares[:, main] > 0, np.nansum(centred**2, axis=1), 0.0),
        held=held,
        exposures=(_exposure(panel, fills, "market_cap"), _exposure(panel, fills, "close")),
        industries=np.where(industries == "", len(known), codes).astype(np.uint16),
        industry_count=len(known),
        buy_costs=buy,
        sell_costs=sell,
        groups=groups_of(view.dates, span, regimes, settings.ranges),
        index_symbol=index_symbol,
    )


def _span(view: MarketView, settings: Settings) -> tuple[MarketView, NDArray[np.bool_]]:
    """The view cut at the span's end, and its sessions within the span that have a known universe."""
    dates = view.dates
    covers = f"the data cover {iso(dates[0])}..{iso(dates[-1])}"
    start = dates[0] if settings.start is None else np.datetime64(settings.start)
    end = dates[-1] if settings.end is None else np.datetime64(settings.end)
    last = int(np.searchsorted(dates, end, side="right")) - 1
    if last < 0 or not (dates[: last + 1] >= start).any():
        raise DataError(f"the span {start}..{end} holds no session; {covers}")
    view = view.view(last)
    span: NDArray[np.bool_] = (view.dates >= start) & view.panel().universe_known
    if not span.any():
        raise DataError(
            f"the universe is unknown on every session of {start}..{end}; check data.membership and the span"
        )
    return view, span


def _exposure(panel: MarketPanel, fills: Fills, name: str) -> Exposure:
    """What the order of a field says of it: that of its logarithm is the same."""
    field = panel.fields.get(name)
    # a suspended name keeps the size that was last known
    values = np.full(panel.shape, np.nan) if field is None else last_known(field)
    return Exposure.of(values, fills.eligible & np.isfinite(values))


def _regimes(view: MarketView, settings: Settings) -> tuple[NDArray[np.int8] | None, str | None]:
    symbol = settings.index_symbol
    if symbol is None:
        symbol = next((s for s in _INDICES if s in view.index_symbols), None)
        if symbol is None:
            return None, None
    return classify(view, symbol, settings.regimes), symbol


def _costs(panel: MarketPanel, settings: Settings) -> tuple[Array, Array]:
    """Costs of fills after each session, averaged over the exchanges by the number of symbols."""
    fees = AShareFees(commission=settings.commission, minimum=0.0)
    exchanges, weights = np.unique([str(s)[-2:] for s in panel.symbols], return_counts=True)
    # the fill after the last session is not seen; its day's rates are those of the session itself
    days = np.append(panel.dates[1:], panel.dates[-1:]).astype("datetime64[D]").astype(np.int64).tolist()
    rates = np.full((2, len(days), len(exchanges)), np.nan)
    for side, is_buy in enumerate((True, False)):
        for i, exchange in enumerate(exchanges.tolist()):
            for t, day in enumerate(days):
                try:
                    rate = fees.rates(exchange, is_buy, day)
                except RuleError:
                    # before the exchange opened, or before the tables begin: nothing is known of that day
                    continue
                rates[side, t, i] = (rate.commission + rate.stamp_duty + rate.transfer_fee) / _RATE
    known = np.where(np.isnan(rates), 0.0, weights)
    with np.errstate(invalid="ignore"):
        both = np.where(np.isnan(rates), 0.0, rates * weights).sum(axis=2) / known.sum(axis=2)
    return both[0] + settings.slippage_bps / 1e4, both[1] + settings.slippage_bps / 1e4

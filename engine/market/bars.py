"""From rows of quotes to the dense fields of a panel.

Between its first and last row a listed name has no NaN price. A suspended session is a flat bar at the last
close; on an ex-date that falls into a suspension it stands at the ex-right reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.calendar import Dates, iso
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.exdates import SuspendedExDates
from engine.market.grid import Bools, Floats, forward_fill, last_true, scatter, shifted, to_tick
from engine.market.quotes import Quotes


@dataclass(frozen=True, eq=False)
class Bars:
    """Dense fields and where they come from.

    Parameters
    ----------
    fields : dict of str to (T, N) float array
    inside : (T, N) bool array
        From a name's first price to its last row.
    has_row : (T, N) bool array
        Cells that the file has a row for.
    """

    fields: dict[str, Floats]
    inside: Bools
    has_row: Bools

    def first_rows(self) -> NDArray[np.intp]:
        """(N,) first row inside; 0 for a name without any price."""
        return np.asarray(self.inside.argmax(axis=0))


def build_bars(q: Quotes, dates: Dates, actions: CorporateActions, tick: float | None) -> Bars:
    """Scatter rows onto (T, N), fill suspensions, derive what follows from prices and volumes."""
    cells = _Cells(q, dates)
    traded, inside = cells.traded, cells.inside
    suspended = inside & ~traded
    anchored = traded | (inside & ~shifted(inside))
    price = {name: cells.dense(to_tick(q.values[name], tick)) for name in ("open", "high", "low", "close")}
    close = np.where(inside, forward_fill(price["close"], anchored), np.nan)
    factor = _factors(cells, inside)
    ex_dates = SuspendedExDates(close, factor, traded, inside, tick)
    ex_dates.settle(
        _by_cell(actions, dates),
        derive_factor="adj_factor" not in q.values,
        label=lambda t, n: f"{q.symbols[n]} {iso(dates[t])}",
    )

    fields = {
        name: np.where(suspended, close, np.where(traded, values, np.nan)) for name, values in price.items()
    }
    fields["close"] = close
    fields["preclose"] = _preclose(cells, close, factor, suspended, tick)
    fields["adj_factor"] = factor
    fields["trading"] = traded.astype(np.float64)
    fields |= _traded_fields(cells, suspended, close)
    fields["is_st"] = _special_treatment(cells, inside)
    fields["share_factor"] = actions.share_factor(dates, close.shape[1])
    fields["returns"] = _returns(close * factor)
    extras = {name: cells.column(name) for name in q.extras}
    if "turnover" in fields:
        fields["market_cap"] = _market_cap(fields, traded, inside)
    return Bars(fields={**extras, **fields}, inside=inside, has_row=cells.has_row)


class _Cells:
    """Where each row of quotes falls on the grid."""

    def __init__(self, q: Quotes, dates: Dates) -> None:
        self.q = q
        self.shape = (len(dates), len(q.symbols))
        self.flat = np.searchsorted(dates, q.session) * self.shape[1] + q.column
        self.has_row = self.dense(np.ones(len(q.column), dtype=bool), fill=False)
        self.traded = self.dense(q.traded, fill=False)
        priced = self.dense(q.priced, fill=False)
        begun = np.logical_or.accumulate(priced, axis=0)
        not_over = np.logical_or.accumulate(self.has_row[::-1], axis=0)[::-1]
        self.inside: Bools = begun & not_over

    def dense(self, values: NDArray[Any], fill: float | bool = np.nan) -> NDArray[Any]:
        return scatter(self.shape, self.flat, values, fill)

    def column(self, name: str) -> Floats:
        return self.dense(self.q.values[name])


def _factors(cells: _Cells, inside: Bools) -> Floats:
    if "adj_factor" not in cells.q.values:
        return np.where(inside, 1.0, np.nan)
    factor = cells.column("adj_factor")
    return np.where(inside, forward_fill(factor, ~np.isnan(factor)), np.nan)


def _preclose(cells: _Cells, close: Floats, factor: Floats, suspended: Bools, tick: float | None) -> Floats:
    out = np.full(cells.shape, np.nan)
    out[1:] = to_tick(close[:-1] * factor[:-1] / factor[1:], tick)
    if "preclose" in cells.q.values:
        given = cells.column("preclose")
        out = np.where(given > 0.0, to_tick(given, tick), out)
    # nothing else is known of a name's first session than its own close
    out = np.where(np.isnan(out), close, out)
    return np.where(suspended, close, np.where(cells.inside, out, np.nan))


def _traded_fields(cells: _Cells, suspended: Bools, close: Floats) -> dict[str, Floats]:
    """Volume, amount, vwap and turnover: zero while suspended, vwap flat, NaN where a traded row lacks it."""

    def of(name: str, idle: Floats | float = 0.0) -> Floats:
        return np.where(suspended, idle, np.where(cells.traded, cells.column(name), np.nan))

    values = cells.q.values
    nothing = np.where(suspended, 0.0, np.nan)
    out = {"volume": of("volume"), "amount": of("amount") if "amount" in values else nothing}
    with np.errstate(invalid="ignore", divide="ignore"):
        average = out["amount"] / out["volume"]
    if "vwap" in values:
        given = cells.column("vwap")
        average = np.where(given > 0.0, given, average)
    out["vwap"] = np.where(suspended, close, np.where(cells.traded, average, np.nan))
    if "turnover" in values:
        out["turnover"] = of("turnover")
    return out


def _special_treatment(cells: _Cells, inside: Bools) -> Floats:
    if "is_st" not in cells.q.values:
        return np.zeros(cells.shape)
    # a session without a row is suspended: the status stays what it was
    flag = forward_fill(cells.column("is_st"), cells.has_row)
    return np.where(inside & (flag > 0.0), 1.0, 0.0)


def _returns(adjusted: Floats) -> Floats:
    out = np.full(adjusted.shape, np.nan)
    out[1:] = adjusted[1:] / adjusted[:-1] - 1.0
    return out


def _market_cap(fields: dict[str, Floats], traded: Bools, inside: Bools) -> Floats:
    """Close times float shares; over a suspension the shares of the last trade, grown by bonus and rights."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(fields["turnover"] > 0.0, fields["volume"] / fields["turnover"], np.nan)
    last = last_true(traded)
    grown = fields["share_factor"] / np.take_along_axis(fields["share_factor"], last, axis=0)
    shares = np.take_along_axis(shares, last, axis=0) * grown
    return np.where(inside, fields["close"] * shares, np.nan)


def _by_cell(actions: CorporateActions, dates: Dates) -> dict[tuple[int, int], CorporateAction]:
    return {(int(np.searchsorted(dates, day)), column): action for day, column, action in actions.rows()}

"""Sectors: equal-weighted indices of industries, made of what was known at each session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpha_sources.agents.charts.bars import Bars
from engine.errors import DataError
from engine.market.view import MarketView

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sector:
    """An industry of the market.

    Parameters
    ----------
    code : str
        ``SEC01`` and so on, in the order of the names of all industries of the market: what stands on charts,
        where a name may not be legible.
    name : str
        The industry, as the instruments name it today.
    members : int
        On the last session.
    columns : tuple of int
        Of its symbols, members or not.
    """

    code: str
    name: str
    members: int
    columns: tuple[int, ...]


def sectors_of(view: MarketView, least: int) -> tuple[Sector, ...]:
    """Return the industries that have at least so many members on the last session, by code."""
    industries = view.instruments.industries
    names = sorted({str(name) for name in industries if name})
    members = view.universe[-1]
    found = []
    for number, name in enumerate(names, 1):
        columns = np.flatnonzero(industries == name)
        count = int(members[columns].sum())
        if count >= least:
            found.append(Sector(f"SEC{number:02d}", name, count, tuple(columns.tolist())))
    return tuple(found)


def sector_bars(view: MarketView, columns: tuple[int, ...], sessions: int) -> Bars:
    """Return the bars of an equal-weighted index of some symbols, 100 before the first bar.

    A bar's open, high, low and close are the last close times the mean of the names' own, adjusted, each over
    its own last close. The names of a session are those that were members at the session before; a session
    without any keeps the level, and before the first that has any there are no bars. Traded is the amount of
    the same names.

    Parameters
    ----------
    view : MarketView
    columns : tuple of int
    sessions : int
        Bars wanted, up to the view's session; fewer where the view is shorter.
    """
    first = max(1, view.t + 1 - sessions)
    rows, before = slice(first, view.t + 1), slice(first - 1, view.t)
    where = list(columns)
    last = view.adjusted("close")[before][:, where]
    close = view.adjusted("close")[rows][:, where]
    counted = view.universe[before][:, where] & np.isfinite(last) & np.isfinite(close) & (last > 0)
    number = counted.sum(axis=1)

    def mean(name: str) -> Array:
        values = view.adjusted(name)[rows][:, where]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: Array = np.where(counted, values / last, 0.0)
            # a name without an open, or a high, stands at its close
            ratio = np.where(np.isfinite(ratio), ratio, np.where(counted, close / last, 0.0))
        means: Array = np.where(number > 0, ratio.sum(axis=1) / np.maximum(number, 1), 1.0)
        return means

    level = 100.0 * np.cumprod(mean("close"), dtype=np.float64)
    start = np.full_like(level, 100.0)
    start[1:] = level[:-1]
    opened = start * mean("open") if "open" in view.field_names else start
    high = start * mean("high") if "high" in view.field_names else level
    low = start * mean("low") if "low" in view.field_names else level
    traded = np.full(len(level), np.nan)
    if "amount" in view.field_names:
        amount = view.field("amount")[rows][:, where]
        traded = np.where(counted & np.isfinite(amount), amount, 0.0).sum(axis=1)
    # before there were members there is no level to speak of
    begun = np.maximum.accumulate(number > 0)

    def from_then_on(values: Array) -> Array:
        return np.where(begun, values, np.nan)

    return Bars(
        from_then_on(opened),
        from_then_on(np.maximum(high, np.maximum(opened, level))),
        from_then_on(np.minimum(low, np.minimum(opened, level))),
        from_then_on(level),
        from_then_on(traded),
        "CNY",
    )


def index_bars(view: MarketView, symbol: str | None, sessions: int) -> Bars:
    """Return the last bars of an index; of the members, equally weighted, where none is named.

    Where the panel carries its closes alone, a bar runs from the close before to its own.
    """
    if symbol is None:
        return sector_bars(view, tuple(range(len(view.symbols))), sessions)
    close = view.index(symbol)
    fields = {name: _field(view, symbol, name) for name in ("open", "high", "low", "volume")}
    first = max(0, view.t + 1 - sessions)
    before = np.concatenate([[np.nan], close[:-1]])
    opened = fields["open"] if fields["open"] is not None else np.where(np.isfinite(before), before, close)
    high = fields["high"] if fields["high"] is not None else np.fmax(opened, close)
    low = fields["low"] if fields["low"] is not None else np.fmin(opened, close)
    traded = fields["volume"] if fields["volume"] is not None else np.full(len(close), np.nan)
    return Bars(opened[first:], high[first:], low[first:], close[first:], traded[first:], "shares")


def _field(view: MarketView, symbol: str, name: str) -> Array | None:
    try:
        return view.index(symbol, name)
    except DataError:
        return None

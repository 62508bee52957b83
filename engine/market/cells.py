"""From rows to the fields of a panel in one pass, for whole markets: the compiled twin of `build_bars`.

`engine.market.bars` says what a field holds, in arrays and step by step. Here the same is worked out cell by
cell and written straight into the panel, to the last bit: a market of five thousand names and ten years is
twelve million cells, and every array of them that need not be touched is a tenth of a gigabyte. Importing
this module imports numba; a few names are built faster without it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit
from engine.market.grid import Bools, Floats

Longs = NDArray[np.int64]


class Fields(NamedTuple):
    """(T, N) arrays of the panel that are filled, a few columns at a time."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    preclose: Floats
    adj_factor: Floats
    trading: Floats
    volume: Floats
    amount: Floats
    vwap: Floats
    turnover: Floats
    is_st: Floats
    share_factor: Floats
    returns: Floats
    market_cap: Floats


class Raw(NamedTuple):
    """(T, W) values of rows where they stand on a grid of some columns, NaN where there is no row."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    preclose: Floats
    volume: Floats
    amount: Floats
    turnover: Floats
    trading: Floats
    is_st: Floats
    vwap: Floats
    adj_factor: Floats


class States(NamedTuple):
    """What a session is to each name, as in :class:`engine.market.bars.Bars`.

    Parameters
    ----------
    has_row, traded : (T, W) bool arrays
    inside : (T, N) bool array
        Of the panel.
    """

    has_row: Bools
    traded: Bools
    inside: Bools


class Place(NamedTuple):
    """Some columns: the first of them in the panel and on the grid, and how many they are."""

    panel: int
    grid: int
    names: int

    def in_panel(self) -> slice:
        """Columns of the panel."""
        return slice(self.panel, self.panel + self.names)

    def on_grid(self) -> slice:
        """Columns of the grid."""
        return slice(self.grid, self.grid + self.names)


class Bounds(NamedTuple):
    """Numbers that rules are made of.

    Parameters
    ----------
    tick : float
        CNY.
    per_cny : float
        Ticks to the yuan.
    factor_step : float
        A step of a factor that is no rounding noise.
    factor_agrees, widest : float
        What `check_factor` and `check_jumps` look for.
    """

    tick: float
    per_cny: float
    factor_step: float
    factor_agrees: float
    widest: float


class Growth(NamedTuple):
    """New shares per old, by column: those of column n are ``first[n]:first[n + 1]``, ascending by row."""

    first: Longs
    row: Longs
    times: Floats


class Told(NamedTuple):
    """What a block of names turned out to hold.

    Parameters
    ----------
    turnover : bool
        A turnover above zero.
    market_cap : bool
        A market value.
    factor_off : bool
        A factor that does not step by previous close ÷ preclose: `check_factor` says which.
    moved : bool
        A close further from the preclose than any daily limit allows: `check_jumps` says whether it may.
    """

    turnover: bool
    market_cap: bool
    factor_off: bool
    moved: bool


def settle_closes(raw: Raw, states: States, out: Fields, place: Place, bounds: Bounds) -> bool:
    """Find sessions on which names trade or are suspended, their closes and factors.

    Parameters
    ----------
    raw : Raw
    states : States
        ``has_row`` is read, the others are written.
    out : Fields
        ``close`` and ``adj_factor`` are written, before ex-dates within suspensions are settled.
    place : Place
    bounds : Bounds

    Returns
    -------
    bool
        Whether a factor steps within a suspension.
    """
    carried = np.full((2, place.names), np.nan)
    # one past the last row; where a name has none it is never inside either
    ends = len(states.has_row) - states.has_row[::-1, place.on_grid()].argmax(axis=0)
    return _settle_closes(raw, states, out.close, out.adj_factor, place, bounds, carried, ends)


@jit
def _settle_closes(
    raw: Raw,
    states: States,
    close: Floats,
    factor: Floats,
    place: Place,
    bounds: Bounds,
    carried: Floats,
    ends: Longs,
) -> bool:
    held, in_force = carried[0], carried[1]
    halted = False
    for t in range(len(raw.close)):
        for k in range(place.names):
            n, m = place.grid + k, place.panel + k
            price, own, said = raw.close[t, n], raw.adj_factor[t, n], raw.trading[t, n]
            priced = price > 0.0
            traded = priced and raw.volume[t, n] > 0.0 and (np.isnan(said) or said != 0.0)
            # nothing is held before the first price
            first = priced and np.isnan(held[k])
            if traded or first:
                held[k] = np.floor(price * bounds.per_cny + (0.5 + 1e-6)) / bounds.per_cny
            inside = not np.isnan(held[k]) and t < ends[k]
            states.traded[t, n] = traded
            states.inside[t, m] = inside
            before = in_force[k]
            if not np.isnan(own):
                in_force[k] = own
            close[t, m] = held[k] if inside else np.nan
            factor[t, m] = in_force[k] if inside else np.nan
            if inside and not traded and not first:
                halted = halted or np.abs(in_force[k] / before - 1.0) > bounds.factor_step
    return halted


def fill_fields(raw: Raw, states: States, growth: Growth, out: Fields, place: Place, bounds: Bounds) -> Told:
    """Fill all fields from raw values and settled closes and factors.

    Parameters
    ----------
    raw : Raw
    states : States
    growth : Growth
        Of the panel's columns.
    out : Fields
        ``close`` and ``adj_factor`` are read, and ``is_st`` is zero.
    place : Place
    bounds : Bounds
    """
    # new shares so far, and at the last trade; float shares at the last trade; special treatment
    carried = np.ones((4, place.names))
    carried[2:] = np.nan
    coming = growth.first[place.in_panel()].copy()
    return Told(*_fill_fields(raw, states, growth, out, place, bounds, carried, coming))


@jit
def _fill_fields(
    raw: Raw,
    states: States,
    growth: Growth,
    out: Fields,
    place: Place,
    bounds: Bounds,
    carried: Floats,
    coming: Longs,
) -> tuple[bool, bool, bool, bool]:
    shares, last_shares, floating, special = carried[0], carried[1], carried[2], carried[3]
    tick, per_cny = bounds.tick, bounds.per_cny
    has_turnover = has_cap = factor_off = moved = False
    for t in range(len(raw.close)):
        for k in range(place.names):
            n, m = place.grid + k, place.panel + k
            while coming[k] < growth.first[m + 1] and growth.row[coming[k]] <= t:
                shares[k] *= growth.times[coming[k]]
                coming[k] += 1
            out.share_factor[t, m] = shares[k]
            if states.has_row[t, n]:
                special[k] = raw.is_st[t, n]
            traded, inside = states.traded[t, n], states.inside[t, m]
            close, factor = out.close[t, m], out.adj_factor[t, m]
            last_close = out.close[t - 1, m] if t else np.nan
            last_factor = out.adj_factor[t - 1, m] if t else np.nan
            out.trading[t, m] = 1.0 if traded else 0.0
            out.returns[t, m] = close * factor / (last_close * last_factor) - 1.0
            if not inside:
                out.open[t, m] = out.high[t, m] = out.low[t, m] = np.nan
                out.preclose[t, m] = out.vwap[t, m] = out.market_cap[t, m] = np.nan
                out.volume[t, m] = out.amount[t, m] = out.turnover[t, m] = np.nan
                continue
            if special[k] > 0.0:
                out.is_st[t, m] = 1.0
            if traded:
                out.open[t, m] = np.floor(raw.open[t, n] * per_cny + (0.5 + 1e-6)) / per_cny
                out.high[t, m] = np.floor(raw.high[t, n] * per_cny + (0.5 + 1e-6)) / per_cny
                out.low[t, m] = np.floor(raw.low[t, n] * per_cny + (0.5 + 1e-6)) / per_cny
                given = raw.preclose[t, n]
                if not given > 0.0:
                    given = last_close * last_factor / factor
                preclose = np.floor(given * per_cny + (0.5 + 1e-6)) / per_cny
                if np.isnan(preclose):
                    preclose = close
                volume, amount, turnover = raw.volume[t, n], raw.amount[t, n], raw.turnover[t, n]
                vwap = raw.vwap[t, n]
                if not vwap > 0.0:
                    vwap = amount / volume
                floating[k] = volume / turnover if turnover > 0.0 else np.nan
                has_turnover = has_turnover or turnover > 0.0
                last_shares[k] = shares[k]
                step = factor / last_factor
                slack = tick / 2 * step + bounds.factor_agrees * last_close
                factor_off = factor_off or np.abs(last_close - preclose * step) > slack
                moved = moved or np.abs(close - preclose) > bounds.widest * preclose + tick / 2
            else:
                out.open[t, m] = out.high[t, m] = out.low[t, m] = close
                preclose = vwap = close
                volume = amount = turnover = 0.0
            out.preclose[t, m], out.vwap[t, m] = preclose, vwap
            out.volume[t, m], out.amount[t, m], out.turnover[t, m] = volume, amount, turnover
            cap = close * (floating[k] * (shares[k] / last_shares[k]))
            out.market_cap[t, m] = cap
            has_cap = has_cap or not np.isnan(cap)
    return has_turnover, has_cap, factor_off, moved

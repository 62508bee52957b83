"""Labels: what a decision would have earned. Defined here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.evaluation.tradability import buyable_at_open
from engine.errors import DataError
from engine.market.panel import MarketPanel
from engine.market.view import MarketView

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Fills:
    """What labels are made of: who can be bought after each session, and at which prices.

    Parameters
    ----------
    members : (T, N) bool array
        Universe of the decision session.
    eligible : (T, N) bool array
        Members at t that a buyer gets at the open of t+1; nobody in the last session.
    prices : (T, N) float64 array
        Adjusted open of each session. After a name's last row, its last adjusted close: a holding whose rows
        end is marked there. 1 where there is no price yet.
    """

    members: Flags
    eligible: Flags
    prices: Array

    @property
    def sessions(self) -> int:
        """Number of sessions T."""
        return len(self.prices)

    def returns(self, horizon_sessions: int) -> Array:
        """Labels at one horizon, (T, N); see `forward_returns`."""
        T = self.sessions
        out = np.full(self.prices.shape, np.nan)
        last = T - 1 - horizon_sessions
        if last > 0:
            entry, end = self.prices[1 : last + 1], self.prices[1 + horizon_sessions :]
            np.subtract(end / entry, 1.0, out=out[:last], where=self.eligible[:last])
        return out


def fills_of(view: MarketView) -> Fills:
    """Return what labels on a view are made of; nothing later than the view is read.

    Raises
    ------
    DataError
        If the market has no opening prices.
    """
    panel = view.panel()
    if "open" not in panel.fields:
        raise DataError("the market has no field 'open': labels are returns from open to open")
    members = np.ascontiguousarray(panel.universe & panel.universe_known[:, None])
    buyable = buyable_at_open(panel)
    prices = _fill_prices(panel)
    eligible = np.zeros_like(members)
    eligible[:-1] = members[:-1] & buyable[1:] & np.isfinite(prices[1:])
    return Fills(members, eligible, np.where(np.isfinite(prices), prices, 1.0))


def forward_returns(view: MarketView, horizon_sessions: int = 1) -> Array:
    """Labels: simple returns from the fill at t+1 to the fill `horizon_sessions` later.

    Parameters
    ----------
    view : MarketView
        (t+1) sessions of N symbols.
    horizon_sessions : int
        h of at least 1.

    Returns
    -------
    (t+1, N) float array
        Adjusted open of session t+1+h over that of t+1, less one. NaN where the name is no member at t,
        cannot be bought at the open of t+1 (suspended, or opening at its upper limit), or where t+1+h lies
        after the view's last session: the last h+1 rows are all NaN.

    Raises
    ------
    DataError
        If the market has no opening prices or the horizon is below 1.

    Notes
    -----
    A name that is suspended at the end is valued at its last close, and one whose rows have ended at its very
    last: what fails or is taken over is not left out. Selling is taken to be possible at t+1+h, and nothing
    is charged.
    """
    if horizon_sessions < 1:
        raise DataError(f"a horizon of {horizon_sessions} sessions: at least 1")
    return fills_of(view).returns(horizon_sessions)


def _fill_prices(panel: MarketPanel) -> Array:
    opened = _adjusted(panel, "open")
    opened = np.where(opened > 0, opened, np.nan)
    if "close" not in panel.fields:
        return opened
    filled: Array = np.where(np.isfinite(opened), opened, last_known(_adjusted(panel, "close")))
    return filled


def last_known(values: Array) -> Array:
    """Each name's value, or the last one before where there is none; NaN before its first."""
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    known: Array = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.nan)
    return known


def _adjusted(panel: MarketPanel, name: str) -> NDArray[Any]:
    return panel.adjusted(name) if "adj_factor" in panel.fields else panel.field(name)

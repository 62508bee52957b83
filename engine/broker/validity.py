"""Prices and lifetimes of orders as backtrader's strategies write them."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from engine.broker.orders import Side
from engine.errors import StrategyError
from engine.market.calendar import DAY
from engine.market.panel import MarketPanel


def limit_price(side: Side, price: float | None, whole_fen: bool) -> float:
    """A limit price in fen; between two ticks it is moved to the one that is no worse for the trader."""
    if price is None or not price > 0:
        raise StrategyError(f"a limit order needs a price above 0, not {price!r}")
    if not whole_fen:
        return price * 100
    return math.floor(price * 100 + 1e-6) if side is Side.BUY else math.ceil(price * 100 - 1e-6)


def sessions_until(valid: Any, panel: MarketPanel, row: int) -> int | None:
    """Sessions an order lives by backtrader's ``valid``; None where it says nothing.

    A date or a timedelta counts the sessions from the next one to that day; 0 is one session.
    """
    if valid is None:
        return None
    today: date = panel.dates[row].astype(object)
    if isinstance(valid, timedelta):
        until: date | None = today + valid if valid else None
    elif isinstance(valid, date):
        until = valid.date() if isinstance(valid, datetime) else valid
    elif valid == 0:
        until = None
    else:
        raise StrategyError(f"valid={valid!r}: give a date, a timedelta, or 0 for one session")
    if until is None:
        return 1
    sessions = panel.calendar.between(panel.dates[row] + DAY, np.datetime64(until, "D"))
    if not len(sessions):
        raise StrategyError(f"valid={valid}: no session lies between {today} and then")
    return len(sessions)

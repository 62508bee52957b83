"""Prices of one session as a broker sees them, in fen, symbol by symbol."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.rules.limits import Limits
from engine.rules.lots import LotRule


class Quote(NamedTuple):
    """One stock in one session. Prices are fen: ints on the tick, floats off it; None is not known (yet).

    `previous_close` is the last close before the session, `reference` the ex-right reference price that the
    limits are counted from.
    """

    trading: bool
    previous_close: float
    reference: float
    open: float | None
    close: float | None
    vwap: float | None
    high: float | None
    low: float | None
    limits: Limits
    lot: LotRule


class SessionPrices(Protocol):
    """What a matching step may know: at 09:25 that is the open, after 15:00 everything."""

    @property
    def day(self) -> int:
        """The session, in days since 1970-01-01."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """The stock's prices, or None where it has none (not listed, delisted)."""
        ...

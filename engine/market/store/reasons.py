"""Why a bar is set aside instead of stored, and what arrival is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

import numpy as np

from engine.market.board import Board
from engine.market.calendar import Calendar, Session

#: Fixed-price trading after the close is over; a day's volume changes no more (exchanges' trading rules).
_DAY_IS_OVER = time(15, 30)


class Reason(StrEnum):
    """Why a bar is quarantined. In the order in which they are looked for: the first that holds is given."""

    OFF_CALENDAR = "off_calendar"
    UNFINISHED = "unfinished"
    DUPLICATE = "duplicate"
    BAD_PRICE = "bad_price"
    BAD_OHLC = "bad_ohlc"
    BAD_VOLUME = "bad_volume"
    LOTS_FOR_SHARES = "lots_for_shares"
    VWAP_OUTSIDE = "vwap_outside"
    DIFFERS = "differs"
    FACTOR_BASE = "factor_base"
    STALE_COPY = "stale_copy"
    BAD_FACTOR = "bad_factor"
    DISCONTINUITY = "discontinuity"
    BEYOND_LIMIT = "beyond_limit"
    OFF_GRID = "off_grid"

    @property
    def words(self) -> str:
        """What it means, for people."""
        return _WORDS[self]


_WORDS = {
    Reason.OFF_CALENDAR: "the day is no session of the exchange, or later than those that are known",
    Reason.UNFINISHED: "the session is not over yet",
    Reason.DUPLICATE: "the delivery holds the symbol and session twice, with different values",
    Reason.BAD_PRICE: "a price of a traded session is missing, zero, below or infinite",
    Reason.BAD_OHLC: "open, high, low and close make no bar",
    Reason.BAD_VOLUME: "volume or amount is below zero or infinite",
    Reason.LOTS_FOR_SHARES: "amount ÷ volume is about 100 times the price: the volume counts lots",
    Reason.VWAP_OUTSIDE: "amount ÷ volume lies outside low..high: volume or amount is in another unit",
    Reason.DIFFERS: "the store holds another bar of the session; what is stored stands",
    Reason.FACTOR_BASE: "the factor is on another base than the stored one, and no session ties them",
    Reason.STALE_COPY: "prices, volume and amount are those of the session before",
    Reason.BAD_FACTOR: "the adjustment factor falls or is not above zero",
    Reason.DISCONTINUITY: "the preclose is not the ex-right reference of the session before",
    Reason.BEYOND_LIMIT: "the range goes beyond the price limit",
    Reason.OFF_GRID: "no minute of a session ends then",
}

#: (board, whether under special treatment, day since 1970-01-01) to the limit in percent, None where unknown
LimitPercent = Callable[[Board, bool, int], int | None]


@dataclass(frozen=True)
class ArrivalRules:
    """What bars are judged by.

    Parameters
    ----------
    calendar : Calendar
    now : datetime
        Naive, in Asia/Shanghai: a session that is not over by then is not complete.
    limit_percent : callable or None
        The dated table of price limits; None leaves them untested.
    accepted : frozenset of Reason
        Reasons for which nothing is set aside: somebody has looked, and the bars are right.
    tick : float
        Price tick in CNY.
    """

    calendar: Calendar
    now: datetime
    limit_percent: LimitPercent | None = None
    accepted: frozenset[Reason] = frozenset()
    tick: float = 0.01

    @property
    def last_complete(self) -> Session:
        """Last day whose bars cannot change any more."""
        today = np.datetime64(self.now.date(), "D")
        return today if self.now.time() >= _DAY_IS_OVER else today - np.timedelta64(1, "D")

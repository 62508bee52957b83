"""How far the prices of a session have come at a moment, and how much trading lies between two moments."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from engine.market.phases import (
    CLOSE,
    CLOSING_CALL_BEGINS,
    LUNCH_BEGINS,
    LUNCH_ENDS,
    OPEN,
    OPENING_PRICE,
    SHANGHAI,
)


class Stage(StrEnum):
    """What is known of a session's prices."""

    BEFORE_OPEN = "before_open"
    OPENED = "opened"  # the opening price, until trading goes on at 9:30
    TRADING = "trading"
    LUNCH = "lunch"
    CLOSING = "closing"  # the closing auction collects orders
    CLOSED = "closed"

    @property
    def at_rest(self) -> bool:
        """Whether prices stand still, so that two sources must show the same."""
        return self in (Stage.OPENED, Stage.LUNCH, Stage.CLOSED)


#: Where each stage begins, the last one first.
_BEGINS = (
    (CLOSE, Stage.CLOSED),
    (CLOSING_CALL_BEGINS, Stage.CLOSING),
    (LUNCH_ENDS, Stage.TRADING),
    (LUNCH_BEGINS, Stage.LUNCH),
    (OPEN, Stage.TRADING),
    (OPENING_PRICE, Stage.OPENED),
    (time(0), Stage.BEFORE_OPEN),
)
_TRADING = ((OPEN, LUNCH_BEGINS), (LUNCH_ENDS, CLOSING_CALL_BEGINS))
#: a minute after the opening auction begins to take orders
_ORDERS_ARE_IN = time(9, 16)


def stage_of(moment: datetime) -> Stage:
    """Stage of a moment of a trading session, given in any zone."""
    clock = moment.astimezone(SHANGHAI).time()
    return next(stage for begin, stage in _BEGINS if clock >= begin)


def trading_seconds(session: date, first: datetime, last: datetime) -> float:
    """Seconds of continuous trading of a session between two moments; 0 where the first is the later one."""
    total = timedelta()
    for begin, end in _TRADING:
        start = max(first, datetime.combine(session, begin, SHANGHAI))
        stop = min(last, datetime.combine(session, end, SHANGHAI))
        total += max(timedelta(), stop - start)
    return total.total_seconds()


def auction_has_begun(moment: datetime) -> bool:
    """Whether a stock that trades would have orders by then."""
    return moment.astimezone(SHANGHAI).time() >= _ORDERS_ARE_IN

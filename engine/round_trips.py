"""Round trips: from the first share bought of a name to the last one sold, with all that was paid between."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from engine.broker.journal import Journal
from engine.broker.orders import Event, ExDate, Fill, Side


class RoundTrip(NamedTuple):
    """One stay in a name. `profit_fen` is after costs, taxes and with dividends; rows are panel rows."""

    symbol: str
    opened: int
    closed: int
    invested_fen: int
    profit_fen: int


def round_trips(journal: Journal) -> list[RoundTrip]:
    """Closed round trips in order of their end."""
    #: by name: shares, row of the first buy, money put in, profit so far
    open_stays: dict[str, list[int]] = {}
    out = []
    for row, event in _in_order(journal):
        if isinstance(event, Fill):
            symbol, is_buy, shares = event.request.symbol, event.side is Side.BUY, event.shares
            amount = -event.amount_fen if is_buy else event.amount_fen
            flow = amount - event.fees_fen - event.tax_fen
            stay = open_stays.get(symbol)
            if stay is None:
                stay = open_stays[symbol] = [0, row, 0, 0]
            stay[0] += shares if is_buy else -shares
            stay[3] += flow
            if flow < 0:
                stay[2] -= flow
            if not stay[0]:
                _, opened, spent, profit = open_stays.pop(symbol)
                out.append(RoundTrip(symbol, opened, row, spent, profit))
        elif isinstance(event, ExDate):
            stay = open_stays[event.symbol]
            stay[0] = event.shares_after
            stay[3] += event.cash_fen - event.rights_cost_fen
            stay[2] += event.rights_cost_fen + max(0, -event.cash_fen)
    return out


def _in_order(journal: Journal) -> Sequence[tuple[int, Event]]:
    """Ex-dates come before the trades of the same session."""
    if not journal.ex_dates:
        return journal.trades
    events: list[tuple[int, Event]] = [*journal.ex_dates, *journal.trades]
    events.sort(key=itemgetter(0))
    return events

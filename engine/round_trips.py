"""Round trips: from the first share bought of a name to the last one sold, with all that was paid between."""

from __future__ import annotations

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
    shares: dict[str, int] = {}
    opened: dict[str, int] = {}
    spent: dict[str, int] = {}
    profit: dict[str, int] = {}
    out = []
    for row, event in _in_order(journal):
        if isinstance(event, Fill):
            symbol, flow = event.request.symbol, -event.fees.total - event.tax_fen
            if event.side is Side.BUY:
                if not shares.get(symbol):
                    opened[symbol], shares[symbol], spent[symbol], profit[symbol] = row, 0, 0, 0
                shares[symbol] += event.shares
                flow -= event.amount_fen
            else:
                shares[symbol] -= event.shares
                flow += event.amount_fen
            profit[symbol] += flow
            if flow < 0:
                spent[symbol] -= flow
            if not shares[symbol]:
                out.append(RoundTrip(symbol, opened[symbol], row, spent[symbol], profit[symbol]))
        elif isinstance(event, ExDate):
            symbol = event.symbol
            shares[symbol] = event.shares_after
            profit[symbol] += event.cash_fen - event.rights_cost_fen
            spent[symbol] += event.rights_cost_fen + max(0, -event.cash_fen)
    return out


def _in_order(journal: Journal) -> list[tuple[int, Event]]:
    """Ex-dates come before the trades of the same session."""
    events: list[tuple[int, Event]] = [*journal.ex_dates, *journal.trades]
    events.sort(key=itemgetter(0))
    return events

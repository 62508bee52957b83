"""Round trips: from the first share bought of a name to the last one sold, with all that was paid between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.broker.orders import ExDate, Fill, Side
from engine.broker.shell import Journal


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
    flows: dict[str, list[int]] = {}
    opened: dict[str, int] = {}
    out = []
    for row, event in _in_order(journal):
        if isinstance(event, ExDate):
            shares[event.symbol] = event.shares_after
            flows[event.symbol] += [event.cash_fen, -event.rights_cost_fen]
            continue
        symbol = event.request.symbol
        paid = event.fees.total + event.tax_fen
        if event.side is Side.BUY:
            if not shares.get(symbol):
                opened[symbol], flows[symbol] = row, []
            shares[symbol] = shares.get(symbol, 0) + event.shares
            flows[symbol].append(-event.amount_fen - paid)
        else:
            shares[symbol] -= event.shares
            flows[symbol].append(event.amount_fen - paid)
            if not shares[symbol]:
                spent = -sum(f for f in flows[symbol] if f < 0)
                out.append(RoundTrip(symbol, opened[symbol], row, spent, sum(flows[symbol])))
    return out


def _in_order(journal: Journal) -> Iterator[tuple[int, Fill | ExDate]]:
    """Ex-dates come before the trades of the same session."""
    events: list[tuple[int, int, Fill | ExDate]] = [(row, 0, event) for row, event in journal.ex_dates]
    events += [(row, 1, event) for row, event in journal.trades if isinstance(event, Fill)]
    events.sort(key=lambda item: item[:2])
    for row, _, event in events:
        yield row, event

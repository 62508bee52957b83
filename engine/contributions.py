"""What each name added to the equity of a run, to the fen."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from engine.broker.journal import Journal
from engine.broker.orders import Fill, Side


class Contribution(NamedTuple):
    """What one name brought and cost over a run; everything in fen.

    `profit_fen` = sales − purchases − fees − taxes + dividends − rights + what is still held at the end, so
    that over all names it sums to the final equity minus the starting cash. Slippage lies in the prices.
    """

    symbol: str
    profit_fen: int
    dividends_fen: int
    fees_fen: int
    fills: int
    sessions: int
    value_fen: int


def contributions(journal: Journal) -> list[Contribution]:
    """One row per name ever held, the greatest profit first, ties by symbol."""
    flow: dict[str, int] = defaultdict(int)
    dividends: dict[str, int] = defaultdict(int)
    fees: dict[str, int] = defaultdict(int)
    fills: dict[str, int] = defaultdict(int)
    sessions: dict[str, int] = defaultdict(int)
    for _, event in journal.trades:
        if isinstance(event, Fill):
            symbol, paid = event.request.symbol, event.fees_fen + event.tax_fen
            flow[symbol] += (-event.amount_fen if event.side is Side.BUY else event.amount_fen) - paid
            fees[symbol] += paid
            fills[symbol] += 1
    for _, ex_date in journal.ex_dates:
        flow[ex_date.symbol] += ex_date.cash_fen - ex_date.rights_cost_fen
        dividends[ex_date.symbol] += ex_date.cash_fen
    holdings = journal.holdings
    for holding in holdings:
        sessions[holding.symbol] += 1
    last = journal.sessions[-1].row if journal.sessions else -1
    held = {h.symbol: h.value_fen for h in holdings if h.row == last}
    rows = [
        Contribution(
            symbol,
            flow[symbol] + held.get(symbol, 0),
            dividends[symbol],
            fees[symbol],
            fills[symbol],
            sessions[symbol],
            held.get(symbol, 0),
        )
        for symbol in sorted(flow)
    ]
    return sorted(rows, key=lambda row: -row.profit_fen)

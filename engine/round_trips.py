"""Round trips: from the first share bought of a name to the last one sold, with all that was paid between."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from engine.broker.journal import Journal
from engine.broker.orders import ExDate, Side

_COSTS = ("commission_fen", "stamp_duty_fen", "transfer_fee_fen", "tax_fen")


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
    for row, symbol, shares, flow, ex_date in _changes(journal):
        stay = open_stays.get(symbol)
        if stay is None:
            stay = open_stays[symbol] = [0, row, 0, 0]
        if ex_date is None:
            stay[0] += shares
            stay[3] += flow
            if flow < 0:
                stay[2] -= flow
        else:
            stay[0] = ex_date.shares_after
            stay[3] += ex_date.cash_fen - ex_date.rights_cost_fen
            stay[2] += ex_date.rights_cost_fen + max(0, -ex_date.cash_fen)
        if not stay[0]:
            _, opened, spent, profit = open_stays.pop(symbol)
            out.append(RoundTrip(symbol, opened, row, spent, profit))
    return out


def _changes(journal: Journal) -> Iterable[tuple[int, str, int, int, ExDate | None]]:
    """Row, symbol, shares and money of every fill, and the ex-dates, which come first in their session."""
    column = journal.trades.column
    changes: list[tuple[int, str, int, int, ExDate | None]] = []
    for row, event in journal.ex_dates:
        changes.append((row, event.symbol, 0, 0, event))
    names = ("row", "symbol", "side", "shares", "amount_fen", *_COSTS)
    for row, symbol, side, shares, amount, commission, stamp, transfer, tax in zip(
        *map(column, names), strict=True
    ):
        cost = commission + stamp + transfer + tax
        if shares and side is Side.BUY:
            changes.append((row, symbol, shares, -amount - cost, None))
        elif shares:
            changes.append((row, symbol, -shares, amount - cost, None))
    if journal.ex_dates:
        changes.sort(key=itemgetter(0))
    return changes

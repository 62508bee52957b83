"""`QuickStep`: plain baskets over a panel, matched in machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.broker import basket_kernel as k
from engine.broker.account import Account, Lot, Lots
from engine.broker.match import FillAt, Terms
from engine.broker.orders import Basket, Fill, OrderRequest, Reason, Refusal, Side, Trade
from engine.broker.quotes import PanelPrices
from engine.errors import RuleError
from engine.rules.fees import Rates
from engine.rules.limits import limit_percent
from engine.rules.lots import lot_rule

_BUY, _SELL = Side.BUY, Side.SELL
#: A whole position to be sold, and a slot to be filled, as requests write them after the day.
_SALE = (None, None, 0, None, None, None, 1, 0, 0)
_SLOT = (None, 0, None, None, None, None, 1, 0, 0)

_AT = {FillAt.OPEN: k.AT_OPEN, FillAt.VWAP: k.AT_VWAP, FillAt.CLOSE: k.AT_CLOSE}


class QuickStep:
    """`engine.broker.match.step` for the baskets that Top-k sends, nearly always: the same result, sooner.

    A basket is plain if it sells whole positions, each once, and fills slots with equal money, all for one
    session, at the market. Where an order of it turns out to be anything but plain (a new listing, special
    treatment, a size beyond the exchange's cap, too little cash, a rule that no table knows), nothing is
    done, and `step` is to judge it.
    """

    def __init__(self, prices: PanelPrices, terms: Terms) -> None:
        self._prices, self._terms = prices, terms
        fields = prices.panel.fields
        names = ("open", "high", "low", "close", "preclose", "vwap", "trading", "is_st")
        self._fields = tuple(np.ascontiguousarray(fields[name]) for name in names)
        self._sell_at, self._buy_at = _AT[terms.sell_at], _AT[terms.buy_at]
        self._possible = prices.whole_fen and not terms.dividend_tax
        boards = prices.panel.instruments.boards
        self._boards = tuple(dict.fromkeys(boards))
        self._exchanges = tuple(dict.fromkeys(symbol[-2:] for symbol in prices.symbols))
        self._rules = np.empty((len(prices.symbols), k.RULES), dtype=np.int64)
        self._known: Any = None

    def step(self, account: Account, basket: Basket) -> tuple[Account, list[Trade]] | None:
        """Match a basket at the session of the prices, or return None where it is not plain."""
        slots = basket.slot_buys
        prices, day = self._prices, self._prices.day
        if slots is None or slots.weights is not None or prices.row in prices.special_rows:
            return None
        most = -1 if slots.max_value_fen is None else slots.max_value_fen
        if not self._possible or max(account.cash_fen, slots.reserve_fen, most) > k.LARGEST_MONEY:
            return None
        sells = basket.orders
        held: dict[str, int] = {}
        for request in sells:
            symbol = request[1]
            lots = account.lots.get(symbol)
            if lots is None or request[2] is not _SELL or request[4:] != _SALE or lots[-1].day >= day:
                return None
            held[symbol] = lots[0].shares if len(lots) == 1 else sum([lot.shares for lot in lots])
        if len(held) < len(sells):
            return None
        for request in slots.candidates:
            if request[2] is not _BUY or request[4:] != _SLOT:
                return None
        orders = (*sells, *slots.candidates)
        columns = np.array(prices.columns([request[1] for request in orders]), dtype=np.int64)
        out = np.zeros((len(orders), k.FIELDS), dtype=np.int64)
        tried, cash = k.match_plain(
            self._fields,
            prices.row,
            columns,
            self._rules_today(),
            np.array(list(held.values()), dtype=np.int64),
            len(account.lots),
            slots.slots,
            account.cash_fen,
            slots.risk_degree,
            slots.reserve_fen,
            most,
            slots.substitute,
            basket.both_sides_at_limit,
            self._sell_at,
            self._buy_at,
            self._terms.slippage_milli_bps,
            out,
        )
        if tried < 0:
            return None
        done = orders[: len(sells) + tried]
        positions, events = _booked(account, day, len(sells), done, out.tolist())
        refused = slots.candidates[tried : slots.wanted]
        events += [Refusal(request, _BUY, 0, Reason.NO_FREE_SLOT) for request in refused]
        return Account(cash, positions, account.receivables), events

    def _rules_today(self) -> NDArray[np.int64]:
        """(N, RULES) what holds for every symbol in the session; made anew when a rule changes."""
        day, lot = self._prices.day, self._terms.lot
        by_board = {
            board: (limit_percent(board, False, day), limit_percent(board, True, day), lot_rule(board, day))
            for board in self._boards
        }
        by_exchange = {exchange: self._rates(exchange, day) for exchange in self._exchanges}
        if self._known == (by_board, by_exchange):
            return self._rules
        self._known = by_board, by_exchange
        prices = self._prices
        for n, board in enumerate(prices.panel.instruments.boards):
            percent, percent_st, lot_of_board = by_board[board]
            own, rates = lot or lot_of_board, by_exchange[prices.symbols[n][-2:]]
            fees = () if rates is None else (*rates[0][2:], *rates[1][2:])
            if not fees or max(fees) > k.LARGEST_RATE or own.minimum > k.LARGEST_AMOUNT:
                self._rules[n] = k.UNKNOWN
                continue
            self._rules[n] = (
                *(_known(percent), _known(percent_st), prices.settled[n]),
                *(own.minimum, own.step, _known(own.order_cap), *fees),
            )
        return self._rules

    def _rates(self, exchange: str, day: int) -> tuple[Rates, Rates] | None:
        """Fees of purchases and of sales; None where no table has them."""
        rates = self._terms.fees.rates
        try:
            return rates(exchange, True, day), rates(exchange, False, day)
        except RuleError:
            return None  # an exchange that is not open yet; who trades there is told


def _known(value: int | None) -> int:
    return -1 if value is None else value


def _booked(
    account: Account, day: int, n_sells: int, orders: tuple[OrderRequest, ...], outcomes: list[list[int]]
) -> tuple[dict[str, Lots], list[Trade]]:
    """The lots and the events that follow from the outcomes."""
    lots = dict(account.lots)
    events: list[Trade] = []
    for i, (request, outcome) in enumerate(zip(orders, outcomes, strict=False)):
        code, price, shares, amount, commission, stamp, transfer, asked, slip = outcome
        side, symbol = request[2], request[1]
        if code:
            reason: Any = k.OUTCOMES[code]
            events.append(Refusal(request, side, asked, reason))
            continue
        cost = 0
        if i < n_sells:
            sold = lots.pop(symbol)
            cost = sold[0].cost_fen if len(sold) == 1 else sum([lot.cost_fen for lot in sold])
        else:
            bought = Lot(shares, day, amount + commission + stamp + transfer)
            before = lots.get(symbol)
            lots[symbol] = (bought,) if before is None else (*before, bought)
        # as Fill(...), without the call that a named tuple puts in between
        fill = (request, side, shares, price, amount, commission, stamp, transfer, asked, None, cost, 0, slip)
        events.append(tuple.__new__(Fill, fill))
    return lots, events

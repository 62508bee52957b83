"""One session's quotes, accounts and orders written by hand, for the tests of the pure step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.broker.account import Account, Lot
from engine.broker.match import Terms, step
from engine.broker.orders import Basket, Event, Fill, OrderRequest, Refusal, Side, SlotBuys, order_id
from engine.broker.prices import Quote
from engine.market.board import board_of
from engine.rules.fees import PlainFees
from engine.rules.limits import Limits, LimitState, price_limits
from engine.rules.lots import lot_rule
from engine.rules.table import day_of

MOUTAI, PINGAN, CATL, SMIC, BSE_NAME = "600519.SH", "000001.SZ", "300750.SZ", "688981.SH", "830799.BJ"
NO_FEES = PlainFees(0.0, 0.0)

#: 2023-06-01 and -02 are a Thursday and a Friday: the decision and its fills
YESTERDAY, TODAY = day_of(date(2023, 6, 1)), day_of(date(2023, 6, 2))
LONG_AGO = day_of(date(2021, 6, 1))


def fen(cny: float) -> int:
    """CNY with at most two decimals, in fen."""
    out = round(cny * 100)
    assert abs(out - cny * 100) < 1e-6
    return out


def quote(
    open: float,
    *,
    symbol: str = MOUTAI,
    reference: float | None = None,
    high: float | None = None,
    low: float | None = None,
    close: float | None = None,
    vwap: float | None = None,
    st: bool = False,
    trading: bool = True,
    limits: Limits | None = None,
) -> Quote:
    """A bar in CNY, flat at its open unless told, with the limits of its board from the reference."""
    board = board_of(symbol)
    base = fen(open if reference is None else reference)
    prices = [open if price is None else price for price in (high, low, close)]
    return Quote(
        trading=trading,
        previous_close=base,
        reference=base,
        open=fen(open),
        close=fen(prices[2]),
        vwap=None if vwap is None else vwap * 100,
        high=fen(max(prices[0], open)),
        low=fen(min(prices[1], open)),
        limits=price_limits(board, st, base, TODAY, None, 1000) if limits is None else limits,
        lot=lot_rule(board, TODAY, st),
    )


UNLIMITED = Limits(LimitState.UNLIMITED, None, None)


@dataclass
class Session:
    """Prices of one session; a symbol without a quote is not listed."""

    quotes: Mapping[str, Quote]
    day: int = TODAY

    def quote(self, symbol: str) -> Quote | None:
        return self.quotes.get(symbol)


def holding(cash: float) -> Account:
    """An account with cash in CNY and nothing else; see `with_lots`."""
    return Account(fen(cash))


def with_lots(cash: float, *lots: tuple[str, int, int]) -> Account:
    """An account with cash in CNY and lots of (symbol, shares, day bought), each at 1 CNY a share."""
    held: dict[str, tuple[Lot, ...]] = {}
    for symbol, shares, day in lots:
        held[symbol] = (*held.get(symbol, ()), Lot(shares, day, shares * 100))
    return Account(fen(cash), held)


def buy(symbol: str = MOUTAI, *, value: float | None = None, **terms: Any) -> OrderRequest:
    """A buy decided yesterday; `value` in CNY, or shares=, target_fen=, sizing_price_fen=, cap_shares=."""
    return _order(symbol, Side.BUY, value, terms)


def sell(symbol: str = MOUTAI, **terms: Any) -> OrderRequest:
    """A sale decided yesterday."""
    return _order(symbol, Side.SELL, None, terms)


def _order(symbol: str, side: Side, value: float | None, terms: dict[str, Any]) -> OrderRequest:
    money = {} if value is None else {"value_fen": fen(value)}
    return OrderRequest(order_id(YESTERDAY, symbol, side, 1), symbol, side, YESTERDAY, **money, **terms)


@dataclass
class Outcome:
    """The account after a step, and its events."""

    account: Account
    events: list[Event] = field(default_factory=list)

    @property
    def story(self) -> list[tuple[str, int, str]]:
        """(symbol, shares, reason) of every event in order; negative shares were sold, 0 refused."""
        return [
            (
                e.request.symbol,
                (e.shares if e.side is Side.BUY else -e.shares) if isinstance(e, Fill) else 0,
                e.reason.value if e.reason else "",
            )
            for e in self.events
            if isinstance(e, Fill | Refusal)
        ]

    @property
    def fills(self) -> list[Fill]:
        return [e for e in self.events if isinstance(e, Fill)]

    @property
    def fill(self) -> Fill:
        """The only event, a fill."""
        (event,) = self.events
        assert isinstance(event, Fill), event
        return event

    @property
    def refused(self) -> str:
        """Reason of the only event, a refusal."""
        (event,) = self.events
        assert isinstance(event, Refusal), event
        return event.reason.value


def trade(
    account: Account,
    orders: OrderRequest | Basket | tuple[OrderRequest, ...],
    quotes: Quote | Mapping[str, Quote],
    **terms: Any,
) -> Outcome:
    """Step an account through one session, free of costs unless `fees` says otherwise."""
    if isinstance(orders, OrderRequest):
        orders = Basket((orders,))
    elif not isinstance(orders, Basket):
        orders = Basket(tuple(orders))
    if isinstance(quotes, Quote):
        quotes = {orders.orders[0].symbol: quotes}
    return Outcome(*step(account, orders, Session(quotes), Terms(**{"fees": NO_FEES, **terms})))


def slots(*symbols: str, names: int, **terms: Any) -> Basket:
    """Slot buys of the symbols in order of preference, for a portfolio of so many `names`."""
    return Basket((), SlotBuys(tuple(buy(s, value=0) for s in symbols), names, **terms))

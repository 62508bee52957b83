"""Matching: ``step(account, basket, prices, terms)`` is a pure function, the same in back-test and paper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from engine.broker.account import Account, Lot, Lots, take_first_in_first_out
from engine.broker.orders import Basket, Event, Fill, OrderRequest, Reason, Refusal, Side, SlotBuys
from engine.broker.prices import Quote, SessionPrices
from engine.rules.dividend_tax import dividend_tax_percent
from engine.rules.fees import Fees, FeeSchedule
from engine.rules.lots import LotRule

_BPS = 10**7  # basis points are kept in thousandths, so that slipped prices are exact
_HAIR = 1e-6  # fen: what floats do to a vwap that lies on the tick


class FillAt(StrEnum):
    """Price of the next session at which an order is filled."""

    OPEN = "open"
    VWAP = "vwap"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Terms:
    """How the broker trades: where, at what cost, with which slip.

    ``slippage_milli_bps`` is in thousandths of a basis point. ``lot`` overrides the board's lot.
    """

    fees: FeeSchedule
    sell_at: FillAt = FillAt.OPEN
    buy_at: FillAt = FillAt.OPEN
    slippage_milli_bps: int = 0
    lot: LotRule | None = None
    dividend_tax: bool = False


def step(
    account: Account, basket: Basket, prices: SessionPrices, terms: Terms
) -> tuple[Account, list[Event]]:
    """Fill a basket at the prices of one session.

    Sells first, then buys in order, then the slot buys with the cash that is left. Nothing is done to the
    account that came in.

    Returns
    -------
    (Account, list of Event)
        The account after the fills, and one `Fill` or `Refusal` per order tried, in the order of matching.
    """
    book = _Book(account, prices, terms, basket.both_sides_at_limit)
    for request in basket.orders:
        if request.side is Side.SELL:
            book.sell(request)
    for request in basket.orders:
        if request.side is Side.BUY:
            book.buy(request)
    if basket.slot_buys is not None:
        book.fill_slots(basket.slot_buys)
    return Account(book.cash, book.lots), book.events


def slipped(base: float, is_buy: bool, quote: Quote, milli_bps: int) -> float:
    """Price after slippage: rounded to the tick against the trader, clipped to [low, high] and the limits.

    `base` and the result are in fen; a base off the grid of a stock that trades on it (a vwap) is rounded
    too. Without a grid (float references) nothing is rounded.
    """
    price: float = base
    if isinstance(quote.reference, int):
        if isinstance(base, int):
            moved = base * (_BPS + milli_bps if is_buy else _BPS - milli_bps)
            price = -(-moved // _BPS) if is_buy else moved // _BPS
        else:
            exact = base * (1 + milli_bps / _BPS if is_buy else 1 - milli_bps / _BPS)
            price = math.ceil(exact - _HAIR) if is_buy else math.floor(exact + _HAIR)
    elif milli_bps:
        price = base * (1 + milli_bps / _BPS if is_buy else 1 - milli_bps / _BPS)
    if quote.high is not None and price > quote.high:
        price = quote.high
    if quote.low is not None and price < quote.low:
        price = quote.low
    if quote.limits.up is not None and price > quote.limits.up:
        price = quote.limits.up
    if quote.limits.down is not None and price < quote.limits.down:
        price = quote.limits.down
    return price


def amount_of(price: float, shares: int) -> int:
    """Price × shares in whole fen; exact on the tick, rounded half up off it."""
    amount = price * shares
    return amount if isinstance(amount, int) else math.floor(amount + 0.5)


def _at_upper_limit(base: float, quote: Quote) -> bool:
    """Whether nobody sells: at the limit, or sealed there all session (amounts are rounded: so is a vwap)."""
    up = quote.limits.up
    return up is not None and (base >= up - _HAIR or (quote.low is not None and quote.low >= up))


def _at_lower_limit(base: float, quote: Quote) -> bool:
    """Whether nobody buys."""
    down = quote.limits.down
    return down is not None and (base <= down + _HAIR or (quote.high is not None and quote.high <= down))


class _Book:
    """The account while a basket is being matched."""

    def __init__(
        self, account: Account, prices: SessionPrices, terms: Terms, both_sides_at_limit: bool
    ) -> None:
        self.cash = account.cash_fen
        self.lots: dict[str, Lots] = dict(account.lots)
        self.events: list[Event] = []
        self.prices = prices
        self.terms = terms
        self.both_sides_at_limit = both_sides_at_limit

    # -- sells

    def sell(self, request: OrderRequest) -> None:
        lots = self.lots.get(request.symbol, ())
        held = sum(lot.shares for lot in lots)
        requested = held if request.target_fen == 0 else request.shares or 0
        if not held:
            self._refuse(request, requested, Reason.NO_POSITION)
            return
        quote = self.prices.quote(request.symbol)
        base = self._base(quote, self.terms.sell_at)
        if isinstance(base, Reason) or quote is None:
            self._refuse(request, requested, base if isinstance(base, Reason) else Reason.NO_PRICE)
            return
        limit = self._limit_hit(base, quote, request.side)
        if limit is not None:
            self._refuse(request, requested, limit)
            return
        price = slipped(base, False, quote, self.terms.slippage_milli_bps)
        lot = self.terms.lot or quote.lot
        if request.target_fen is not None:
            sizing = request.sizing_price_fen or price
            requested = max(0, held - lot.buyable(int(request.target_fen / sizing)))
        free = sum(part.shares for part in lots if part.day < self.prices.day)
        wanted = requested if request.cap_shares is None else min(requested, request.cap_shares)
        shares = lot.sellable(wanted, held, free)
        reason = self._why_less_sold(requested, shares, held, free, request.cap_shares)
        if not shares:
            self._refuse(request, requested, reason or Reason.BELOW_ONE_LOT)
            return
        self._book_sale(request, quote, base, price, shares, requested, reason)

    def _book_sale(
        self,
        request: OrderRequest,
        quote: Quote,
        base: float,
        price: float,
        shares: int,
        requested: int,
        reason: Reason | None,
    ) -> None:
        symbol, day = request.symbol, self.prices.day
        amount = amount_of(price, shares)
        fees = self.terms.fees.charge(symbol, False, amount, day)
        if fees.total > self.cash + amount:
            # a minimum fee larger than a worthless position: selling it would cost more than there is
            self._refuse(request, requested, Reason.INSUFFICIENT_CASH)
            return
        taken, left = take_first_in_first_out(self.lots[symbol], shares)
        tax = 0
        if self.terms.dividend_tax:
            tax = sum((x.dividends_fen * dividend_tax_percent(x.day, day) + 50) // 100 for x in taken)
            tax = min(tax, self.cash + amount - fees.total)
        self.cash += amount - fees.total - tax
        if left:
            self.lots[symbol] = left
        else:
            del self.lots[symbol]
        cost = sum(x.cost_fen for x in taken)
        slip = amount_of(base, shares) - amount
        self.events.append(
            Fill(request, Side.SELL, shares, price, amount, fees, requested, reason, cost, tax, slip)
        )

    @staticmethod
    def _why_less_sold(requested: int, shares: int, held: int, free: int, cap: int | None) -> Reason | None:
        if shares >= min(requested, held):
            return Reason.NO_POSITION if requested > held else None
        if free < min(requested, held):
            return Reason.T_PLUS_1
        if cap is not None and cap < requested:
            return Reason.PARTICIPATION
        return Reason.BELOW_ONE_LOT

    # -- buys

    def buy(self, request: OrderRequest) -> bool:
        """Try one buy; whether anything was bought."""
        asked = request.shares or 0
        quote = self.prices.quote(request.symbol)
        base = self._base(quote, self.terms.buy_at)
        if isinstance(base, Reason) or quote is None:
            return self._refuse(request, asked, base if isinstance(base, Reason) else Reason.NO_PRICE)
        limit = self._limit_hit(base, quote, request.side)
        if limit is not None:
            return self._refuse(request, asked, limit)
        price = slipped(base, True, quote, self.terms.slippage_milli_bps)
        lot = self.terms.lot or quote.lot
        asked = self._asked(request, price, lot)
        wanted = asked if request.cap_shares is None else min(asked, request.cap_shares)
        shares = lot.buyable(wanted)
        if not shares:
            capped = wanted < asked and lot.buyable(asked) > 0
            return self._refuse(request, asked, Reason.PARTICIPATION if capped else Reason.BELOW_ONE_LOT)
        affordable, amount, fees = self._affordable(request.symbol, price, shares, lot)
        if not affordable:
            return self._refuse(request, asked, Reason.INSUFFICIENT_CASH)
        reason = None
        if affordable < shares:
            reason = Reason.INSUFFICIENT_CASH
        elif wanted < asked:
            reason = Reason.PARTICIPATION
        elif shares < asked:
            reason = Reason.BELOW_ONE_LOT
        self.cash -= amount + fees.total
        bought = Lot(affordable, self.prices.day, amount + fees.total)
        self.lots[request.symbol] = (*self.lots.get(request.symbol, ()), bought)
        slip = amount - amount_of(base, affordable)
        self.events.append(
            Fill(request, Side.BUY, affordable, price, amount, fees, asked, reason, slippage_fen=slip)
        )
        return True

    def _asked(self, request: OrderRequest, price: float, lot: LotRule) -> int:
        """Shares wanted. Money buys whole lots; a number of shares stays as it was asked for."""
        sizing = request.sizing_price_fen or price
        if request.value_fen is not None:
            shares = int(request.value_fen / sizing)
            return lot.buyable(shares) or shares
        if request.target_fen is not None:
            held = sum(part.shares for part in self.lots.get(request.symbol, ()))
            shares = max(0, int(request.target_fen / sizing) - held)
            return lot.buyable(shares) or shares
        return request.shares or 0

    def _affordable(self, symbol: str, price: float, shares: int, lot: LotRule) -> tuple[int, int, Fees]:
        while shares:
            amount = amount_of(price, shares)
            fees = self.terms.fees.charge(symbol, True, amount, self.prices.day)
            excess = amount + fees.total - self.cash
            if excess <= 0:
                return shares, amount, fees
            # fees fall with the shares: taking off half of the excess never takes too much
            shares = lot.buyable(max(0, shares - max(1, int(excess / (2 * price)))))
        return 0, 0, Fees(0, 0, 0)

    def fill_slots(self, slots: SlotBuys) -> None:
        free = max(0, slots.slots - len(self.lots))
        chosen = slots.candidates[:free]
        spendable = max(0, min(int(self.cash * slots.risk_degree), self.cash - slots.reserve_fen))
        weights = slots.weights[: len(chosen)] if slots.weights else (1.0,) * len(chosen)
        total = sum(weights)
        money = [int(spendable * weight / total) for weight in weights]
        if slots.max_value_fen is not None:
            money = [min(each, slots.max_value_fen) for each in money]
        tried = 0
        for each in money:
            for request in slots.candidates[tried:]:
                tried += 1
                if self.buy(request._replace(value_fen=each)) or not slots.substitute:
                    break
        for request in slots.candidates[tried : slots.wanted]:
            self._refuse(request, 0, Reason.NO_FREE_SLOT)

    # -- both

    def _limit_hit(self, base: float, quote: Quote, side: Side) -> Reason | None:
        if (side is Side.BUY or self.both_sides_at_limit) and _at_upper_limit(base, quote):
            return Reason.LIMIT_UP
        if (side is Side.SELL or self.both_sides_at_limit) and _at_lower_limit(base, quote):
            return Reason.LIMIT_DOWN
        return None

    def _base(self, quote: Quote | None, at: FillAt) -> float | Reason:
        if quote is None:
            return Reason.NO_PRICE
        if not quote.trading:
            return Reason.SUSPENDED
        price = quote.open if at is FillAt.OPEN else quote.vwap if at is FillAt.VWAP else quote.close
        return Reason.NO_PRICE if price is None else price

    def _refuse(self, request: OrderRequest, requested: int, reason: Reason) -> bool:
        self.events.append(Refusal(request, request.side, requested, reason))
        return False

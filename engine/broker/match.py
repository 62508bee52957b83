"""Matching: ``step(account, basket, prices, terms)`` is a pure function, the same in back-test and paper."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from engine.broker.account import Account, Lot, Lots, take_first_in_first_out
from engine.broker.orders import Basket, Fill, OrderRequest, Reason, Refusal, Side, SlotBuys, Trade
from engine.broker.prices import Quote, SessionPrices
from engine.rules.dividend_tax import dividend_tax_percent
from engine.rules.fees import Fees, FeeSchedule
from engine.rules.lots import LotRule

_BPS = 10**7  # basis points are kept in thousandths, so that slipped prices are exact
_HAIR = 1e-6  # fen: what floats do to a vwap that lies on the tick
_BUY, _SELL = Side.BUY, Side.SELL


class FillAt(StrEnum):
    """Price of the next session at which an order is filled."""

    OPEN = "open"
    VWAP = "vwap"
    CLOSE = "close"


_OPEN = FillAt.OPEN


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
) -> tuple[Account, list[Trade]]:
    """Fill a basket at the prices of one session.

    Sells first, then buys in order, then the slot buys with the cash that is left. Nothing is done to the
    account that came in.

    Returns
    -------
    (Account, list of Trade)
        The account after the fills, and a `Refusal` or one or more `Fill` per order tried, in the order of
        matching.
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
    return Account(book.cash, book.lots, account.receivables), book.events


def slipped(base: float, is_buy: bool, quote: Quote, milli_bps: int) -> float:
    """Price after slippage: rounded to the tick against the trader, clipped to [low, high] and the limits.

    `base` and the result are in fen; a base off the grid of a stock that trades on it (a vwap) is rounded
    too. Without a grid (float references) nothing is rounded.
    """
    _, _, reference, _, _, _, high, low, (_, up, down), _ = quote
    price: float = base
    if isinstance(reference, int):
        if isinstance(base, int):
            moved = base * (_BPS + milli_bps if is_buy else _BPS - milli_bps)
            price = -(-moved // _BPS) if is_buy else moved // _BPS
        else:
            exact = base * (1 + milli_bps / _BPS if is_buy else 1 - milli_bps / _BPS)
            price = math.ceil(exact - _HAIR) if is_buy else math.floor(exact + _HAIR)
    elif milli_bps:
        price = base * (1 + milli_bps / _BPS if is_buy else 1 - milli_bps / _BPS)
    if high is not None and price > high:
        price = high
    if low is not None and price < low:
        price = low
    if up is not None and price > up:
        price = up
    if down is not None and price < down:
        price = down
    return price


def amount_of(price: float, shares: int) -> int:
    """Price × shares in whole fen; exact on the tick, rounded half up off it."""
    amount = price * shares
    return amount if isinstance(amount, int) else math.floor(amount + 0.5)


def limit_hit(base: float, quote: Quote, is_buy: bool, both_sides: bool = False) -> Reason | None:
    """Why nobody is on the other side: a price at its limit, or sealed there all session.

    Amounts are rounded, and so is a vwap: a hair below the limit is at it.
    """
    _, _, _, _, _, _, high, low, (_, up, down), _ = quote
    if (is_buy or both_sides) and up is not None and (base >= up - _HAIR or (low is not None and low >= up)):
        return Reason.LIMIT_UP
    if is_buy and not both_sides:
        return None
    if down is not None and (base <= down + _HAIR or (high is not None and high <= down)):
        return Reason.LIMIT_DOWN
    return None


class _Offer(NamedTuple):
    """What the market offers an order: the undisturbed price, and the one it gets."""

    quote: Quote
    base: float
    price: float


def pieces(shares: int, lot: LotRule, whole: bool = False) -> Iterator[tuple[int, bool]]:
    """Sizes no larger than the exchange takes in one order, and whether each is the last.

    Where shares go one by one above a minimum, the last piece has at least that minimum, unless a `whole`
    position is sold.
    """
    cap = lot.order_cap
    least = lot.minimum if lot.step == 1 and not whole else 1
    while cap is not None and shares > cap:
        piece = cap if shares - cap >= least else shares - least
        yield piece, False
        shares -= piece
    yield shares, True


def paid(request: OrderRequest, amount: int, commission: int) -> OrderRequest:
    """The order with what it has traded and paid so far."""
    return request._replace(
        done_fen=request.done_fen + amount, commission_fen=request.commission_fen + commission
    )


def after(fill: Fill) -> OrderRequest:
    """The order after a fill."""
    return paid(fill.request, fill.amount_fen, fill.commission_fen)


class _Book:
    """The account while a basket is being matched."""

    def __init__(
        self, account: Account, prices: SessionPrices, terms: Terms, both_sides_at_limit: bool
    ) -> None:
        self.cash = account.cash_fen
        self.lots: dict[str, Lots] = dict(account.lots)
        self.events: list[Trade] = []
        self.quote, self.day = prices.quote, prices.day
        self.terms, self.slip = terms, terms.slippage_milli_bps
        self.both_sides_at_limit = both_sides_at_limit

    # -- sells

    def sell(self, request: OrderRequest) -> None:
        lots, target = self.lots.get(request.symbol, ()), request.target_fen
        held, free = _held_and_free(lots, self.day)
        requested = held if target == 0 else request.shares or 0
        if not held:
            self._refuse(request, requested, Reason.NO_POSITION)
            return
        offer = self._offer(request, False, self.terms.sell_at)
        if isinstance(offer, Reason):
            self._refuse(request, requested, offer)
            return
        lot, cap = self.terms.lot or offer.quote.lot, request.cap_shares
        if target:
            sizing = request.sizing_price_fen or offer.price
            requested = max(0, held - lot.buyable(int(target / sizing)))
        wanted = requested if cap is None or requested <= cap else cap
        shares = lot.sellable(wanted, held, free)
        reason = None if shares == requested else _why_less_sold(requested, shares, held, free, cap)
        if not shares:
            self._refuse(request, requested, reason or Reason.BELOW_ONE_LOT)
            return
        if lot.order_cap is None or shares <= lot.order_cap:
            self._book_sale(request, offer, shares, requested, reason)
            return
        for piece, last in pieces(shares, lot, whole=shares == held):
            fill = self._book_sale(request, offer, piece, requested, reason if last else None)
            if fill is not None:
                request = after(fill)

    def _book_sale(
        self, request: OrderRequest, offer: _Offer, shares: int, requested: int, reason: Reason | None
    ) -> Fill | None:
        symbol, (_, base, price) = request.symbol, offer
        amount: Any = price * shares if type(price) is int else amount_of(price, shares)
        commission, stamp, transfer = self._fees(request, False, amount)
        earned = amount - commission - stamp - transfer
        if self.cash + earned < 0:
            # a minimum fee larger than a worthless position: selling it would cost more than there is
            self._refuse(request, requested, Reason.INSUFFICIENT_CASH)
            return None
        lots = self.lots[symbol]
        taken, left = take_first_in_first_out(lots, shares)
        tax = 0
        if self.terms.dividend_tax:
            tax = sum((x.dividends_fen * dividend_tax_percent(x.day, self.day) + 50) // 100 for x in taken)
            tax = min(tax, self.cash + earned)
        self.cash += earned - tax
        if left:
            self.lots[symbol] = left
        else:
            del self.lots[symbol]
        cost = taken[0].cost_fen if len(taken) == 1 else sum([x.cost_fen for x in taken])
        slip = (base - price) * shares if type(base) is int else amount_of(base, shares) - amount
        # as Fill(...), without the call that a named tuple puts in between
        fill = tuple.__new__(
            Fill,
            (request, _SELL, shares, price, amount, commission, stamp, transfer,
             requested, reason, cost, tax, slip),
        )  # fmt: skip
        self.events.append(fill)
        return fill

    # -- buys

    def buy(self, request: OrderRequest, slot_fen: int | None = None) -> bool:
        """Try one buy, for the money of its slot if it has one; whether anything was bought."""
        asked = request.shares or 0
        offer = self._offer(request, True, self.terms.buy_at)
        if isinstance(offer, Reason):
            return self._refuse(request, asked, offer)
        lot = self.terms.lot or offer.quote.lot
        asked = self._asked(request, offer.price, lot, slot_fen)
        allowed, capped_by = asked, None
        if request.cap_shares is not None or lot.st_daily_cap is not None:
            allowed, capped_by = self._allowed(request, asked, lot)
        shares = lot.buyable(allowed)
        if not shares:
            capped = allowed < asked and lot.buyable(asked) > 0
            return self._refuse(request, asked, capped_by if capped and capped_by else Reason.BELOW_ONE_LOT)
        reason = None if shares == asked else capped_by if allowed < asked else Reason.BELOW_ONE_LOT
        if lot.order_cap is None or shares <= lot.order_cap:
            amount = amount_of(offer.price, shares)
            fees = self._fees(request, True, amount)
            if amount + fees.total <= self.cash:
                self._book_buy(request, offer, shares, asked, reason, amount, fees)
                return True
        affordable = self._affordable(request, offer.price, shares, lot)
        if not affordable:
            return self._refuse(request, asked, Reason.INSUFFICIENT_CASH)
        if affordable < shares:
            reason = Reason.INSUFFICIENT_CASH
        for piece, last in pieces(affordable, lot):
            amount = amount_of(offer.price, piece)
            fees = self._fees(request, True, amount)
            self._book_buy(request, offer, piece, asked, reason if last else None, amount, fees)
            request = paid(request, amount, fees.commission)
        return True

    def _book_buy(
        self,
        request: OrderRequest,
        offer: _Offer,
        shares: int,
        asked: int,
        reason: Reason | None,
        amount: int,
        fees: Fees,
    ) -> None:
        symbol, (_, base, price), (commission, stamp, transfer) = request.symbol, offer, fees
        spent = amount + commission + stamp + transfer
        self.cash -= spent
        bought = Lot(shares, self.day, spent)
        before = self.lots.get(symbol)
        self.lots[symbol] = (bought,) if before is None else (*before, bought)
        slip = (price - base) * shares if type(base) is int else amount - amount_of(base, shares)
        fill = tuple.__new__(
            Fill,
            (request, _BUY, shares, price, amount, commission, stamp, transfer,
             asked, reason, 0, 0, slip),
        )  # fmt: skip
        self.events.append(fill)

    def _asked(self, request: OrderRequest, price: float, lot: LotRule, slot_fen: int | None) -> int:
        """Shares wanted. Money buys whole lots; a number of shares stays as it was asked for."""
        money = request.value_fen if slot_fen is None else slot_fen
        if money is not None:
            shares = int(money / (request.sizing_price_fen or price))
            return lot.buyable(shares) or shares
        if request.target_fen is not None:
            held, _ = _held_and_free(self.lots.get(request.symbol, ()), self.day)
            shares = max(0, int(request.target_fen / (request.sizing_price_fen or price)) - held)
            return lot.buyable(shares) or shares
        return request.shares or 0

    def _allowed(self, request: OrderRequest, asked: int, lot: LotRule) -> tuple[int, Reason | None]:
        """Shares that caps leave of those asked for, and the cap that bites."""
        allowed, reason = asked, None
        if request.cap_shares is not None and request.cap_shares < allowed:
            allowed, reason = request.cap_shares, Reason.PARTICIPATION
        if lot.st_daily_cap is not None:
            today = [part.shares for part in self.lots.get(request.symbol, ()) if part.day == self.day]
            left = max(0, lot.st_daily_cap - sum(today))
            if left < allowed:
                allowed, reason = left, Reason.ST_DAILY_CAP
        return allowed, reason

    def _affordable(self, request: OrderRequest, price: float, shares: int, lot: LotRule) -> int:
        while shares:
            excess = self._cost(request, price, shares, lot) - self.cash
            if excess <= 0:
                return shares
            # fees fall with the shares: taking off half of the excess never takes too much
            shares = lot.buyable(max(0, shares - max(1, int(excess / (2 * price)))))
        return 0

    def _cost(self, request: OrderRequest, price: float, shares: int, lot: LotRule) -> int:
        """What a buy takes out of the account, sent in pieces or at once."""
        total = 0
        for piece, _ in pieces(shares, lot):
            amount = amount_of(price, piece)
            fees = self._fees(request, True, amount)
            total += amount + fees.total
            request = paid(request, amount, fees.commission)
        return total

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
                if request.sessions > 1:
                    request = request._replace(value_fen=each)  # what is left of it has this money tomorrow
                if self.buy(request, each) or not slots.substitute:
                    break
        for request in slots.candidates[tried : slots.wanted]:
            self._refuse(request, 0, Reason.NO_FREE_SLOT)

    # -- both

    def _offer(self, request: OrderRequest, is_buy: bool, at: FillAt) -> _Offer | Reason:
        """The price at which an order is met today, or why it is not."""
        quote = self.quote(request.symbol)
        if quote is None:
            return Reason.NO_PRICE
        if not quote[0]:
            return Reason.SUSPENDED
        base = quote.open if at is _OPEN else quote.vwap if at is FillAt.VWAP else quote.close
        if base is None:
            return Reason.NO_PRICE
        if request.limit_fen is not None:
            return self._limited(request.limit_fen, base, quote, is_buy, at)
        hit = limit_hit(base, quote, is_buy, self.both_sides_at_limit)
        if hit is not None:
            return hit
        return tuple.__new__(_Offer, (quote, base, slipped(base, is_buy, quote, self.slip)))

    def _limited(self, worst: float, base: float, quote: Quote, is_buy: bool, at: FillAt) -> _Offer | Reason:
        """A limit order: met at the session's price if that is good enough, else once the price comes to it.

        At the close there is one price only; an order for the open or the vwap rests all session.
        """
        up, down = quote.limits.up, quote.limits.down
        if (up is not None and worst > up) or (down is not None and worst < down):
            return Reason.PRICE_OUTSIDE_LIMITS
        good = base <= worst if is_buy else base >= worst
        if good:
            hit = limit_hit(base, quote, is_buy, self.both_sides_at_limit)
            if hit is not None:
                return hit
            price = slipped(base, is_buy, quote, self.slip)
            return _Offer(quote, base, min(price, worst) if is_buy else max(price, worst))
        extreme = quote.low if is_buy else quote.high
        touched = extreme is not None and (extreme <= worst if is_buy else extreme >= worst)
        if at is FillAt.CLOSE or not touched:
            return Reason.PRICE_NOT_REACHED
        return limit_hit(worst, quote, is_buy, self.both_sides_at_limit) or _Offer(quote, worst, worst)

    def _fees(self, request: OrderRequest, is_buy: bool, amount: int) -> Fees:
        """Fees of a fill; the least commission counts once for all fills of an order."""
        charge, day = self.terms.fees.charge, self.day
        fees = charge(request.symbol, is_buy, amount, day)
        if not request.done_fen:
            return fees
        whole = charge(request.symbol, is_buy, request.done_fen + amount, day).commission
        return fees._replace(commission=max(0, whole - request.commission_fen))

    def _refuse(self, request: OrderRequest, requested: int, reason: Reason) -> bool:
        self.events.append(Refusal(request, request.side, requested, reason))
        return False


def _held_and_free(lots: Lots, day: int) -> tuple[int, int]:
    """Shares of a position, and those of them that may be sold on `day`."""
    if len(lots) == 1:
        held = lots[0].shares
        return held, held if lots[0].day < day else 0
    return sum([lot.shares for lot in lots]), sum([lot.shares for lot in lots if lot.day < day])


def _why_less_sold(requested: int, shares: int, held: int, free: int, cap: int | None) -> Reason | None:
    if shares >= min(requested, held):
        return Reason.NO_POSITION if requested > held else None
    if free < min(requested, held):
        return Reason.T_PLUS_1
    if cap is not None and cap < requested:
        return Reason.PARTICIPATION
    return Reason.BELOW_ONE_LOT

"""What a strategy asks for and what comes back: requests, baskets, fills, refusals, ex-date events."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from engine.rules.fees import Fees
from engine.rules.table import date_of


class Side(StrEnum):
    """Direction of an order."""

    BUY = "buy"
    SELL = "sell"


class Reason(StrEnum):
    """Why an order was not filled, or not in full."""

    SUSPENDED = "suspended"
    LIMIT_UP = "limit_up"
    LIMIT_DOWN = "limit_down"
    NO_PRICE = "no_price"
    T_PLUS_1 = "t_plus_1"
    NO_POSITION = "no_position"
    BELOW_ONE_LOT = "below_one_lot"
    INSUFFICIENT_CASH = "insufficient_cash"
    PARTICIPATION = "participation"
    NO_FREE_SLOT = "no_free_slot"
    PRICE_NOT_REACHED = "price_not_reached"
    PRICE_OUTSIDE_LIMITS = "price_outside_limits"
    ST_DAILY_CAP = "st_daily_cap"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    END_OF_RUN = "end_of_run"
    NOT_SENT = "not_sent"


REASON_TEXT = {
    Reason.SUSPENDED: "suspended: the stock did not trade in that session",
    Reason.LIMIT_UP: "at the upper price limit: nobody sells there",
    Reason.LIMIT_DOWN: "at the lower price limit: nobody buys there",
    Reason.NO_PRICE: "no price in that session: not listed yet, delisted, or missing in the data",
    Reason.T_PLUS_1: "shares bought on a session can be sold from the next one on",
    Reason.NO_POSITION: "nothing held to sell, or less than was ordered",
    Reason.BELOW_ONE_LOT: "the money of the slot, or what was left of the order, is less than one lot",
    Reason.INSUFFICIENT_CASH: "cash does not cover the order and its fees",
    Reason.PARTICIPATION: "more than the allowed share of the stock's usual volume",
    Reason.NO_FREE_SLOT: "sales failed, so no slot was free",
    Reason.PRICE_NOT_REACHED: "the limit price of the order was not reached",
    Reason.PRICE_OUTSIDE_LIMITS: "the limit price of the order lies outside the day's price limits",
    Reason.ST_DAILY_CAP: "more than an account may buy of a stock under special treatment in a day",
    Reason.REPLACED: "what was left of the order gave way to a new decision",
    Reason.CANCELLED: "cancelled by the strategy",
    Reason.END_OF_RUN: "the run ended before the next session",
    Reason.NOT_SENT: "never sent: plan or quotes came too late or were not trusted, or orders were halted",
}


class OrderRequest(NamedTuple):
    """One order as decided at a close, for the next session.

    Exactly one of `shares`, `value_fen`, `target_fen` says how much: a number of shares; money to spend; or
    the value that the whole position should have after the fill, 0 for selling all of it, bonus shares of
    the day included.
    `sizing_price_fen`, when given, turns money into shares at that price instead of the fill price.
    `cap_shares` is the participation cap of the decision, for each session. `limit_fen` is the worst price
    accepted. `sessions` is how many sessions the order lives; `done_fen` and `commission_fen` are what it
    traded and paid in earlier ones, since the least commission is one for the whole order.
    """

    order_id: str
    symbol: str
    side: Side
    decided_day: int
    shares: int | None = None
    value_fen: int | None = None
    target_fen: int | None = None
    sizing_price_fen: float | None = None
    cap_shares: int | None = None
    limit_fen: float | None = None
    sessions: int = 1
    done_fen: int = 0
    commission_fen: int = 0


class SlotBuys(NamedTuple):
    """Top-k's buys: how many and with how much money is known only after the sales of the same session.

    Free slots = max(0, `slots` − names still held). The first that many `candidates` are bought with
    ``cash × risk_degree`` split by `weights`. A refused buy leaves its slot empty unless `substitute`. The
    first `wanted` are those that would be bought if every sale succeeded; the rest are reserves.
    """

    candidates: tuple[OrderRequest, ...]
    slots: int
    wanted: int = 0
    risk_degree: float = 1.0
    weights: tuple[float, ...] | None = None
    max_value_fen: int | None = None
    reserve_fen: int = 0
    substitute: bool = False


class Basket(NamedTuple):
    """All orders decided at one close. Sales go first, then buys in order, then the slot buys.

    `both_sides_at_limit`: a price at either limit forbids buying and selling alike.
    """

    orders: tuple[OrderRequest, ...] = ()
    slot_buys: SlotBuys | None = None
    both_sides_at_limit: bool = False

    def __bool__(self) -> bool:
        return bool(self.orders) or self.slot_buys is not None


class Fill(NamedTuple):
    """A trade. Prices and money in fen; `requested` and `reason` tell of what was left open.

    One order may have several fills: pieces no larger than the exchange's cap, or one a session. `cost_fen`
    is what the sold shares had cost with fees (0 for a buy); `tax_fen` the dividend tax
    withheld; `slippage_fen` what the slip against the undisturbed price cost. Fees are three fields of their
    own: a run keeps tens of thousands of fills, each object in them costs memory and time.
    """

    request: OrderRequest
    side: Side
    shares: int
    price_fen: float
    amount_fen: int
    commission_fen: int
    stamp_duty_fen: int
    transfer_fee_fen: int
    requested: int
    reason: Reason | None = None
    cost_fen: int = 0
    tax_fen: int = 0
    slippage_fen: int = 0

    @property
    def fees(self) -> Fees:
        """Commission, stamp duty and transfer fee."""
        return Fees(self.commission_fen, self.stamp_duty_fen, self.transfer_fee_fen)

    @property
    def fees_fen(self) -> int:
        """Commission, stamp duty and transfer fee together."""
        return self.commission_fen + self.stamp_duty_fen + self.transfer_fee_fen


class Refusal(NamedTuple):
    """An order of which nothing was filled."""

    request: OrderRequest
    side: Side
    requested: int
    reason: Reason


class ExDate(NamedTuple):
    """What a corporate action did to a holding.

    `cash_fen` is all the cash that it brings; of it `receivable_fen` comes on `pay_day` only.
    `rounding_fen` is value after − value before: what ticks, floors and fen left over; it is shown, not
    booked as cash. `beyond_tolerance` marks terms that do not explain the price.
    """

    symbol: str
    shares_before: int
    shares_after: int
    cash_fen: int
    rights_cost_fen: int
    rounding_fen: int
    beyond_tolerance: bool = False
    terms: str = ""
    receivable_fen: int = 0
    pay_day: int | None = None

    @property
    def paid_fen(self) -> int:
        """What it moves on the ex-date itself, rights subscribed to included."""
        return self.cash_fen - self.receivable_fen - self.rights_cost_fen


Trade = Fill | Refusal
Event = Trade | ExDate


def order_id(decided_day: int, symbol: str, side: Side, n: int) -> str:
    """``YYYYMMDD-SYMBOL-B|S-n``, from the session of the decision: equal in back-test and paper."""
    return f"{_day_text(decided_day)}-{symbol}-{'B' if side is Side.BUY else 'S'}-{n}"


def market_orders(
    decided_day: int,
    symbols: Iterable[str],
    side: Side,
    counters: dict[tuple[str, bool], int],
    *,
    value_fen: int | None = None,
    target_fen: int | None = None,
    sessions: int = 1,
) -> tuple[OrderRequest, ...]:
    """Orders at the market for many names at once; `counters` numbers the orders of a name and side."""
    is_buy = side is Side.BUY
    day, letter = _day_text(decided_day), "B" if is_buy else "S"
    out = []
    for symbol in symbols:
        key = symbol, is_buy  # an enum hashes slowly
        n = counters[key] = counters.get(key, 0) + 1
        # as OrderRequest(...), without the call that a named tuple puts in between
        parts = (
            f"{day}-{symbol}-{letter}-{n}", symbol, side, decided_day,
            None, value_fen, target_fen, None, None, None, sessions, 0, 0,
        )  # fmt: skip
        out.append(tuple.__new__(OrderRequest, parts))
    return tuple(out)


@lru_cache(maxsize=64)
def _day_text(day: int) -> str:
    return date_of(day).isoformat().replace("-", "")

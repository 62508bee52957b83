"""A strategy that sends whatever a generator comes up with, and writes down what it meant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import backtrader as bt
import numpy as np
from asked import Asked, Record, SlotsAsked
from random_market import SYMBOLS

from engine.broker.orders import Basket, Side, SlotBuys


class RandomOrders(bt.Strategy):
    """Shares, money, targets, limits, slots; in baskets and as plain backtrader orders; some cancelled."""

    params = (("seed", 0), ("record", None))

    def __init__(self) -> None:
        self.random = np.random.default_rng(self.p.seed)
        self.record: Record = self.p.record
        self.last: Any = None

    def next(self) -> None:
        if self.broker.is_last_session:
            return
        random, broker = self.random, self.broker
        if self.last is not None and random.random() < 0.3 and broker.cancel(self.last):
            self.record.cancelled[self.last.request.order_id] = broker.row
        self.last = None
        if random.random() < 0.7:
            broker.send(self, self.basket())
        if random.random() < 0.5:
            self.last = self.plain(int(random.integers(0, len(SYMBOLS))))

    def notify_trade(self, trade: bt.Trade) -> None:
        """Listening makes the broker keep backtrader's own books of trades as well."""

    def basket(self) -> Basket:
        random = self.random
        held = [SYMBOLS.index(s) for s in self.broker.account.lots]
        columns = random.permutation(len(SYMBOLS))[: random.integers(0, 4)]
        orders = [self.order(int(column), Side.BUY) for column in columns]
        columns = random.permutation(held)[: random.integers(0, 3)]
        orders += [self.order(int(column), Side.SELL) for column in columns]
        return Basket(tuple(orders), self.slots(held) if random.random() < 0.3 else None)

    def order(self, column: int, side: Side) -> Any:
        random = self.random
        held = self.broker.account.shares(SYMBOLS[column])
        terms: dict[str, Any] = {"shares": self.shares()}
        match random.integers(0, 3):
            case 1:
                terms = {"target_fen": self.money()}
            case 2 if side is Side.SELL:
                terms = {"shares": held} if random.random() < 0.5 else {"target_fen": 0}
            case 2:
                terms = {"value_fen": self.money()}
        sessions = int(random.integers(1, 5)) if random.random() < 0.5 else None
        limit = self.limit(column) if random.random() < 0.4 else None
        request = self.broker.request(column, side, limit_fen=limit, sessions=sessions, **terms)
        ((how, amount),) = terms.items()
        lives = self.broker.config.order_sessions if sessions is None else sessions
        self.note(request.order_id, column, side, how.removesuffix("_fen"), amount, lives, limit)
        return request

    def slots(self, held: list[int]) -> SlotBuys:
        random, broker = self.random, self.broker
        fresh = [column for column in range(len(SYMBOLS)) if column not in held]
        buys = tuple(broker.request(column, Side.BUY, value_fen=0) for column in fresh)
        for request, column in zip(buys, fresh, strict=True):
            self.note(
                request.order_id, column, Side.BUY, "value", 0, broker.config.order_sessions, None, True
            )
        terms = SlotBuys(
            buys,
            slots=int(random.integers(1, 6)),
            wanted=int(random.integers(0, len(fresh) + 1)),
            risk_degree=float(random.choice([0.5, 0.95, 1.0])),
            weights=tuple(random.uniform(0.1, 2.0, len(fresh)).tolist()) if random.random() < 0.5 else None,
            max_value_fen=self.money() if random.random() < 0.5 else None,
            reserve_fen=self.money() if random.random() < 0.3 else 0,
            substitute=bool(random.random() < 0.5),
        )
        self.record.slots[broker.row] = SlotsAsked(
            tuple(request.order_id for request in buys),
            terms.slots, terms.risk_degree, terms.substitute, terms.weights, terms.max_value_fen,
            terms.reserve_fen,
        )  # fmt: skip
        return terms

    def plain(self, column: int) -> Any:
        """A backtrader order: at the market or with a limit, for a session, some days, or to a date."""
        random, broker = self.random, self.broker
        side = Side.SELL if random.random() < 0.5 else Side.BUY
        size, held = self.shares(), broker.account.shares(SYMBOLS[column])
        if side is Side.SELL and held and random.random() < 0.5:
            size = held
        options: dict[str, Any] = {}
        sessions = broker.config.order_sessions
        if random.random() < 0.5:
            sessions = int(random.integers(1, 5))
            until = broker.panel.calendar.sessions
            here = int(np.searchsorted(until, broker.panel.dates[broker.row]))
            options["valid"] = timedelta(int((until[here + sessions] - until[here]).astype(int)))
        limit = self.limit(column) if random.random() < 0.5 else None
        if limit is not None:
            options |= {"exectype": bt.Order.Limit, "price": limit / 100}
        send = self.sell if side is Side.SELL else self.buy
        order = send(data=broker.light(column), size=size, **options)
        everything = side is Side.SELL and size == held
        how, amount = ("target", 0) if everything else ("shares", size)
        self.note(order.request.order_id, column, side, how, amount, sessions, limit)
        return order

    def note(
        self,
        key: str,
        column: int,
        side: Side,
        how: Any,
        amount: int,
        sessions: int,
        limit: int | None,
        of_slot: bool = False,
    ) -> None:
        symbol, row = SYMBOLS[column], self.broker.row
        self.record.asked[key] = Asked(row, symbol, side, how, amount, sessions, limit, of_slot)

    def shares(self) -> int:
        return int(self.random.integers(1, 3_000 if self.random.random() < 0.7 else 900_000))

    def money(self) -> int:
        return int(self.random.integers(0, 8_000_000 if self.random.random() < 0.7 else 2_000_000_000))

    def limit(self, column: int) -> int | None:
        close = self.broker.panel.field("close")[self.broker.row, column]
        return None if np.isnan(close) else max(1, int(close * 100 * self.random.uniform(0.85, 1.15)))

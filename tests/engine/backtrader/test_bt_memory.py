"""What is done is let go: a long run holds no more orders and trades than its last session needs."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import backtrader as bt
import pytest
from bt_runs import ours

from engine.broker.bt_order import AShareOrder

NAMES = ["600036.SH", "600519.SH", "601318.SH"]


class Busy(bt.Strategy):
    """Buys and sells three names in turns, and keeps weak references to all it is told."""

    params = (("light", False),)

    def __init__(self) -> None:
        self.orders: list[weakref.ref[Any]] = []
        self.closed: list[weakref.ref[Any]] = []
        self.most = 0

    def data_of(self, name: str) -> Any:
        column = self.broker.prices.column(name)
        return self.broker.light(column) if self.p.light else self.getdatabyname(name)

    def notify_order(self, order: Any) -> None:
        self.orders.append(weakref.ref(order))

    def notify_trade(self, trade: Any) -> None:
        if trade.isclosed:
            self.closed.append(weakref.ref(trade))

    def next(self) -> None:
        self.most = max(self.most, sum(ref() is not None for ref in self.orders))
        for name in NAMES:
            data = self.data_of(name)
            if self.getposition(data).size:
                self.close(data)
            else:
                self.order_target_percent(data, target=0.2)


@pytest.mark.parametrize("light", [False, True], ids=["feeds", "light data"])
def test_orders_and_trades_are_freed_once_they_are_done(sample: Any, light: bool) -> None:
    run = ours(sample, Busy, "2021-01-04", "2022-12-30", params={"light": light}).strategy
    assert len(run.orders) > 3000  # three notifications for each order
    assert len(run.closed) > 500
    assert run.most <= 3 * 4  # submitted, accepted, partial, expired
    assert sum(ref() is not None for ref in run.orders) <= 2 * 3  # those of the last session
    assert sum(ref() is not None for ref in run.closed) <= 3
    assert not len(run._orders)
    assert all(len(trades) == 1 for book in run._trades.values() for trades in book.values())


def test_nothing_keeps_an_order_alive_but_who_holds_it(sample: Any) -> None:
    class Keeps(Busy):
        def next(self) -> None:
            if len(self) == 2:
                self.kept = self.buy(NAMES[0], size=100)
            super().next()

    run = ours(sample, Keeps, "2021-01-04", "2021-06-30").strategy
    assert run.kept.status == run.kept.Completed
    assert run.kept.executed.size == 100


def test_no_order_object_is_made_where_nobody_listens(sample: Any) -> None:
    from engine.broker.orders import Basket, Side

    class Baskets(bt.Strategy):
        def next(self) -> None:
            column = self.broker.prices.column(NAMES[0])
            self.broker.send(self, Basket((self.broker.request(column, Side.BUY, shares=100),)))
            self.made = sum(type(thing) is AShareOrder for thing in gc.get_objects())

    gc.collect()
    before = sum(type(thing) is AShareOrder for thing in gc.get_objects())
    log = ours(sample, Baskets, "2021-01-04", "2021-02-26")
    assert len(log.journal.trades) > 30
    assert log.strategy.made == before


def test_a_basket_is_told_to_those_who_listen(sample: Any) -> None:
    from engine.broker.orders import Basket, Side

    class Baskets(bt.Strategy):
        def __init__(self) -> None:
            self.told: list[Any] = []

        def next(self) -> None:
            column = self.broker.prices.column(NAMES[0])
            side = Side.BUY if len(self) % 2 else Side.SELL
            self.broker.send(self, Basket((self.broker.request(column, side, shares=100),)))

        def notify_trade(self, trade: Any) -> None:
            self.told.append((trade.data._name, trade.size))

    run = ours(sample, Baskets, "2021-01-04", "2021-01-11").strategy
    assert run.told == [(NAMES[0], 100), (NAMES[0], 0), (NAMES[0], 100), (NAMES[0], 0), (NAMES[0], 100)]

"""Orders of baskets that somebody keeps: read at once or much later, they tell the same."""

from __future__ import annotations

import copy
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from bt_runs import ours

from engine.broker.orders import Basket, Side, SlotBuys
from engine.market.panel import MarketPanel

START, END = "2023-01-03", "2023-03-31"


class Baskets(bt.Strategy):
    """Sends a basket every session and keeps every order that it is told of."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def notify_order(self, order: Any) -> None:
        self.kept.append(order)

    def next(self) -> None:
        broker = self.broker
        if broker.is_last_session:
            return
        held = broker.held_columns
        drawn = np.random.default_rng(len(self)).permutation(len(broker.prices.symbols))[:6].tolist()
        sells = broker.requests(held[:2], Side.SELL, target_fen=0)
        buys = broker.requests([n for n in drawn if n not in held], Side.BUY, value_fen=0)
        broker.send(self, Basket(sells, SlotBuys(buys, 8, wanted=3)))


class ReadAtOnce(Baskets):
    def notify_order(self, order: Any) -> None:
        self.kept.append(told(order))


def told(order: Any) -> str:
    """Everything that an order says, apart from its number, as text: NaN is like NaN there."""
    sums = [
        {name: getattr(each, name) for name in type(each).__slots__ if name not in ("exbits", "pending")}
        for each in (order.created, order.executed, *order.executed)
    ]
    names = ("request", "size", "ordtype", "status", "plen", "tradeid", "exectype", "price", "broker")
    said = {name: getattr(order, name) for name in names}
    calls = order.alive(), order.isbuy(), order.issell(), order.getordername(), order.getstatusname()
    return repr((said, calls, dict(order.info), order.data._name, type(order.comminfo).__name__, sums))


@pytest.fixture(scope="module")
def kept(sample: MarketPanel) -> list[Any]:
    return list(ours(sample, Baskets, START, END).strategy.kept)


def filled(sample: MarketPanel) -> Any:
    """An order that was filled whole and that nobody has read yet."""
    run = ours(sample, Baskets, START, END).strategy
    return next(order for order in run.kept if order.status == order.Completed)


def test_orders_read_after_the_run_tell_what_they_told_at_once(sample: MarketPanel, kept: list[Any]) -> None:
    at_once = ours(sample, ReadAtOnce, START, END).strategy.kept
    assert [told(order) for order in kept] == at_once
    statuses = {order.getstatusname() for order in kept}
    assert {"Completed", "Rejected"} <= statuses


@pytest.mark.parametrize("double", [copy.copy, lambda order: order.clone()], ids=["copy", "clone"])
def test_a_double_of_an_order_tells_the_same(sample: MarketPanel, double: Any) -> None:
    order = filled(sample)
    other = double(order)
    assert told(other) == told(order)
    assert other == order


def test_an_order_answers_for_backtraders_parameters(sample: MarketPanel) -> None:
    order = filled(sample)
    assert (order.transmit, order.simulated, order.histnotify) == (True, False, False)
    assert not hasattr(order, "nonsense")
    assert "Status: Completed" in str(order)


def test_what_is_written_on_an_order_stays_when_it_is_read(sample: MarketPanel) -> None:
    order = filled(sample)
    order.addcomminfo("mine")
    order.addinfo(why="test")
    assert order.executed.size == order.size
    assert (order.comminfo, order.info.why) == ("mine", "test")

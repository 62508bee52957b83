"""`Postman`: brings a backtrader strategy's notifications to those who listen, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import backtrader as bt

Call = Callable[..., Any]


class Postman:
    """Stands for ``strategy._notify``: the same calls in the same order, without those that do nothing.

    Backtrader asks the strategy and every analyzer about each order, each trade and each session's cash,
    although hardly anybody overrides the methods.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._orders = _listeners(strategy, "notify_order")
        self._trades = _listeners(strategy, "notify_trade")
        #: calls with cash and value, and those with the fund's figures too, as backtrader's turns take them
        self._money = [
            (call, method == "notify_fund")
            for family in _families(strategy)
            for method in ("notify_cashvalue", "notify_fund")
            for call in _overridden(family, method)
        ]

    def __call__(self) -> None:
        """Deliver what came in since the last session."""
        strategy = self._strategy
        if self._orders:
            for order in strategy._orderspending:
                for told in self._orders:
                    told(order)
        if self._trades:
            for trade in strategy._tradespending:
                for told in self._trades:
                    told(trade)
        if self._money:
            self._tell_money(strategy.broker)

    def _tell_money(self, broker: Any) -> None:
        money = broker.getcash(), broker.getvalue()
        fund = *money, broker.fundvalue, broker.fundshares
        for told, of_fund in self._money:
            told(*(fund if of_fund else money))


def listens(strategy: Any, method: str) -> bool:
    """Whether a strategy, or an analyzer of its, overrides one of backtrader's notifications."""
    return bool(_listeners(strategy, method))


def _listeners(strategy: Any, method: str) -> list[Call]:
    return [call for family in _families(strategy) for call in _overridden(family, method)]


def _overridden(family: list[tuple[Any, type]], method: str) -> Iterator[Call]:
    """A method of each of a family, unless it is the one of its base class, which does nothing."""
    for who, base in family:
        call: Call = getattr(who, method)
        if getattr(call, "__func__", call) is not getattr(base, method):
            yield call


def _families(strategy: Any) -> Iterator[list[tuple[Any, type]]]:
    """The strategy, then each of its analyzers, children before their parents."""
    yield [(strategy, bt.Strategy)]
    for analyzer in (*strategy.analyzers, *strategy._slave_analyzers):
        yield list(_with_children(analyzer))


def _with_children(analyzer: Any) -> Iterator[tuple[Any, type]]:
    for child in analyzer._children:
        yield from _with_children(child)
    yield analyzer, bt.Analyzer

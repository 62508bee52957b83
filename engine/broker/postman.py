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
        #: by listener: what to call with cash and value, and what with the fund's figures too
        self._money: list[tuple[Call | None, Call | None]] = [
            calls
            for who, base in _family(strategy)
            if any(calls := (_own(who, base, "notify_cashvalue"), _own(who, base, "notify_fund")))
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
        cash, value = broker.getcash(), broker.getvalue()
        fund = cash, value, broker.fundvalue, broker.fundshares
        for of_cash, of_fund in self._money:
            if of_cash is not None:
                of_cash(cash, value)
            if of_fund is not None:
                of_fund(*fund)


def listens(strategy: Any, method: str) -> bool:
    """Whether a strategy, or an analyzer of its, overrides one of backtrader's notifications."""
    return bool(_listeners(strategy, method))


def _listeners(strategy: Any, method: str) -> list[Call]:
    calls = [_own(who, base, method) for who, base in _family(strategy)]
    return [call for call in calls if call is not None]


def _own(who: Any, base: type, method: str) -> Call | None:
    """A method of somebody's, unless it is the one of `base`, which does nothing."""
    call: Call = getattr(who, method)
    return None if getattr(call, "__func__", call) is getattr(base, method) else call


def _family(strategy: Any) -> Iterator[tuple[Any, type]]:
    """The strategy, then its analyzers in backtrader's order: children before their parents."""
    yield strategy, bt.Strategy
    for analyzer in (*strategy.analyzers, *strategy._slave_analyzers):
        yield from _with_children(analyzer)


def _with_children(analyzer: Any) -> Iterator[tuple[Any, type]]:
    for child in analyzer._children:
        yield from _with_children(child)
    yield analyzer, bt.Analyzer

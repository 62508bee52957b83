"""The books of a backtrader strategy: who listens to its orders, its open trades, its positions."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import backtrader as bt

from engine.broker.orders import ExDate
from engine.broker.postman import listens

if TYPE_CHECKING:
    from engine.broker.shell import AShareBroker


class Audience(NamedTuple):
    """What somebody is listening to: every change of an order, or the trades that come of fills."""

    orders: bool
    trades: bool


class LatestTrades(dict[int, deque[bt.Trade]]):
    """Stands for ``strategy._trades[data]``: by trade id, the trade that is open or was closed last."""

    def __missing__(self, tradeid: int) -> deque[bt.Trade]:
        value = self[tradeid] = deque(maxlen=1)
        return value


class Books:
    """The books of the strategies that a broker serves.

    Backtrader keeps every order and every trade for good. On first meeting, a strategy's books are replaced
    by ones that forget what is done: orders once they have been told, trades once the next one has opened.
    """

    def __init__(self) -> None:
        self._audiences: dict[Any, Audience] = {}

    def of(self, strategy: Any) -> Audience:
        """What is to be told about a strategy's orders."""
        audience = self._audiences.get(strategy)
        if audience is None:
            if strategy is None:
                return Audience(False, False)
            strategy._orders = deque(maxlen=0)  # clear() hands it every order of a session
            strategy._trades = defaultdict(LatestTrades)
            audience = self._audiences[strategy] = _audience(strategy)
        return audience

    def go_ex(self, event: ExDate, datas: Sequence[Any]) -> None:
        """Hand shares and dividends that came without an order to the open trades of a symbol's `datas`.

        A strategy without listeners to its trades has none.
        """
        trades = [
            trade
            for strategy, audience in self._audiences.items()
            if audience.trades
            for data in datas
            if data is not None and data in strategy._trades
            for latest in strategy._trades[data].values()
            for trade in latest
            if trade.size > 0
        ]
        held, seen, given = event.shares_before, 0, 0
        for trade in trades:
            before, part = trade.size, trade.size / held
            seen += before
            upto = (event.shares_after - event.shares_before) * seen // held
            cost = trade.price * before + part * event.rights_cost_fen / 100
            trade.size = before + upto - given
            trade.price = cost / trade.size
            trade.pnl += part * event.cash_fen / 100
            trade.pnlcomm = trade.pnl - trade.commission
            given = upto


class Positions(Mapping[Any, bt.Position]):
    """Open positions by data object, as ``strategy.positions``; any data object of a symbol finds its own."""

    def __init__(self, broker: AShareBroker) -> None:
        self._broker = broker

    def __getitem__(self, data: Any) -> bt.Position:
        return self._broker.getposition(data)

    def __iter__(self) -> Iterator[Any]:
        broker = self._broker
        for symbol in broker.account.lots:
            feed = broker.feeds.get(symbol)
            yield broker.light(broker.prices.column(symbol)) if feed is None else feed

    def __len__(self) -> int:
        return len(self._broker.account.lots)


def _audience(strategy: Any) -> Audience:
    # the Broker observer, which comes with every analyzer, reads cash and value only
    watched = any(type(observer) is not bt.observers.Broker for observer in strategy.getobservers())
    return Audience(listens(strategy, "notify_order"), watched or listens(strategy, "notify_trade"))

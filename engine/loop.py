"""`SessionLoop`: backtrader's cerebro around one clock."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from engine.broker.postman import Postman
from engine.broker.shell import AShareBroker
from engine.clock import DatasByName, PanelFeed
from engine.lines import check_lengths, close_indicators, looks_forward
from engine.market.panel import Array, MarketPanel


class SessionLoop(bt.Cerebro):
    """Cerebro with a calendar for its only feed, and symbols' feeds that follow it.

    `bars` are the clock's, by field: those of the benchmark index, if there is one.
    """

    def __init__(self, panel: MarketPanel, broker: AShareBroker, bars: dict[str, Array]) -> None:
        super().__init__()
        self.p.stdstats = False
        self.clock = PanelFeed("clock", panel.dates[broker.first : broker.last + 1], bars)
        self.adddata(self.clock)
        self.datasbyname = broker.feeds = DatasByName(panel, broker.first, broker.last, self)
        self.setbroker(broker)

    def _runonce(self, runstrats: list[Any]) -> None:
        # as backtrader's, with one feed to advance and with lines closed once they are computed
        (strategy,) = runstrats
        if not self.p.quicknotify and type(strategy)._notify is bt.Strategy._notify:
            strategy._notify = Postman(strategy)
        check_lengths(strategy)
        if looks_forward(strategy):
            self._runnext(runstrats)
            return
        strategy._once()
        strategy.reset()
        close_indicators(strategy)
        for moment in self.clock.moments:
            self.clock.advance()
            self._check_timers(runstrats, moment, cheat=True)
            self._brokernotify()
            if self._event_stop:
                return
            self._check_timers(runstrats, moment, cheat=False)
            strategy._oncepost(moment)
            if self._event_stop:
                return
            self._next_writers(runstrats)

    def _brokernotify(self) -> None:
        # as backtrader's, but trades are kept for those only who listen to them
        self.datasbyname.follow(len(self.clock) - 1)
        broker: AShareBroker = self._broker
        broker.next()
        known, keeps_trades = None, True
        while notices := broker.take_notifications():
            for order in notices:
                strategy = self.runningstrats[0] if order.owner is None else order.owner
                if strategy is not known:
                    known, keeps_trades = strategy, broker.audience(strategy).trades
                if keeps_trades or self.p.quicknotify:
                    strategy._addnotification(order, quicknotify=self.p.quicknotify)
                else:
                    strategy._orderspending.append(order)

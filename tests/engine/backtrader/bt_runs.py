"""The same strategy on this engine and on a plain cerebro, and small markets made for one question."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from engine.broker.config import BrokerConfig
from engine.market import panel_from_frames
from engine.market.panel import MarketPanel
from engine.runner import RunLog, run_strategy
from engine.span import Span

CASH = 10_000_000.0
NO_COSTS: dict[str, Any] = {"cash": CASH, "fees": {"buy": 0, "sell": 0}, "slippage_bps": 0}


def rows_of(panel: MarketPanel, start: str, end: str) -> tuple[int, int]:
    first = int(np.searchsorted(panel.dates, np.datetime64(start)))
    last = int(np.searchsorted(panel.dates, np.datetime64(end), side="right")) - 1
    return first, last


def ours(
    panel: MarketPanel,
    strategy: type[bt.Strategy],
    start: str | None = None,
    end: str | None = None,
    *,
    params: dict[str, Any] | None = None,
    broker: dict[str, Any] | None = None,
    **options: Any,
) -> RunLog:
    first, last = rows_of(panel, start or "1990-01-01", end or "2100-01-01")
    config = BrokerConfig(**{**NO_COSTS, **(broker or {})})
    span = Span(first, first, last)
    return run_strategy(panel, strategy, params or {}, broker=config, span=span, **options)


def plain(
    panel: MarketPanel,
    strategy: type[bt.Strategy],
    symbols: list[str],
    start: str,
    end: str,
    *,
    params: dict[str, Any] | None = None,
    analyzers: Any = (),
    stdstats: bool = False,
) -> Any:
    first, last = rows_of(panel, start, end)
    cerebro = bt.Cerebro(stdstats=stdstats)
    for symbol in symbols:
        column = panel.column(symbol)
        frame = pd.DataFrame(
            {
                field: panel.field(field)[first : last + 1, column]
                for field in ("open", "high", "low", "close", "volume")
            },
            index=pd.DatetimeIndex(panel.dates[first : last + 1].astype("datetime64[ns]")),
        )
        cerebro.adddata(bt.feeds.PandasData(dataname=frame.dropna()), name=symbol)
    cerebro.broker.setcash(CASH)
    cerebro.addstrategy(strategy, **(params or {}))
    for analyzer, kwargs in analyzers:
        cerebro.addanalyzer(analyzer, **kwargs)
    (ran,) = cerebro.run()
    return ran


def market(closes: dict[str, list[float]], **fields: dict[str, list[float]]) -> MarketPanel:
    """Sessions from 2023-01-03 on; prices default to the close, the volume to plenty."""
    sessions = pd.bdate_range("2023-01-03", "2023-01-19")
    frames = []
    for symbol, prices in closes.items():
        close = np.array(prices, dtype=float)
        frame = pd.DataFrame({"date": sessions[: len(close)], "symbol": symbol, "close": close})
        frame["open"] = fields.get("open", {}).get(symbol, close)
        frame["high"] = np.maximum(frame["open"], close)
        frame["low"] = np.minimum(frame["open"], close)
        frame["preclose"] = np.append(close[0], close[:-1])
        frame["volume"] = fields.get("volume", {}).get(symbol, [1e6] * len(close))
        frame["amount"] = frame["volume"] * close
        frames.append(frame)
    return panel_from_frames(pd.concat(frames)).panel


class Recorder(bt.Strategy):
    """Acts by a script {session number: what to do} and writes down what it is told."""

    params = (("script", {}), ("at_start", None))

    def __init__(self) -> None:
        self.told: list[tuple[int, str, Any]] = []
        self.trades: list[Any] = []
        self.sent: list[Any] = []
        if self.p.at_start is not None:
            self.p.at_start(self)

    def notify_order(self, order: Any) -> None:
        self.told.append((len(self), order.getstatusname(), order))

    def notify_trade(self, trade: Any) -> None:
        self.trades.append(trade)

    def next(self) -> None:
        if len(self) in self.p.script:
            self.sent.append(self.p.script[len(self)](self))

    @property
    def statuses(self) -> list[tuple[int, str]]:
        return [(session, status) for session, status, _ in self.told]

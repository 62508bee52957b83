"""Drives one back-test: a panel, a strategy and a broker in, a journal out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np

from engine.broker.config import BrokerConfig
from engine.broker.shell import AShareBroker, Journal
from engine.clock import ClockFeed, DatasByName
from engine.errors import AlphaloomError, StrategyError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.span import Span


@dataclass(frozen=True)
class RunLog:
    """What a run leaves behind: the journal, the strategy object with its analyzers, the broker."""

    journal: Journal
    strategy: Any
    broker: AShareBroker


def run_strategy(
    panel: MarketPanel,
    strategy: type[bt.Strategy],
    params: Mapping[str, Any],
    *,
    broker: BrokerConfig,
    span: Span,
    benchmark: str | None = None,
    on_session: Callable[[int], None] | None = None,
    analyzers: Sequence[tuple[Any, Mapping[str, Any]]] = (),
    observers: Sequence[tuple[Any, Mapping[str, Any]]] = (),
) -> RunLog:
    """Run a backtrader strategy over a span of a panel.

    Parameters
    ----------
    strategy : class
        Any ``bt.Strategy``; ``self.getdatabyname('600519.SH')`` hands out a symbol's feed.
    params : mapping
        Its parameters.
    span : Span
        Rows of the run; the clock starts at the decision session before the first.
    analyzers, observers : sequences of (class, kwargs)
        Added to cerebro as they are.

    Raises
    ------
    StrategyError
        If the strategy raises; the session is named.
    """
    first, last = span.clock_start, span.stop
    shell = AShareBroker(panel, broker, first, last, on_session)
    cerebro = bt.Cerebro(stdstats=False)
    clock = ClockFeed(panel.dates[first : last + 1], _clock_bars(panel, benchmark, first, last))
    cerebro.adddata(clock)
    cerebro.datasbyname = DatasByName(panel, first, last, clock)
    cerebro.setbroker(shell)
    cerebro.addstrategy(strategy, **params)
    for analyzer, kwargs in analyzers:
        cerebro.addanalyzer(analyzer, **kwargs)
    for observer, kwargs in observers:
        cerebro.addobserver(observer, **kwargs)
    try:
        (ran,) = cerebro.run()
    except AlphaloomError:
        raise
    except Exception as problem:
        where = iso(panel.dates[max(shell.row, first)])
        raise StrategyError(
            f"strategy {strategy.__name__} failed at {where}: {type(problem).__name__}: {problem}"
        ) from problem
    return RunLog(shell.journal, ran, shell)


def _clock_bars(panel: MarketPanel, benchmark: str | None, first: int, last: int) -> dict[str, np.ndarray]:
    bars = panel.indices.get(benchmark, {}) if benchmark else {}
    return {name: values[first : last + 1] for name, values in bars.items()}

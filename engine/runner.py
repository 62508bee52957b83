"""Drives one back-test: a panel, a strategy and a broker in, a journal out."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backtrader as bt

from engine.analyzers import REPLACED
from engine.broker.config import BrokerConfig
from engine.broker.journal import Journal
from engine.broker.shell import AShareBroker
from engine.collector import rare_collections
from engine.errors import AlphaloomError, LookAheadError, StrategyError
from engine.loop import SessionLoop
from engine.market.calendar import iso
from engine.market.panel import Array, MarketPanel
from engine.plugins import describe
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
    prepare: Callable[[bt.Cerebro], None] | None = None,
    make_broker: Callable[..., AShareBroker] = AShareBroker,
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
        Added to cerebro. Where an analyzer of backtrader's walks ``self.datas``, ours takes its place; with
        any analyzer comes the Broker observer, since AnnualReturn reads it.
    prepare : callable, optional
        Called with cerebro before it runs, for writers, sizers and timers.
    make_broker : callable
        Makes the broker; paper trading has one of its own, which is a back-test's but for its quotes.

    Returns
    -------
    RunLog
        Its journal has every session of the span, also where the strategy stopped the run: what it held
        then is held to the end.

    Raises
    ------
    StrategyError
        If the strategy raises; its class, the session and the line are named.
    """
    first, last = span.clock_start, span.stop
    shell = make_broker(panel, broker, first, last, on_session)
    loop = SessionLoop(panel, shell, _clock_bars(panel, benchmark, first, last))
    loop.addstrategy(strategy, **params)
    for analyzer, kwargs in analyzers:
        loop.addanalyzer(REPLACED.get(analyzer, analyzer), **kwargs)
    if analyzers and not any(observer is bt.observers.Broker for observer, _ in observers):
        loop.addobserver(bt.observers.Broker)
    for observer, kwargs in observers:
        # BuySell watches one feed; the others watch the account
        multiple = isinstance(observer, type) and issubclass(observer, bt.observers.BuySell)
        (loop.addobservermulti if multiple else loop.addobserver)(observer, **kwargs)
    if prepare is not None:
        prepare(loop)
    try:
        with rare_collections():
            (ran,) = loop.run()
    except (LookAheadError, StrategyError) as problem:
        raise StrategyError(f"{_where(strategy, shell)}: {problem}{_line(problem)}") from problem
    except AlphaloomError:
        raise
    except Exception as problem:
        raise StrategyError(f"{_where(strategy, shell)}: {describe(problem)}") from problem
    while shell.row < last:
        shell.next()
    return RunLog(shell.journal, ran, shell)


def _clock_bars(panel: MarketPanel, benchmark: str | None, first: int, last: int) -> dict[str, Array]:
    bars = panel.indices.get(benchmark, {}) if benchmark else {}
    return {name: values[first : last + 1] for name, values in bars.items()}


def _where(strategy: type, shell: AShareBroker) -> str:
    if shell.row < shell.first:
        return f"strategy {strategy.__name__} could not start"
    return f"strategy {strategy.__name__} failed at {iso(shell.panel.dates[shell.row])}"


def _line(problem: BaseException) -> str:
    """The line of the strategy that asked for what this engine refused."""
    ours = (str(Path(__file__).parent), str(Path(bt.__file__).parent))
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if not f.filename.startswith(ours)]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""

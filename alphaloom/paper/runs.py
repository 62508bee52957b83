"""A configuration made ready for paper trading: its market, with the session to come, and its strategy."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

from alphaloom.api import check_broker, market_of, signal_of
from alphaloom.config import RunConfig
from alphaloom.paper.configured import spanning
from engine.errors import CalendarError, DataError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.market.store import MarketStore
from engine.span import SpanConfig, resolve_span
from live.coming import ComingMarket, coming_market
from live.deputy import Deputy, Learn
from live.run import PaperRun, Trader
from strategies.loading import load_strategy


def paper_run(settings: RunConfig) -> PaperRun:
    """Load a configuration's market and strategy, ready for paper trading.

    An account without a last day, on a store, sees the session to come as well; it can be planned.
    """
    panel = market_of(settings).panel
    path = settings.resolved_data().path
    if settings.data.source == "store" and settings.span.end is None and path is not None:
        with suppress(CalendarError):  # nothing is known to come
            return live_run(settings, coming_market(MarketStore(path), panel))
    return _run(settings, panel)


def live_run(settings: RunConfig, market: ComingMarket, learn: Learn | None = None) -> PaperRun:
    """Make a configuration ready for a market whose last row is to come.

    Parameters
    ----------
    learn : callable, optional
        Makes the provider's refreshes in its place.

    Raises
    ------
    DataError
        If the account begins after the session to come.
    """
    begin, last = settings.span.start, market.panel.dates[-2]
    if begin is not None and begin > market.session:
        raise DataError(
            f"the account begins on {begin}, and the prices in the store end {iso(last)}; bring them up to "
            "date: alphaloom data sync"
        )
    return _run(settings, market.panel, len(market.panel.dates) - 1, learn)


def open_ended(settings: RunConfig, start: date | None) -> tuple[RunConfig, PaperRun]:
    """The configuration from the first session on or after a day, for as long as there are data."""
    run = paper_run(spanning(settings, SpanConfig(start=start)))
    return spanning(settings, SpanConfig(start=run.session(run.span.start))), run


def _run(
    settings: RunConfig, panel: MarketPanel, coming: int | None = None, learn: Learn | None = None
) -> PaperRun:
    span = resolve_span(panel, settings.span)
    check_broker(settings, panel)

    def trader() -> Trader:
        signal = signal_of(settings, panel)
        if signal is not None and learn is not None:
            signal.provider = Deputy(signal.provider, learn)
        named = settings.strategy.name, settings.strategy.params
        strategy, params = load_strategy(*named, signal, settings.base, settings.seed)
        return Trader(strategy, params, signal)

    return PaperRun(panel, trader, settings.broker, settings.index, span, coming)

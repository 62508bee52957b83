"""What a reader of a result must know besides its numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from alpha_sources.honesty import Honesty
from alpha_sources.llm.costs import Costs
from alpha_sources.signal import ProviderSignal, Refresh
from alphaloom.config import RunConfig
from engine.broker.match import FillAt
from engine.errors import ProviderError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.runner import RunLog
from engine.span import Span


def run_notes(settings: RunConfig, signal: ProviderSignal | None, log: RunLog) -> list[str]:
    """Idealisations and oddities of a run, one sentence each."""
    notes = []
    fill = settings.broker.fill
    if fill.sell == fill.buy:
        at = {FillAt.OPEN: "opening auction", FillAt.CLOSE: "close", FillAt.VWAP: "session"}[fill.sell]
        notes.append(
            f"idealisation: sales pay for purchases of the same {at}, and sizes know its price; "
            "broker.fill={sell: open, buy: vwap} is what can be traded"
        )
    if signal is not None:
        notes += signal.notes
        silent = [row for row, scores in sorted(signal.used.items()) if np.isnan(scores).all()]
        if silent:
            notes.append(
                f"the provider {signal.name} scored nothing on {len(silent)} of {len(signal.used)} decision "
                f"sessions, first {iso(log.broker.panel.dates[silent[0]])}: nothing was decided on them"
            )
    beyond = [(row, event) for row, event in log.journal.ex_dates if event.beyond_tolerance]
    for row, event in beyond:
        notes.append(
            f"{event.symbol} went ex on {iso(log.broker.panel.dates[row])} "
            f"on terms ({event.terms}) that do not "
            f"explain its price: {event.rounding_fen / 100:,.2f} CNY booked as ex_date_rounding"
        )
    for symbol, row in log.journal.ended.items():
        notes.append(
            f"{symbol} has no price from {iso(log.broker.panel.dates[row])} on while still held; "
            "it is kept at its last close"
        )
    unknown = sorted(log.broker.prices.unknown_limits)
    if unknown:
        notes.append(
            f"price limits of {len(unknown)} traded names were unknown and not tested: "
            f"{', '.join(unknown[:5])}"
        )
    return notes


def run_honesty(
    settings: RunConfig, signal: ProviderSignal | None, panel: MarketPanel, span: Span
) -> Honesty:
    """Label a run; what it is tested on is ``spans.test``, or its whole span where there are no spans."""
    if settings.spans is not None:
        start, end = settings.spans.test.start, settings.spans.test.end
    else:
        start, end = (date.fromisoformat(iso(panel.dates[row])) for row in (span.start, span.stop))
    if signal is None:
        return Honesty(start, end)
    return Honesty.of(start, end, _learnt(signal), signal.provider.provenance())


def _learnt(signal: ProviderSignal) -> list[Refresh]:
    """Refreshes without those that failed, after which nothing new was in force."""
    if not signal.snapshots:
        return signal.refreshes
    from alpha_sources.woven.words import failed  # takes a while, and most runs learn nothing

    nothing_new = {one.hash for one in signal.snapshots if failed(one)}
    return [one for one in signal.refreshes if one.snapshot not in nothing_new]


def run_costs(signal: ProviderSignal | None) -> dict[str, Any]:
    """What language models cost, as ``run.json`` has it under ``llm``; nothing where none is ever asked.

    Raises
    ------
    ProviderError
        If what the provider gives are no costs.
    """
    costs = None if signal is None else signal.provider.costs()
    if costs is None:
        return {}
    if not isinstance(costs, Costs):
        named = "the provider" if signal is None else f"provider {signal.name}"
        raise ProviderError(f"{named}: costs() gives a {type(costs).__name__}; return Door.costs() or None")
    tokens = costs.input_tokens + costs.output_tokens
    return {"llm": costs.plain() | {"tokens": tokens, "line": costs.line()}}

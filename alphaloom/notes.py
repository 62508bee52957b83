"""What a reader of a result must know besides its numbers."""

from __future__ import annotations

import numpy as np

from alpha_sources.signal import ProviderSignal
from alphaloom.config import RunConfig
from engine.broker.match import FillAt
from engine.market.calendar import iso
from engine.runner import RunLog


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

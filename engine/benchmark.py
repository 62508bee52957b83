"""The benchmark index, and an estimate of what it would have earned with dividends reinvested."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.market.panel import MarketPanel
from engine.span import Span

Array = NDArray[np.float64]


def benchmark_levels(panel: MarketPanel, symbol: str, span: Span) -> Array:
    """(sessions + 1,) closes of an index: first the base, then one per session of the span.

    The base is the close before the span, or the first session's own where the panel has none before.

    Raises
    ------
    DataError
        If the panel carries no such index, or its closes are missing within the span.
    """
    bars = panel.indices.get(symbol)
    if bars is None:
        known = ", ".join(sorted(panel.indices)) or "none (set data.index)"
        raise DataError(f"benchmark {symbol}: the data have no such index; known: {known}")
    base = max(span.start - 1, 0)
    closes = bars["close"]
    levels: Array = np.append(closes[base], closes[span.start : span.stop + 1])
    if np.isnan(levels).any():
        missing = int(np.isnan(levels).sum())
        raise DataError(f"benchmark {symbol}: {missing} closes are missing within the span; check data.index")
    return levels


def with_dividends(panel: MarketPanel, levels: Array, span: Span) -> Array | None:
    """Estimate of the index with its members' cash dividends reinvested, on the scale of `levels`.

    The yield of a session is that of the members going ex, weighted by float market value at the close
    before (equally where it is unknown). None without a table of corporate actions.
    """
    if not panel.actions:
        return None
    growth = np.ones(len(levels))
    close, value = panel.field("close"), panel.fields.get("market_cap")
    for i, row in enumerate(range(span.start, span.stop + 1), start=1):
        actions = panel.actions.on(panel.dates[row])
        if not actions or row == 0:
            continue
        worth = np.where(np.isnan(close[row - 1]), np.nan, 1.0) if value is None else value[row - 1]
        weight = np.where(panel.universe[row - 1], worth, np.nan)
        total = np.nansum(weight)
        paid = [
            weight[column] / total * action.cash / close[row - 1, column]
            for column, action in actions.items()
            if action.cash and np.isfinite(weight[column]) and close[row - 1, column] > 0
        ]
        growth[i] += sum(paid)
    return levels * np.cumprod(growth)

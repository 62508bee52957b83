"""Which symbols go ex on which session of a run."""

from __future__ import annotations

import numpy as np

from engine.market.panel import MarketPanel

_FACTOR_NOISE = 1e-5


def ex_columns(panel: MarketPanel, first: int, last: int) -> dict[int, tuple[int, ...]]:
    """Columns that go ex, by row: those in the table of actions, and those whose factor steps up."""
    factor = panel.field("adj_factor")
    out: dict[int, set[int]] = {}
    lo = max(first, 1)
    with np.errstate(invalid="ignore"):
        rose = factor[lo : last + 1] > factor[lo - 1 : last] * (1 + _FACTOR_NOISE)
    for row, column in zip(*np.nonzero(rose), strict=True):
        out.setdefault(int(row) + lo, set()).add(int(column))
    for session, column, _ in panel.actions.rows():
        row = int(np.searchsorted(panel.dates, session))
        if first <= row <= last:
            out.setdefault(row, set()).add(column)
    return {row: tuple(sorted(columns)) for row, columns in out.items()}

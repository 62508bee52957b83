"""Adjustment factors of stored bars of which none is stored."""

from __future__ import annotations

import numpy as np

from engine.market.corporate import CorporateActions
from engine.market.grid import Floats, to_tick
from engine.market.sources.delivery import DailyBars
from engine.market.store.factors import derived


def completed(bars: DailyBars, actions: CorporateActions, tick: float) -> Floats:
    """(R,) factor of each row: the stored one; where none is, that of precloses and announced terms.

    Parameters
    ----------
    bars : DailyBars
        With the stored factors, NaN where none is.
    actions : CorporateActions
        By the columns of `bars`.
    tick : float
        CNY.
    """
    factor = bars.number("adj_factor")
    if not np.isnan(factor).any():
        return factor
    close, preclose = bars.values["close"], bars.number("preclose").copy()
    days = bars.session.astype(np.int64)
    keys = (bars.column << 32) + days
    for session, column, action in actions.rows():
        day = int(session.astype(np.int64))
        row = int(np.searchsorted(keys, (column << 32) + day))
        there = (
            0 < row < len(days) and days[row] == day and bars.column[row] == bars.column[row - 1] == column
        )
        if there and not preclose[row] > 0.0:
            preclose[row] = to_tick(action.reference(close[row - 1]), tick)
    own = derived(bars.column, close, preclose, tick)
    out = factor.copy()
    starts = np.flatnonzero(np.diff(bars.column, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], len(out)), strict=False):
        mine = slice(start, stop)
        unknown = np.isnan(out[mine])
        if unknown.any():
            # rows before the first stored factor lie on its base
            known = np.flatnonzero(~unknown)
            scale = factor[start + known[0]] / own[start + known[0]] if len(known) else 1.0
            out[mine] = np.where(unknown, own[mine] * scale, out[mine])
    return out

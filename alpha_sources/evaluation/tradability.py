"""Which names a buyer gets at the open of a session."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.market.panel import MarketPanel
from engine.rules.limits import fresh_sessions, limit_percent, unlimited_cells

Flags = NDArray[np.bool_]


def buyable_at_open(panel: MarketPanel) -> Flags:
    """Say where a buyer is filled at the open: the name trades, and does not open at its upper limit.

    Returns
    -------
    (T, N) bool array
        False where there is no opening price. True where no limit is known: in the first sessions after
        listing, in special sessions without a limit, and in panels without reference prices.

    Notes
    -----
    The broker's rule for a buyer at the open, for whole sessions at once: limits are
    ``(reference x (100 + p) + 50) // 100`` in fen, with p by board, special treatment and date.
    """
    opened = panel.field("open")
    fields = panel.fields
    trades = opened > 0
    if "trading" in fields:
        trades &= fields["trading"] > 0
    if "preclose" not in fields:
        return trades
    percent = _percents(panel)
    with np.errstate(invalid="ignore"):
        up = _upper_limits(fields["preclose"] * 100.0, percent, whole=_ticks_are_whole_fen(panel))
        sealed = opened * 100.0 >= up - 1e-6
    out: Flags = trades & ~sealed
    return out


def _upper_limits(reference_fen: NDArray[Any], percent: NDArray[Any], *, whole: bool) -> NDArray[Any]:
    if not whole:
        return reference_fen * (1.0 + percent / 100.0)
    # whole numbers below 2**53 are exact as floats; a price is positive, so that adding a half rounds
    reference = np.floor(reference_fen + 0.5)
    return np.floor((reference * (100.0 + percent) + 50.0) / 100.0)


def _ticks_are_whole_fen(panel: MarketPanel) -> bool:
    return panel.tick is not None and abs(panel.tick * 100 - round(panel.tick * 100)) < 1e-9


def _percents(panel: MarketPanel) -> NDArray[np.float64]:
    """(T, N) percentages of the limits, NaN where there is none or none is known."""
    days = panel.dates.astype("datetime64[D]").astype(np.int64).tolist()
    boards = panel.instruments.boards
    kinds = {board: i for i, board in enumerate(dict.fromkeys(boards))}
    table = np.array(
        [[[limit_percent(board, st, day) for board in kinds] for st in (False, True)] for day in days],
        dtype=np.float64,
    )
    st = panel.fields["is_st"] > 0 if "is_st" in panel.fields else np.zeros(panel.shape, dtype=bool)
    column = np.array([kinds[board] for board in boards], dtype=np.int64)
    percent: NDArray[np.float64] = table[np.arange(len(days))[:, None], st.astype(np.int64), column[None, :]]
    sessions = panel.calendar.sessions
    first = int(np.searchsorted(sessions, panel.dates[0]))
    for n in np.flatnonzero(panel.listed >= sessions[0]).tolist():
        listed = int(np.searchsorted(sessions, panel.listed[n])) - first
        fresh = abs(fresh_sessions(boards[n], int(panel.listed[n].astype(np.int64))))
        percent[max(listed, 0) : max(listed + fresh, 0), n] = np.nan
    for row, n in unlimited_cells(panel):
        percent[row, n] = np.nan
    return percent

"""Telling ex-right references by announced terms, where a vendor's bars do not tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from engine.market.corporate import CorporateAction
from engine.market.grid import to_tick
from engine.market.sources.delivery import DailyBars

#: ex-dates with their terms, ascending
Actions = Sequence[tuple[date, CorporateAction]]
_TICK = 0.01


def with_references(bars: DailyBars, actions: Actions, *, known: float | None = None) -> DailyBars:
    """Add precloses, and factors where a name has some, to the bars of one name.

    Vendors leave suspended sessions out, so an ex-date may fall between two bars: the first bar from it on
    then opens from the ex-right reference. Rows that no ex-date touches are left as they are, so that terms
    that become known later still count when the bars are read.

    Parameters
    ----------
    bars : DailyBars
        Of one name, ascending; the first row is only looked from.
    actions : sequence of (ex-date, CorporateAction)
        Ascending.
    known : float, optional
        The factor in force on the first row, where the store keeps factors of the name: it is carried on.
    """
    preclose, close = bars.number("preclose").copy(), bars.values["close"]
    days = np.array([day for day, _ in actions], dtype="datetime64[D]")
    for day in days:
        row = int(np.searchsorted(bars.session, day))
        if not 0 < row < len(bars) or not close[row - 1] > 0.0 or not np.isnan(preclose[row]):
            continue
        reference = float(close[row - 1])
        touching = (days > bars.session[row - 1]) & (days <= bars.session[row])
        for i in np.flatnonzero(touching).tolist():
            reference = actions[i][1].reference(reference)
        preclose[row] = to_tick(np.array([reference]), _TICK)[0]
    values = {**bars.values, "preclose": preclose}
    if known is not None and np.isnan(bars.number("adj_factor")).all():
        values["adj_factor"] = _carried(close, preclose, known)
    return DailyBars(bars.symbols, bars.column, bars.session, values)


def with_factors(bars: DailyBars, before: DailyBars, known: Mapping[str, float]) -> DailyBars:
    """Carry stored factors on to the bars of one session, by previous close ÷ preclose.

    Parameters
    ----------
    bars : DailyBars
        One row a name, with its preclose.
    before : DailyBars
        Stored rows of the same names, the last of each being the one before.
    known : mapping of str to float
        The factor in force on that row, of the names that the store keeps factors of.
    """
    factor, preclose = np.full(len(bars), np.nan), bars.number("preclose")
    last = {int(column): row for row, column in enumerate(before.column)}  # rows ascend: the last one stays
    for row, column in enumerate(bars.column.tolist()):
        held, place = known.get(str(bars.symbols[column])), last.get(column)
        if held is None or place is None:
            continue
        close = np.array([before.values["close"][place], np.nan])
        factor[row] = _carried(close, np.array([np.nan, preclose[row]]), held)[1]
    return DailyBars(bars.symbols, bars.column, bars.session, {**bars.values, "adj_factor": factor})


def _carried(close: np.ndarray, preclose: np.ndarray, known: float) -> np.ndarray:
    step = np.ones(len(close))
    with np.errstate(invalid="ignore"):
        ex = np.abs(close[:-1] - preclose[1:]) > _TICK / 2
    step[1:][ex] = close[:-1][ex] / preclose[1:][ex]
    return known * np.multiply.accumulate(step)

"""Adjustment factors: kept as steps on one base, tied to it when more arrive, derived where none is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.market.calendar import Calendar, Dates
from engine.market.grid import Bools, Floats, Ints
from engine.market.sources.delivery import DailyBars

#: Ratio of two bases that is one of rounding.
_SAME_BASE = 1e-9


@dataclass(frozen=True, slots=True)
class Bases:
    """Whose factors are stored.

    Parameters
    ----------
    source : str
        Who delivers now.
    stored : mapping of str to str
        Symbol to the source of its stored factors; symbols without factors are missing.
    """

    source: str
    stored: Mapping[str, str]


def steps(column: Ints, session: Dates, factor: Floats) -> Bools:
    """(R,) rows, ascending by name and session, at which a factor is another than in the row before."""
    known = np.flatnonzero(~np.isnan(factor))
    out = np.zeros(len(factor), dtype=bool)
    if len(known):
        changed = np.ones(len(known), dtype=bool)
        changed[1:] = (column[known][1:] != column[known][:-1]) | (factor[known][1:] != factor[known][:-1])
        out[known[changed]] = True
    return out


def tied(bars: DailyBars, stored: DailyBars, bases: Bases, calendar: Calendar) -> tuple[Floats, Bools]:
    """Bring arriving factors onto the stored base, name by name.

    The ratio of the two bases is read off a session that both know; where there is none and the source is the
    stored one's, they are the same; else it follows from two sessions that touch, since a factor steps by
    previous close ÷ preclose.

    Returns
    -------
    factor : (R,) float array
    untied : (R,) bool array
        Rows of names whose base cannot be told.
    """
    factor, untied = bars.number("adj_factor").copy(), np.zeros(len(bars), dtype=bool)
    if np.isnan(factor).all() or not bases.stored:
        return factor, untied
    ours, theirs = _spans(bars), _spans(stored)
    for n in np.unique(bars.column).tolist():
        symbol = str(bars.symbols[n])
        mine, held = slice(*ours[n]), slice(*theirs[n])
        if symbol not in bases.stored or np.isnan(factor[mine]).all():
            continue
        scale = _scale(
            bars, mine, stored, held, same_source=bases.stored[symbol] == bases.source, calendar=calendar
        )
        if scale is None:
            untied[mine] = True
        elif abs(scale - 1.0) > _SAME_BASE:
            factor[mine] *= scale
    return factor, untied


def _scale(
    bars: DailyBars, mine: slice, stored: DailyBars, held: slice, *, same_source: bool, calendar: Calendar
) -> float | None:
    new, old = bars.number("adj_factor")[mine], stored.number("adj_factor")[held]
    days, there = bars.session[mine], stored.session[held]
    _, i, j = np.intersect1d(days, there, return_indices=True)
    both = np.flatnonzero(~np.isnan(new[i]) & ~np.isnan(old[j]))
    if len(both):
        return float(old[j[both[-1]]] / new[i[both[-1]]])
    if same_source:
        return 1.0
    known, kept = np.flatnonzero(~np.isnan(new)), np.flatnonzero(~np.isnan(old))
    if not len(known) or not len(kept):
        return None
    for before, after, one, other in (
        (there, days, kept[-1], known[0]),
        (days, there, known[-1], kept[0]),
    ):
        if (
            np.searchsorted(calendar.sessions, after[other]) - np.searchsorted(calendar.sessions, before[one])
            != 1
        ):
            continue
        forward = before is there
        first, second = (stored, bars) if forward else (bars, stored)
        close = first.number("close")[held if forward else mine][one]
        preclose = second.number("preclose")[mine if forward else held][other]
        if not (close > 0.0 and preclose > 0.0):
            continue
        step = close / preclose
        ratio = old[one] * step / new[other] if forward else old[other] / (new[one] * step)
        return float(ratio)
    return None


def _spans(bars: DailyBars) -> NDArray[np.intp]:
    """(N, 2) first and one past the last row of each name."""
    names = np.arange(len(bars.symbols))
    return np.stack(
        [np.searchsorted(bars.column, names), np.searchsorted(bars.column, names, side="right")], axis=1
    )


def derived(column: Ints, close: Floats, preclose: Floats, tick: float) -> Floats:
    """(R,) factors from prices alone: 1 on a name's first row, stepping by previous close ÷ preclose.

    Rows ascend by name and session; where the preclose is unknown nothing steps.
    """
    ratio = np.ones(len(close))
    with np.errstate(invalid="ignore", divide="ignore"):
        before = np.concatenate([[np.nan], close[:-1]])
        apart = (preclose > 0.0) & (before > 0.0) & (np.abs(before - preclose) > tick / 2)
    apart[1:] &= column[1:] == column[:-1]
    apart[:1] = False
    ratio[apart] = before[apart] / preclose[apart]
    out = np.empty(len(close))
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], len(close)), strict=False):
        np.multiply.accumulate(ratio[start:stop], out=out[start:stop])
    return out

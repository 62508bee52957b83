"""Values of formulas on a market: all sessions at once, one formula at a time, or the last session alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula._plan import Plan
from alpha_sources.formula.context import Context, Panel
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.panel_fields import PanelFields
from engine.market.view import MarketView

#: relative distance within which the values of a session are the same
_SAME = 1e-12


def evaluate(
    formulas: str | Formula | Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
    threads: int = 1,
) -> NDArray[np.floating]:
    """Compute formulas on every session of a view; what they share is computed once.

    Parameters
    ----------
    formulas : str or Formula, or several
        Texts are read in the default dialect, with the panel's own fields known.
    view : MarketView
        (t+1) sessions of N symbols.
    dtype : float64 or float32
        Of the values; sums inside windows are carried in float64 either way.
    threads : int
        Operations that may run at the same time. The values do not depend on it.

    Returns
    -------
    (A, t+1, N) float array
        On the scale of each session; NaN where a formula has no value. Not masked by the universe.

    Raises
    ------
    FormulaError
        If a text is no formula, or a formula asks for a field that the panel lacks. A formula without any
        value is no error here, since a view may be too short for it: see `check_output`.
    """
    batch = read_formulas(formulas, view)
    out = np.empty((len(batch), view.t + 1, len(view.symbols)), dtype=checked_dtype(dtype))
    for positions, values, _ in planned(batch, view, 0, out.dtype).run(threads):
        for position in positions:
            out[position] = values
    return out


def evaluate_last(
    formulas: str | Formula | Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
    threads: int = 1,
) -> NDArray[np.floating]:
    """Compute formulas on the last session of a view from no more rows than they look back.

    Returns
    -------
    (A, N) float array
        Equal to the last row of `evaluate`: exactly, but for recursive operators such as ema, which may
        differ by what is left of their start after the burn-in.
    """
    batch = read_formulas(formulas, view)
    reach = max((formula.root.lookback + formula.root.burn_in for formula in batch), default=0)
    start = max(0, view.t - reach)
    out = np.empty((len(batch), len(view.symbols)), dtype=checked_dtype(dtype))
    for positions, values, _ in planned(batch, view, start, out.dtype).run(threads):
        for position in positions:
            out[position] = values[-1]
    return out


def check_output(formula: str | Formula, values: Panel, universe: NDArray[np.bool_] | None = None) -> None:
    """Refuse values that say nothing: none at all, or the same for every name on every session.

    Parameters
    ----------
    formula : str or Formula
        Named in the error.
    values : (T, N) array
        One formula's values from `evaluate`.
    universe : (T, N) bool array or None
        Members, where only these count.

    Raises
    ------
    FormulaError
        With the reason, such as a look-back longer than the data.
    """
    text = formula if isinstance(formula, str) else formula.text
    seen = values if universe is None else np.where(universe, values, np.nan)
    known = np.isfinite(seen)
    count = known.sum(axis=1)
    if not count.any():
        reach = 0 if isinstance(formula, str) else formula.lookback
        if reach >= len(values):
            reason = f"the formula looks back {reach} sessions, the data have {len(values)}: it has no value"
            raise FormulaError(reason, text, hint="shorten its windows, or load more history")
        raise FormulaError("the formula has no value anywhere: it is NaN on every session", text)
    largest = np.where(known, seen, -np.inf).max(axis=1)
    smallest = np.where(known, seen, np.inf).min(axis=1)
    comparable = count > 1
    level = np.maximum(np.abs(largest), np.abs(smallest))[comparable]
    if comparable.any() and np.all((largest - smallest)[comparable] <= _SAME * level):
        raise FormulaError("the formula is constant: on every session the same for every stock", text)


def read_formulas(formulas: str | Formula | Iterable[str | Formula], view: MarketView) -> list[Formula]:
    """Return formulas as a list, texts parsed with the fields of a view."""
    several = one_by_one(formulas)
    return [f if isinstance(f, Formula) else parse(f, fields=view.field_names) for f in several]


def one_by_one(formulas: str | Formula | Iterable[str | Formula]) -> Iterable[str | Formula]:
    """Return one formula or several as several."""
    if isinstance(formulas, str | Formula):
        return [formulas]
    if isinstance(formulas, bytes) or not isinstance(formulas, Iterable):
        raise FormulaError(f"a formula is a text, not {type(formulas).__name__}")
    return formulas


def checked_dtype(dtype: DTypeLike) -> np.dtype[np.floating]:
    """Return float64 or float32, and refuse anything else."""
    try:
        asked: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise FormulaError(f"formulas are evaluated in float64 or float32, not {dtype!r}") from None
    if asked not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise FormulaError(f"formulas are evaluated in float64 or float32, not {asked}")
    return asked


def planned(batch: list[Formula], view: MarketView, start: int, dtype: np.dtype[np.floating]) -> Plan:
    """Return the plan for a batch on the rows of a view from `start` on."""
    # counted from a day of its own, not from the calendar's first: calendars begin at different dates
    days = view.dates[start:].astype("datetime64[D]").astype(np.int64)
    context = Context(view.universe[start:], days, dtype)
    return Plan([formula.root for formula in batch], context, PanelFields(view, context, start))

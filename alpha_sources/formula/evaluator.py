"""Values of formulas on a market: all sessions at once, one formula at a time, or the last session alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula._plan import Plan
from alpha_sources.formula._session import AT_ONCE, Session
from alpha_sources.formula.context import Panel
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.nodes import Node
from alpha_sources.formula.panel_fields import PanelFields, Schema
from engine.market.view import MarketView

#: formulas of a plan that is worth keeping
_REMEMBERED = 512
#: relative distance within which the values of a session are the same
_SAME = 1e-12


def evaluate(
    formulas: str | Formula | Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
    threads: int = 1,
    *,
    start: int = 0,
    memory_budget: int | None = None,
) -> NDArray[np.floating]:
    """Compute formulas on the sessions of a view; what they share is computed once.

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
    start : int
        First row that is asked for: every operation works on the rows alone that are looked back on from
        there.
    memory_budget : int, optional
        Bytes that intermediate values may take up, besides the market and the result. Formulas are computed
        in as many batches as it asks for; the values do not depend on it.

    Returns
    -------
    (A, t+1-start, N) float array
        On the scale of each session; NaN where a formula has no value. Not masked by the universe. From a
        later start the rows are equal to those from 0: exactly, but for recursive operators such as ema,
        which may differ by what is left of their start after the burn-in.

    Raises
    ------
    FormulaError
        If a text is no formula, a formula asks for a field that the panel lacks, the budget is too small for
        one formula alone, or float32 is too small for a number on the way. A formula without any value is no
        error here, since a view may be too short for it: see `check_output`.
    """
    batch, fields = read_formulas(formulas, view), PanelFields(view, checked_dtype(dtype))
    first, budget = checked_row(start, view), checked_budget(memory_budget)
    out = np.empty((len(batch), view.t + 1 - first, len(view.symbols)), dtype=fields.dtype)
    done = 0
    workers = checked_threads(threads)
    for some, plan in plans(batch, fields, first, budget):
        for positions, values, kept in plan.run(some, fields, workers, budget):
            for position in positions:
                out[done + position] = values
            if kept:
                fields.buffers.give_back(values)
        done += len(some)
    return out


def evaluate_last(
    formulas: str | Formula | Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
) -> NDArray[np.floating]:
    """Compute formulas on the last session of a view alone.

    Windows of the same values are read together. Who asks for session after session lets a
    `SessionStream` remember what they share.

    Returns
    -------
    (A, N) float array
        Equal to the last row of `evaluate`: exactly, but for recursive operators, which begin their burn-in
        before the session. What a formula is worth does not depend on those it is computed with.
    """
    batch, fields = read_formulas(formulas, view), PanelFields(view, checked_dtype(dtype))
    out = np.empty((len(batch), fields.stocks), dtype=fields.dtype)
    for first in range(0, len(batch), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        out[some] = Session(batch[some], fields, goes_on=False).values
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


def checked_row(start: int, view: MarketView) -> int:
    """Return a row of a view, and refuse anything else."""
    if isinstance(start, bool) or not isinstance(start, int | np.integer) or not 0 <= start <= view.t:
        raise FormulaError(f"start is {start!r}, not a row of the view: 0 to {view.t}")
    return int(start)


def checked_threads(threads: int) -> int:
    """Return a number of threads, and refuse anything else."""
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise FormulaError(f"threads is {threads!r}, not a number of threads: 1 or more")
    return threads


def checked_budget(budget: int | None) -> int | None:
    """Return a number of bytes or None, and refuse anything else."""
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget < 1):
        raise FormulaError(f"memory_budget is {budget!r}, not a number of bytes: 1 or more, or None for all")
    return budget


def plans(
    batch: Sequence[Formula], fields: PanelFields, start: int, budget: int | None
) -> Iterator[tuple[Sequence[Formula], Plan]]:
    """Yield the formulas of a batch, in order, as many at a time as the budget allows, and their plans.

    Raises
    ------
    FormulaError
        If one formula alone needs more than the budget.
    """
    if not batch:
        return
    rows = fields.rows - start
    reach = max(formula.lookback for formula in batch)
    # rows that nobody looks back on make no difference: of every later session the plan is the same
    known = min(fields.rows, rows + reach)
    roots = tuple(formula.root for formula in batch)
    make = _plan if len(roots) <= _REMEMBERED else Plan
    plan = make(roots, fields.schema, rows, known)
    needed = plan.peak * fields.bytes_of_row
    if budget is None or needed <= budget:
        yield batch, plan
    elif len(batch) > 1:
        half = len(batch) // 2
        yield from plans(batch[:half], fields, start, budget)
        yield from plans(batch[half:], fields, start, budget)
    else:
        single = "" if fields.dtype == np.float32 else ", evaluate in float32, which takes half,"
        raise FormulaError(
            f"the formula needs {size_text(needed)} for intermediate values, the memory budget is "
            f"{size_text(budget)}",
            batch[0].text,
            hint=f"raise the budget to {needed} bytes or more{single} or take fewer sessions or symbols",
        )


@lru_cache(maxsize=16)
def _plan(roots: tuple[Node, ...], schema: Schema, rows: int, known: int) -> Plan:
    # session after session the same formulas are asked for, and planning takes as long as computing one row
    return Plan(roots, schema, rows, known)


def size_text(count: int) -> str:
    """Return a number of bytes with a unit that suits it."""
    if count < 1_000_000:
        return f"{count / 1_000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.2f} GB"

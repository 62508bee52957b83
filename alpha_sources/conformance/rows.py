"""Rows of scores: how they are read, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.conformance.findings import CheckFailedError, Fault
from alpha_sources.score_row import RowFlaw, ScoreRowError, read_score_row
from engine.market.calendar import iso
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: what a flaw of a row comes to
_FAULTS: Mapping[RowFlaw, Fault] = MappingProxyType(
    {
        RowFlaw.NO_ARRAY: Fault.NOT_A_ROW,
        RowFlaw.SHAPE: Fault.NOT_A_ROW,
        RowFlaw.KIND: Fault.NOT_A_ROW,
        RowFlaw.ORDER: Fault.OTHER_ORDER,
        RowFlaw.INFINITE: Fault.INFINITE,
    }
)
#: scores are ranked after rounding to so many significant digits
_DIGITS = 1e-10


def read_row(raw: Any, view: MarketView) -> Array:
    """Read what `scores` gave as (N,) floats, at least as strictly as a back-test does.

    Raises
    ------
    CheckFailedError
        With the session, what was expected and what came.
    """
    session = iso(view.session)
    if isinstance(raw, np.ma.MaskedArray) and np.ma.getmaskarray(raw).any():
        raise CheckFailedError(
            Fault.NOT_A_ROW,
            f"scores at {session} are a masked array, whose mask nobody reads: return scores.filled(np.nan)",
            session,
        )
    try:
        return read_score_row(raw, view).copy()
    except ScoreRowError as problem:
        hint = _hint(raw, view, problem)
        raise CheckFailedError(
            _FAULTS[problem.flaw], f"scores at {session}: {problem}{hint}", session, problem.symbol
        ) from problem


def _hint(raw: Any, view: MarketView, problem: ScoreRowError) -> str:
    if problem.flaw is RowFlaw.SHAPE and np.shape(raw) == (int(view.universe[-1].sum()),):
        return (
            "; one score for each member is too few: give one for every symbol of view.symbols, NaN for "
            "the rest"
        )
    if problem.flaw is RowFlaw.ORDER and problem.symbol is not None:
        return f"; {raw.index[view.column(problem.symbol)]} stands where {problem.symbol} belongs"
    return ""


def equal(a: Array, b: Array) -> bool:
    """Whether two rows are the same, bit for bit."""
    return np.array_equal(a, b, equal_nan=True)


def alike(a: Array, b: Array, digits: float = _DIGITS) -> bool:
    """Whether two rows (or panels) are the same to ten significant digits of their size."""
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    size = np.nanmax(np.abs(a), initial=0.0, where=np.isfinite(a))
    return bool(np.nanmax(np.abs(a - b), initial=0.0, where=np.isfinite(a)) <= digits * size)


def same_order(a: Array, b: Array) -> bool:
    """Whether two rows put the names in the same order, ties within ten significant digits aside."""
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    known = np.isfinite(a)
    return equal(_ranks(a[known]), _ranks(b[known]))


def somewhere_reversed(a: Array, b: Array) -> bool:
    """Whether two names are in one order in a row and in the other order in another; a tie is in neither."""
    known = np.isfinite(a) & np.isfinite(b)
    first, second = _ranks(a[known]), _ranks(b[known])
    place = np.lexsort((second, first))
    first, second = first[place], second[place]
    starts = np.flatnonzero(np.diff(first, prepend=-1.0) > 0)[1:]  # of names that rank alike, the lowest in b
    highest = np.maximum.accumulate(second)
    return bool((highest[starts - 1] > second[starts]).any())


def first_difference(a: Array, b: Array, symbols: NDArray[np.str_]) -> tuple[str, str]:
    """Return the first symbol on which two rows differ, and both values in words."""
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    column = int(differs.argmax())
    return str(symbols[column]), f"{shown(a[column])} and {shown(b[column])}"


def shown(value: float) -> str:
    """Return a score as text."""
    return "NaN" if np.isnan(value) else f"{value:.6g}"


def _ranks(values: Array) -> Array:
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    size = float(np.abs(values).max(initial=0.0))
    group = np.concatenate([[0], np.cumsum(np.diff(ordered) > 10 * _DIGITS * size)])[: len(values)]
    ranks = np.empty(len(values))
    ranks[order] = group
    return ranks

"""Rows of scores: how they are read, and when two of them are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.conformance.findings import CheckFailedError, Fault
from engine.market.calendar import iso
from engine.market.view import MarketView

Array = NDArray[np.float64]

#: scores are ranked after rounding to so many significant digits
_DIGITS = 1e-10


def read_row(raw: Any, view: MarketView) -> Array:
    """Read what `scores` gave as (N,) floats, as strictly as a back-test does.

    Raises
    ------
    CheckFailedError
        With the session, what was expected and what came.
    """
    session, symbols = iso(view.session), view.symbols
    try:
        scores = np.asarray(raw)
    except (TypeError, ValueError) as exc:
        raise CheckFailedError(
            Fault.NOT_A_ROW, f"scores at {session}: {type(raw).__name__} is no array: {exc}", session
        ) from exc
    if scores.shape != symbols.shape:
        members = int(view.universe[-1].sum())
        hint = (
            "; one score for each member is too few: give one for every symbol of view.symbols, NaN for "
            "the rest"
            if scores.shape == (members,)
            else ""
        )
        raise CheckFailedError(
            Fault.NOT_A_ROW,
            f"scores at {session} must have the shape {symbols.shape}, in the order of view.symbols; "
            f"they have {scores.shape}{hint}",
            session,
        )
    if scores.dtype.kind not in "fiu":
        raise CheckFailedError(
            Fault.NOT_A_ROW, f"scores at {session} must be floats; they are {scores.dtype}", session
        )
    if isinstance(raw, np.ma.MaskedArray) and np.ma.getmaskarray(raw).any():
        raise CheckFailedError(
            Fault.NOT_A_ROW,
            f"scores at {session} are a masked array, whose mask nobody reads: return scores.filled(np.nan)",
            session,
        )
    _check_labels(raw, view)
    row = scores.astype(np.float64)
    endless = np.isinf(row)
    if endless.any():
        symbol = str(symbols[endless.argmax()])
        raise CheckFailedError(
            Fault.INFINITE,
            f"at {session} the score of {symbol} is {row[endless.argmax()]}; NaN is no opinion",
            session,
            symbol,
        )
    return row


def _check_labels(raw: Any, view: MarketView) -> None:
    labels = getattr(raw, "index", None)
    if labels is None or callable(labels):
        return
    labels = np.asarray(labels)
    if labels.dtype.kind in "iu" or np.array_equal(labels.astype(str), view.symbols):
        return
    wrong = int((labels.astype(str) != view.symbols).argmax())
    session, expected = iso(view.session), str(view.symbols[wrong])
    raise CheckFailedError(
        Fault.OTHER_ORDER,
        f"scores at {session} are a Series in another order than view.symbols: {labels[wrong]} stands where "
        f"{expected} belongs; return series.reindex(view.symbols)",
        session,
        expected,
    )


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

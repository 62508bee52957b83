"""Many formulas in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula.evaluator import checked_dtype, one_by_one, planned, read_formulas
from alpha_sources.formula.formula import Formula
from engine.market.view import MarketView


def evaluate_stream(
    formulas: Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
    threads: int = 1,
    *,
    block: int = 32,
) -> Iterator[tuple[Formula, NDArray[np.floating]]]:
    """Yield formulas and their values one after the other, in the order given.

    Memory is that of one block's shared parts, whatever the number of formulas, which may be a generator.

    Parameters
    ----------
    formulas : iterable of str or Formula
        See `evaluate`.
    view : MarketView
        (t+1) sessions of N symbols.
    block : int
        Formulas among which common parts are computed once.

    Yields
    ------
    Formula and (t+1, N) float array
        The array is the caller's own.
    """
    chosen = checked_dtype(dtype)
    source = iter(one_by_one(formulas))
    while texts := list(islice(source, block)):
        batch = read_formulas(texts, view)
        # with several threads a later formula may be ready first
        early: dict[int, NDArray[np.floating]] = {}
        due = 0
        for positions, values, kept in planned(batch, view, 0, chosen).run(threads):
            for position in positions:
                own = kept and position == positions[-1]
                early[position] = values if own else values.copy()
            while due in early:
                yield batch[due], early.pop(due)
                due += 1

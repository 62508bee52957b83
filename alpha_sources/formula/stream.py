"""Many formulas in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula._plan import Plan
from alpha_sources.formula.context import Buffers
from alpha_sources.formula.evaluator import (
    checked_budget,
    checked_dtype,
    checked_row,
    checked_threads,
    one_by_one,
    plans,
    read_formulas,
)
from alpha_sources.formula.formula import Formula
from alpha_sources.formula.panel_fields import PanelFields
from engine.market.view import MarketView


class _Lent:
    """A panel that goes back to the pool when the last array that shows it is gone.

    Who takes the values of one formula after the other would otherwise have the system clear fresh memory for
    each. An array made from it holds on to it, and all that is cut from that array to the array.
    """

    __slots__ = ("_buffers", "_panel")

    def __init__(self, panel: NDArray[np.floating], buffers: Buffers) -> None:
        self._panel, self._buffers = panel, ref(buffers)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._panel.__array_interface__

    def __del__(self) -> None:
        # the stream may have ended, and its pool with it
        if (buffers := self._buffers()) is not None:
            buffers.give_back(self._panel)


def evaluate_stream(
    formulas: Iterable[str | Formula],
    view: MarketView,
    dtype: DTypeLike = "float64",
    threads: int = 1,
    *,
    block: int = 32,
    start: int = 0,
    memory_budget: int | None = None,
) -> Iterator[tuple[Formula, NDArray[np.floating]]]:
    """Yield formulas and their values one after the other, in the order given.

    Memory is that of one block's shared parts, whatever the number of formulas, which may be a generator.

    Parameters
    ----------
    formulas : iterable of str or Formula
        See `evaluate`, also for the other parameters.
    view : MarketView
        (t+1) sessions of N symbols.
    block : int
        Formulas among which common parts are computed once; fewer where the memory budget asks for it.
    memory_budget : int, optional
        Bytes that intermediate values and the one that is yielded may take up.

    Yields
    ------
    Formula and (t+1-start, N) float array
        The array is the caller's own.
    """
    fields = PanelFields(view, checked_dtype(dtype))
    first, budget, workers = checked_row(start, view), checked_budget(memory_budget), checked_threads(threads)
    source = iter(one_by_one(formulas))
    while texts := list(islice(source, block)):
        batch = read_formulas(texts, view)
        for some, plan in plans(batch, fields, first, budget):
            yield from _results(some, plan, fields, workers, budget)


def _results(
    batch: Sequence[Formula], plan: Plan, fields: PanelFields, threads: int, budget: int | None
) -> Iterator[tuple[Formula, NDArray[np.floating]]]:
    # with several threads a later formula may be ready first
    early: dict[int, NDArray[np.floating]] = {}
    due = 0
    for positions, values, kept in plan.run(batch, fields, threads, budget):
        for position in positions:
            own = kept and position == positions[-1]
            early[position] = np.asarray(_Lent(values, fields.buffers)) if own else values.copy()
        del values
        while due in early:
            yield batch[due], early.pop(due)
            due += 1

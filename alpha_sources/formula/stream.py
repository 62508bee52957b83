"""Many formulas in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from alpha_sources.formula._plan import Plan
from alpha_sources.formula.evaluator import checked_dtype, one_by_one, planned, read_formulas
from alpha_sources.formula.formula import Formula
from engine.market.view import MarketView


class _Lent:
    """A panel that goes back to its plan when the last array that shows it is gone.

    Who takes the values of one formula after the other would otherwise have the system clear fresh memory for
    each. An array made from it holds on to it, and all that is cut from that array to the array.
    """

    __slots__ = ("_panel", "_plan")

    def __init__(self, panel: NDArray[np.floating], plan: Plan) -> None:
        self._panel, self._plan = panel, ref(plan)

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._panel.__array_interface__

    def __del__(self) -> None:
        # the plan of an earlier block is gone, and its panels with it
        if (plan := self._plan()) is not None:
            plan.give_back(self._panel)


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
        plan = planned(batch, view, 0, chosen)
        for positions, values, kept in plan.run(threads):
            for position in positions:
                own = kept and position == positions[-1]
                early[position] = np.asarray(_Lent(values, plan)) if own else values.copy()
            del values
            while due in early:
                yield batch[due], early.pop(due)
                due += 1

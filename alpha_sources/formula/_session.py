"""One session of a market as formulas see it: its own values, and earlier rows of what they look back on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.formula._graph import Key
from alpha_sources.formula._plan import too_small
from alpha_sources.formula._session_plan import SessionPlan, Stage
from alpha_sources.formula.context import Panel, RowOverflowError, SinglePrecisionOverflowError, read_only
from alpha_sources.formula.formula import Formula
from alpha_sources.formula.nodes import Node
from alpha_sources.formula.panel_fields import PanelFields, Schema
from engine.market.view import MarketView

#: formulas that are best evaluated together: every operation takes a row, and what is shared lies near
AT_ONCE = 512


class Session:
    """The values of formulas on the last session of a view, and what the next session needs of it.

    Parameters
    ----------
    formulas : sequence of Formula
    fields : PanelFields
        Of the view.
    goes_on : bool
        Whether there is to be a next session. If not, memory is used again as soon as it can be.

    Raises
    ------
    FormulaError
        If a field is missing, or float32 is too small for a number on the way.
    """

    def __init__(self, formulas: Sequence[Formula], fields: PanelFields, *, goes_on: bool) -> None:
        self._formulas, self._fields = formulas, fields
        self._reach = max((formula.lookback for formula in formulas), default=0)
        known = min(fields.rows, 1 + self._reach)
        make = _plan if len(formulas) < AT_ONCE else SessionPlan
        self._plan = plan = make(tuple(f.root for f in formulas), fields.schema, known)
        self._board = np.empty((len(plan.rows), fields.stocks), dtype=fields.dtype)
        self._rows: dict[Key, _Rows] = {}
        #: all the rows there are of every value: a row of the board is one too
        self._values: dict[Key, Panel] = {
            key: read_only(self._board[row : row + 1]) for key, row in plan.rows.items()
        }
        for begin in plan.begin:
            panel = self._panel(begin.key)
            self._board[plan.rows[begin.key]] = panel[-1]
            self._values[begin.key] = panel
            if goes_on:
                self._rows[begin.key] = _Rows(panel)
            self._run([begin.then])
            if not goes_on:
                self._free(begin.spent)
        self._run(plan.rest)

    @property
    def values(self) -> NDArray[np.floating]:
        """(A, N) values of the formulas, in order."""
        return self._board[self._plan.roots]

    def is_before(self, fields: PanelFields) -> bool:
        """Whether a view ends one session later and has the same numbers before, as far as they matter."""
        if self._fields.rows <= self._reach or fields.rows <= self._reach or fields.rows < 2:
            return False
        before, view = self._fields.view, fields.view
        if fields.schema != self._fields.schema or not np.array_equal(before.symbols, view.symbols):
            return False
        count = max(self._reach, 1)
        if not np.array_equal(before.dates[-count:], view.dates[:-1][-count:]):
            return False
        if _is_same_market(before, view):
            return all(self._reads_alike(key, fields) for key in self._plan.of_indices)
        members, others = before.universe[-count:], view.universe[:-1][-count:]
        alike = np.array_equal(members, others)
        return alike and all(self._reads_alike(key, fields) for key in self._plan.fields)

    def go_on(self, fields: PanelFields) -> None:
        """Go to the next session, which `is_before` has found this one to be before."""
        fields.buffers = self._fields.buffers
        self._fields = fields
        self._run(self._plan.next)

    def _reads_alike(self, key: Key, fields: PanelFields) -> bool:
        # bit by bit, so that NaN is like NaN
        earlier = self._values[key][1:]
        panel = self._plan.panels[key].compute(fields, self._values)[:-1]
        return earlier.tobytes() == panel.tobytes()

    def _run(self, stages: Sequence[Stage]) -> None:
        plan, board = self._plan, self._board
        context = self._fields.context(1)
        for stage in stages:
            try:
                stage.cells.run(context, board)
                self._keep(stage.kept_of_cells)
                for together in stage.together:
                    operands = [self._values[key] for key in together.operands]
                    together.windows.run(context, operands, board)
            except RowOverflowError as problem:
                key = next(key for key, row in plan.rows.items() if row == problem.row)
                raise too_small(problem, self._formulas[plan.origins[key]]) from None
            for key, row, alone in stage.alone:
                try:
                    alone(self._fields, self._values, board[row : row + 1])
                except SinglePrecisionOverflowError as problem:
                    raise too_small(problem, self._formulas[plan.origins[key]]) from None
            for key in stage.whole:
                self._values[key] = self._panel(key)
            self._keep(stage.kept)

    def _keep(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self._values[key] = self._rows[key].pushed(self._board[self._plan.rows[key]])

    def _free(self, keys: Sequence[Key]) -> None:
        for key in keys:
            panel = self._values.pop(key)
            if self._plan.panels[key].owned:
                self._fields.buffers.give_back(panel)

    def _panel(self, key: Key) -> Panel:
        try:
            return self._plan.panels[key].compute(self._fields, self._values)
        except SinglePrecisionOverflowError as problem:
            raise too_small(problem, self._formulas[self._plan.origins[key]]) from None


class _Rows:
    """The last rows of a value, one after the other in memory."""

    __slots__ = ("_block", "_count", "_end")

    def __init__(self, panel: Panel) -> None:
        # full, and perhaps the market's own memory
        self._block, self._count, self._end = panel, len(panel), len(panel)

    def pushed(self, row: Panel) -> Panel:
        """Return the rows without the first, and one more."""
        if self._end == len(self._block):
            kept = self._block[self._end - self._count + 1 :]
            if len(self._block) < 2 * self._count:
                self._block = np.empty((2 * self._count, len(row)), dtype=row.dtype)
            # in a block of our own the two are a row apart at least
            self._block[: len(kept)] = kept
            self._end = len(kept)
        self._block[self._end] = row
        self._end += 1
        return read_only(self._block[self._end - self._count : self._end])


def _is_same_market(before: MarketView, view: MarketView) -> bool:
    """Whether two views show one memory, which nobody may write to: nothing need be compared then."""
    if before.instruments is not view.instruments or not _goes_on(before.universe, view.universe):
        return False
    return all(_goes_on(before.field(name), view.field(name)) for name in view.field_names)


def _goes_on(earlier: NDArray[Any], later: NDArray[Any]) -> bool:
    # an array that is held on to keeps its place: nothing else can have come there meanwhile
    if earlier.dtype != later.dtype or earlier.strides != later.strides or later.flags.writeable:
        return False
    return _address(earlier, len(earlier) - 1) == _address(later, len(later) - 2)


def _address(array: NDArray[Any], row: int) -> int:
    start: int = array.__array_interface__["data"][0]
    return start + row * array.strides[0]


@lru_cache(maxsize=16)
def _plan(roots: tuple[Node, ...], schema: Schema, known: int) -> SessionPlan:
    # session after session the same formulas are asked for, and planning takes longer than one row
    return SessionPlan(roots, schema, known)

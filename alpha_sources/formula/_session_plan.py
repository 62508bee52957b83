"""The order of work on one session: its own row of every value, from earlier rows that are remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from alpha_sources.formula._graph import Graph, Key, Wanted
from alpha_sources.formula._plan import Step, operation, step_of
from alpha_sources.formula.context import Panel
from alpha_sources.formula.fields import index_field
from alpha_sources.formula.kernels._board import Batch, OnRows
from alpha_sources.formula.kernels._families import Asked, Family, Windows, family_of
from alpha_sources.formula.kernels._program import run
from alpha_sources.formula.nodes import Node
from alpha_sources.formula.panel_fields import PanelFields, Schema

#: computes the session's row of a value into a row of the board
Alone = Callable[[PanelFields, Mapping[Key, Panel], Panel], None]


@dataclass(frozen=True, slots=True)
class Together:
    """Windows of one family of the same values."""

    windows: Windows
    operands: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """What can be done once the stages before are: first what is done cell by cell, then all else.

    Parameters
    ----------
    cells : Batch
    alone : tuple of (Key, row of the board, Alone)
        One after the other.
    together : tuple of Together
    whole : tuple of Key
        Values of which all rows that are looked back on are computed, see `SessionPlan`.
    kept_of_cells, kept : tuple of Key
        The values of `cells`, and of all else, whose rows are remembered.
    """

    cells: Batch
    alone: tuple[tuple[Key, int, Alone], ...]
    together: tuple[Together, ...]
    whole: tuple[Key, ...]
    kept_of_cells: tuple[Key, ...]
    kept: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """A remembered value of a session of which nothing is known yet.

    Parameters
    ----------
    key : Key
        Of the value, all rows of which are computed.
    then : Stage
        What needs no other panel, nor any later one.
    spent : tuple of Key
        Values of which, when that is done, nobody needs more than what stands on the board.
    """

    key: Key
    then: Stage
    spent: tuple[Key, ...]


class SessionPlan:
    """What there is to do for the last session of a view.

    A value has a row of the *board*, for the session alone. Of a value that others look back on earlier rows
    are *remembered*; of one that depends, however little, on where it begins, they are computed *whole* every
    time, so that a session's values do not depend on those before it that were asked for.

    Parameters
    ----------
    roots : sequence of Node
        The formulas.
    schema : Schema
        Of the markets it is to be run on.
    known : int
        Rows that there are, at most those that are looked back on.
    """

    def __init__(self, roots: Sequence[Node], schema: Schema, known: int) -> None:
        self._graph = graph = Graph(roots, schema, 1, known)
        self._schema, self._known = schema, known
        order = list(graph.steps())
        wanted = {key: graph.wanted[key] for key in order}
        #: how all rows of a value are computed, of those that more than one row is asked for of
        self.panels: dict[Key, Step] = {
            key: step_of(graph, one, schema, known) for key, one in wanted.items() if one.rows > 1
        }
        #: values whose earlier rows are remembered, operands before what uses them
        self.remembered = {key: None for key in self.panels if not wanted[key].node.burn_in}
        #: those of them that are read from the market, all and of its indices
        self.fields = tuple(key for key in self.remembered if not wanted[key].operands)
        self.of_indices = tuple(
            key for key in self.fields if index_field(wanted[key].node.field_name) is not None
        )
        on_board = [key for key in order if key in self.remembered or key not in self.panels]
        #: where values stand on the board
        self.rows = {key: row for row, key in enumerate(on_board)}
        #: rows of the formulas themselves, in order
        self.roots = np.array([self.rows[key] for key in graph.roots], dtype=np.int64)
        early = self._early(order)
        done = {key for keys in early.values() for key in keys}.union(self.remembered)
        self._stages = self._staged(order)
        left = [[key for key in keys if key not in done] for keys in self._stages]
        #: for a session of which nothing is known yet: these in order, then the rest
        self.begin = [
            Begin(key, self._stage(early[key]), spent) for key, spent in self._spent(early, left).items()
        ]
        self.rest = [self._stage(keys) for keys in left]
        #: positions of the earliest formulas that ask for values
        self.origins = {key: one.origin for key, one in wanted.items()}

    @cached_property
    def next(self) -> list[Stage]:
        """For a session whose remembered values are those of the session before."""
        return [self._stage(keys) for keys in self._stages]

    def _early(self, order: Sequence[Key]) -> dict[Key, list[Key]]:
        """Return what can be done as soon as a remembered value is there, while it is in the cache."""
        place = {key: i for i, key in enumerate(self.remembered)}
        early: dict[Key, list[Key]] = {key: [] for key in place}
        for key in order:
            needs = self._graph.needs[key]
            if key not in self.panels and needs and not self._is_batched(key) and place.keys() >= set(needs):
                early[max(needs, key=place.__getitem__)].append(key)
        return early

    def _spent(
        self, early: Mapping[Key, Sequence[Key]], left: Sequence[Sequence[Key]]
    ) -> dict[Key, tuple[Key, ...]]:
        """Return for each remembered value those that are spent with it."""
        needs = self._graph.needs
        last: dict[Key, Key] = {}
        for key, then in early.items():
            last.update(dict.fromkeys([key, *needs[key], *(n for one in then for n in needs[one])], key))
        # cells take what they need from the board
        for key in (key for keys in left for key in keys if not self._is_batched(key)):
            for need in needs[key]:
                last.pop(need, None)
        return {key: tuple(one for one, end in last.items() if end == key) for key in early}

    def _staged(self, order: Sequence[Key]) -> list[list[Key]]:
        # cells may take what cells of the same stage yield, all else takes what stages before do
        stage: dict[Key, int] = {}
        for key in order:
            needs = self._graph.needs[key]
            stage[key] = max((stage[need] + (not self._is_batched(need)) for need in needs), default=0)
        found: list[list[Key]] = [[] for _ in range(max(stage.values(), default=-1) + 1)]
        for key in order:
            found[stage[key]].append(key)
        return found

    def _is_batched(self, key: Key) -> bool:
        one = self._graph.wanted[key]
        if not one.cells or key not in self.rows:
            return False
        return self._graph.program(key)[0].code is not None

    def _stage(self, keys: Sequence[Key]) -> Stage:
        cells: list[OnRows] = []
        alone: list[tuple[Key, int, Alone]] = []
        families: dict[tuple[Family, tuple[Key, ...]], list[Asked]] = {}
        whole: list[Key] = []
        for key in keys:
            one = self._graph.wanted[key]
            if key not in self.rows:
                whole.append(key)
                continue
            row, family = self.rows[key], family_of(one.node.op)
            if self._is_batched(key):
                program, inputs = self._graph.program(key)
                cells.append(OnRows(program, tuple(self.rows[i] for i in inputs), row))
            elif family is None or one.cells or not one.operands:
                alone.append((key, row, self._alone(one)))
            else:
                values = tuple(o for o in one.operands if isinstance(o, tuple))
                n, *q = (p for p in one.node.params if not isinstance(p, str))
                asked = Asked(one.node.op, int(n), row, *q)
                families.setdefault((family, values), []).append(asked)
        together = (
            Together(Windows(family, asked, self._schema.dtype), values)
            for (family, values), asked in families.items()
        )
        kept = [key for key in keys if key in self.remembered]
        return Stage(
            Batch(cells, self._schema.dtype),
            tuple(alone),
            tuple(together),
            tuple(whole),
            kept_of_cells=tuple(key for key in kept if self._is_batched(key)),
            kept=tuple(key for key in kept if not self._is_batched(key)),
        )

    def _alone(self, wanted: Wanted) -> Alone:
        if wanted.cells:
            program, inputs = self._graph.program(wanted.key)

            def on_cells(fields: PanelFields, values: Mapping[Key, Panel], out: Panel) -> None:
                context = fields.context(1)
                run(context, program, [context.panel(values[key]) for key in inputs], out)

            return on_cells
        last = replace(wanted, rows=1)
        if not wanted.operands:
            step = step_of(self._graph, last, self._schema, self._known)

            def read(fields: PanelFields, values: Mapping[Key, Panel], out: Panel) -> None:
                out[:] = step.compute(fields, values)

            return read
        compute = operation(last, self._known)

        def operated(fields: PanelFields, values: Mapping[Key, Panel], out: Panel) -> None:
            result = compute(fields, values)
            out[:] = result
            fields.buffers.give_back(result)

        return operated

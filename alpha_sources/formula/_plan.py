"""The order of work on a batch of formulas: every value once, and what is spent is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from alpha_sources.formula._graph import Graph, Key, Wanted
from alpha_sources.formula.context import Panel, SinglePrecisionOverflowError, Value, read_only
from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula
from alpha_sources.formula.kernels._program import run
from alpha_sources.formula.nodes import FIELD, Node
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.panel_fields import PanelFields, Schema

#: panels that a kernel makes besides its result, of the rows that it is given
_SCRATCH = {"ts_scale": 2, "ts_count": 1, "ts_sumif": 1}


Values = Mapping[Key, Panel]


@dataclass(frozen=True, slots=True)
class Step:
    """One value to compute, and the values it is computed from."""

    compute: Callable[[PanelFields, Values], Panel]
    needs: tuple[Key, ...]
    #: rows of the value, as far as they take memory; and of what else is needed while it is computed
    size: int
    scratch: int
    #: positions in the batch of the formulas whose value this is
    roots: tuple[int, ...]
    #: the earliest formula that asks for it
    origin: int
    #: computed into a buffer of ours, not the market's own memory
    owned: bool = True


class Plan:
    """What there is to do for some formulas, operands before what uses them, formula after formula.

    It knows no market, but what fields there are, and may be run any number of times.

    Parameters
    ----------
    roots : sequence of Node
        The formulas.
    schema : Schema
        Of the markets it is to be run on.
    rows : int
        Of the formulas' values: the last ones.
    known : int
        Rows that there are.
    """

    def __init__(self, roots: Sequence[Node], schema: Schema, rows: int, known: int) -> None:
        self._rows, self._single = rows, schema.dtype == np.float32
        graph = Graph(roots, schema, rows, known)
        self.steps: dict[Key, Step] = {}
        self._uses: dict[Key, int] = {}
        for key in graph.steps():
            self.steps[key] = step = step_of(graph, graph.wanted[key], schema, known)
            self._uses[key] = len(step.roots)
            for need in step.needs:
                self._uses[need] += 1

    @property
    def peak(self) -> int:
        """Rows that the values take up at most, one step after the other."""
        return max(self._levels(), default=0)

    def _levels(self) -> Iterator[int]:
        """Rows in use while each step is at work."""
        left = dict(self._uses)
        alive = 0
        for key, step in self.steps.items():
            alive += step.size
            yield alive + step.scratch
            for need in step.needs:
                left[need] -= 1
                alive -= 0 if left[need] else self.steps[need].size
            left[key] -= len(step.roots)
            alive -= 0 if left[key] else step.size

    def run(
        self,
        formulas: Sequence[Formula],
        fields: PanelFields,
        threads: int = 1,
        budget: int | None = None,
    ) -> Iterator[tuple[tuple[int, ...], Panel, bool]]:
        """Yield positions of formulas, their value, and whether it may be kept, as they are ready.

        A value that may not be kept is to be copied before the next is asked for. With several threads no
        step is begun before its turn that would take more than what `budget`, in bytes, has above the `peak`.
        """
        values: dict[Key, Panel] = {}
        left = dict(self._uses)

        def use(key: Key, times: int = 1) -> None:
            left[key] -= times
            if not left[key]:
                spent = values.pop(key)
                if self.steps[key].owned:
                    fields.buffers.give_back(spent)

        def compute(key: Key) -> Panel:
            step = self.steps[key]
            try:
                return step.compute(fields, values)
            except SinglePrecisionOverflowError as problem:
                raise too_small(problem, formulas[step.origin]) from None

        spare = None if budget is None else budget // fields.bytes_of_row - self.peak
        for key, value in self._computed(compute, threads, spare):
            step = self.steps[key]
            values[key] = value
            for need in step.needs:
                use(need)
            if step.roots:
                # others may look back on it from where it is asked for
                whole = len(value) == self._rows
                kept = step.owned and whole and left[key] == len(step.roots)
                yield step.roots, value if whole else value[len(value) - self._rows :], kept
                if kept:
                    del values[key]
                else:
                    use(key, len(step.roots))

    def _computed(
        self, compute: Callable[[Key], Panel], threads: int, spare: int | None
    ) -> Iterator[tuple[Key, Panel]]:
        if threads <= 1:
            for key in self.steps:
                yield key, compute(key)
            return
        order = list(self.steps)
        place = {key: i for i, key in enumerate(order)}
        waiting = {key: len(step.needs) for key, step in self.steps.items()}
        users: dict[Key, list[Key]] = {key: [] for key in order}
        for key, step in self.steps.items():
            for need in step.needs:
                users[need].append(key)
        # the earliest first: in the order of the batch the least is alive at a time
        ready = [place[key] for key in order if not waiting[key]]
        running: dict[Future[Panel], Key] = {}
        done = [False] * len(order)
        turn, early = 0, dict[int, int]()
        pool = ThreadPoolExecutor(threads)
        try:
            while ready or running:
                while ready and len(running) < threads:
                    step = self.steps[order[ready[0]]]
                    extra = step.size * (1 if step.owned else 1 + len(step.roots)) + step.scratch
                    if ready[0] != turn:
                        if spare is not None and sum(early.values()) + extra > spare:
                            break
                        early[ready[0]] = extra
                    key = order[heappop(ready)]
                    running[pool.submit(compute, key)] = key
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(finished, key=lambda f: place[running[f]]):
                    key = running.pop(future)
                    yield key, future.result()
                    done[place[key]] = True
                    for user in users[key]:
                        waiting[user] -= 1
                        if not waiting[user]:
                            heappush(ready, place[user])
                while turn < len(order) and done[turn]:
                    early.pop(turn, None)
                    turn += 1
                early.pop(turn, None)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def too_small(problem: SinglePrecisionOverflowError, formula: Formula) -> FormulaError:
    """Return what is said of a formula for which float32 is too small."""
    reason = f"float32 is too small for what {problem} yields"
    return FormulaError(reason, formula.text, hint="evaluate the formula in float64")


def step_of(graph: Graph, wanted: Wanted, schema: Schema, known: int) -> Step:
    """Return how to compute the rows of one value."""
    needs, rows, roots = tuple(graph.needs[wanted.key]), wanted.rows, tuple(wanted.roots)
    if wanted.node.op == FIELD and not wanted.operands:
        takes = wanted.of_session or not wanted.node.degree or rows < known or schema.dtype != np.float64
        size = rows if takes and schema.takes_memory(wanted.node) else 0
        return Step(_reading(wanted), needs, size, 0, roots, wanted.origin, owned=False)
    compute = _on_cells(graph, wanted) if wanted.cells else operation(wanted, known)
    spare = _SCRATCH.get(wanted.node.op, 0) if not wanted.cells else 0
    return Step(compute, needs, rows, spare * min(rows + wanted.reach, known), roots, wanted.origin)


def _reading(wanted: Wanted) -> Callable[[PanelFields, Values], Panel]:
    node, rows = wanted.node, wanted.rows
    if node.degree and not wanted.of_session:
        return lambda fields, values: fields.base(node, rows)
    return lambda fields, values: fields.of_session(node, rows)


def _on_cells(graph: Graph, wanted: Wanted) -> Callable[[PanelFields, Values], Panel]:
    program, inputs = graph.program(wanted.key)
    rows = wanted.rows

    def compute(fields: PanelFields, values: Values) -> Panel:
        context = fields.context(rows)
        out = context.new()
        run(context, program, [context.panel(values[key]) for key in inputs], out)
        return out

    return compute


def operation(wanted: Wanted, known: int) -> Callable[[PanelFields, Values], Panel]:
    """Return what calls the kernel of a value that is not computed cell by cell."""
    operator, rows = OPERATORS[wanted.node.op], wanted.rows
    operands, given = tuple(wanted.operands), min(rows + wanted.reach, known)

    def compute(fields: PanelFields, values: Values) -> Panel:
        # no more rows than it looks back on, which may be fewer than others ask for
        arguments: list[Value | int] = [
            read_only(values[o][len(values[o]) - given :]) if isinstance(o, tuple) else o for o in operands
        ]
        result: Panel = operator.kernel()(fields.context(rows), *arguments)
        return result

    return compute

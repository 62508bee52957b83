"""The order of work on a batch of formulas: every node once, and what is spent is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.nodes import FIELD, Node
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.panel_fields import PanelFields

#: a node's key, and whether its value is on the scale of the session instead of the base
Key = tuple[str, bool]


@dataclass(slots=True)
class Step:
    """One value to compute, and the values it is computed from."""

    compute: Callable[[Mapping[Key, Panel]], Panel]
    needs: tuple[Key, ...]
    #: how often the value is still asked for
    uses: int = 0
    #: positions in the batch of the formulas whose value this is
    roots: list[int] = field(default_factory=list)
    #: computed into a buffer of ours, not the market's own memory
    owned: bool = True


class Plan:
    """What there is to do for some formulas, operands before what uses them, formula after formula."""

    def __init__(self, roots: Sequence[Node], context: Context, fields: PanelFields) -> None:
        self._context, self._fields = context, fields
        self.steps: dict[Key, Step] = {}
        for position, root in enumerate(roots):
            step = self.steps[self._add(root, of_session=True)]
            step.uses += 1
            step.roots.append(position)

    def run(self, threads: int = 1) -> Iterator[tuple[list[int], Panel, bool]]:
        """Yield positions of formulas, their value, and whether it may be kept, as they are ready.

        A value that may not be kept is to be copied before the next is asked for.
        """
        values: dict[Key, Panel] = {}
        for key, value in self._computed(values, threads):
            step = self.steps[key]
            values[key] = value
            for need in step.needs:
                self._use(need, values)
            if step.roots:
                kept = step.owned and step.uses == len(step.roots)
                yield step.roots, value, kept
                if kept:
                    del values[key]
                else:
                    self._use(key, values, len(step.roots))

    def give_back(self, panel: Panel) -> None:
        """Accept a value that was kept, once nobody reads it any more."""
        self._context.buffers.give_back(panel)

    def _use(self, key: Key, values: dict[Key, Panel], times: int = 1) -> None:
        step = self.steps[key]
        step.uses -= times
        if not step.uses:
            spent = values.pop(key)
            if step.owned:
                self._context.buffers.give_back(spent)

    def _computed(self, values: dict[Key, Panel], threads: int) -> Iterator[tuple[Key, Panel]]:
        if threads <= 1:
            for key, step in self.steps.items():
                yield key, step.compute(values)
            return
        order = list(self.steps)
        place = {key: i for i, key in enumerate(order)}
        waiting = {key: len(set(step.needs)) for key, step in self.steps.items()}
        users: dict[Key, list[Key]] = {key: [] for key in order}
        for key, step in self.steps.items():
            for need in set(step.needs):
                users[need].append(key)
        # the earliest first: in the order of the batch the least is alive at a time
        ready = [place[key] for key in order if not waiting[key]]
        running: dict[Future[Panel], Key] = {}
        pool = ThreadPoolExecutor(threads)
        try:
            while ready or running:
                while ready and len(running) < threads:
                    key = order[heappop(ready)]
                    running[pool.submit(self.steps[key].compute, values)] = key
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda f: place[running[f]]):
                    key = running.pop(future)
                    yield key, future.result()
                    for user in users[key]:
                        waiting[user] -= 1
                        if not waiting[user]:
                            heappush(ready, place[user])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _add(self, node: Node, *, of_session: bool) -> Key:
        # the two scales are one where there is nothing to scale
        key = (node.key, of_session and bool(node.degree))
        if key not in self.steps:
            step = self._step(node, of_session=key[1])
            for need in step.needs:
                self.steps[need].uses += 1
            self.steps[key] = step
        return key

    def _step(self, node: Node, *, of_session: bool) -> Step:
        if node.op == FIELD:
            # as it was recorded, not through the base and back: the last close is the close to the last digit
            read = self._fields.of_session if of_session else self._fields.base
            return Step(lambda values: read(node), (), owned=False)
        if of_session:
            base = self._add(node, of_session=False)
            return Step(lambda values: self._fields.to_session(values[base], node.degree), (base,))
        if node.is_constant:
            return Step(lambda values: self._context.panel(node.value), (), owned=False)
        return self._operation(node)

    def _operation(self, node: Node) -> Step:
        operator = OPERATORS[node.op]
        across = operator.family.across_names
        operands = [arg.value if arg.is_constant else self._add(arg, of_session=across) for arg in node.args]
        arguments = operator.written_order(tuple(operands), node.params)
        # a key is a tuple, a number is not
        needs = tuple(a for a in operands if isinstance(a, tuple))
        kernel = operator.kernel()

        def compute(values: Mapping[Key, Panel]) -> Panel:
            given: list[Value] = [values[a] if isinstance(a, tuple) else a for a in arguments]
            result: Panel = kernel(self._context, *given)
            return result

        return Step(compute, needs)

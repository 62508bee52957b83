"""What a batch of formulas asks to be computed: which values, on which rows, and which of them in one pass.

Worked out from the formulas down, so that every value knows all that ask for it before its own operands are
looked at: the rows that it must have are those that the most demanding of them looks back on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alpha_sources.formula.kernels._program import Instruction, Program, written_out
from alpha_sources.formula.nodes import FIELD, FLAT, Degree, Node
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.panel_fields import Schema

#: a node's key; whether its value is on the scale of the session instead of the base; its rows where it
#: depends, however little, on where it begins, else 0
Key = tuple[str, bool, int]

#: operands of one pass over memory: more would have to be held at a time
_HELD = 4
#: operators in one pass
_LONGEST = 64


@dataclass(slots=True, eq=False)
class Wanted:
    """One value, and the rows of it that are asked for."""

    key: Key
    node: Node
    of_session: bool
    #: how many, up to the last
    rows: int
    #: the earliest formula that asks for it
    origin: int
    #: earlier rows that it looks back on
    reach: int = 0
    #: keys and numbers, in the order in which the kernel takes them
    operands: list[Key | int | float] = field(default_factory=list)
    #: on one cell: the operators to be applied, see `Program`; slots are places in `operands`
    cells: list[Instruction] = field(default_factory=list)
    users: dict[Key, None] = field(default_factory=dict)
    #: positions in the batch of the formulas whose value this is
    roots: list[int] = field(default_factory=list)
    #: the value that it is computed on the way to, where it is not kept
    within: Key | None = None

    @property
    def needs(self) -> list[Key]:
        """Other values it is computed from, each once."""
        return list(dict.fromkeys(o for o in self.operands if isinstance(o, tuple)))


class Graph:
    """The values that some formulas ask for.

    Parameters
    ----------
    roots : sequence of Node
        The formulas.
    schema : Schema
        Says which factors the market has.
    rows : int
        Of the formulas' values: the last ones.
    known : int
        Rows that there are.
    """

    def __init__(self, roots: Sequence[Node], schema: Schema, rows: int, known: int) -> None:
        self._schema, self._known = schema, known
        self.wanted: dict[Key, Wanted] = {}
        self._levels: dict[int, list[Wanted]] = {}
        self._programs: dict[Key, tuple[Program, list[Key]]] = {}
        self.needs: dict[Key, list[Key]] = {}
        self.roots: list[Key] = []
        for position, root in enumerate(roots):
            key = self._ask(root, True, rows, position)
            self.wanted[key].roots.append(position)
            self.roots.append(key)
        settled: list[Wanted] = []
        for level in range(max(self._levels, default=0), -1, -1):
            # what this finds to be asked for lies on lower levels
            for one in self._levels.get(level, ()):
                self._expand(one)
                settled.append(one)
        self._join(settled)

    def program(self, key: Key) -> tuple[Program, list[Key]]:
        """Return what is done cell by cell for a value and all that is computed on the way to it."""
        if key not in self._programs:
            self._programs[key] = self._programmed(key)
        return self._programs[key]

    def _programmed(self, key: Key) -> tuple[Program, list[Key]]:
        inputs: dict[Key, int] = {}
        order: list[Wanted] = []
        self._within(self.wanted[key], key, inputs, order, set())
        slots: dict[Key, int] = dict(inputs)
        instructions: list[Instruction] = []
        for one in order:
            given = [slots[o] if isinstance(o, tuple) else o for o in one.operands]
            base = len(inputs) + len(instructions)
            for op, parts in one.cells:
                # a slot beyond the operands is the result of an earlier one of these
                taken = (
                    (given[p] if p < len(given) else base + p - len(given)) if isinstance(p, int) else p
                    for p in parts
                )
                instructions.append(Instruction(op, tuple(taken)))
            slots[one.key] = len(inputs) + len(instructions) - 1
        return Program(len(inputs), tuple(instructions)), list(inputs)

    def _within(
        self, one: Wanted, head: Key, inputs: dict[Key, int], order: list[Wanted], seen: set[Key]
    ) -> None:
        for need in one.needs:
            if need in seen:
                continue
            seen.add(need)
            if self.wanted[need].within == head:
                self._within(self.wanted[need], head, inputs, order, seen)
            else:
                inputs[need] = len(inputs)
        order.append(one)

    def _ask(self, node: Node, of_session: bool, rows: int, origin: int) -> Key:
        # the two scales are one where there is nothing to scale by; a field is then as it was recorded
        if not node.degree or not self._schema.factors(node.degree):
            of_session = node.op == FIELD and bool(node.degree)
        key = (node.key, of_session, rows if node.burn_in else 0)
        found = self.wanted.get(key)
        if found is None:
            found = self.wanted[key] = Wanted(key, node, of_session, rows, origin)
            self._levels.setdefault(_level(node, of_session), []).append(found)
        found.rows = max(found.rows, rows)
        found.origin = min(found.origin, origin)
        return key

    def _need(self, one: Wanted, node: Node, of_session: bool) -> Key:
        key = self._ask(node, of_session, min(one.rows + one.reach, self._known), one.origin)
        self.wanted[key].users[one.key] = None
        return key

    def _expand(self, one: Wanted) -> None:
        node = one.node
        if node.op == FIELD:
            if one.of_session or not node.degree or self._schema.is_adjusted_price(node):
                return
            # as it was recorded, to the base
            self._scale(one, True, Degree(-node.degree.price, -node.degree.share))
        elif one.of_session:
            self._scale(one, False, node.degree)
        else:
            operator = OPERATORS[node.op]
            literals = tuple(p for p in node.params if not isinstance(p, str))
            one.reach = operator.lookback(literals) + operator.burn_in(literals)
            across = operator.family.across_names
            panels = [arg.value if arg.is_constant else self._need(one, arg, across) for arg in node.args]
            one.operands = list(operator.written_order(tuple(panels), node.params))
            if operator.module == "elementwise":
                given = [p if isinstance(o, tuple) else float(o) for p, o in enumerate(one.operands)]
                one.cells = written_out(node.op, given, len(given))

    def _scale(self, one: Wanted, from_session: bool, degree: Degree) -> None:
        one.operands = [self._need(one, one.node, from_session)]
        factors = self._schema.factors(degree)
        one.operands += [self._need(one, _field(name), True) for _, name, _ in factors]
        value, free = 0, len(one.operands)
        for place, (op, _, power) in enumerate(factors, 1):
            factor = place
            if power != 1:
                one.cells.append(Instruction("power", (place, float(power))))
                factor, free = free, free + 1
            one.cells.append(Instruction(op, (value, factor)))
            value, free = free, free + 1

    def _join(self, settled: Sequence[Wanted]) -> None:
        """Find what need not be kept: what is done cell by cell for one more such value and nothing else."""
        held: dict[Key, set[Key]] = {}
        length: dict[Key, int] = {}
        for one in settled:
            if not one.cells:
                continue
            computed = set(one.needs)
            heads = {self._head(user) for user in one.users}
            if not one.roots and len(heads) == 1:
                (head,) = heads
                if head is not None and self.wanted[head].rows == one.rows:
                    together = (held[head] - {one.key}) | computed
                    if len(together) <= _HELD and length[head] + len(one.cells) <= _LONGEST:
                        one.within = head
                        held[head] = together
                        length[head] += len(one.cells)
                        continue
            held[one.key] = computed
            length[one.key] = len(one.cells)

    def _head(self, key: Key) -> Key | None:
        one = self.wanted[key]
        return (one.within or key) if one.cells else None

    def steps(self) -> Iterator[Key]:
        """Yield the values to be kept, operands before what uses them, formula after formula.

        Of the operands of a value the one that takes most panels comes first, so that the least is held.
        """
        needs = self.needs
        for key, one in self.wanted.items():
            if one.within is None:
                needs[key] = self.program(key)[1] if one.cells else one.needs
        width: dict[Key, int] = {}
        done: set[Key] = set()
        for root in self.roots:
            stack = [(root, False)]
            while stack:
                key, ready = stack.pop()
                if key in done:
                    continue
                if ready:
                    done.add(key)
                    yield key
                    continue
                self._width(key, needs, width)
                stack.append((key, True))
                stack.extend((need, False) for need in sorted(needs[key], key=lambda k: width[k]))

    def _width(self, root: Key, needs: dict[Key, list[Key]], width: dict[Key, int]) -> None:
        """Panels that computing a value takes at a time, were nothing shared."""
        stack = [root]
        while stack:
            key = stack[-1]
            missing = [need for need in needs[key] if need not in width]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            below = sorted((width[need] for need in needs[key]), reverse=True)
            least = 1 if self.wanted[key].operands else 0
            width[key] = max([least, *(w + held for held, w in enumerate(below))])


def _level(node: Node, of_session: bool) -> int:
    # a field's base is made from the field, any other scale of the session from the base
    if node.op == FIELD:
        return 0 if of_session or not node.degree else 1
    return 2 * node.depth + of_session


def _field(name: str) -> Node:
    return Node(FIELD, params=(name,), degree=FLAT)

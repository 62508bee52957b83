"""The typed expression graph that is evaluated: immutable nodes, equal when they compute the same thing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.units import NONE, RATIO, Unit

FIELD = "field"
CONSTANT = "constant"


class Degree(NamedTuple):
    """How a value on the backward-adjusted base scales with the two factors of its session.

    The value at session t is ``base / adj_factor[t] ** price * share_factor[t] ** share``.
    ``Degree(0, 0)`` needs no scaling: a ratio, a raw field, or something not homogeneous, which is left on
    the base with a warning.
    """

    price: Fraction = Fraction(0)
    share: Fraction = Fraction(0)

    def __bool__(self) -> bool:
        return bool(self.price or self.share)

    def plus(self, other: Degree) -> Degree:
        """Degree of a product."""
        return Degree(self.price + other.price, self.share + other.share)

    def times(self, factor: Fraction) -> Degree:
        """Degree of a power."""
        return Degree(self.price * factor, self.share * factor)


FLAT = Degree()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of a formula, with everything an evaluator must know about it.

    Two nodes are equal when their `key` is, that is, when they have the same operation, the same literals and
    equal operands: a batch of formulas computes each key once.

    Parameters
    ----------
    op : str
        Name of a primitive operator of the table, or ``field`` or ``constant``.
    args : tuple of Node
        The operands that are panels, conditions or groups, in order. A constant occurs only as an operand of
        an elementwise operator.
    params : tuple of int, float or str
        The literals, in order: windows and lags are int, numbers float; a field's is its name.
    degree : Degree
        See `Degree`. Inside a window everything stands on the base; cross-section and group operators take
        their operands, and a formula its result, on the scale of the session.
    lookback : int
        Earlier sessions needed besides the session itself, along the longest path.
    burn_in : int
        Further sessions until recursive parts have forgotten where they began.
    size : int
        Operations in the tree below, counted with repetition.
    depth : int
        Operations on the longest path.
    """

    op: str
    args: tuple[Node, ...] = ()
    params: tuple[int | float | str, ...] = ()
    kind: Kind = Kind.PANEL
    unit: Unit = NONE
    degree: Degree = FLAT
    lookback: int = 0
    burn_in: int = 0
    key: str = field(default="")
    size: int = field(default=0)
    depth: int = field(default=0)

    def __post_init__(self) -> None:
        if not self.key:
            # a digest, not the text: the text of a deep graph with shared parts would be enormous
            text = "\x1f".join((self.op, *map(repr, self.params), *(a.key for a in self.args)))
            digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            object.__setattr__(self, "key", digest)
        object.__setattr__(self, "size", 1 + sum(a.size for a in self.args))
        object.__setattr__(self, "depth", 1 + max((a.depth for a in self.args), default=0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def is_constant(self) -> bool:
        """True of a number written in the formula."""
        return self.op == CONSTANT

    @property
    def value(self) -> float:
        """The number of a constant."""
        return float(self.params[0])

    @property
    def field_name(self) -> str:
        """The name of a field."""
        return str(self.params[0])

    def walk(self) -> Iterator[Node]:
        """Every distinct node below and this one, operands before what uses them."""
        seen: set[str] = set()
        stack: list[tuple[Node, bool]] = [(self, False)]
        while stack:
            node, done = stack.pop()
            if node.key in seen:
                continue
            if done:
                seen.add(node.key)
                yield node
            else:
                stack.append((node, True))
                stack.extend((arg, False) for arg in reversed(node.args))


def constant(value: float) -> Node:
    """Return the node of a number; −0 is 0."""
    return Node(CONSTANT, params=(float(value) + 0.0,), unit=RATIO)

"""A formula as written in the default dialect: names resolved, indicators not yet expanded."""

from __future__ import annotations

from dataclasses import dataclass

from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.nodes import CONSTANT, FIELD, Node

#: Operators printed between their operands, and how tightly they bind there.
INFIX = {
    "logical_or": ("||", 2), "logical_and": ("&&", 3),
    "lt": ("<", 5), "le": ("<=", 5), "gt": (">", 5), "ge": (">=", 5), "eq": ("==", 5), "ne": ("!=", 5),
    "add": ("+", 6), "sub": ("-", 6), "mul": ("*", 7), "div": ("/", 7), "power": ("**", 9),
}  # fmt: skip
_PREFIX = {"neg": "-", "logical_not": "!"}
_SIGN, _ATOM = 8, 10


@dataclass(frozen=True, slots=True)
class Term:
    """One operation as written.

    Parameters
    ----------
    op : str
        An operator's name, expansions included, or ``field`` or ``constant``.
    name : str
        As it is printed: the operator's or the field's name.
    parts : tuple of Term, int or float
        Operands and literals in written order.
    node : Node
        What is evaluated, expanded.
    """

    op: str
    name: str
    parts: tuple[Term | int | float, ...]
    node: Node

    @property
    def operands(self) -> tuple[Term, ...]:
        """The parts that are terms."""
        return tuple(part for part in self.parts if isinstance(part, Term))

    @property
    def kind(self) -> Kind:
        """Of the value."""
        return self.node.kind

    @property
    def is_constant(self) -> bool:
        """True of a number."""
        return self.op == CONSTANT


def render(term: Term) -> str:
    """Text in the default dialect, with as few brackets as the grammar needs."""
    return _render(term)[0]


def number_text(value: float) -> str:
    """Shortest text that reads back as the same number."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _render(term: Term) -> tuple[str, int]:
    if term.op == CONSTANT:
        value = term.node.value
        return number_text(value), _ATOM if value >= 0 else _SIGN
    if term.op == FIELD:
        return term.name, _ATOM
    if term.op in INFIX:
        return _infix(term)
    if term.op in _PREFIX:
        inner = _bracketed(term.operands[0], _SIGN)
        # two signs in a row are legal and hard to read
        return _PREFIX[term.op] + (f"({inner})" if inner[0] in "-!" else inner), _SIGN
    return f"{term.name}({', '.join(_argument(term, i) for i in range(len(term.parts)))})", _ATOM


def _infix(term: Term) -> tuple[str, int]:
    symbol, binding = INFIX[term.op]
    left, right = term.operands
    # what binds equally needs brackets on the side that the grammar would not take first
    tight_left = binding + 1 if symbol == "**" or binding == 5 else binding
    tight_right = _SIGN if symbol == "**" else binding + 1
    text_left, text_right = _bracketed(left, tight_left), _bracketed(right, tight_right)
    return f"{text_left} {symbol} {text_right}", binding


def _bracketed(term: Term, least: int) -> str:
    text, binding = _render(term)
    return text if binding >= least else f"({text})"


def _argument(term: Term, i: int) -> str:
    part = term.parts[i]
    if isinstance(part, Term):
        text = render(part)
        # max(x, 2) is a window of 2; the number is 2.0
        if term.op in ("max", "min") and part.is_constant and part.node.value >= 2 and text.isdigit():
            return f"{text}.0"
        return text
    return str(part) if isinstance(part, int) else number_text(part)

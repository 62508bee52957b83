"""Operators on one cell at a time: arithmetic, comparisons, conditions.

They go through panels in pieces that stay in the cache, so that the second look, which turns infinities into
NaN, costs no trip to memory. A missing operand makes the result missing, also where IEEE 754 would know
better (``NaN ** 0``), except for the branch of a `where` that is not chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from alpha_sources.formula.context import Context, Panel, Value

#: values in one piece
_PIECE = 1 << 14

#: writes the result of its operands' pieces into `out`
Step = Callable[..., Any]


def add(context: Context, x: Value, y: Value) -> Panel:
    """Return x + y."""
    return _map(context, np.add, x, y)


def sub(context: Context, x: Value, y: Value) -> Panel:
    """Return x - y."""
    return _map(context, np.subtract, x, y)


def mul(context: Context, x: Value, y: Value) -> Panel:
    """Return x * y."""
    return _map(context, np.multiply, x, y)


def div(context: Context, x: Value, y: Value) -> Panel:
    """Return x / y; NaN where y is 0."""
    return _map(context, np.divide, x, y)


def neg(context: Context, x: Value) -> Panel:
    """-x."""
    return _map(context, np.negative, x)


def abs(context: Context, x: Value) -> Panel:
    """Size of x."""
    return _map(context, np.abs, x)


def sign(context: Context, x: Value) -> Panel:
    """1, 0 or -1."""
    return _map(context, np.sign, x)


def log(context: Context, x: Value) -> Panel:
    """Natural logarithm; NaN where x is not positive."""
    return _map(context, np.log, x)


def exp(context: Context, x: Value) -> Panel:
    """Return e to the power of x."""
    return _map(context, np.exp, x)


def sqrt(context: Context, x: Value) -> Panel:
    """Square root; NaN where x is negative."""
    return _map(context, np.sqrt, x)


def power(context: Context, x: Value, a: Value) -> Panel:
    """Return x to the power of a; NaN for a negative x and a fractional a."""
    return _map(context, _power, x, a, strict=True)


def signedpower(context: Context, x: Value, a: Value) -> Panel:
    """The sign of x times its size to the power of a."""

    def step(x: Value, a: Value, out: Panel) -> None:
        _power(np.abs(x), a, out)
        np.multiply(out, np.sign(x), out=out)

    return _map(context, step, x, a, strict=True)


def max(context: Context, x: Value, *others: Value) -> Panel:
    """Largest of two or more."""
    return _fold(context, np.maximum, x, others)


def min(context: Context, x: Value, *others: Value) -> Panel:
    """Smallest of two or more."""
    return _fold(context, np.minimum, x, others)


def clip(context: Context, x: Value, low: float, high: float) -> Panel:
    """x, but not below `low` nor above `high`."""

    def step(x: Value, out: Panel) -> None:
        np.minimum(x, high, out=out)
        np.maximum(out, low, out=out)

    return _map(context, step, x)


def where(context: Context, condition: Value, x: Value, y: Value) -> Panel:
    """Return x where the condition holds, y where it does not, NaN where it is unknown."""

    def step(condition: Value, x: Value, y: Value, out: Panel) -> None:
        np.copyto(out, y, casting="same_kind")
        np.copyto(out, x, casting="same_kind", where=np.not_equal(condition, 0.0))
        np.add(out, np.subtract(condition, condition), out=out)

    return _map(context, step, condition, x, y)


def gt(context: Context, x: Value, y: Value) -> Panel:
    """Return x > y."""
    return _map(context, np.greater, x, y, strict=True)


def ge(context: Context, x: Value, y: Value) -> Panel:
    """Return x >= y."""
    return _map(context, np.greater_equal, x, y, strict=True)


def lt(context: Context, x: Value, y: Value) -> Panel:
    """Return x < y."""
    return _map(context, np.less, x, y, strict=True)


def le(context: Context, x: Value, y: Value) -> Panel:
    """Return x <= y."""
    return _map(context, np.less_equal, x, y, strict=True)


def eq(context: Context, x: Value, y: Value) -> Panel:
    """Return x == y, exactly."""
    return _map(context, np.equal, x, y, strict=True)


def ne(context: Context, x: Value, y: Value) -> Panel:
    """Return x != y, exactly."""
    return _map(context, np.not_equal, x, y, strict=True)


def logical_and(context: Context, p: Value, q: Value) -> Panel:
    """Both hold."""
    return _map(context, np.logical_and, p, q, strict=True)


def logical_or(context: Context, p: Value, q: Value) -> Panel:
    """One of them holds."""
    return _map(context, np.logical_or, p, q, strict=True)


def logical_not(context: Context, p: Value) -> Panel:
    """It does not hold."""
    return _map(context, np.logical_not, p, strict=True)


def _power(x: Value, a: Value, out: Panel) -> None:
    # a square is what formulas ask for most, and pow() takes fifty times as long
    if not isinstance(a, np.ndarray) and a == 2.0:
        np.multiply(x, x, out=out)
    elif not isinstance(a, np.ndarray) and a == 0.5:
        np.sqrt(x, out=out)
    else:
        np.power(x, a, out=out)


def _fold(context: Context, step: Step, x: Value, others: tuple[Value, ...]) -> Panel:
    out = _map(context, step, x, others[0])
    for other in others[1:]:
        out, spent = _map(context, step, out, other), out
        context.buffers.give_back(spent)
    return out


def _map(context: Context, step: Step, *operands: Value, strict: bool = False) -> Panel:
    # `strict` is for steps that can make something of a NaN: its result must be NaN all the same
    if not any(isinstance(operand, np.ndarray) for operand in operands):
        operands = (context.panel(operands[0]), *operands[1:])
    flat = [context.panel(o).reshape(-1) if isinstance(o, np.ndarray) else float(o) for o in operands]
    panel = context.new()
    out = panel.reshape(-1)
    spare = np.empty(_PIECE, dtype=context.dtype)
    with np.errstate(all="ignore"):
        for start in range(0, out.size, _PIECE):
            piece = out[start : start + _PIECE]
            parts = [o[start : start + _PIECE] if isinstance(o, np.ndarray) else o for o in flat]
            step(*parts, out=piece)
            rest = spare[: piece.size]
            for part in parts if strict else ():
                # x - x is 0, or NaN where x is not finite
                np.subtract(part, part, out=rest)
                np.add(piece, rest, out=piece)
            np.subtract(piece, piece, out=rest)
            np.add(piece, rest, out=piece)
    return panel

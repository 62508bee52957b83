"""Operators on one cell at a time: arithmetic, comparisons, conditions.

A missing operand makes the result missing, also where IEEE 754 would know better (``NaN ** 0``), except for
the branch of a `where` that is not chosen. Chains of them run together: see `_program`.
"""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.context import Context, Panel, Value
from alpha_sources.formula.kernels._program import Program, run, written_out


def add(context: Context, x: Value, y: Value) -> Panel:
    """Return x + y."""
    return _one(context, "add", x, y)


def sub(context: Context, x: Value, y: Value) -> Panel:
    """Return x - y."""
    return _one(context, "sub", x, y)


def mul(context: Context, x: Value, y: Value) -> Panel:
    """Return x * y."""
    return _one(context, "mul", x, y)


def div(context: Context, x: Value, y: Value) -> Panel:
    """Return x / y; NaN where y is 0."""
    return _one(context, "div", x, y)


def neg(context: Context, x: Value) -> Panel:
    """-x."""
    return _one(context, "neg", x)


def abs(context: Context, x: Value) -> Panel:
    """Size of x."""
    return _one(context, "abs", x)


def sign(context: Context, x: Value) -> Panel:
    """1, 0 or -1."""
    return _one(context, "sign", x)


def log(context: Context, x: Value) -> Panel:
    """Natural logarithm; NaN where x is not positive."""
    return _one(context, "log", x)


def exp(context: Context, x: Value) -> Panel:
    """Return e to the power of x."""
    return _one(context, "exp", x)


def sqrt(context: Context, x: Value) -> Panel:
    """Square root; NaN where x is negative."""
    return _one(context, "sqrt", x)


def power(context: Context, x: Value, a: Value) -> Panel:
    """Return x to the power of a; NaN for a negative x and a fractional a."""
    return _one(context, "power", x, a)


def signedpower(context: Context, x: Value, a: Value) -> Panel:
    """The sign of x times its size to the power of a."""
    return _one(context, "signedpower", x, a)


def max(context: Context, x: Value, *others: Value) -> Panel:
    """Largest of two or more."""
    return _one(context, "max", x, *others)


def min(context: Context, x: Value, *others: Value) -> Panel:
    """Smallest of two or more."""
    return _one(context, "min", x, *others)


def clip(context: Context, x: Value, low: float, high: float) -> Panel:
    """x, but not below `low` nor above `high`."""
    return _one(context, "clip", x, low, high)


def where(context: Context, condition: Value, x: Value, y: Value) -> Panel:
    """Return x where the condition holds, y where it does not, NaN where it is unknown."""
    return _one(context, "where", condition, x, y)


def gt(context: Context, x: Value, y: Value) -> Panel:
    """Return x > y."""
    return _one(context, "gt", x, y)


def ge(context: Context, x: Value, y: Value) -> Panel:
    """Return x >= y."""
    return _one(context, "ge", x, y)


def lt(context: Context, x: Value, y: Value) -> Panel:
    """Return x < y."""
    return _one(context, "lt", x, y)


def le(context: Context, x: Value, y: Value) -> Panel:
    """Return x <= y."""
    return _one(context, "le", x, y)


def eq(context: Context, x: Value, y: Value) -> Panel:
    """Return x == y, exactly."""
    return _one(context, "eq", x, y)


def ne(context: Context, x: Value, y: Value) -> Panel:
    """Return x != y, exactly."""
    return _one(context, "ne", x, y)


def logical_and(context: Context, p: Value, q: Value) -> Panel:
    """Both hold."""
    return _one(context, "logical_and", p, q)


def logical_or(context: Context, p: Value, q: Value) -> Panel:
    """One of them holds."""
    return _one(context, "logical_or", p, q)


def logical_not(context: Context, p: Value) -> Panel:
    """It does not hold."""
    return _one(context, "logical_not", p)


def _one(context: Context, op: str, *operands: Value) -> Panel:
    if not any(isinstance(operand, np.ndarray) for operand in operands):
        operands = (context.panel(operands[0]), *operands[1:])
    panels = [context.panel(o) for o in operands if isinstance(o, np.ndarray)]
    slots = iter(range(len(panels)))
    given = [next(slots) if isinstance(o, np.ndarray) else float(o) for o in operands]
    out = context.new()
    run(context, Program(len(panels), tuple(written_out(op, given, len(panels)))), panels, out)
    return out

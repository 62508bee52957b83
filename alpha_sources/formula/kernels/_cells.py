"""Machine code for operators on one cell: pieces of panels in, a piece out.

A result that is not finite is made NaN on the way, and so is one with a missing operand. All arrays are of
one type, float64 or float32: what a number wider than the others would do to rounding cannot happen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.jit import jit

Array = NDArray[Any]

ADD, SUB, MUL, DIV, MAX, MIN = 0, 1, 2, 3, 4, 5
GT, GE, LT, LE, EQ, NE, AND, OR = 6, 7, 8, 9, 10, 11, 12, 13
NEG, ABS, SIGN, SQRT, NOT = 20, 21, 22, 23, 24
WHERE = 30
#: inputs that `run` takes, and values that it works on at a time: all of them stay in the nearest cache
INPUTS, PIECE = 6, 512
#: the same of `run_rows`
ROW_PIECE = 1024
#: those whose result may be too large although the operands are not
GROWING = frozenset({ADD, SUB, MUL, DIV})


@jit
def binary(op: int, x: Array, y: Array, out: Array) -> None:
    """Write ``x op y``."""
    n = len(out)
    # v - v is 0, or NaN where v is not finite
    if op == ADD:
        for i in range(n):
            v = x[i] + y[i]
            out[i] = v + (v - v)
    elif op == SUB:
        for i in range(n):
            v = x[i] - y[i]
            out[i] = v + (v - v)
    elif op == MUL:
        for i in range(n):
            v = x[i] * y[i]
            out[i] = v + (v - v)
    elif op == DIV:
        for i in range(n):
            v = x[i] / y[i]
            out[i] = v + (v - v)
    elif op == MAX:
        for i in range(n):
            out[i] = x[i] if (x[i] > y[i]) | (x[i] != x[i]) else y[i]
    elif op == MIN:
        for i in range(n):
            out[i] = x[i] if (x[i] < y[i]) | (x[i] != x[i]) else y[i]
    else:
        _condition(op, x, y, out)


@jit
def _condition(op: int, x: Array, y: Array, out: Array) -> None:
    n = len(out)
    if op == GT:
        for i in range(n):
            out[i] = (x[i] > y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == GE:
        for i in range(n):
            out[i] = (x[i] >= y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == LT:
        for i in range(n):
            out[i] = (x[i] < y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == LE:
        for i in range(n):
            out[i] = (x[i] <= y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == EQ:
        for i in range(n):
            out[i] = (x[i] == y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == NE:
        for i in range(n):
            out[i] = (x[i] != y[i]) + ((x[i] - x[i]) + (y[i] - y[i]))
    elif op == AND:
        for i in range(n):
            out[i] = ((x[i] != 0) & (y[i] != 0)) + ((x[i] - x[i]) + (y[i] - y[i]))
    else:
        for i in range(n):
            out[i] = ((x[i] != 0) | (y[i] != 0)) + ((x[i] - x[i]) + (y[i] - y[i]))


@jit
def unary(op: int, x: Array, out: Array) -> None:
    """Write ``op x``."""
    n = len(out)
    if op == NEG:
        for i in range(n):
            out[i] = -x[i]
    elif op == ABS:
        for i in range(n):
            out[i] = abs(x[i])
    elif op == SIGN:
        for i in range(n):
            out[i] = ((x[i] > 0) * 1.0 - (x[i] < 0) * 1.0) + (x[i] - x[i])
    elif op == SQRT:
        for i in range(n):
            out[i] = np.sqrt(x[i])
    else:
        for i in range(n):
            out[i] = (x[i] == 0) + (x[i] - x[i])


@jit
def choose(condition: Array, x: Array, y: Array, out: Array) -> None:
    """Write x where the condition holds, y where it does not, NaN where it is unknown."""
    for i in range(len(out)):
        # both are read whatever the condition says: a load that depends on it could not go eight at a time
        yes, no = x[i], y[i]
        out[i] = (yes if condition[i] != 0 else no) + (condition[i] - condition[i])


@jit
def finite(out: Array) -> None:
    """Make NaN of what is not finite."""
    for i in range(len(out)):
        # v - v is 0, or NaN where v is not finite
        out[i] += out[i] - out[i]


@jit
def too_large(op: int, x: Array, y: Array, out: Array) -> bool:
    """Return whether a result is missing though both operands are numbers: it was too large to be written."""
    found = 0
    if op == DIV:
        for i in range(len(out)):
            there = (x[i] - x[i] == 0) & (y[i] - y[i] == 0)
            found += (out[i] != out[i]) & there & (y[i] != 0)
    else:
        for i in range(len(out)):
            found += (out[i] != out[i]) & (x[i] - x[i] == 0) & (y[i] - y[i] == 0)
    return found > 0


@jit
def run(
    code: Array,
    a: Array,
    b: Array,
    c: Array,
    d: Array,
    e: Array,
    f: Array,
    given: int,
    lines: Array,
    out: Array,
    check: bool,
) -> int:
    """Write the result of several operators; return the one that was too large for its type, or -1.

    The first `given` arrays are copied to the first lines, piece by piece; the last lines hold numbers. A row
    of ``code`` is an operator, the lines of up to three operands, and the line of the result. Only a `check`
    looks for what is too large.
    """
    total = len(out)
    last = code[len(code) - 1, 4]
    for start in range(0, total, PIECE):
        size = min(PIECE, total - start)
        end = start + size
        if given > 0:
            lines[0, :size] = a[start:end]
        if given > 1:
            lines[1, :size] = b[start:end]
        if given > 2:
            lines[2, :size] = c[start:end]
        if given > 3:
            lines[3, :size] = d[start:end]
        if given > 4:
            lines[4, :size] = e[start:end]
        if given > 5:
            lines[5, :size] = f[start:end]
        for i in range(len(code)):
            op = code[i, 0]
            x, y, z = lines[code[i, 1], :size], lines[code[i, 2], :size], lines[code[i, 4], :size]
            if op == WHERE:
                choose(x, y, lines[code[i, 3], :size], z)
            elif op >= NEG:
                unary(op, x, z)
            else:
                binary(op, x, y, z)
                if check and op <= DIV and too_large(op, x, y, z):
                    return i
        out[start:end] = lines[last, :size]
    return -1


@jit
def run_rows(code: Array, board: Array, scratch: Array, check: bool) -> int:
    """Run instructions on rows; return the first whose result was too large for its type, or -1.

    A row of ``code`` is an operator, the places of up to three operands, and that of the result: rows of the
    board from 0, lines of scratch from -1 downwards. Only a `check` looks for what is too large.
    """
    N = board.shape[1]
    for start in range(0, N, ROW_PIECE):
        size = min(ROW_PIECE, N - start)
        for i in range(len(code)):
            op = code[i, 0]
            x = _piece(board, scratch, code[i, 1], start, size)
            y = _piece(board, scratch, code[i, 2], start, size)
            out = _piece(board, scratch, code[i, 4], start, size)
            if op == WHERE:
                choose(x, y, _piece(board, scratch, code[i, 3], start, size), out)
            elif op >= NEG:
                unary(op, x, out)
            else:
                binary(op, x, y, out)
                if check and op <= DIV and too_large(op, x, y, out):
                    return i
    return -1


@jit
def _piece(board: Array, scratch: Array, place: int, start: int, size: int) -> Array:
    if place >= 0:
        return board[place, start : start + size]
    return scratch[-1 - place, :size]


@jit
def any_infinite(x: Array) -> bool:
    """Return whether a value of a panel is infinite."""
    for t in range(x.shape[0]):
        found = 0
        row = x[t]
        for j in range(len(row)):
            found += (row[j] == row[j]) & (row[j] - row[j] != 0)
        if found:
            return True
    return False

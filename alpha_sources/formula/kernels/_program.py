"""Chains of operators on one cell, run piece by piece: one pass over memory for all of them together.

A piece stays in the cache from the first operator to the last, so that what lies between costs no panel and
no trip to memory. Every operator writes what it would write alone: a chain is a chain of rounded numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from alpha_sources.formula.context import Context, Panel, SinglePrecisionOverflowError, read_only
from alpha_sources.formula.kernels import _cells

#: values in one piece
_PIECE = 1 << 14

_BINARY = {
    "add": _cells.ADD, "sub": _cells.SUB, "mul": _cells.MUL, "div": _cells.DIV, "max": _cells.MAX,
    "min": _cells.MIN, "gt": _cells.GT, "ge": _cells.GE, "lt": _cells.LT, "le": _cells.LE, "eq": _cells.EQ,
    "ne": _cells.NE, "logical_and": _cells.AND, "logical_or": _cells.OR,
}  # fmt: skip
_UNARY = {
    "neg": _cells.NEG, "abs": _cells.ABS, "sign": _cells.SIGN, "sqrt": _cells.SQRT, "logical_not": _cells.NOT,
}  # fmt: skip


class Instruction(NamedTuple):
    """One operator. An int is a slot: inputs come first, then the results of earlier instructions."""

    op: str
    operands: tuple[int | float, ...]


class Program:
    """Instructions on some inputs; the result is the last one's.

    Operands that are floats are numbers. `max` and `min` take two operands and there is no `clip`: see
    `written_out`.
    """

    __slots__ = ("code", "inputs", "instructions", "numbers", "registers", "steps")

    def __init__(self, inputs: int, instructions: Sequence[Instruction]) -> None:
        self.inputs, self.instructions = inputs, tuple(instructions)
        writes = self._assigned()
        self.registers = max(writes) + 1
        #: numbers that stand where an array must, each of which is a slot after the registers
        self.numbers: dict[float, int] = {}
        #: for each instruction what writes it, its operator, where its operands are, and where it is written
        self.steps: list[tuple[Callable[..., None], str, tuple[int | float, ...], int]] = []
        for (op, operands), register in zip(self.instructions, writes, strict=True):
            sources: list[int | float] = []
            for operand in operands:
                if isinstance(operand, int):
                    ours = operand - inputs
                    sources.append(operand if ours < 0 else inputs + writes[ours])
                elif op in _OF_NUMBERS:
                    sources.append(operand)
                else:
                    sources.append(self.numbers.setdefault(operand, self._places + len(self.numbers)))
            self.steps.append((_STEPS.get(op) or _compiled(op), op, tuple(sources), inputs + register))
        #: the same for `_cells.run`, where that knows every operator
        self.code: Panel | None = None
        if inputs <= _cells.INPUTS and all(step[1] in _CODES for step in self.steps):
            rows = [(_CODES[op], *(*where, 0, 0)[:3], place) for _, op, where, place in self.steps]
            self.code = np.array(rows, dtype=np.int64)

    @property
    def _places(self) -> int:
        return self.inputs + self.registers

    def _assigned(self) -> list[int]:
        """Return for each instruction the register it writes; one whose value is spent is written again."""
        last_use = {
            operand: i
            for i, instruction in enumerate(self.instructions)
            for operand in instruction.operands
            if isinstance(operand, int)
        }
        free: list[int] = []
        chosen: list[int] = []
        for i, instruction in enumerate(self.instructions):
            # not one that is read here: compiled loops go eight cells at a time only where nothing overlaps
            chosen.append(free.pop() if free else max(chosen, default=-1) + 1)
            for operand in set(instruction.operands):
                if isinstance(operand, int) and operand >= self.inputs and last_use[operand] == i:
                    free.append(chosen[operand - self.inputs])
        return chosen


def written_out(op: str, operands: Sequence[int | float], slot: int) -> list[Instruction]:
    """Return an operator as instructions, the first of which writes `slot`."""
    if op == "clip":
        x, low, high = operands
        return [Instruction("min", (x, float(high))), Instruction("max", (slot, float(low)))]
    if op in ("max", "min"):
        first, second, *others = operands
        chain = [Instruction(op, (first, second))]
        return chain + [Instruction(op, (slot + i, other)) for i, other in enumerate(others)]
    return [Instruction(op, tuple(operands))]


def run(context: Context, program: Program, inputs: Sequence[Panel], out: Panel) -> None:
    """Write a program's result into `out`.

    Parameters
    ----------
    context : Context
        Says what the numbers are; the rows are those of `out`.
    inputs : arrays of the shape of `out`
        Read-only, in C order, of the context's type.

    Raises
    ------
    SinglePrecisionOverflowError
        If float32 is too small for a result.
    """
    result, flat = out.reshape(-1), [panel.reshape(-1) for panel in inputs]
    if program.code is not None:
        _run_compiled(context, program, program.code, flat, result)
        return
    total = result.size
    piece = min(_PIECE, total)
    scratch = np.empty((program.registers + len(program.numbers), piece), dtype=context.dtype)
    for row, number in enumerate(program.numbers, program.registers):
        scratch[row] = number
    lines = read_only(scratch)
    last, single = len(program.steps) - 1, context.single
    with np.errstate(all="ignore"):
        for start in range(0, total, piece):
            end = min(start + piece, total)
            slots = [panel[start:end] for panel in flat]
            slots.extend(lines[:, : end - start])
            for i, (step, op, sources, place) in enumerate(program.steps):
                parts = [slots[s] if isinstance(s, int) else s for s in sources]
                target = result[start:end] if i == last else scratch[place - len(flat), : end - start]
                step(target, *parts)
                if single and op in _GROWING and _too_large(op, target, parts):
                    raise SinglePrecisionOverflowError(op)


def _run_compiled(context: Context, program: Program, code: Panel, flat: list[Panel], result: Panel) -> None:
    size = (len(flat) + program.registers + len(program.numbers), min(_cells.PIECE, result.size))
    lines = np.empty(size, dtype=context.dtype)
    for number, place in program.numbers.items():
        lines[place] = number
    padded = [*flat, *(flat[0] for _ in range(_cells.INPUTS - len(flat)))]
    a, b, c, d, e, f = padded
    large = _cells.run(code, a, b, c, d, e, f, len(flat), lines, result, context.single)
    if large >= 0:
        raise SinglePrecisionOverflowError(program.instructions[large].op)


def _too_large(op: str, out: Panel, parts: list[Any]) -> bool:
    if op in _BINARY:
        x, y = parts
        return bool(_cells.too_large(_BINARY[op], x, y, out))
    return bool(_GROWING_ALONE[op](out, *parts))


def _compiled(op: str) -> Callable[..., None]:
    if op in _BINARY:
        code = _BINARY[op]
        return lambda out, x, y: _cells.binary(code, x, y, out)
    code = _UNARY[op]
    return lambda out, x: _cells.unary(code, x, out)


def _where(out: Panel, condition: Panel, x: Panel, y: Panel) -> None:
    _cells.choose(condition, x, y, out)


def _log(out: Panel, x: Panel) -> None:
    np.log(x, out=out)
    _cells.finite(out)


def _exp(out: Panel, x: Panel) -> None:
    np.exp(x, out=out)
    _cells.finite(out)


def _power(out: Panel, x: Panel | float, a: Panel | float) -> None:
    _raise(out, x, a)
    for operand in (x, a):
        if isinstance(operand, np.ndarray):
            # NaN to the power of 0 is 1 to IEEE 754
            out += operand - operand
    _cells.finite(out)


def _signed_power(out: Panel, x: Panel | float, a: Panel | float) -> None:
    _raise(out, np.abs(x), a)
    out *= np.sign(x)
    if isinstance(a, np.ndarray):
        out += a - a
    if isinstance(x, np.ndarray):
        out += x - x
    _cells.finite(out)


def _raise(out: Panel, x: Panel | float, a: Panel | float) -> None:
    # a square is what formulas ask for most, and pow() takes fifty times as long
    if not isinstance(a, np.ndarray) and a == 2.0:
        np.multiply(x, x, out=out)
    elif not isinstance(a, np.ndarray) and a == 0.5:
        np.sqrt(x, out=out)
    else:
        np.power(x, a, out=out)


def _exp_too_large(out: Panel, x: Panel) -> Any:
    return np.any(np.isnan(out) & np.isfinite(x))


def _power_too_large(out: Panel, x: Panel | float, a: Panel | float) -> Any:
    # no root of a negative number, nothing over zero, no gap: what is left was too large
    size = np.abs(x)
    there = np.isfinite(size) & np.isfinite(a) & (size > 0)
    return np.any(np.isnan(out) & there & ((np.asarray(x) > 0) | (np.trunc(a) == a)))


def _signed_power_too_large(out: Panel, x: Panel | float, a: Panel | float) -> Any:
    return _power_too_large(out, np.abs(x), a)


_CODES = {**_BINARY, **_UNARY, "where": _cells.WHERE}
_STEPS: dict[str, Callable[..., None]] = {
    "where": _where, "log": _log, "exp": _exp, "power": _power, "signedpower": _signed_power,
}  # fmt: skip
#: these take numbers as they are
_OF_NUMBERS = frozenset({"power", "signedpower"})
_GROWING_ALONE: dict[str, Callable[..., Any]] = {
    "exp": _exp_too_large, "power": _power_too_large, "signedpower": _signed_power_too_large,
}  # fmt: skip
_GROWING = frozenset(_GROWING_ALONE) | {op for op, code in _BINARY.items() if code in _cells.GROWING}

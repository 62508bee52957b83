"""Operators on one cell: arithmetic, and the choice between values."""

from __future__ import annotations

import math

from alpha_sources.formula import scales
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator, Parameter

_X = Parameter("x")
_Y = Parameter("y")
_SAFE = "What is not finite (x/0, log 0, the root of a negative number, an overflow) is NaN."


def _elementwise(name: str, parameters: tuple[Parameter, ...], summary: str, **more: object) -> Operator:
    settings: dict[str, object] = {"notes": "", "module": "elementwise", "family": Family.ARITHMETIC, **more}
    # a dict of keyword arguments has one type for all of them
    return Operator(name=name, parameters=parameters, summary=summary, **settings)  # type: ignore[arg-type]


def _signed_power(x: float, a: float) -> float:
    return math.copysign(float(abs(x) ** a), x) if x else 0.0


OPERATORS = (
    _elementwise(
        "add", (_X, _Y), "x + y", example="high + low", scale=scales.sum_of, fold=lambda x, y: x + y
    ),
    _elementwise(
        "sub", (_X, _Y), "x - y", example="close - open", scale=scales.sum_of, fold=lambda x, y: x - y
    ),
    _elementwise(
        "mul", (_X, _Y), "x * y", example="close * volume", scale=scales.product, fold=lambda x, y: x * y
    ),
    _elementwise(
        "div",
        (_X, _Y),
        "x / y",
        notes="Division by zero is NaN.",
        example="close / open",
        scale=scales.quotient,
        fold=lambda x, y: x / y,
    ),
    _elementwise("neg", (_X,), "-x", example="-returns", scale=scales.keep, fold=lambda x: -x),
    _elementwise("abs", (_X,), "the size of x", example="abs(returns)", scale=scales.keep, fold=abs),
    _elementwise(
        "sign",
        (_X,),
        "1, 0 or -1 with the sign of x",
        example="sign(delta(close, 1))",
        scale=scales.ratio,
        fold=lambda x: float((x > 0) - (x < 0)),
    ),
    _elementwise(
        "log",
        (_X,),
        "natural logarithm",
        notes=_SAFE,
        example="log(close / open)",
        scale=scales.logarithm,
        fold=math.log,
    ),
    _elementwise(
        "exp",
        (_X,),
        "e to the power of x",
        notes=_SAFE,
        example="exp(returns)",
        scale=scales.exponential,
        fold=math.exp,
    ),
    _elementwise(
        "sqrt",
        (_X,),
        "square root",
        notes=_SAFE,
        example="sqrt(high * low)",
        scale=scales.root,
        fold=math.sqrt,
    ),
    _elementwise(
        "power",
        (_X, Parameter("a")),
        "x to the power of a",
        example="power(returns, 2)",
        notes=f"{_SAFE} A negative x to a fractional power is NaN; 0 to the power of 0 is 1.",
        scale=scales.raised,
        fold=lambda x, a: x**a,
    ),
    _elementwise(
        "signedpower",
        (_X, Parameter("a")),
        "sign(x) * abs(x) ** a",
        notes=f"{_SAFE} Defined for negative x, unlike the x**a of the Alpha101 paper's text.",
        example="signedpower(returns, 2)",
        scale=scales.raised,
        fold=_signed_power,
    ),
    _elementwise(
        "max",
        (_X, Parameter("y", repeats=True)),
        "the largest of two or more, cell by cell",
        notes="NaN if any is NaN. With a whole number of 2 or more as the second of two, "
        "max(x, n) is ts_max(x, n), as in the papers; write the number as 2.0 to compare with it.",
        example="max(close - open, 0)",
        scale=scales.one_of,
        fold=max,
    ),
    _elementwise(
        "min",
        (_X, Parameter("y", repeats=True)),
        "the smallest of two or more, cell by cell",
        notes="NaN if any is NaN. With a whole number of 2 or more as the second of two, "
        "min(x, n) is ts_min(x, n), as in the papers; write the number as 2.0 to compare with it.",
        example="min(open, close)",
        scale=scales.one_of,
        fold=min,
    ),
    _elementwise(
        "clip",
        (_X, Parameter("low", Kind.NUMBER), Parameter("high", Kind.NUMBER)),
        "x, but not below low nor above high",
        notes="NaN stays NaN.",
        example="clip(returns, -0.1, 0.1)",
        scale=scales.bounded,
        fold=lambda x, low, high: min(max(x, low), high),
        check=lambda p: None if p[0] < p[1] else "low must lie below high",
    ),
    _elementwise(
        "where",
        (Parameter("condition", Kind.BOOLEAN), _X, _Y),
        "x where the condition holds, y where it does not; also written condition ? x : y",
        notes="NaN where the condition is NaN; the branch not chosen may be NaN.",
        example="where(close > open, volume, -volume)",
        scale=scales.chosen,
    ),
)

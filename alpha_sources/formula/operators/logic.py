"""Comparisons and conditions: 1, 0, or NaN where something compared is NaN."""

from __future__ import annotations

from alpha_sources.formula import scales
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator, Parameter

_UNKNOWN = "NaN where either side is NaN. Compared exactly, without tolerance."
_BOTH = "NaN if either condition is NaN, whatever the other is."


def _comparison(name: str, symbol: str) -> Operator:
    return Operator(
        name=name,
        parameters=(Parameter("x"), Parameter("y")),
        family=Family.LOGIC,
        summary=f"x {symbol} y",
        notes=_UNKNOWN,
        example=f"where(close {symbol} open, 1, -1)",
        module="elementwise",
        result=Kind.BOOLEAN,
        scale=scales.compared,
    )


def _connective(name: str, parameters: tuple[str, ...], summary: str, example: str) -> Operator:
    return Operator(
        name=name,
        parameters=tuple(Parameter(p, Kind.BOOLEAN) for p in parameters),
        family=Family.LOGIC,
        summary=summary,
        notes=_BOTH if len(parameters) == 2 else "NaN where the condition is NaN.",
        example=example,
        module="elementwise",
        result=Kind.BOOLEAN,
        scale=scales.ratio,
    )


OPERATORS = (
    _comparison("gt", ">"),
    _comparison("ge", ">="),
    _comparison("lt", "<"),
    _comparison("le", "<="),
    _comparison("eq", "=="),
    _comparison("ne", "!="),
    _connective(
        "logical_and",
        ("p", "q"),
        "both conditions hold; also p && q, p and q",
        "where(close > open && volume > delay(volume, 1), 1, 0)",
    ),
    _connective(
        "logical_or",
        ("p", "q"),
        "one of the conditions holds; also p || q, p or q",
        "where(close > open || trading, 1, 0)",
    ),
    _connective(
        "logical_not", ("p",), "the condition does not hold; also !p, not p", "where(!trading, 0, returns)"
    ),
)

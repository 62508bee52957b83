"""The normal form has the values of the formula, wherever both have one."""

from __future__ import annotations

import numpy as np
import pytest
from formula_markets import market

from alpha_sources.formula import FormulaError, evaluate, parse
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Operator, Parameter
from alpha_sources.formula.operators import ALL

VIEW = market(150).view(149)
#: What a rewriting may have to get right: factors, offsets, signs, sums, products, quotients, powers.
OPERANDS = (
    "3 * returns + 0.25",
    "0.1 - 2 * returns",
    "returns + turnover",
    "(returns - turnover) * returns",
    "(0.5 + returns) / (1 + turnover)",
    "pct_change(close, 2)",
    "-close / open",
    "sqrt(abs(returns)) ** 3",
)
CONDITIONS = ("returns > 0.001", "!(2 * close < open + close)", "returns > 0 && 0 < turnover || trading")
#: A number one way, and another in its last digits the other way, fall on two sides here.
JUMPS = 0.01


def written(operator: Operator, operand: str, condition: str) -> str:
    return f"{operator.name}({', '.join(_value(p, operand, condition) for p in operator.parameters)})"


def _value(parameter: Parameter, operand: str, condition: str) -> str:
    if parameter.kind is Kind.BOOLEAN:
        return condition
    if parameter.kind is Kind.GROUP:
        return "industry"
    if parameter.kind is Kind.WINDOW:
        return str(6 if parameter.name != "m" else 3)
    if parameter.kind is Kind.LAG:
        return "2"
    if parameter.kind is Kind.NUMBER:
        return {"low": "-0.3", "high": "0.3"}.get(parameter.name, "0.8")
    return operand if parameter.name == "x" else "amount / market_cap - returns / 2"


@pytest.mark.parametrize("operator", [o for o in ALL if o.result is not Kind.GROUP], ids=lambda o: o.name)
def test_an_operator_over_anything(operator: Operator) -> None:
    texts = {written(operator, x, CONDITIONS[i % 3]) for i, x in enumerate(OPERANDS)}
    texts |= {f"delay(0.5 - {text}, 2) * returns" for text in sorted(texts)[:3]}
    checked = 0
    for text in sorted(texts):
        try:
            formula = parse(text)
        except FormulaError as error:
            assert "wherever it has a value" in str(error)
            continue
        normal = parse(formula.canonical)
        start = max(formula.root.lookback, normal.root.lookback)
        mine, theirs = evaluate([formula, normal], VIEW)[:, start:]
        both = np.isfinite(mine) & np.isfinite(theirs)
        assert both.sum() >= 0.5 * np.isfinite(mine).sum()
        if not both.any():
            continue
        size = np.nanmax(np.abs(mine[both]))
        off = ~np.isclose(mine[both], theirs[both], rtol=1e-6, atol=1e-8 * size)
        assert off.mean() <= JUMPS, (text, formula.canonical)
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sign(returns - 0.01)", "sign(returns)"),
        ("abs(returns - 0.01)", "abs(returns)"),
        ("sqrt(turnover + 1)", "sqrt(turnover)"),
        ("scale(returns + 1)", "scale(returns)"),
        ("ts_product(1 + returns, 5)", "ts_product(returns, 5)"),
        ("ts_count(returns > 0.01, 5)", "ts_count(returns > 0, 5)"),
        ("signedpower(returns + 1, 2)", "signedpower(returns, 2)"),
    ],
)
def test_an_offset_that_matters_stays(text: str, meant: str) -> None:
    assert parse(text).canonical != parse(meant).canonical

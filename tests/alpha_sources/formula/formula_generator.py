"""Random formulas that parse, made from the table of operators."""

from __future__ import annotations

import numpy as np

from alpha_sources.formula.errors import FormulaError
from alpha_sources.formula.formula import Formula, parse
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Operator, Parameter
from alpha_sources.formula.operators import ALL, OPERATORS

FIELDS = (
    "close", "open", "high", "low", "vwap", "volume", "amount", "turnover", "returns", "market_cap", "pe_ttm",
    "pb_mrq", "bvps_mrq", "raw_close", "adj_close", "index_close", "index_return",
)  # fmt: skip
_NUMBERS = {"q": 0.3, "b": 0.8, "k": 1.5, "m": 1.0, "a": 1.0, "low": -0.5, "high": 0.5}


def example(operator: Operator) -> Formula:
    """The operator on fields, with small windows."""
    rng = np.random.default_rng(0)
    return parse(_call(operator, rng, 0))


def random_formulas(count: int, seed: int = 0, depth: int = 3) -> list[Formula]:
    """Different formulas, every operator among them sooner or later."""
    rng = np.random.default_rng(seed)
    found: dict[str, Formula] = {}
    while len(found) < count:
        operator = ALL[len(found) % len(ALL)] if rng.random() < 0.5 else ALL[rng.integers(len(ALL))]
        if operator.result is not Kind.PANEL:
            operator = OPERATORS["rank"]
        try:
            formula = parse(_call(operator, rng, depth - 1))
        except FormulaError:
            continue
        found.setdefault(formula.key, formula)
    return list(found.values())


def _call(operator: Operator, rng: np.random.Generator, depth: int) -> str:
    written: list[str] = []
    for parameter in operator.parameters:
        times = int(rng.integers(1, 3)) if parameter.repeats else 1
        written += [_part(parameter, rng, depth) for _ in range(times)]
    return f"{operator.name}({', '.join(written)})"


def _part(parameter: Parameter, rng: np.random.Generator, depth: int) -> str:
    if parameter.kind is Kind.WINDOW:
        least = int(parameter.minimum or 1)
        return str(rng.integers(least, least + 7))
    if parameter.kind is Kind.LAG:
        return str(rng.integers(0, 6))
    if parameter.kind is Kind.NUMBER:
        return repr(_NUMBERS[parameter.name])
    if parameter.kind is Kind.GROUP:
        return str(rng.choice(["industry", "board", "bucket(market_cap, 3)"]))
    if parameter.kind is Kind.BOOLEAN:
        return f"({_panel(rng, depth)} > {_panel(rng, depth)})" if rng.random() < 0.8 else "trading"
    return _panel(rng, depth)


def _panel(rng: np.random.Generator, depth: int) -> str:
    if depth <= 0 or rng.random() < 0.25:
        return str(rng.choice(FIELDS))
    while True:
        operator = ALL[rng.integers(len(ALL))]
        if operator.result is Kind.PANEL:
            return _call(operator, rng, depth - 1)

"""The table of operators is complete and agrees with itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from alpha_sources.formula import parse
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Family, Operator
from alpha_sources.formula.operators import ALL, OPERATORS

NAMED_IN_THE_PLAN = {
    "sign", "abs", "log", "exp", "sqrt", "power", "signedpower", "clip", "min", "max", "where", "delay",
    "delta", "pct_change", "ts_sum", "ts_mean", "ts_std", "ts_var", "ts_skew", "ts_kurt", "ts_min",
    "ts_max", "ts_argmin", "ts_argmax", "ts_rank", "ts_quantile", "ts_median", "ts_product", "ts_corr",
    "ts_cov", "ts_slope", "ts_rsquare", "ts_resid", "ts_zscore", "ts_scale", "ts_count", "ts_sumif",
    "decay_linear", "ema", "sma", "wma", "days_since", "highday", "lowday", "rank", "zscore", "demean",
    "scale", "winsorize", "quantile", "group_demean", "group_rank", "group_zscore", "group_neutralize",
    "regression_resid",
}  # fmt: skip


def test_every_operator_of_the_plan_is_there_once() -> None:
    assert set(OPERATORS) >= NAMED_IN_THE_PLAN
    assert len(ALL) == len(OPERATORS)


@pytest.mark.parametrize("operator", ALL, ids=lambda o: o.name)
def test_an_operator_says_what_it_is(operator: Operator) -> None:
    assert operator.summary and operator.example
    assert bool(operator.module) != bool(operator.expansion)
    assert operator.expansion or operator.scale is not None
    # optional parameters come last, so that values have one reading
    required = [p.is_required for p in operator.parameters if not p.repeats]
    if operator.family is not Family.TECHNICAL:
        assert required == sorted(required, reverse=True)


@pytest.mark.parametrize("operator", ALL, ids=lambda o: o.name)
def test_its_example_uses_it_and_reads_back(operator: Operator) -> None:
    formula = parse(operator.example, strict=True)
    assert parse(str(formula)) == formula
    if operator.module:
        assert operator.name in {node.op for node in formula.root.walk()}


@pytest.mark.parametrize("operator", [o for o in ALL if o.module], ids=lambda o: o.name)
def test_its_kernel_exists_and_takes_the_values_in_written_order(operator: Operator) -> None:
    assert callable(operator.kernel())
    operands = tuple(p.name for p in operator.parameters if p.kind.is_operand)
    literals = tuple(p.name for p in operator.parameters if not p.kind.is_operand)
    assert operator.written_order(operands, literals) == tuple(p.name for p in operator.parameters)


def test_graphs_hold_primitive_operators_alone() -> None:
    for operator in ALL:
        for node in parse(operator.example).root.walk():
            assert node.op in ("field", "constant") or OPERATORS[node.op].module
            assert all(not arg.is_constant for arg in node.args) or OPERATORS[node.op].module == "elementwise"


def test_kinds_say_what_is_an_array() -> None:
    assert [k for k in Kind if k.is_operand] == [Kind.PANEL, Kind.BOOLEAN, Kind.GROUP]


def test_reading_a_formula_imports_no_compiler() -> None:
    code = (
        "import sys; from alpha_sources.formula import parse, similarity, explain; "
        "explain(parse('rank(rsi(14))')); "
        "sys.exit(any(m in sys.modules for m in ('numba', 'bottleneck', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_face_offers_functions_in_whatever_order_things_are_imported() -> None:
    code = (
        "import alpha_sources.formula.stream, alpha_sources.formula.explanation\n"
        "from alpha_sources.formula import evaluate, evaluate_stream, explain, parse, similarity\n"
        "assert all(callable(f) for f in (evaluate, evaluate_stream, explain, parse, similarity))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

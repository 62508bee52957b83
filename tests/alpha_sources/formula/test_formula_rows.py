"""A formula is worth the same however it is computed: which rows, how many threads, how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pytest
from formula_generator import random_formulas
from formula_markets import market
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_sources.formula import Formula, FormulaError, evaluate, evaluate_stream, parse
from alpha_sources.formula._plan import Plan
from alpha_sources.formula.context import Buffers, Context, Panel, Value
from alpha_sources.formula.evaluator import evaluate_last
from alpha_sources.formula.kernels import elementwise
from alpha_sources.formula.nodes import FIELD, Node
from alpha_sources.formula.operators import OPERATORS
from alpha_sources.formula.panel_fields import PanelFields
from alpha_sources.libraries import load_library
from alphaloom import load_panel
from engine.market.view import MarketView

T = 120
FORMULAS = random_formulas(120, seed=11, depth=4)
BOUNDED = [formula for formula in FORMULAS if not formula.unbounded]
#: places in a list: what an example holds is printed, and a formula's graph is long
PLACES = st.lists(st.integers(0, 79), min_size=1, max_size=10)


@pytest.fixture
def view() -> MarketView:
    return known()[0]


@lru_cache(maxsize=1)
def known() -> tuple[MarketView, dict[Formula, np.ndarray]]:
    """The market, and every formula on all of it."""
    view = market(T).view(T - 1)
    return view, dict(zip(FORMULAS, evaluate(FORMULAS, view), strict=True))


def one_by_one(root: Node, view: MarketView) -> Panel:
    """Every operation of a formula by itself, on all rows: nothing shared, joined or left out."""
    fields = PanelFields(view, np.dtype(np.float64))
    context = fields.context(len(view))

    def scaled(x: Panel, node: Node, *, back: bool) -> Panel:
        for op, name, power in fields.schema.factors(node.degree):
            factor: Value = view.field(name)
            if power != 1:
                factor = elementwise.power(context, factor, float(power))
            x = getattr(elementwise, {"mul": "div", "div": "mul"}[op] if back else op)(context, x, factor)
        return x

    def base(node: Node) -> Value:
        if node.is_constant:
            return node.value
        if node.op == FIELD:
            return scaled(fields.of_session(node, len(view)), node, back=True)
        operator = OPERATORS[node.op]
        inner = of_session if operator.family.across_names else base
        arguments = operator.written_order(tuple(inner(arg) for arg in node.args), node.params)
        result: Panel = operator.kernel()(context, *arguments)
        return result

    def of_session(node: Node) -> Value:
        if node.is_constant:
            return node.value
        if node.op == FIELD:
            return fields.of_session(node, len(view))
        result = base(node)
        return scaled(result, node, back=False) if isinstance(result, np.ndarray) else result

    found = of_session(root)
    assert isinstance(found, np.ndarray)
    return found


@pytest.mark.parametrize("formula", FORMULAS[:60], ids=str)
def test_sharing_and_joining_operations_changes_no_digit(formula: Formula) -> None:
    view, values = known()
    np.testing.assert_array_equal(values[formula], one_by_one(formula.root, view))


@settings(max_examples=25, deadline=None)
@given(places=PLACES, start=st.integers(0, T - 1))
def test_rows_from_a_start_are_those_of_all_rows(places: list[int], start: int) -> None:
    view, values = known()
    formulas = [BOUNDED[place] for place in places]
    for formula, rows in zip(formulas, evaluate(formulas, view, start=start), strict=True):
        np.testing.assert_array_equal(rows, values[formula][start:], err_msg=str(formula))
    for formula, row in zip(formulas, evaluate_last(formulas, view), strict=True):
        np.testing.assert_array_equal(row, values[formula][-1], err_msg=str(formula))


def test_rows_before_the_first_window_is_full_are_missing_whatever_the_start(view: MarketView) -> None:
    for start in (0, 3, 6):
        values = evaluate("ts_mean(returns, 10)", view, start=start)[0]
        assert np.isnan(values[: 10 - start]).all() and np.isfinite(values[10 - start :]).any()


def test_a_recursion_does_not_depend_on_what_it_is_computed_with(view: MarketView) -> None:
    alone = evaluate_last("ema(close, 3)", view)[0]
    others = ["ema(close, 3)", "ema(ema(close, 3), 4)", "ts_mean(ema(close, 3), 40)", "ts_max(close, 90)"]
    np.testing.assert_array_equal(evaluate_last(others, view)[0], alone)
    np.testing.assert_allclose(alone, evaluate("ema(close, 3)", view)[0, -1], rtol=1e-12)


def test_one_session_is_computed_from_the_rows_that_are_looked_back_on_and_no_more(view: MarketView) -> None:
    formulas = [parse(t) for t in ("ts_mean(close, 20)", "ts_std(delta(volume, 2), 7)", "rank(close)")]
    schema = PanelFields(view, np.dtype(np.float64)).schema
    plan = Plan([formula.root for formula in formulas], schema, 1, len(view))
    # of the steps, delta alone is looked back on: the window's 6 earlier rows
    assert sorted(step.size for step in plan.steps.values() if step.owned)[-2:] == [7, 9]


@settings(max_examples=10, deadline=None)
@given(places=PLACES, threads=st.integers(2, 4), generous=st.floats(1.0, 3.0), single=st.booleans())
def test_neither_threads_nor_a_memory_budget_change_a_value(
    places: list[int], threads: int, generous: float, single: bool
) -> None:
    view, formulas = known()[0], [FORMULAS[place] for place in places]
    dtype = "float32" if single else "float64"
    try:
        expected = evaluate(formulas, view, dtype)
    except FormulaError:
        assert single
        return
    budget = int(max(needed([formula], view, dtype) for formula in formulas) * generous)
    found = evaluate(formulas, view, dtype, threads, memory_budget=budget)
    np.testing.assert_array_equal(found, expected)
    stream = evaluate_stream(formulas, view, dtype, threads, memory_budget=budget)
    for (_, streamed), values in zip(stream, expected, strict=True):
        np.testing.assert_array_equal(streamed, values)


def needed(formulas: Sequence[Formula], view: MarketView, dtype: str = "float64") -> int:
    fields = PanelFields(view, np.dtype(dtype))
    plan = Plan([f.root for f in formulas], fields.schema, len(view), len(view))
    return plan.peak * fields.bytes_of_row


class CountingBuffers(Buffers):
    """Says how many rows were ever out at a time."""

    out = most = 0

    def take(self, rows: int) -> Panel:
        self.out += rows
        self.most = max(self.most, self.out)
        return super().take(rows)

    def give_back(self, panel: Panel) -> None:
        self.out -= len(panel)
        super().give_back(panel)


@pytest.mark.parametrize("start", [0, T - 1])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_plan_takes_no_more_memory_than_it_says(view: MarketView, threads: int, start: int) -> None:
    fields = PanelFields(view, np.dtype(np.float64))
    plan = Plan([f.root for f in FORMULAS], fields.schema, len(view) - start, len(view))
    allowed = plan.peak if threads == 1 else int(1.5 * plan.peak)
    fields.buffers = CountingBuffers(fields.stocks, fields.dtype)
    for _, values, kept in plan.run(FORMULAS, fields, threads, allowed * fields.bytes_of_row):
        if kept:
            fields.buffers.give_back(values)
    assert fields.buffers.out == 0
    assert 0.3 * plan.peak < fields.buffers.most <= allowed


def test_a_batch_is_cut_until_it_fits_and_a_budget_for_less_than_one_formula_is_refused(
    view: MarketView,
) -> None:
    first = [parse(f"ts_scale(close, {n}) - ts_mean(close, {n}) / open") for n in range(2, 12)]
    # what the later ones share with the earlier is held until then
    formulas = first + [parse(f"ts_max(ts_mean(close, {n}), 3)") for n in range(2, 12)]
    alone, together = needed(formulas[:1], view), needed(formulas, view)
    assert alone < together
    expected = evaluate(formulas, view)
    np.testing.assert_array_equal(evaluate(formulas, view, memory_budget=alone), expected)
    with pytest.raises(FormulaError) as refused:
        evaluate(formulas, view, memory_budget=alone - 1)
    said = str(refused.value)
    assert formulas[0].text in said and f"raise the budget to {alone} bytes" in said and "float32" in said
    with pytest.raises(FormulaError, match="raise the budget"):
        list(evaluate_stream(formulas, view, memory_budget=100))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"start": -1}, "start is -1, not a row of the view: 0 to 119"),
        ({"start": T}, "start is 120"),
        ({"start": 1.5}, "start is 1.5"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": "two"}, "threads is 'two'"),
        ({"memory_budget": 0}, "memory_budget is 0"),
        ({"memory_budget": 1e9}, "memory_budget is 1000000000.0"),
        ({"dtype": "float16"}, "float64 or float32"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    view: MarketView, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(FormulaError, match=said.replace("(", r"\(")):
        evaluate("close", view, **settings)  # type: ignore[arg-type]
    with pytest.raises(FormulaError, match=said.replace("(", r"\(")):
        list(evaluate_stream("close", view, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "amount * amount * amount * amount * amount * amount",
        "power(market_cap, 5)",
        "signedpower(market_cap, 5)",
        "exp(turnover * 100000)",
        "ts_product(volume, 8)",
        "ts_var(power(market_cap, 3), 5)",
        "ts_cov(power(market_cap, 2), power(market_cap, 3), 5)",
        "ts_sum(power(market_cap, 4) * 1000, 50)",
        "close * 1e15 * 1e12 / (volume / 1e15 / 1e5)",
    ],
)
@pytest.mark.parametrize("start", [0, T - 1])
def test_what_is_too_large_for_single_precision_is_refused_by_name(
    view: MarketView, text: str, start: int
) -> None:
    others = ["ts_mean(volume, 5)", text, "rank(close)"]
    with pytest.raises(FormulaError) as refused:
        evaluate(others, view, "float32", start=start)
    assert text in str(refused.value) and "float32 is too small" in str(refused.value)
    assert "evaluate the formula in float64" in str(refused.value)
    with pytest.raises(FormulaError, match="float32 is too small"):
        list(evaluate_stream(others, view, "float32", threads=2))
    # the others have done nothing wrong
    assert evaluate([others[0], others[2]], view, "float32").dtype == np.float32


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
def test_single_precision_is_good_enough_for_a_library() -> None:
    view = load_panel("sse50").view(400)
    formulas = [entry.parsed for entry in load_library("alpha158") if entry.computable]
    single, double = evaluate(formulas, view, "float32"), evaluate(formulas, view)
    np.testing.assert_array_equal(np.isnan(single), np.isnan(double))
    for formula, a, b in zip(formulas, single, double, strict=True):
        known = np.isfinite(b)
        apart = np.abs(a - b)[known] / b[known].std()
        # what counts or ranks may fall on the other side of a near tie
        assert np.quantile(apart, 0.99) < 1e-4, formula
        assert (apart > 1e-3).mean() < 0.01, formula


def test_nothing_over_zero_is_no_overflow(view: MarketView) -> None:
    texts = ["1 / volume", "log(volume)", "power(volume, -1)", "sqrt(-volume)", "close / delta(close, 1)"]
    single, double = evaluate(texts, view, "float32"), evaluate(texts, view)
    np.testing.assert_array_equal(np.isnan(single[:4]), np.isnan(double[:4]))


def test_a_plan_is_made_once_for_session_after_session(view: MarketView) -> None:
    from alpha_sources.formula._session import _plan

    formulas = [parse("ts_mean(close, 6) - ts_std(close, 8)"), parse("rank(delta(close, 3))")]
    before = _plan.cache_info()
    rows = [evaluate_last(formulas, market(T).view(t)) for t in (50, 51, 52)]
    after = _plan.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    np.testing.assert_array_equal(np.stack(rows, axis=1), evaluate(formulas, view)[:, 50:53])


def test_buffers_hand_out_what_fits() -> None:
    buffers = Buffers(4, np.dtype(np.float32))
    tall, flat = buffers.take(5), buffers.take(1)
    buffers.give_back(tall)
    buffers.give_back(flat)
    assert buffers.idle == 2 and buffers.take(1) is flat and buffers.take(5) is tall
    assert buffers.take(5).shape == (5, 4) and buffers.idle == 0


def test_a_context_takes_the_last_rows_of_longer_panels() -> None:
    x = np.arange(12.0).reshape(6, 2)
    context = Context(np.ones((2, 2), dtype=bool), np.arange(6))
    np.testing.assert_array_equal(elementwise.add(context, x, 1.0), x[-2:] + 1)
    np.testing.assert_array_equal(OPERATORS["rank"].kernel()(context, x), [[0.5, 1.0], [0.5, 1.0]])
    np.testing.assert_array_equal(OPERATORS["ts_mean"].kernel()(context, x, 3), x[3:5])

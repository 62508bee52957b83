"""Whatever the text: a formula or a FormulaError, and soon."""

from __future__ import annotations

import pickle
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from alpha_sources.formula import FormulaError, explain, parse, similarity
from alpha_sources.formula.dialects import DIALECTS
from alpha_sources.formula.kinds import Kind
from alpha_sources.formula.operator import Operator
from alpha_sources.formula.operators import ALL

FIELDS = ("close", "open", "high", "low", "volume", "amount", "returns", "market_cap", "turnover", "eps")
WORDS = (
    *(o.name for o in ALL), *FIELDS, "industry", "trading", "index_close", "adv20", "IndClass.sector",
    "$close", "and", "or", "not", "(", ")", ",", "+", "-", "*", "/", "**", "^", "<", "<=", "==", "=", "!=",
    "!", "&&", "||", "&", "|", "?", ":", ".", "0", "1", "2", "5", "20", "1.5", "1e-6", "1e99", "-1", "（",
    "，", "\u200b", "\x00", "x",
)  # fmt: skip
DIALECT = st.sampled_from(sorted(DIALECTS))


#: seconds after which a text has blown up; a slow machine stays far below
HANGS_S = 20.0


def assert_read_or_refused(text: str, dialect: str = "alphaloom") -> None:
    begun = time.perf_counter()
    try:
        formula = parse(text, dialect)
        assert parse(str(formula)) == formula
        assert isinstance(formula.canonical, str)
    except FormulaError as error:
        assert len(str(error)) < 500
        str(error).encode()
    assert time.perf_counter() - begun < HANGS_S


@given(st.text(max_size=200), DIALECT)
@settings(max_examples=300, deadline=None)
@example("\ud800", "alphaloom")
@example("1" * 39 + "e" + "9", "alphaloom")
def test_any_text(text: str, dialect: str) -> None:
    assert_read_or_refused(text, dialect)


@given(st.lists(st.sampled_from(WORDS), max_size=40), DIALECT)
@settings(max_examples=600, deadline=None)
def test_any_words(words: list[str], dialect: str) -> None:
    assert_read_or_refused(" ".join(words), dialect)


def _numbers() -> st.SearchStrategy[str]:
    return st.sampled_from(("1", "0.5", "2.0", "-1", "100", "1e-6"))


@st.composite
def _operand(draw: st.DrawFn, kind: Kind, depth: int) -> str:
    if kind is Kind.WINDOW or kind is Kind.LAG:
        return str(draw(st.integers(4, 30)))
    if kind is Kind.NUMBER:
        return draw(st.sampled_from(("0.5", "1")))
    if kind is Kind.GROUP:
        return draw(st.sampled_from(("industry", "board", "bucket(market_cap, 5)")))
    if kind is Kind.BOOLEAN:
        left, right = draw(formulas(depth - 1)), draw(formulas(depth - 1))
        return f"({left} {draw(st.sampled_from(('>', '<=', '!=')))} {right})"
    return draw(formulas(depth - 1))


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> str:
    """Formulas that read, nearly always: what cancels out is refused."""
    if depth <= 0:
        return draw(st.sampled_from(FIELDS))
    shape = draw(st.integers(0, 5))
    if shape == 0:
        return f"({draw(formulas(depth - 1))} {draw(st.sampled_from('+-*/'))} {draw(formulas(depth - 1))})"
    if shape == 1:
        return f"({draw(formulas(depth - 1))} {draw(st.sampled_from('+*/'))} {draw(_numbers())})"
    if shape == 2:
        return f"-{draw(formulas(depth - 1))}"
    operator: Operator = draw(st.sampled_from(ALL))
    values = [draw(_operand(p.kind, depth)) for p in operator.parameters]
    return f"{operator.name}({', '.join(values)})"


@given(formulas())
@settings(max_examples=300, deadline=None)
def test_formulas_read_back_as_themselves(text: str) -> None:
    try:
        formula = parse(text)
    except FormulaError as error:
        # values drawn blindly may contradict each other, or cancel
        allowed = ("wherever it has a value", "NaN everywhere", "needs a condition", "power", "number",
                   "must lie", "above high", "finite", "window of", "is from")  # fmt: skip
        assert any(part in str(error) for part in allowed), str(error)
        return
    again = parse(str(formula))
    assert again == formula
    assert (again.lookback, again.units, again.canonical) == (
        formula.lookback,
        formula.units,
        formula.canonical,
    )
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert similarity(formula, again) == 1.0


@given(formulas(2))
@settings(max_examples=60, deadline=None)
def test_formulas_can_be_explained(text: str) -> None:
    try:
        formula = parse(text)
    except FormulaError:
        return
    assert str(formula) in explain(formula)


@given(formulas(2), st.data())
@settings(max_examples=400, deadline=None)
def test_mutated_formulas(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 6)))
    patch = data.draw(st.sampled_from(WORDS) | st.text(max_size=3))
    assert_read_or_refused(text[:at] + patch + text[until:], data.draw(DIALECT))

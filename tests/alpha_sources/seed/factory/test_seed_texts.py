"""Formulas that stand in texts, passages that stand there or do not, and names made of words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.formula import parse
from alpha_sources.libraries.categories import Category
from alpha_sources.seed.extraction import find_formulas
from alpha_sources.seed.grounding import find_passage
from alpha_sources.seed.labels import mislabelled, theme_of
from alpha_sources.seed.proposal import slug


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "Reversal: -delta(close, 5) / delay(close, 5)",
            [("Reversal", "-delta(close, 5) / delay(close, 5)")],
        ),
        ("Alpha#12: (sign(delta(volume, 1)) * (-1 * delta(close, 1)))", None),
        ("Liquidity is measured by the mean of abs(returns) / amount.", [("", "abs(returns) / amount")]),
        (
            "The signal is `close / open - 1` and rank(volume).",
            [("", "close / open - 1"), ("", "rank(volume)")],
        ),
        (
            "其中 ts_mean(abs(returns)/amount, 20)，数值越大流动性越差。",
            [("", "ts_mean(abs(returns)/amount, 20)")],
        ),
        (
            "因子公式：RANK（DELTA（LOG（VOLUME），1）） × -1",
            [("因子公式", "RANK(DELTA(LOG(VOLUME),1)) * -1")],
        ),
        ("2) x = Ref($close,5)/$close-1", [("x", "Ref($close,5)/$close-1")]),
        (
            "Both ts_corr(returns, index_return, 60) and Mean($volume, 5)/Mean($volume, 20) work.",
            [("", "ts_corr(returns, index_return, 60)"), ("", "Mean($volume, 5)/Mean($volume, 20)")],
        ),
        ("close", []),
        (
            "The high/low range and the open-close prices matter (see page 3), as volume (in lots) is.",
            [],
        ),
        ("x = y + z; print(open('/etc/passwd'))", []),
        ("delay(close, -5) looks ahead", []),
    ],
)
def test_formulas_are_found_where_they_stand(line: str, found: list[tuple[str, str]] | None) -> None:
    got = [(each.name, each.text) for each in find_formulas(f"Some words.\n{line}\nMore words.")]
    if found is None:
        assert [name for name, _ in got] == ["Alpha#12"] and parse(got[0][1]).canonical
    else:
        assert got == found


def test_a_formula_that_stands_there_twice_is_found_once_and_knows_its_line() -> None:
    text = "Words.\nrank(close)\nand\nRANK( CLOSE )\n"
    (each,) = find_formulas(text)
    assert text[each.start :].startswith("rank(close)") and each.dialect == "alphaloom"


def test_a_long_paragraph_is_looked_at_by_sentences() -> None:
    text = "Nothing of note. " * 200 + "We use ts_mean(abs(returns) / amount, 20). " + "More words. " * 200
    (each,) = find_formulas(text)
    assert (
        each.text == "ts_mean(abs(returns) / amount, 20)"
        and each.line == "We use ts_mean(abs(returns) / amount, 20)."
    )
    assert text[each.start :].lstrip().startswith("We use")


def test_rows_of_brackets_do_not_take_for_ever() -> None:
    bad = "\n".join(["(close" * 200 + ")" * 200] * 20 + ["rank(close)+" * 80 + "rank("] * 20)
    start = time.process_time()
    find_formulas(bad)
    assert time.process_time() - start < 5


@given(st.text(alphabet="abcdefghij ()$,.+-*/^=close0123456789\n中文（）", max_size=300))
def test_whatever_a_text_holds_it_is_read_and_what_is_found_is_a_formula(text: str) -> None:
    for each in find_formulas(text):
        assert parse(each.text, each.dialect).fields


TEXT = (
    "Momentum of the past twelve months, less the last one, predicts returns.\n\nThe effect is “stronger” "
    "among stocks with low turn-\nover. 换手率较低的股票上，\n这一效应更为显著。"
)


@pytest.mark.parametrize(
    "passage",
    [
        "Momentum of the past twelve months, less the last one, predicts returns.",
        "momentum of the  past\ntwelve months",
        'The effect is "stronger" among stocks',
        "换手率较低的股票上,这一效应更为显著",
        # a word left out
        "Momentum of the past months, less the last one, predicts returns.",
    ],
)
def test_a_passage_is_found_whatever_its_white_space(passage: str) -> None:
    found = find_passage(passage, TEXT)
    assert found is not None and found.likeness >= 0.85
    assert TEXT[found.start :][:2] in passage or TEXT[found.start :][:2].lower() in passage.lower()


@pytest.mark.parametrize(
    "passage",
    [
        "Value stocks beat growth stocks over the long run in all markets.",
        "market",  # a word proves nothing
        "",
        "低市盈率的股票未来收益更高，这一结论稳健。",
        "returns predicts one, last the less months, twelve past the of Momentum",
    ],
)
def test_a_passage_that_was_made_up_is_not_found(passage: str) -> None:
    assert find_passage(passage, TEXT) is None


@given(st.integers(0, 100), st.integers(8, 60))
def test_any_part_of_a_text_is_found_in_it(start: int, length: int) -> None:
    passage = TEXT[start : start + length]
    if len("".join(passage.split())) >= 6:
        found = find_passage(passage, TEXT)
        assert found is not None and found.likeness == 1.0


@pytest.mark.parametrize(
    ("formula", "category"),
    [
        ("delay(close, 20) / delay(close, 240) - 1", "momentum"),
        ("-pct_change(close, 5)", "mean_reversion"),
        ("ts_std(returns, 20)", "volatility"),
        ("1 / pe_ttm", "fundamental"),
        ("amount / market_cap", "liquidity"),
        ("gross_margin_pct", "quality"),
        ("net_profit_yoy_pct", "growth"),
        ("rsi(close, 14)", "technical"),
        ("ts_corr(returns, index_return, 60)", "macro"),
        ("ts_corr(close, volume, 10)", "price_volume"),
        ("(close - open) / (high - low)", "bar"),
    ],
)
def test_a_formula_without_a_category_is_given_one_by_what_it_reads(formula: str, category: str) -> None:
    assert theme_of(parse(formula)) == category
    assert mislabelled(parse(formula), Category(category)) == ""


@pytest.mark.parametrize(
    ("formula", "category", "name", "trend", "said"),
    [
        ("volume", "fundamental", "", 0.0, "names no figure of a statement"),
        ("close / eps_ttm", "volatility", "", 0.0, "names a statement"),
        ("pct_change(volume, 14)", "other", "Dividend Yield", 0.0, "its name says dividend"),
        ("volume", "liquidity", "price_to_cash_flow", 0.0, "its name says cash flow"),
        ("ts_std(returns, 20)", "macro", "", 0.0, "names no index"),
        ("eps_ttm / delay(eps_ttm, 1) - 1", "growth", "", 0.0, "over 1 session a report is compared"),
        ("close - ts_min(low, 20)", "mean_reversion", "", 0.5, "a reversal buys its negative"),
        ("-pct_change(close, 20)", "momentum", "", -0.9, "momentum buys its negative"),
    ],
)
def test_a_label_that_the_formula_contradicts_is_said(
    formula: str, category: str, name: str, trend: float, said: str
) -> None:
    assert said in mislabelled(parse(formula), Category(category), name, trend)


@given(st.text(max_size=100))
def test_any_name_becomes_one_that_a_library_takes(name: str) -> None:
    from alpha_sources.libraries.validation import _NAME

    assert _NAME.fullmatch(slug(name))

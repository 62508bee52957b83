"""A formula explained reads like a lesson."""

from __future__ import annotations

import pytest

from alpha_sources.formula import FormulaError, explain
from alpha_sources.formula.operators import OPERATORS

STOCHASTIC = "(close - ts_min(low, 14)) / (ts_max(high, 14) - ts_min(low, 14))"


def test_the_stochastic_oscillator() -> None:
    lesson = explain(STOCHASTIC)
    assert lesson.split("\n")[:16] == [
        "Formula",
        "  (close - ts_min(low, 14)) / (ts_max(high, 14) - ts_min(low, 14))",
        "",
        "Also known as",
        "  100 times this is stochastic_k(14): place of the close in the range of 14 sessions, 0 to 100:",
        "  stochastic %K.",
        "",
        "How it is built",
        "  … / …                                  the first divided by the second; a ratio",
        "  ├─ close - ts_min(low, 14)             the first less the second; a price",
        "  │  ├─ close                            last price of the session; a price",
        "  │  └─ ts_min(low, 14)                  smallest of 14 sessions; a price; 13 sessions back",
        "  │     └─ low                           lowest price of the session; a price",
        "  └─ ts_max(high, 14) - ts_min(low, 14)  the first less the second; a price",
        "     ├─ ts_max(high, 14)                 largest of 14 sessions; a price; 13 sessions back",
        "     │  └─ high                          highest price of the session; a price",
    ]
    assert "as above" in lesson
    assert "It needs 13 sessions before the session itself." in lesson
    assert "NaN, not infinity, is what dividing by 0 gives." in lesson
    assert "Warnings" not in lesson


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("100 - RSI", "Minus this plus 100 is rsi(close, 14)"),
        ("100 - RSI", "rsi(close, 14) = 100 * sma(max(delta(close, 1), 0), 14, 1)"),
        ("RSI", "RSI alone is read as rsi"),
        ("4 * STD(CLOSE, 30) / MA(CLOSE, 30)", "This is bollinger_width(close, 30, 2)"),
        ("CLOSE / BOOK_VALUE_TOTAL", "divides a price by an amount in CNY"),
        ("ema(close, 12)", "Recursive averages forget where they began within"),
        ("rank(close)", "It compares the members of the universe"),
        ("close > open", "1 where the condition holds, 0 where not"),
        ("ts_mean(close, 2) > 3", "It needs 1 session before"),
        ("volume", "It looks at the session alone."),
        ("volume", "It stands on the scale of its own session"),
        ("ts_corr(close, ts_mean(volume, 5), 9)", "correlation of close and the second over 9 sessions"),
        ("atr(10)", "true_range() = max(high - low"),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    assert said in explain(text)


def test_a_dialect_is_explained_in_ours() -> None:
    assert explain("Ref($close, 5)", "qlib").startswith("Formula\n  delay(close, 5)\n")


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_can_be_explained(name: str) -> None:
    lesson = explain(OPERATORS[name].example)
    assert "Normal form" in lesson
    assert not [line for line in lesson.split("\n") if line != line.rstrip()]


def test_what_cannot_be_read_cannot_be_explained() -> None:
    with pytest.raises(FormulaError):
        explain("clos")

"""What is the same formula, and how much of two formulas is."""

from __future__ import annotations

import pytest

from alpha_sources.formula import parse, similarity
from alpha_sources.formula.operators import OPERATORS

TWINS = [
    ("close + open", "open + close"),
    ("close * open * high", "high * (open * close)"),
    ("close - open", "-(open - close)"),
    ("close - open", "-open + close"),
    ("2 * (close + open)", "close * 2 + 2 * open"),
    ("close / open", "1 / (open / close)"),
    ("close * close", "close ** 2"),
    ("sqrt(close)", "close ** 0.5"),
    ("close / 4", "0.25 * close"),
    ("0.1 * 3 * close", "0.3 * close"),
    ("(close - delay(close, 5)) / delay(close, 5)", "close / delay(close, 5) - 1"),
    ("pct_change(close, 5)", "close / delay(close, 5) - 1"),
    ("delta(close, 5)", "close - delay(close, 5)"),
    ("delay(delay(close, 2), 3)", "delay(close, 5)"),
    ("delay(ts_mean(close, 5), 3)", "ts_mean(delay(close, 3), 5)"),
    ("delay(close - open, 1)", "delay(close, 1) - delay(open, 1)"),
    ("SMA(CLOSE, 20) - CLOSE", "MA(CLOSE, 20) - CLOSE"),
    ("ts_sum(close, 20) / 20", "ts_mean(close, 20)"),
    ("ts_mean(2 * close + open, 5)", "2 * ts_mean(close, 5) + ts_mean(open, 5)"),
    ("ts_mean(close, 1)", "close"),
    ("ts_std(close, 5) ** 2", "ts_var(close, 5)"),
    ("ts_std(-2 * close + 1, 5)", "2 * ts_std(close, 5)"),
    ("(close - ts_mean(close, 5)) / ts_std(close, 5)", "ts_zscore(close, 5)"),
    ("ts_max(-close, 5)", "-ts_min(close, 5)"),
    ("ts_max(2 * close + 1, 5)", "2 * ts_max(close, 5) + 1"),
    ("ts_argmax(-close, 5)", "ts_argmin(close, 5)"),
    ("ts_corr(close, volume, 5)", "ts_corr(3 * volume + 1, close, 5)"),
    ("ts_corr(-close, volume, 5)", "-ts_corr(close, volume, 5)"),
    ("ts_cov(2 * close, volume, 5)", "2 * ts_cov(volume, close, 5)"),
    ("sma(close, 14, 1)", "ema(close, 27)"),
    ("rank(2 * close + 1)", "rank(close)"),
    ("rank(100 * (close - open) / open)", "rank((close - open) / open)"),
    ("rank(-close + 7)", "rank(-2 * close)"),
    ("rank(rank(close))", "rank(close)"),
    ("zscore(3 - 2 * close)", "-zscore(close)"),
    ("ts_rank(5 * close, 9)", "ts_rank(close, 9)"),
    ("scale(-2 * returns)", "-scale(returns)"),
    ("demean(2 * returns + 1)", "2 * demean(returns)"),
    ("group_demean(returns, industry)", "group_neutralize(returns, industry)"),
    ("regression_resid(returns, amount, turnover)", "regression_resid(returns, 2 * turnover, amount)"),
    ("abs(open - close)", "abs(close - open)"),
    ("sign(-2 * close + 2 * open)", "-sign(close - open)"),
    ("max(close, open, high)", "max(max(high, close), open)"),
    ("close > open", "open < close"),
    ("close > open", "close - open > 0"),
    ("close > open", "2 * close > 2 * open"),
    ("!(close > open)", "close <= open"),
    ("close > open && trading", "trading && open < close"),
    ("where(!trading, 1, 0)", "where(trading, 0, 1)"),
    ("where(trading, close, close)", "close"),
    ("stochastic_k(14)", "100 + williams_r(14)"),
    ("bollinger_percent(close, 20, 2)", "0.5 + ts_zscore(close, 20) / 4"),
    ("(close + open) / (open + close) * high", "high"),
]

STRANGERS = [
    ("close - open", "open - close"),
    ("rank(close)", "rank(-close)"),
    ("rank(close)", "rank(1 / close)"),
    ("rank(close)", "close"),
    ("ts_rank(close, 5)", "ts_rank(close, 6)"),
    ("ts_mean(close, 5)", "ts_mean(open, 5)"),
    ("scale(returns + 1)", "scale(returns)"),
    ("delay(rank(close), 1)", "rank(delay(close, 1))"),
    ("sqrt(close ** 2)", "close"),
    ("close > open", "close >= open"),
    ("where(close > open, 1, 0)", "where(open > close, 1, 0)"),
    ("ts_cov(close, volume, 5)", "ts_cov(close, volume, 6)"),
    ("ts_std(close, 5)", "ts_std(log(close), 5)"),
    ("group_neutralize(close, industry)", "group_neutralize(close, board)"),
    ("signedpower(returns, 2)", "returns ** 2"),
    ("ts_sumif(volume, close > open, 5)", "ts_sumif(volume, close < open, 5)"),
    ("max(close, open)", "min(close, open)"),
]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins_have_one_normal_form(one: str, other: str) -> None:
    assert parse(one).canonical == parse(other).canonical
    assert similarity(one, other) == 1.0


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_do_not(one: str, other: str) -> None:
    assert parse(one).canonical != parse(other).canonical
    assert 0.0 <= similarity(one, other) < 1.0


@pytest.mark.parametrize("name", OPERATORS)
def test_a_normal_form_is_a_formula_and_its_own_normal_form(name: str) -> None:
    canonical = parse(OPERATORS[name].example).canonical
    assert parse(canonical).canonical == canonical


def test_the_formula_itself_is_left_as_written() -> None:
    assert parse("open + close") != parse("close + open")
    assert str(parse("delta(close, 1) / 2")) == "delta(close, 1) / 2"


def test_similarity_falls_with_what_differs() -> None:
    base = "rank(ts_mean(close, 20) / close)"
    window, field, other = (
        "rank(ts_mean(close, 21) / close)",
        "rank(ts_mean(open, 20) / open)",
        "ts_corr(volume, amount, 5)",
    )
    assert 1 > similarity(base, window) > similarity(base, field) > similarity(base, other)
    assert similarity(base, other) < 0.1
    assert similarity(base, window) == similarity(window, base)
    assert similarity(parse(base), parse(base)) == 1.0


def test_the_papers_duplicates_are_found() -> None:
    # numbers 4 and 5, 10 and 13, 19 and the bare name, of the released list
    assert parse("((CLOSE / DELAY(CLOSE, 14)) - 1)").canonical == (
        parse("((CLOSE - DELAY(CLOSE, 14)) / DELAY(CLOSE, 14))").canonical
    )
    assert parse("MA(CLOSE, 20) - CLOSE").canonical == parse("(SMA(CLOSE, 20) - CLOSE)").canonical
    assert parse("ATR").canonical == parse("ATR(14)").canonical

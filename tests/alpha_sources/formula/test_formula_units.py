"""Units, and how a value scales with the factors of its session."""

from __future__ import annotations

from fractions import Fraction

import pytest

from alpha_sources.formula import FormulaError, parse
from alpha_sources.formula.fields import CATALOGUE, IndexField, find_field, index_field
from alpha_sources.formula.units import CNY, NONE, PRICE, RATIO, SHARE


def test_units_multiply_and_divide() -> None:
    assert PRICE.times(SHARE) == CNY
    assert CNY.over(SHARE) == PRICE
    assert CNY.over(PRICE) == SHARE
    assert PRICE.over(PRICE) == RATIO
    assert PRICE.power(Fraction(2)).power(Fraction(1, 2)) == PRICE
    assert not PRICE.times(NONE).known
    assert PRICE.agrees(NONE) and not PRICE.agrees(CNY)
    assert [str(u) for u in (PRICE, SHARE, CNY, RATIO, NONE)] == ["price", "share", "cny", "ratio", "none"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("close", "price"),
        ("close * volume", "cny"),
        ("amount / volume", "price"),
        ("amount / close", "share"),
        ("market_cap / amount", "ratio"),
        ("close / eps_ttm", "ratio"),
        ("close / book_value", "ratio"),
        ("ts_mean(close, 5) - close", "price"),
        ("ts_var(close, 5)", "price^2"),
        ("ts_std(close, 5)", "price"),
        ("sqrt(high * low)", "price"),
        ("ts_cov(close, volume, 5)", "cny"),
        ("ts_corr(close, volume, 5)", "ratio"),
        ("rank(close)", "ratio"),
        ("demean(close)", "price"),
        ("where(close > open, close, open)", "price"),
        ("close > open", "ratio"),
        ("abs(returns) / amount", "cny^-1"),
        ("close / index_close", "none"),
        ("2 * close", "price"),
        ("obv(20)", "share"),
        ("atr(14)", "price"),
        ("rsi()", "ratio"),
        ("bollinger_upper(close, 20, 2)", "price"),
        ("yang_zhang(20)", "ratio"),
        ("book_value_total", "cny"),
        ("shares", "share"),
    ],
)
def test_the_unit_of_a_formula_is_inferred_without_doubt(text: str, units: str) -> None:
    formula = parse(text)
    assert formula.units == units
    assert formula.warnings == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CLOSE / BOOK_VALUE_TOTAL", "divides a price by an amount in CNY"),
        ("VOLUME / MARKET_CAP", "divides a number of shares by an amount in CNY"),
        ("close + volume", "adds a price and a number of shares"),
        ("close - returns", "adds a price and a ratio"),
        ("close > volume", "compares a price and a number of shares"),
        ("max(close, amount)", "chooses between a price and an amount in CNY"),
        ("where(trading, close, volume)", "chooses between a price and a number of shares"),
        ("close + 1", "a plain number"),
        ("amount + 1", "a plain number"),
        ("close > 10", "a plain number"),
        ("log(close)", "takes the logarithm of a price: its level depends on where adjustment began"),
        ("log(volume)", "takes the logarithm of a number of shares"),
        ("exp(volume)", "takes the exponential of a number of shares"),
        ("close ** volume", "power"),
        ("clip(close, 1, 2)", "clips"),
        ("close - raw_close", "different scale"),
        ("close - bvps_mrq", "different scale"),
        ("close - demean(close)", "different scale"),
    ],
)
def test_what_does_not_go_together_is_warned_of_and_refused_in_strict_mode(text: str, said: str) -> None:
    (warning,) = parse(text).warnings
    assert said in warning
    with pytest.raises(FormulaError, match=said):
        parse(text, strict=True)


@pytest.mark.parametrize(
    "text",
    [
        "returns + 1", "close / delay(close, 1) - 1", "max(close - open, 0)", "close > 0", "amount > 1e8",
        "(close - open) / (high - low + 1e-6)", "raw_close > 10", "log(close / open)", "log(market_cap)",
        "returns - index_return", "rank(close) + rank(volume)", "clip(returns, -0.1, 0.1)",
        "abs(close - open) > 0", "where(returns > 0, volume, 0)", "where(returns > 0, close, 0)",
        "2 - rank(close)",
    ],
)  # fmt: skip
def test_what_goes_together_is_not_warned_of(text: str) -> None:
    assert parse(text, strict=True).warnings == ()


def degree(text: str) -> tuple[Fraction, Fraction]:
    found = parse(text).root.degree
    return found.price, found.share


@pytest.mark.parametrize(
    ("text", "price", "share"),
    [
        ("close", 1, 0),
        ("volume", 0, 1),
        ("eps", 0, -1),
        ("bvps_mrq", 0, -1),
        ("amount", 0, 0),
        ("raw_close", 0, 0),
        ("raw_volume", 0, 0),
        ("adj_close", 0, 0),
        ("market_cap", 0, 0),
        ("close * volume", 1, 1),
        # on its own session: adjusted price over adjusted earnings is raw price over raw earnings
        ("close / eps", 1, 1),
        ("close / open", 0, 0),
        ("close ** 2", 2, 0),
        ("close ** 0.5", Fraction(1, 2), 0),
        ("1 / close", -1, 0),
        ("sqrt(close * volume)", Fraction(1, 2), Fraction(1, 2)),
        ("-abs(delta(close, 1))", 1, 0),
        ("delay(volume, 3)", 0, 1),
        ("ts_mean(close, 5)", 1, 0),
        ("ts_std(close, 5)", 1, 0),
        ("ts_var(close, 5)", 2, 0),
        ("ts_cov(close, volume, 5)", 1, 1),
        ("ts_slope(close, 5)", 1, 0),
        ("ts_product(close, 3)", 3, 0),
        ("ema(close, 5)", 1, 0),
        ("ts_sumif(volume, close > open, 5)", 0, 1),
        ("where(close > open, close, open)", 1, 0),
        ("max(high, close)", 1, 0),
        ("max(high - close, 0)", 1, 0),
        ("high + low + 1e-6", 1, 0),
        ("pct_change(close, 5)", 0, 0),
        ("ts_corr(close, volume, 5)", 0, 0),
        ("ts_rank(close, 5)", 0, 0),
        ("ts_zscore(close, 5)", 0, 0),
        ("ts_argmax(close, 5)", 0, 0),
        ("close > open", 0, 0),
        ("rank(close)", 0, 0),
        ("winsorize(close, 3)", 0, 0),
        ("group_demean(close, industry)", 0, 0),
        ("regression_resid(close, amount)", 0, 0),
        # not homogeneous: the backward base as it is, with a warning
        ("close + volume", 0, 0),
        ("close + 1", 0, 0),
        ("log(close)", 0, 0),
        ("close - raw_close", 0, 0),
    ],
)
def test_the_degree_of_a_formula(text: str, price: Fraction, share: Fraction) -> None:
    assert degree(text) == (price, share)


def test_every_field_reads_as_itself() -> None:
    for name, field in CATALOGUE.items():
        if field.kind.value != "group":
            formula = parse(name)
            assert str(formula) == name
            assert formula.unit == field.unit


def test_an_index_that_is_not_named_is_the_benchmark() -> None:
    carried = ["000300.SH", "000016.SH", "399001.SZ"]
    assert IndexField("close", None).symbol(carried) == "000016.SH"
    assert IndexField("close", None).symbol(["399001.SZ"]) == "399001.SZ"
    assert IndexField("close", "399001").symbol(carried) == "399001.SZ"
    assert IndexField("close", "000905").symbol(carried) is None
    assert IndexField("close", None).symbol([]) is None
    assert index_field("index_return_000300") == IndexField("return", "000300")
    assert index_field("index_300") is None


def test_an_unknown_name_is_no_field() -> None:
    assert find_field("mood", {}) is None

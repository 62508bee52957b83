"""The same operators as papers and tools spell them."""

from __future__ import annotations

import pytest

from alpha_sources.formula import FormulaError, parse
from alpha_sources.formula.dialects import COMMON, DIALECTS
from alpha_sources.formula.operators import OPERATORS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_knows_the_choice(dialect: str) -> None:
    assert parse("close > open ? high : low", dialect) == parse("where(close > open, high, low)")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_formula_is_written_in_the_default_dialect(dialect: str) -> None:
    formula = parse("Mean($close, 5) / $close", dialect)
    assert str(formula) == "ts_mean(close, 5) / close"
    assert parse(str(formula)) == formula


def test_spellings_lead_to_operators() -> None:
    for dialect in DIALECTS.values():
        for spelling in (*dialect.spellings.values(), *COMMON.values()):
            if isinstance(spelling, str):
                assert spelling in OPERATORS


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("MA(CLOSE, 20)", "ts_mean(close, 20)"),
        ("MEAN(CLOSE, 20)", "ts_mean(close, 20)"),
        ("STD(CLOSE, 20)", "ts_std(close, 20)"),
        ("STDDEV(CLOSE, 20)", "ts_std(close, 20)"),
        ("SUM(CLOSE, 20)", "ts_sum(close, 20)"),
        ("HHV(HIGH, 20)", "ts_max(high, 20)"),
        ("LLV(LOW, 20)", "ts_min(low, 20)"),
        ("TSMAX(HIGH, 20)", "ts_max(high, 20)"),
        ("TSRANK(CLOSE, 20)", "ts_rank(close, 20)"),
        ("MAX(HIGH, 20)", "ts_max(high, 20)"),
        ("MAX(HIGH, OPEN)", "max(high, open)"),
        ("IF(CLOSE > OPEN, 1, 0)", "where(close > open, 1, 0)"),
        ("REF(CLOSE, 1)", "delay(close, 1)"),
        ("CORR(CLOSE, VOLUME, 5)", "ts_corr(close, volume, 5)"),
        ("COVIANCE(CLOSE, VOLUME, 5)", "ts_cov(close, volume, 5)"),
        ("SMA(CLOSE, 20)", "ts_mean(close, 20)"),
        ("SMA(CLOSE, 20, 1)", "sma(close, 20, 1)"),
        ("DECAYLINEAR(CLOSE, 5)", "decay_linear(close, 5)"),
        ("COUNT(CLOSE > OPEN, 5)", "ts_count(close > open, 5)"),
        ("SUMIF(VOLUME, 5, CLOSE > OPEN)", "ts_sumif(volume, close > open, 5)"),
        ("INDNEUTRALIZE(CLOSE, INDUSTRY)", "group_neutralize(close, industry)"),
        ("REGBETA(CLOSE, OPEN, 5)", "ts_cov(close, open, 5) / ts_var(open, 5)"),
        ("REGBETA(CLOSE, SEQUENCE(5), 5)", "ts_slope(close, 5)"),
        ("REGBETA(CLOSE, SEQUENCE(5))", "ts_slope(close, 5)"),
        ("BOLL_UP", "bollinger_upper(close, 20, 2)"),
        ("AND(CLOSE > OPEN, TRADING)", "close > open && trading"),
        ("NOT(TRADING)", "!trading"),
        ("RET + VOL / VOLUME", "returns + volume / volume"),
        ("TSMEAN(CLOSE, 5) - TSSTD(CLOSE, 5)", "ts_mean(close, 5) - ts_std(close, 5)"),
        ("HHVBARS(HIGH, 20)", "ts_argmax(high, 20)"),
        ("IFF(CLOSE > OPEN, 1, 0)", "where(close > open, 1, 0)"),
        ("BB_UPPER(CLOSE, 20)", "bollinger_upper(close, 20)"),
        ("TS_PCTCHANGE(CLOSE, 5)", "pct_change(close, 5)"),
        ("CSRANK(CLOSE)", "rank(close)"),
        ("MAXIMUM(CLOSE, 14)", "max(close, 14.0)"),
        ("INV(CLOSE)", "1 / close"),
        ("RMA(CLOSE, 14)", "sma(close, 14, 1)"),
        ("EVERY(CLOSE > OPEN, 3)", "ts_count(close > open, 3) == 3"),
        ("EXIST(CLOSE > OPEN, 3)", "ts_count(close > open, 3) > 0"),
        ("CROSS(CLOSE, VWAP)", "close > vwap && delay(close, 1) <= delay(vwap, 1)"),
    ],
)
def test_spellings_of_the_papers(spelled: str, meant: str) -> None:
    for dialect in ("alphaloom", "gtja191"):
        assert parse(spelled, dialect) == parse(meant)


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("adv20", "ts_mean(amount, 20)"),
        ("cap", "market_cap"),
        ("Ts_ArgMax(SignedPower(close, 2.), 5)", "ts_argmax(signedpower(close, 2), 5)"),
        ("correlation(vwap, volume, 4.24304)", "ts_corr(vwap, volume, 4)"),
        ("delta(close, 8.93345)", "delta(close, 8)"),
        ("max(close, 3.9)", "ts_max(close, 3)"),
        ("IndNeutralize(close, IndClass.sector)", "group_neutralize(close, industry)"),
        ("rank(vwap)^rank(volume)", "rank(vwap) ** rank(volume)"),
        ("(close < open) || trading", "close < open || trading"),
        ("scale(rank(close))", "scale(rank(close), 1)"),
        ("product(returns, 3)", "ts_product(returns, 3)"),
        ("(close * 0.721001) + (vwap * (1 - 0.721001))", "close * 0.721001 + vwap * (1 - 0.721001)"),
    ],
)
def test_alpha101(spelled: str, meant: str) -> None:
    assert parse(spelled, "alpha101") == parse(meant)


def test_what_only_alpha101_may_write() -> None:
    for text in (
        "adv20",
        "rank(IndClass.sector)",
        "ts_mean(close, 8.93345)",
        "indneutralize(close, IndClass.sector)",
    ):
        with pytest.raises(FormulaError):
            parse(text)
    with pytest.raises(FormulaError, match="attributes"):
        parse("group_neutralize(close, IndClass.mood)", "alpha101")
    with pytest.raises(FormulaError, match="1 or more, not 0"):
        parse("ts_mean(close, 0.9)", "alpha101")


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("CLOSE = DELAY(CLOSE, 1) ? 0 : 1", "where(close == delay(close, 1), 0, 1)"),
        ("WMA(CLOSE, 12)", "decay_power(close, 12, 0.9)"),
        ("SMA(CLOSE, 12, 2)", "sma(close, 12, 2)"),
        ("TR", "true_range()"),
        ("HD", "high - delay(high, 1)"),
        ("BANCHMARKINDEXCLOSE / CLOSE", "index_close / close"),
        ("SUMAC(VOLUME, 5)", "ts_sum(volume, 5)"),
        (
            "((CLOSE-LOW)-(HIGH-CLOSE))./(HIGH-LOW).*VOLUME",
            "((close - low) - (high - close)) / (high - low) * volume",
        ),
        ("2.*CLOSE", "2 * close"),
        ("CLOSE/DELAY(CLOSE)-1", "close / delay(close, 1) - 1"),
        ("REGBETA(CLOSE,SEQUENCE,20)", "ts_slope(close, 20)"),
        ("HIGH-LOW–SMA(HIGH-LOW,11,2)", "high - low - sma(high - low, 11, 2)"),
        ("RANK(VWAP - MAX(VWAP, 15))^DELTA(CLOSE, 5)", "rank(vwap - ts_max(vwap, 15)) ** delta(close, 5)"),
        ("(CLOSE > OPEN & VOLUME > 0) ? 1 : 0", "where(close > open && volume > 0, 1, 0)"),
    ],
)
def test_gtja191(spelled: str, meant: str) -> None:
    assert parse(spelled, "gtja191") == parse(meant)


def test_what_only_gtja191_may_write() -> None:
    for text in ("close ./ open", "close .* open", "delay(close)"):
        parse(text, "gtja191")
        with pytest.raises(FormulaError):
            parse(text)


def test_wma_falls_linearly_but_in_gtja191() -> None:
    assert parse("wma(close, 5)") == parse("decay_linear(close, 5)") != parse("wma(close, 5)", "gtja191")


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("Ref($close, 5) / $close", "delay(close, 5) / close"),
        ("Rank($close, 5)", "ts_rank(close, 5)"),
        ("Max($high, 5)", "ts_max(high, 5)"),
        ("Greater($high, $close)", "max(high, close)"),
        ("Less($high, 5)", "min(high, 5.0)"),
        ("Quantile($close, 5, 0.8)", "ts_quantile(close, 5, 0.8)"),
        ("Resi($close, 10) / Slope($close, 10)", "ts_resid(close, 10) / ts_slope(close, 10)"),
        ("Rsquare($close, 10)", "ts_rsquare(close, 10)"),
        # counted from the oldest, which is 1
        ("IdxMax($high, 20)", "20 - ts_argmax(high, 20)"),
        ("If(Gt($close, $open), 1, 0)", "where(close > open, 1, 0)"),
        ("Power($close, 2)", "close ** 2"),
        ("Mad($close, 5)", "ts_mad(close, 5)"),
        ("Std($close, 5)", "ts_std(close, 5)"),
    ],
)
def test_qlib(spelled: str, meant: str) -> None:
    assert parse(spelled, "qlib") == parse(meant)


def test_qlibs_future_and_its_first_value_cannot_be_written() -> None:
    with pytest.raises(FormulaError, match="the future cannot be read"):
        parse("Ref($close, -1)", "qlib")
    with pytest.raises(FormulaError, match="1 or more, not 0"):
        parse("Ref($close, 0)", "qlib")
    with pytest.raises(FormulaError, match="write a lag of 1 or more"):
        parse("Ref($close, -1)", "qlib")


def test_names_that_mean_other_things_elsewhere() -> None:
    assert parse("max(close, 5)", "qlib") == parse("max(close, 5)") != parse("Greater(close, 5)", "qlib")
    with pytest.raises(FormulaError, match="no \\^"):
        parse("close ^ 2", "qlib")
    with pytest.raises(FormulaError, match="=="):
        parse("close = open")


def test_an_unknown_dialect_names_the_known_ones() -> None:
    for name in ("zipline", None, []):
        with pytest.raises(FormulaError, match="alphaloom, alpha101, gtja191, qlib"):
            parse("close", name)  # type: ignore[arg-type]

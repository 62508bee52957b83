"""What is read, how it is read, and what is refused."""

from __future__ import annotations

import inspect
import pickle
import sys
import time

import pytest

from alpha_sources.formula import FormulaError, parse
from alpha_sources.formula.limits import MAX_LENGTH
from engine.errors import AlphaloomError

REFUSED = {
    "an unknown operator": ("ts_men(close, 5)", 0, "ts_mean"),
    "an unknown field": ("ts_mean(clos, 5)", 8, "close"),
    "a field that is called": ("close(5)", 0, "field"),
    "an operator without its values": ("ts_mean + 1", 0, "ts_mean(x, n)"),
    "too few values": ("ts_mean(close)", 0, "ts_mean(x, n)"),
    "too many values": ("ts_mean(close, 5, 6)", 0, "takes 2 values, 3 given"),
    "a rank over time": ("rank(close, 5)", 0, "ts_rank"),
    "a window of 0": ("ts_mean(close, 0)", 15, "1 or more, not 0"),
    "a window of -1": ("ts_mean(close, -1)", 15, "1 or more, not -1"),
    "a window of 1.5": ("ts_mean(close, 1.5)", 15, "whole number"),
    "a window of 10.0": ("ts_mean(close, 10.0)", 15, "whole number"),
    "a computed window": ("ts_mean(close, 2 * 5)", 17, "whole number"),
    "a panel where a window is due": ("ts_mean(close, volume)", 15, "whole number"),
    "a spread over one session": ("ts_std(close, 1)", 14, "2 or more"),
    "a window of a century": ("ts_mean(close, 99999)", 15, "at most"),
    "a negative lag": ("delay(close, -1)", 13, "the future cannot be read"),
    "a negative difference": ("delta(close, -1)", 13, "the future cannot be read"),
    "a negative change": ("pct_change(close, -5)", 18, "the future cannot be read"),
    "a negative Ref": ("Ref(close, -1)", 11, "the future cannot be read"),
    "a remedy for a negative lag": ("delay(close, -1)", 13, "write a lag of 0 or more"),
    "a remedy for a negative difference": ("delta(close, -1)", 13, "write a lag of 1 or more"),
    "a lag of a double negative": ("delay(close, --1)", 13, "whole number"),
    "a difference over no session": ("delta(close, 0)", 13, "1 or more"),
    "a tower of powers": ("9**9**9", 1, "power"),
    "a tower of powers of a field": ("close**9**9", 5, "power"),
    "a large constant": ("1e300 * close", 0, "constant"),
    "a large product of constants": ("1e10 * 1e10 * close", 5, "constant"),
    "infinity": ("1e999 * close", 0, "constant"),
    "a constant that is no number": ("log(-1) * close", 0, "finite"),
    "a division of constants by zero": ("close * (1 / 0)", 11, "finite"),
    "attribute access": ("close.values", 5, "attributes"),
    "an attribute of a call": ("rank(close).x", 11, "attributes"),
    "a dunder": ("close.__class__", 5, "attributes"),
    "a call of a call": ("rank(close)(1)", 11, "called"),
    "a call of a bracket": ("(close)(1)", 7, "called"),
    "a call of a number": ("2(close)", 1, "called"),
    "an import": ("__import__(close)", 0, "no operator"),
    "an import of a text": ("__import__('os')", 11, "texts"),
    "a lambda": ("lambda x: x", 7, "does not fit"),
    "an index": ("close[0]", 5, "delay"),
    "a statement": ("close; open", 5, "one expression"),
    "an assignment": ("close = 1", 6, "=="),
    "empty text": ("", 0, "empty"),
    "blank text": (" \n\t ", 0, "empty"),
    "constants alone": ("1 + 2", 0, "does not depend on any field"),
    "a constant": ("1", 0, "does not depend on any field"),
    "a constant condition": ("1 < 2", 2, "does not depend on any field"),
    "a mean of a constant": ("ts_mean(5, 5) * close", 8, "does not depend on any field"),
    "a group": ("industry", 0, "numbers, not groups"),
    "a rank of groups": ("rank(industry)", 5, "not on a group"),
    "a group that is a panel": ("group_rank(close, volume)", 18, "bucket(x, n)"),
    "a number as a condition": ("where(close, 1, 2)", 6, "condition"),
    "a clip to one value": ("clip(close, 5, 5)", 0, "low must lie below high"),
    "a panel as a constant": ("clip(close, open, high)", 12, "a number"),
    "a quantile above 1": ("ts_quantile(close, 5, 2)", 22, "from 0 to 1"),
    "a weight above the span": ("sma(close, 5, 6)", 0, "m must lie"),
    "an unclosed bracket": ("rank(close", 4, "never closed"),
    "a bracket too many": ("rank(close))", 11, "no ( for this )"),
    "empty brackets": ("()", 1, "value is due"),
    "an operator at the end": ("close +", 7, "ends"),
    "two operators": ("close * / open", 8, "value is due"),
    "two values": ("close open", 6, "operator is missing"),
    "a choice without its other side": ("close > open ? 1", 16, ": is due"),
    "a colon alone": ("close : open", 6, "no ? for"),
    "a chain of comparisons": ("low < close < high", 12, "a < b && b < c"),
    "a name that begins with a digit": ("5close", 0, "begin with a digit"),
    "a hexadecimal number": ("close * 0x10", 8, "'0x10' is no number"),
    "a number with an underscore": ("1_000 * close", 0, "write numbers as 1000"),
    "half an exponent": ("close * 5e", 8, "'5e' is no number"),
    "a point before an operator": ("close ./ open", 6, "no ./"),
    "an unknown character": ("close % 5", 6, "remainder"),
    "a Chinese name": ("收盘价", 0, "ASCII"),
    "a field nobody has": ("ebitda / revenue", 0, "net_profit"),
    "NUL": ("close\x00", 5, "invisible"),
    "a zero-width space": ("clo\u200bse", 3, "invisible"),
    "an invisible separator": ("close\u2063", 5, "invisible"),
    "a right-to-left override": ("\u202eclose", 0, "invisible"),
    "a byte-order mark": ("\ufeffclose", 0, "invisible"),
    "a no-break space": ("close\u00a0+ open", 5, "invisible"),
    "a soft hyphen": ("clo\u00adse", 3, "invisible"),
    "half a surrogate": ("close\ud800", 5, "invisible"),
    "a vertical tab": ("close\x0b", 5, "invisible"),
}

CANCELS = (
    "close - close", "close / close", "0 * close", "close / 0", "rank(close - close)", "close == close",
    "ts_std(0 * close, 5)", "ts_corr(close, 2 * close + 1, 5)", "zscore(close / close)",
    "(close + 1) / (1 + close)", "sign(0 * volume)", "where(close > close, volume, 1)",
    "delay(close, 0) - close", "max(0 * close, 1)",
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_the_character_with_a_remedy(name: str) -> None:
    text, position, said = REFUSED[name]
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.position == position
    assert caught.value.text == text
    assert said in str(caught.value)


@pytest.mark.parametrize("text", CANCELS)
def test_what_is_a_constant_whatever_the_data_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match=r"wherever it has a value|NaN everywhere"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 9_000,
        "-" * 9_000 + "close",
        "!" * 9_000 + "trading",
        "close + " * 1_200 + "close",
        "close ** " * 1_000 + "close",
        "close > 1 ? " * 700 + "1",
        "rank(" * 1_500 + "close" + ")" * 1_500,
        "rsi(" * 60 + "close" + ", 14)" * 60,
        "delta(" * 60 + "close" + ", 1)" * 60,
        "pct_change(" * 50 + "close" + ", 1)" * 50,
        "(close + volume) * " * 90 + "amount",
        "max(" + "close, " * 1_200 + "open)",
        "a" * 9_999,
        "9" * 9_999,
        "(close-open)**2*(high-low)**2*(close-high)**2*(open-low)**3*(vwap-close)**4",
    ],
    ids=lambda text: f"{text[:12]}x{len(text)}",
)
def test_hostile_sizes_are_dealt_with_in_no_time(text: str) -> None:
    parse("close")
    begun = time.perf_counter()
    try:
        formula = parse(text)
        str(formula), formula.canonical
    except FormulaError as error:
        assert len(str(error)) < 400
    # milliseconds in truth; this only tells work that grows out of hand from a slow machine
    assert time.perf_counter() - begun < 20.0


def test_an_error_is_short_and_shows_the_place() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("rank(close) + ts_men(volume, 20)")
    assert str(caught.value).split("\n") == [
        "no operator 'ts_men' (character 15)",
        "  rank(close) + ts_men(volume, 20)",
        "                ^",
        "did you mean ts_mean?",
    ]
    assert isinstance(caught.value, AlphaloomError)


def test_the_caret_finds_its_line_and_its_column_in_a_long_text() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("close +\n  clos")
    assert caught.value.render().split("\n")[1:3] == ["    clos", "    ^"]
    long = " + ".join(["close"] * 40) + " + clos + " + " + ".join(["open"] * 40)
    with pytest.raises(FormulaError) as caught:
        parse(long)
    line, caret = caught.value.render().split("\n")[1:3]
    assert line[caret.index("^") :].startswith("clos ")
    assert len(line) < 80


def test_the_caret_allows_for_wide_characters() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("（close）+ clos")
    assert caught.value.position == 9
    # each of the two brackets takes two columns
    assert caught.value.render().split("\n")[2] == "  " + " " * 11 + "^"


def test_an_error_survives_pickling() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("clos")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.position) == (str(caught.value), 0)


def test_a_formula_is_a_text() -> None:
    for thing in (None, 1, b"close", ["close"]):
        with pytest.raises(FormulaError, match="a formula is a text"):
            parse(thing)  # type: ignore[arg-type]


def test_names_are_read_in_any_case_and_with_a_dollar() -> None:
    assert parse("Rank(CLOSE)") == parse("rank($close)") == parse("RANK(close)")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("close + open * high", "add(close, mul(open, high))"),
        ("close - open - high", "sub(sub(close, open), high)"),
        ("close / open / high", "div(div(close, open), high)"),
        ("-close ** 2", "neg(power(close, 2))"),
        ("close ** 2 ** 3", "power(close, 8)"),
        ("returns ** -1", "power(returns, -1)"),
        ("close * -open", "mul(close, neg(open))"),
        ("close > open && high > low || trading", "or(and(close > open, high > low), trading)"),
        ("close > open & high > low | trading", "or(and(close > open, high > low), trading)"),
        ("close > open and not high > low or trading", "or(and(close > open, not(high > low)), trading)"),
        ("!trading || is_st", "or(not(trading), is_st)"),
        ("close + 1 > open * 2", "gt(add(close, 1), mul(open, 2))"),
        ("trading ? close : is_st ? open : high", "where(trading, close, where(is_st, open, high))"),
        ("close > open ? 1 : -1", "where(close > open, 1, -1)"),
        ("close <> open", "ne(close, open)"),
        ("+close", "close"),
        ("close ^ 2", "power(close, 2)"),
        ("1e-6 + returns", "add(0.000001, returns)"),
        (".5 * returns + 2.", "add(mul(0.5, returns), 2)"),
        ("\n close\n\t+ open\r\n", "add(close, open)"),
    ],
)
def test_precedence_is_the_usual_one(text: str, meant: str) -> None:
    assert parse(text) == parse(meant)


def test_full_width_and_typographic_punctuation_is_accepted_with_a_note() -> None:
    formula = parse("max（close － open，０）＞ ts_mean（close， １０）× 2")
    assert formula == parse("max(close - open, 0) > ts_mean(close, 10) * 2")
    assert any("full-width" in note for note in formula.notes)
    assert parse("close ≥ open ？ １ ： ０") == parse("close >= open ? 1 : 0")
    assert parse("close ÷ open − 1") == parse("close / open - 1")
    # an en dash, a non-breaking hyphen, an asterisk operator, an enumeration comma
    assert parse("close – open") == parse("close ‑ open") == parse("close - open")
    assert parse("delta(close、5) ∗ 2") == parse("delta(close, 5) * 2")
    assert not parse("close").notes


def test_a_text_of_the_greatest_length_is_read() -> None:
    text = "close" + " " * (MAX_LENGTH - 5)
    assert parse(text) == parse("close")
    with pytest.raises(FormulaError, match="more than 10,000"):
        parse(text + " ")


def test_a_whole_number_beside_max_is_a_window_and_said_so() -> None:
    formula = parse("MAX(HIGH, 14) - CLOSE")
    assert formula == parse("ts_max(high, 14) - close")
    assert any("ts_max" in note for note in formula.notes)
    # 0 and 1 are no windows worth asking for, and a number with a point is a number
    assert str(parse("max(returns, 0)")) == "max(returns, 0)"
    assert str(parse("max(returns, 1)")) == "max(returns, 1)"
    assert str(parse("max(returns, 2.0)")) == "max(returns, 2.0)"
    assert parse("min(low, 5)") == parse("ts_min(low, 5)")


def test_indicators_take_their_defaults() -> None:
    assert (
        parse("RSI") == parse("rsi()") == parse("rsi(14)") == parse("rsi(close)") == parse("rsi(close, 14)")
    )
    assert parse("RSI").notes and not parse("rsi(14)").notes
    assert parse("ATR - DELAY(ATR, 14)") == parse("atr(14) - delay(atr(14), 14)")
    assert str(parse("rsi(volume, 6)")) == "rsi(volume, 6)"


def test_an_indicator_is_what_it_is_built_from() -> None:
    assert parse("stochastic_k(9)") == parse(
        "100 * (close - ts_min(low, 9)) / (ts_max(high, 9) - ts_min(low, 9))"
    )
    assert all(not n.op.startswith("stochastic") for n in parse("stochastic_d(9, 3)").root.walk())


def test_a_panels_own_fields_are_known_when_given() -> None:
    with pytest.raises(FormulaError, match="no field 'Mood'"):
        parse("rank(Mood)")
    formula = parse("rank(MOOD)", fields=["Mood", "close"])
    assert formula.fields == ("Mood",)
    assert parse("close", fields=["close"]) == parse("close")


def test_a_single_field_of_the_panels_own_may_be_given_by_its_name_alone() -> None:
    assert parse("rank(mood)", fields="Mood").fields == ("Mood",)


@pytest.mark.parametrize("fields", [5, [1], [None], ["mood", b"close"]])
def test_names_of_fields_are_texts(fields: object) -> None:
    with pytest.raises(FormulaError, match="fields are names"):
        parse("close", fields=fields)  # type: ignore[arg-type]


def test_index_fields() -> None:
    assert parse("returns - index_return").fields == ("index_return", "returns")
    assert parse("close / index_close_000300").fields == ("close", "index_close_000300")
    with pytest.raises(FormulaError, match="index_close"):
        parse("index_clos")


def test_a_formula_that_is_the_same_for_every_stock_is_warned_of() -> None:
    assert any("same for every stock" in w for w in parse("delta(index_close, 5)").warnings)
    assert not parse("returns - index_return").warnings


def test_equal_formulas_have_one_key_and_travel() -> None:
    formula = parse("rank(close / delay(close, 5) - 1)")
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula and hash(again) == hash(formula) and again.key == formula.key
    assert str(again) == str(formula) and again.lookback == 5
    assert formula != parse("rank(close / delay(close, 6) - 1)")
    with pytest.raises(AttributeError):
        formula.text = "close"  # type: ignore[misc]


def test_parts_that_are_the_same_are_one_node() -> None:
    root = parse("(close - ts_min(low, 14)) / (ts_max(high, 14) - ts_min(low, 14))").root
    assert len(list(root.walk())) == 8
    assert root.size == 10


@pytest.mark.parametrize(
    ("text", "lookback", "burn_in"),
    [
        ("close", 0, 0),
        ("ts_mean(close, 20)", 19, 0),
        ("ts_sum(close, 1)", 0, 0),
        ("delay(close, 5)", 5, 0),
        ("delay(close, 0)", 0, 0),
        ("delta(close, 1)", 1, 0),
        ("ts_mean(delay(close, 5), 20)", 24, 0),
        ("ts_mean(close, 20) - delay(close, 30)", 30, 0),
        ("rank(ts_std(returns, 10))", 9, 0),
        ("sma(close, 20)", 19, 0),
        ("ema(close, 1)", 0, 0),
        ("sma(close, 3, 3)", 0, 0),
        # (1 - 2/13)^221 < 1e-16 <= (1 - 2/13)^220
        ("ema(close, 12)", 221, 221),
        ("ts_mean(ema(close, 12), 5)", 225, 221),
        ("ema(ema(close, 12), 12)", 442, 442),
    ],
)
def test_look_back_is_inferred(text: str, lookback: int, burn_in: int) -> None:
    formula = parse(text)
    assert (formula.lookback, formula.burn_in) == (lookback, burn_in)
    assert formula.unbounded == (burn_in > 0)


def test_a_condition_of_the_past_is_a_condition() -> None:
    assert parse("ts_count(delay(trading, 1) && close > open, 5)").lookback == 5


def test_a_memory_of_decades_is_refused() -> None:
    with pytest.raises(FormulaError, match="looks back"):
        parse("sma(close, 2000, 1)")


def test_a_caller_deep_in_calls_gets_a_formula_error_too() -> None:
    text = "abs(" * 60 + "close" + ")" * 60

    def deep(levels: int) -> str:
        if levels:
            return deep(levels - 1)
        with pytest.raises(FormulaError, match="nested too deep"):
            parse(text)
        return str(parse("close"))

    frames = len(inspect.stack())
    assert deep(sys.getrecursionlimit() - frames - 150) == "close"
    assert parse(text).root.depth == 61

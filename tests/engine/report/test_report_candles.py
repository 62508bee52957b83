"""K-lines as data: what is written can be read back, and what does not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ShapeError
from engine.report import Bars, Candles, Section, Trade, render
from engine.report.candles import DIGITS, candles_chart, encoded, folded

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"]
BARS = Bars(
    "600519.SH",
    1,
    open=[1700.0, 1690.0],
    high=[1710.01, 1695.0],
    low=[1695.0, 1660.5],
    close=[1705.0, 1661.0],
    volume=[2_345_678, 0],
    trades=[Trade(1, "buy", 100, 1700.5)],
    held=[(1, 2)],
    events=[(2, "cash 19.106")],
    name="贵州茅台",
    remark="+1 CNY",
)


def decoded(text: str) -> list[int]:
    numbers, number, power = [], 0, 1
    for digit in text:
        worth = DIGITS.index(digit)
        number, power = number + worth % 32 * power, power * 32
        if worth < 32:
            numbers.append(number)
            number, power = 0, 1
    return numbers


def unfolded(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number + 1) // 2


def chart(bars: Bars = BARS, **changes) -> dict:
    return candles_chart(replace(Candles("K", DAYS, [bars]), **changes), 0).data


@given(st.lists(st.integers(0, 10**13)))
def test_whole_numbers_read_back(numbers):
    assert decoded(encoded(numbers)) == numbers


@given(st.integers(-(10**9), 10**9))
def test_signed_numbers_read_back(number):
    (found,) = folded(np.array([number])).tolist()
    assert found >= 0
    assert unfolded(found) == number


@settings(max_examples=50)
@given(st.data())
def test_prices_read_back_to_the_fen(data):
    ticks = st.lists(st.integers(1, 300_000), min_size=4, max_size=4)
    rows = [sorted(row) for row in data.draw(st.lists(ticks, min_size=1, max_size=4))]
    falls = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    opens = [row[2] if fall else row[1] for row, fall in zip(rows, falls, strict=True)]
    closes = [row[1] if fall else row[2] for row, fall in zip(rows, falls, strict=True)]
    lows, highs = [row[0] for row in rows], [row[3] for row in rows]
    prices = ([n / 100 for n in column] for column in (opens, highs, lows, closes))
    packed = chart(Bars("A", 0, *prices, volume=[0] * len(rows)))["names"][0]
    numbers = decoded(packed["bars"])
    before = 0
    for i in range(len(rows)):
        close, open_, up, down, volume = numbers[5 * i : 5 * i + 5]
        close, open_ = before + unfolded(close), before + unfolded(open_)
        found = (open_, max(open_, close) + up, min(open_, close) - down, close, volume)
        assert found == (opens[i], highs[i], lows[i], closes[i], 0)
        before = close


def test_volume_keeps_three_digits_of_the_usual_and_zero_stays_zero():
    packed = chart()["names"][0]
    assert packed["unit"] == 10_000
    assert decoded(packed["bars"])[4::5] == [235, 0]


def test_trades_keep_session_side_shares_and_price():
    packed = chart(replace(BARS, trades=[Trade(2, "sell", 100, 1661.0), *BARS.trades]))["names"][0]
    assert decoded(packed["trades"]) == [1, 200, 170050, 1, 201, 166100]
    assert decoded(packed["held"]) == [1, 1]
    assert packed["events"] == [[2, "cash 19.106"]]


def test_a_finer_tick_keeps_its_digits():
    fund = Bars("510300.SH", 0, [3.901], [3.905], [3.899], [3.904], [1])
    assert unfolded(decoded(chart(fund, decimals=3)["names"][0]["bars"])[0]) == 3904


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": 3}, r"600519\.SH: bars 3\.\.4 on an axis of 4 sessions"),
        ({"open": [1.0]}, "differ in length"),
        ({"close": [1.0, float("nan")]}, "a price is missing"),
        ({"trades": [Trade(0, "buy", 1, 1.0)]}, "a mark stands at 0, the bars at 1..2"),
        ({"held": [(2, 3)]}, "a mark stands at 3"),
        ({"events": [(3, "x")]}, "a mark stands at 3"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, words):
    with pytest.raises(ShapeError, match=words):
        chart(replace(BARS, **change))


def test_a_bar_takes_about_nine_characters():
    random = np.random.default_rng(1)
    close = np.round(50 * np.cumprod(1 + random.normal(0, 0.02, 700)), 2)
    open_ = np.round(close * (1 + random.normal(0, 0.005, 700)), 2)
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    bars = Bars("A", 0, open_, np.round(top * 1.01, 2), np.round(bottom * 0.99, 2), close, close * 1e6)
    days = [str(day) for day in np.arange("2021-01-01", "2023-01-01", dtype="datetime64[D]")[:700]]
    packed = candles_chart(Candles("K", days, [bars]), 0).data["names"][0]
    assert len(packed["bars"]) < 10 * 700


def test_without_a_script_the_page_says_what_would_be_drawn():
    html = render("T", "", [Section("K-lines", 1, figures=[Candles("Bars", DAYS, [BARS])])])
    assert "Bars: daily bars of 1 names with 1 trades. (The drawing needs JavaScript.)" in html
    assert "Red marks gains" in html

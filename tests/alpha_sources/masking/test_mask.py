"""What a model must not recognise is gone from its text, in every spelling; the rest is as it was."""

from __future__ import annotations

import re
import runpy
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alpha_sources.llm import DataKind, fence
from alpha_sources.masking import Mask
from alpha_sources.masking.indices import INDEX_NAMES
from alpha_sources.masking.names import spellings
from engine.errors import ConfigError
from engine.market.calendar import xshg

TODAY = date(2023, 10, 20)
STOCKS = {
    "600519.SH": ("贵州茅台", "Kweichow Moutai Co., Ltd.", "Moutai"),
    "000001.SZ": ("平安银行", "Ping An Bank"),
    "688981.SH": ("中芯国际-U", "SMIC"),
    "000016.SZ": ("深康佳A",),
    "300024.SZ": ("机器人",),
    "000100.SZ": ("TCL科技",),
    "600654.SH": ("*ST中安",),
}
MASK = Mask.of(STOCKS, TODAY, "a salt")
S = MASK.symbol
ALIAS = re.compile(r"(?:(?:after )?session|month|year) (?:0|[+-]\d+)|\b[SI]\d+\b|\bU[A-Z2-7]{6}\b")


def spelled(symbol: str) -> list[str]:
    code, _, ex = symbol.partition(".")
    long = {"SH": "SHSE", "SZ": "SZSE"}[ex]
    iso = {"SH": "XSHG", "SZ": "XSHE"}[ex]
    return [
        symbol, symbol.lower(), f"{ex}{code}", f"{ex.lower()}{code}", f"{ex.lower()}.{code}", f"{code}.{iso}",
        f"{long}.{code}", f"{iso}:{code}", f"{code} CH Equity", f"{code} {ex}", f"{ex} {code}", f"({symbol})",
        symbol.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789."}), "\u200b".join(symbol),
    ]  # fmt: skip


def dated(day: date) -> list[str]:
    y, m, d = day.year, day.month, day.day
    name, short = day.strftime("%B"), day.strftime("%b")
    han = "〇一二三四五六七八九"
    number = {
        n: (han[n // 10] if n >= 20 else "") + "十" * (n >= 10) + (han[n % 10] if n % 10 else "")
        for n in range(1, 32)
    }
    return [
        day.isoformat(), f"{y}/{m}/{d}", f"{y}.{m:02d}.{d:02d}", f"{y}{m:02d}{d:02d}", f"{y}年{m}月{d}日",
        f"{y} 年 {m:02d} 月 {d:02d} 日", f"{short} {d}, {y}", f"{name} {d} {y}", f"{d} {short} {y}",
        f"{name.upper()} {d}th, {y}",
        f"{d}th of {name} {y}", f"{d}-{short}-{y % 100:02d}", f"{d}.{m}.{y}", f"{day.isoformat()}T15:00:00",
        "".join(han[int(c)] for c in str(y)) + f"年{number[m]}月{number[d]}日",
        f"{y}年{m}月{d}日".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"}),
    ]  # fmt: skip


days = st.dates(date(1999, 1, 1), date(2026, 12, 30))
quarters = st.sampled_from(
    [
        "{y}Q3", "Q3 {y}", "3Q{y}", "3Q{yy}", "Q3'{yy}", "{yy}Q3", "1H{yy}", "{y}H1", "FY{y}", "FY{yy}",
        "in {y}", "{y}年第三季度", "{y}年上半年", "{y}年报", "{y}E", "'{yy}", "{y}年8月", "{y}-08", "Aug {y}",
        "Aug-{yy}", "{y}年1-6月", "August of {y}", "08/{y}", "{y}08", "{yy}年净利润", "{y}-{n}", "FY{y}/{nn}",
    ]
)  # fmt: skip


# -- names, codes and dates are gone


@pytest.mark.parametrize("symbol", STOCKS)
def test_every_spelling_of_a_code_has_the_alias_of_its_stock(symbol: str) -> None:
    for spelling in spelled(symbol):
        masked = MASK.apply(f"公司 {spelling} 上涨")
        assert masked.replace("(", "").replace(")", "").split() == ["公司", S(symbol), "上涨"], spelling


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("贵州茅台", "600519.SH"),
        ("贵州\n茅台", "600519.SH"),
        ("KWEICHOW MOUTAI CO., LTD.", "600519.SH"),
        ("Kweichow\nMoutai", "600519.SH"),
        ("moutai", "600519.SH"),
        ("PingAn Bank", "000001.SZ"),
        ("中芯国际", "688981.SH"),
        ("深康佳Ａ", "000016.SZ"),
        ("深康佳", "000016.SZ"),
        ("tcl科技", "000100.SZ"),
        ("中安", "600654.SH"),
        ("*ST中安", "600654.SH"),
        ("沪深300", "000300.SH"),
        ("CSI300 Index", "000300.SH"),
        ("399300.SZ", "000300.SH"),
        ("000300", "000300.SH"),
        ("SSE-50", "000016.SH"),
        ("上证综指", "000001.SH"),
    ],
)
def test_a_name_has_the_alias_of_its_symbol(text: str, symbol: str) -> None:
    assert MASK.apply(text) == S(symbol)


def test_a_code_alone_is_the_stock_and_not_the_index_of_that_number() -> None:
    assert MASK.apply("000016与000016.SH") == f"{S('000016.SZ')}与{S('000016.SH')}"


def test_a_word_that_only_contains_a_name_in_letters_is_another_word() -> None:
    assert MASK.apply("moutaiesque, SMICro, PINGANBANKER") == "moutaiesque, SMICro, PINGANBANKER"


def test_a_stock_of_another_market_has_an_alias_too() -> None:
    one, again, other = MASK.apply("002230.SZ"), MASK.apply("(002230)").strip("()"), MASK.apply("0700.HK")
    assert one == again != other
    assert re.fullmatch(r"U[A-Z2-7]{6}", one)


@given(days, st.sampled_from(range(16)))
def test_every_spelling_of_a_day_has_its_number_of_sessions(day: date, which: int) -> None:
    spelling, sessions = dated(day)[which], xshg().sessions
    # counted one by one, by another way than the mask's
    a, b = sorted((np.datetime64(day), np.datetime64(TODAY)))
    between = int(np.sum((sessions > a) & (sessions <= b)))
    number = f"{-between if day <= TODAY else between:+d}" if between else "0"
    closed = "" if xshg().is_session(np.datetime64(day)) else "after "
    masked = MASK.apply(f"On {spelling} it fell").removesuffix(" T15:00:00 it fell").removesuffix(" it fell")
    assert masked == f"On {closed}session {number}"


@given(days, quarters)
def test_no_spelling_of_a_month_quarter_or_year_survives(day: date, spelling: str) -> None:
    y = day.year
    written = spelling.format(y=y, yy=f"{y % 100:02d}", n=y + 1, nn=f"{(y + 1) % 100:02d}")
    masked = ALIAS.sub("", MASK.apply(f"净利润 {written} 增长"))
    assert str(y) not in masked and str(y + 1) not in masked
    assert not re.search(rf"(?<!\d){y % 100:02d}(?!\d)", masked)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("2023Q3与3Q22", "year 0 Q3与3Q year -1"),
        ("2023年第三季度", "year 0年第三季度"),
        ("FY2022/23, in 2021", "year -1, in year -2"),
        ("2020-2023, 2019/20", "year -3 to year 0, year -4 to year -3"),
        ("2023年8月 Aug-23 2023-08 202308", "month -2 month -2 month -2 month -2"),
        ("2023年1-6月", "month -9 to month -4"),
        ("8月25日", "session -34"),
        ("Sep 1 and 1 September", "session -29 and session -29"),
        ("the 1990s", "the year -33 s"),
        ("founded in 1951", "founded in year -72"),
        ("1.2023年净利润", "1.year 0年净利润"),
        ("31 June 2023", "31 month -4"),
    ],
)
def test_months_and_years_count_from_the_reference_day(text: str, masked: str) -> None:
    assert MASK.apply(text) == masked


def test_a_day_without_a_year_is_the_one_nearest_to_the_text() -> None:
    assert MASK.apply("8月25日", date(2022, 9, 1)) == MASK.apply("2022年8月25日")
    assert MASK.apply("12月30日", date(2022, 1, 5)) == MASK.apply("2021-12-30")


# -- numbers that only look like one


@pytest.mark.parametrize("text", ["2023 shares", "600519 yuan", "2023元"])
def test_a_number_that_looks_like_a_year_or_a_code_is_masked(text: str) -> None:
    assert not re.search("2023|600519", MASK.apply(text))


@pytest.mark.parametrize(
    "text",
    [
        "2,023 and 600,519.00", "2023.55 points", "0.2023", "20.23%", "2023%", "12023", "6005191", "600518",
        "600519.00", "10年期国债", "近20年", "未来10年", "3年", "ts_mean(close, 20) / delay(close, 250)",
        "may 2",
        "market 5", "1/2", "3-5", "35 session", "15:00:00", "2101 shares", "八月", "August", "x'",
    ],
)  # fmt: skip
def test_other_numbers_stay(text: str) -> None:
    assert MASK.apply(text) == text


# -- properties


PIECES = st.one_of(
    st.sampled_from([s for symbol in STOCKS for s in spelled(symbol)]),
    st.sampled_from([name for names in STOCKS.values() for name in names]),
    days.flatmap(lambda day: st.sampled_from(dated(day))),
    st.sampled_from(
        ["涨停", " rose by 12.5% ", "，", "。", "(", ")", "\n", " | ", "营业收入", " and ", ": "]
    ),
)


@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_no_known_name_code_or_year_survives_in_a_text(text: str) -> None:
    left = re.sub(r"\s", "", ALIAS.sub("", MASK.apply(text))).lower().replace("\u200b", "")
    for symbol, names in STOCKS.items():
        assert symbol[:6] not in left
        assert not [name for name in names if re.sub(r"\s", "", name).lower() in left]
    assert not re.search(r"(?:19|20)\d\d", left)


@given(
    st.text(
        st.sampled_from("0123456789年月日.-/, '()ASHaugMay QHFYE%茅台贵州一二〇十\n\u200b２"), max_size=40
    )
)
@example("20230825.2023")
@example("2023-08-25-2023")
@example("600519600519.SH2023")
def test_masking_again_changes_nothing(text: str) -> None:
    once = MASK.apply(text)
    assert MASK.apply(once) == once


@given(
    st.text(
        st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="一二三四五六七八九十〇零○正元"),
        max_size=80,
    )
)
def test_a_text_without_names_and_numbers_is_unchanged(text: str) -> None:
    names = [name for names in (*STOCKS.values(), *INDEX_NAMES.values()) for name in names]
    written = re.sub(r"[\s-]", "", text).lower()
    assume(not any(spelling.replace(" ", "") in written for name in names for spelling in spellings(name)))
    assert MASK.apply(text) == text


@given(
    st.lists(st.sampled_from([*STOCKS, "601398.SH", "000858.SZ"]), unique=True, min_size=1),
    st.text(min_size=1, max_size=5),
)
def test_aliases_are_distinct_and_depend_on_the_salt_alone(symbols: list[str], salt: str) -> None:
    mask, turned = (Mask.of(dict.fromkeys(order, ()), TODAY, salt) for order in (symbols, symbols[::-1]))
    aliases = {symbol: mask.symbol(symbol) for symbol in symbols}
    assert len(set(aliases.values())) == len(symbols)
    assert aliases == {symbol: turned.symbol(symbol) for symbol in symbols}
    assert mask.hash == turned.hash


def test_every_session_has_an_alias_of_its_own() -> None:
    sessions = [date.fromisoformat(str(day)) for day in xshg().sessions]
    assert len({MASK.day(day) for day in sessions}) == len(sessions)


def test_days_of_one_holiday_cannot_be_told_apart() -> None:
    golden_week = [date(2023, 9, 29) + timedelta(days=n) for n in range(10)]
    assert len({MASK.day(day) for day in golden_week}) == 1


def test_another_salt_gives_other_aliases_and_another_hash() -> None:
    other = Mask.of(STOCKS, TODAY, "another")
    assert [other.symbol(s) for s in STOCKS] != [S(s) for s in STOCKS]
    assert other.hash != MASK.hash != Mask.of(STOCKS, TODAY + timedelta(days=1), "a salt").hash
    assert "a salt" not in repr(MASK)


# -- where it is used


def test_the_sample_is_masked_by_its_own_names() -> None:
    from alphaloom import load_panel

    view = load_panel("sse50").view(TODAY)
    mask = Mask.of_view(view, "salt", further={"600519.SH": ["Kweichow Moutai"]})
    for symbol, name in zip(view.symbols, view.instruments.names, strict=True):
        assert mask.apply(f"{name}({symbol[:6]})") == f"{mask.symbol(symbol)}({mask.symbol(symbol)})"
    assert mask.apply("Kweichow Moutai") == mask.symbol("600519.SH")
    assert mask.apply("000016.SH").startswith("I")


def test_what_is_hidden_from_the_mask_is_not_hidden_from_the_fence_either() -> None:
    masked = MASK.apply("贵\u200b州茅\u2060台 20\u200b23")
    assert masked == f"{S('600519.SH')} year 0"
    assert masked in str(fence(masked, source="note", kind=DataKind.NEWS).text)


def test_the_headings_of_a_statement_are_masked_cell_by_cell() -> None:
    rows = [
        ["贵州茅台 利润表", "2022-12-31", "FY2021", "Mar-23"],
        ["营业收入", "1,241.00", "2023.50", "-3.5"],
    ]
    masked = MASK.apply_rows(rows)
    assert masked[0] == (f"{S('600519.SH')} 利润表", "after session -192", "year -2", "month -7")
    assert list(masked[1]) == rows[1]


def test_a_mask_without_a_salt_or_a_calendar_for_its_day_is_refused() -> None:
    with pytest.raises(ConfigError, match="a mask needs a salt"):
        Mask.of(STOCKS, TODAY, "")
    with pytest.raises(ConfigError, match="counts sessions from 1980-01-01"):
        Mask.of(STOCKS, date(1980, 1, 1), "salt")


def test_the_page_shows_what_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "masking.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    runpy.run_path(str(tmp_path / "example.py"))
    shown = re.findall(r"# prints (.*)", code)
    assert capsys.readouterr().out.splitlines() == shown

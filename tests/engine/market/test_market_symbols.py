"""Symbols, boards, the calendar and the tick."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CalendarError, DataError
from engine.market import Board, board_of, parse_symbol
from engine.market.calendar import to_session, xshg
from engine.market.grid import forward_fill, to_tick


@pytest.mark.parametrize(
    "text", ["600519.SH", "SH600519", "sh.600519", "sh600519", "600519.XSHG", "600519.SS", " 600519 "]
)
def test_symbol_in_any_spelling(text):
    assert parse_symbol(text) == "600519.SH"


@pytest.mark.parametrize("text", ["60051", "6005190", "ACME", "600519.NY", ""])
def test_what_is_no_symbol_is_refused(text):
    with pytest.raises(DataError, match="no A-share symbol"):
        parse_symbol(text)


@pytest.mark.parametrize(
    ("code", "symbol", "board"),
    [
        ("600519", "600519.SH", Board.MAIN),
        ("000001", "000001.SZ", Board.MAIN),
        ("300750", "300750.SZ", Board.CHINEXT),
        ("302132", "302132.SZ", Board.CHINEXT),
        ("688981", "688981.SH", Board.STAR),
        ("689009", "689009.SH", Board.STAR),
        ("830799", "830799.BJ", Board.BSE),
        ("920002", "920002.BJ", Board.BSE),
        ("510050", "510050.SH", Board.UNKNOWN),
    ],
)
def test_code_decides_exchange_and_board(code, symbol, board):
    assert parse_symbol(code) == symbol
    assert board_of(symbol) is board


def test_calendar_knows_holidays_and_period_ends():
    calendar = xshg()
    assert not calendar.is_session(to_session("2023-01-27"))
    assert str(calendar.after(to_session("2023-01-20"))) == "2023-01-30"
    assert calendar.ends_month(to_session("2023-01-31"))
    assert calendar.ends_week(to_session("2023-01-20"))
    assert calendar.ends_quarter(to_session("2023-03-31"))
    with pytest.raises(CalendarError, match="covers"):
        calendar.between(to_session("2023-01-01"), to_session("2099-01-01"))


@given(st.integers(1, 10_000_000))
def test_price_on_the_tick_is_the_float_of_its_decimal(fen):
    wanted = float(f"{fen // 100}.{fen % 100:02d}")
    assert to_tick(np.array([fen * 0.01]), 0.01)[0] == wanted
    assert to_tick(np.array([wanted]), 0.01)[0] == wanted


@given(st.integers(1, 1_000_000))
def test_half_a_tick_rounds_up(fen):
    assert to_tick(np.array([(fen + 0.5) / 100]), 0.01)[0] == (fen + 1) / 100


def test_forward_fill_carries_only_what_is_known():
    values = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, np.nan]])
    filled = forward_fill(values, ~np.isnan(values))
    np.testing.assert_array_equal(filled, [[1.0, np.nan], [1.0, 2.0], [3.0, 2.0]])

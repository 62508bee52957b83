"""One session of a panel as the broker sees it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphaloom.api import load_panel
from engine.broker.quotes import PanelPrices
from engine.market import panel_from_frames
from engine.market.calendar import xshg
from engine.rules.lots import LotRule

SESSIONS = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-01-10"))


def prices_of(closes: list[float], symbol: str = "600519.SH", **options: Any) -> PanelPrices:
    """Flat bars; NaN is suspended."""
    rows = pd.DataFrame({"date": SESSIONS[: len(closes)].astype("datetime64[s]"), "symbol": symbol})
    volume = [0.0 if math.isnan(close) else 1000.0 for close in closes]
    rows = rows.assign(open=closes, high=closes, low=closes, close=closes, volume=volume)
    rows["amount"] = rows["close"].fillna(0.0) * rows["volume"]
    return PanelPrices(panel_from_frames(rows, **options).panel)


def test_prices_on_the_tick_are_whole_fen() -> None:
    """8.20 * 100 is 819.9999999999999."""
    quote = prices_of([8.20]).quote("600519.SH")
    assert quote is not None
    assert (quote.open, quote.close, quote.reference) == (820, 820, 820)
    assert all(type(price) is int for price in (quote.open, quote.high, quote.low, quote.close))
    assert (quote.limits.up, quote.limits.down) == (902, 738)


def test_a_tick_finer_than_a_fen_is_not_rounded_away() -> None:
    prices = prices_of([1.234, 1.235], tick=0.001)
    prices.row = 1
    quote = prices.quote("600519.SH")
    assert quote is not None
    assert (quote.previous_close, quote.close) == pytest.approx((123.4, 123.5))
    assert quote.limits.up == pytest.approx(123.4 * 1.1)


@pytest.mark.parametrize("tick", [0.01, 0.05, 1.0])
def test_a_tick_of_whole_fen_gives_whole_fen(tick: float) -> None:
    assert prices_of([12.0], tick=tick).close_fen("600519.SH") == 1200
    assert isinstance(prices_of([12.0], tick=tick).close_fen("600519.SH"), int)


def test_prices_off_any_grid_stay_floats() -> None:
    assert prices_of([1.23456], tick="none").close_fen("600519.SH") == pytest.approx(123.456)


def test_a_suspended_stock_has_a_flat_bar_and_does_not_trade() -> None:
    prices = prices_of([10.0, math.nan, 10.5])
    prices.row = 1
    quote = prices.quote("600519.SH")
    assert quote is not None
    assert not quote.trading
    assert (quote.open, quote.close, quote.previous_close) == (1000, 1000, 1000)


def test_a_stock_without_a_row_has_no_quote() -> None:
    panel = load_panel("sse50")
    prices = PanelPrices(panel, panel.row("2023-03-20"))
    assert prices.quote("600837.SH") is None  # its rows end on 2023-03-17
    assert prices.close_fen("600837.SH") is None
    prices.row = panel.row("2020-01-02")
    assert prices.quote("688981.SH") is None  # listed on 2020-07-16


def test_on_an_ex_date_the_limits_count_from_the_reference_not_from_the_last_close() -> None:
    """601012.SH, 2021-06-23: 109.70 before, reference 78.18."""
    panel = load_panel("sse50")
    quote = PanelPrices(panel, panel.row("2021-06-23")).quote("601012.SH")
    assert quote is not None
    assert (quote.previous_close, quote.reference) == (109_70, 78_18)
    assert (quote.limits.up, quote.limits.down) == (86_00, 70_36)


def test_special_treatment_narrows_the_limits() -> None:
    rows = prices_of([10.0]).panel
    st = pd.DataFrame({"date": SESSIONS[:1].astype("datetime64[s]"), "symbol": "600519.SH", "is_st": 1.0})
    st = st.assign(open=10.0, high=10.0, low=10.0, close=10.0, volume=1.0)
    quote = PanelPrices(panel_from_frames(st).panel).quote("600519.SH")
    plain = PanelPrices(rows).quote("600519.SH")
    assert quote is not None
    assert plain is not None
    assert (quote.limits.up, plain.limits.up) == (1050, 1100)


def test_a_symbol_of_no_known_board_has_unknown_limits_and_is_remembered() -> None:
    prices = prices_of([10.0], symbol="900901.SH")
    quote = prices.quote("900901.SH")
    assert quote is not None
    assert (quote.limits.up, quote.lot) == (None, LotRule(100, 100))
    assert prices.unknown_limits == {"900901.SH"}


def test_the_first_session_of_a_delisting_period_has_no_limit_and_the_next_has() -> None:
    dates = xshg().between(np.datetime64("2023-06-01"), np.datetime64("2023-06-06"))
    close = [10.0, 4.0, 3.6, 3.5]
    frame = pd.DataFrame({"date": dates.astype("datetime64[s]"), "symbol": "600111.SH", "volume": 1e6})
    frame = frame.assign(open=close, high=close, low=close, close=close)
    special = pd.DataFrame(
        {"symbol": ["600111.SH"], "session": [str(dates[1])], "kind": ["delisting_period"]}
    )
    prices = PanelPrices(panel_from_frames(frame, special_sessions=special).panel)
    found = []
    for prices.row in range(4):
        quote = prices.quote("600111.SH")
        assert quote is not None
        found.append((quote.limits.state.value, quote.limits.up, quote.limits.down))
    assert found == [
        ("limited", 1100, 900),
        ("unlimited", None, None),
        ("limited", 440, 360),
        ("limited", 396, 324),
    ]

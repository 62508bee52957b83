"""When a stock cannot be traded, and on which side."""

from __future__ import annotations

import pytest
from broker_world import (
    BSE_NAME,
    CATL,
    LONG_AGO,
    MOUTAI,
    SMIC,
    TODAY,
    UNLIMITED,
    YESTERDAY,
    buy,
    holding,
    quote,
    sell,
    trade,
    with_lots,
)

from engine.broker.match import FillAt

RICH = holding(1_000_000)
HELD = with_lots(0, (MOUTAI, 300, LONG_AGO))


def test_limit_up_open_cannot_be_bought() -> None:
    assert trade(RICH, buy(shares=100), quote(11.00, reference=10.00)).refused == "limit_up"


def test_limit_up_open_can_be_sold() -> None:
    sold = trade(HELD, sell(shares=300), quote(11.00, reference=10.00))
    assert sold.fill.price_fen == 11_00
    assert sold.account.cash_fen == 3_300_00


def test_limit_down_open_cannot_be_sold() -> None:
    out = trade(HELD, sell(shares=300), quote(9.00, reference=10.00))
    assert out.refused == "limit_down"
    assert out.account == HELD


def test_limit_down_open_can_be_bought() -> None:
    assert trade(RICH, buy(shares=100), quote(9.00, reference=10.00)).fill.price_fen == 9_00


def test_a_tick_inside_the_limit_trades() -> None:
    assert trade(RICH, buy(shares=100), quote(10.99, reference=10.00)).fill.price_fen == 10_99
    assert trade(HELD, sell(shares=100), quote(9.01, reference=10.00)).fill.price_fen == 9_01


def test_limits_are_those_of_the_board() -> None:
    for symbol, limit in ((MOUTAI, 11.00), (CATL, 12.00), (SMIC, 12.00), (BSE_NAME, 13.00)):
        at = trade(RICH, buy(symbol, shares=200), quote(limit, symbol=symbol, reference=10.00))
        below = trade(RICH, buy(symbol, shares=200), quote(limit - 0.01, symbol=symbol, reference=10.00))
        assert at.refused == "limit_up"
        assert below.fill.shares == 200


def test_special_treatment_is_limited_to_five_percent() -> None:
    assert trade(RICH, buy(shares=100), quote(10.50, reference=10.00, st=True)).refused == "limit_up"
    assert trade(HELD, sell(shares=100), quote(9.50, reference=10.00, st=True)).refused == "limit_down"


def test_without_a_limit_any_price_trades() -> None:
    assert (
        trade(RICH, buy(shares=100), quote(44.00, reference=10.00, limits=UNLIMITED)).fill.price_fen == 44_00
    )


def test_the_limit_is_tested_at_the_price_of_the_fill() -> None:
    """A stock that opens at the limit and closes below it can be bought at the close, and the reverse."""
    opened = quote(11.00, reference=10.00, low=10.50, close=10.60)
    assert trade(RICH, buy(shares=100), opened, buy_at=FillAt.OPEN).refused == "limit_up"
    assert trade(RICH, buy(shares=100), opened, buy_at=FillAt.CLOSE).fill.price_fen == 10_60
    closed = quote(10.20, reference=10.00, high=11.00, close=11.00)
    assert trade(RICH, buy(shares=100), closed, buy_at=FillAt.OPEN).fill.price_fen == 10_20
    assert trade(RICH, buy(shares=100), closed, buy_at=FillAt.CLOSE).refused == "limit_up"


@pytest.mark.parametrize("noise", [0.0, 1e-9, -1e-9, 2e-5, -2e-5])
def test_a_stock_sealed_at_its_limit_all_session_cannot_be_bought_at_the_vwap(noise: float) -> None:
    """Vendors round the amount: 600893.SH on 2020-02-18 has a vwap of 24.40999998 under a limit of 24.41."""
    sealed = quote(24.41, reference=22.19, vwap=24.41 + noise)
    assert trade(RICH, buy(shares=100), sealed, buy_at=FillAt.VWAP).refused == "limit_up"
    assert trade(HELD, sell(shares=100), sealed, sell_at=FillAt.VWAP).fill.price_fen <= 24_41


@pytest.mark.parametrize("noise", [0.0, 1e-9, -1e-9, 2e-5, -2e-5])
def test_a_stock_sealed_at_its_lower_limit_cannot_be_sold_at_the_vwap(noise: float) -> None:
    sealed = quote(9.13, reference=10.14, vwap=9.13 + noise)
    assert trade(HELD, sell(shares=100), sealed, sell_at=FillAt.VWAP).refused == "limit_down"
    assert trade(RICH, buy(shares=100), sealed, buy_at=FillAt.VWAP).fill.price_fen >= 9_13


@pytest.mark.parametrize("limit", [8.20, 11.07, 1.10, 24.41, 33.11])
def test_a_vwap_at_the_limit_is_found_whatever_floats_make_of_it(limit: float) -> None:
    """8.20 * 100 is 819.9999999999999."""
    from engine.rules.limits import Limits, LimitState

    at = Limits(LimitState.LIMITED, round(limit * 100), round(limit * 100) - 200)
    bar = quote(limit, vwap=limit, low=limit - 0.5, limits=at)
    assert trade(RICH, buy(shares=100), bar, buy_at=FillAt.VWAP).refused == "limit_up"


def test_a_stock_that_left_its_limit_trades_at_the_vwap() -> None:
    opened = quote(11.00, reference=10.00, low=10.40, vwap=10.97)
    assert trade(RICH, buy(shares=100), opened, buy_at=FillAt.VWAP).fill.price_fen == 10_97


def test_suspended_stock_trades_on_neither_side() -> None:
    halted = quote(10.00, trading=False)
    assert trade(RICH, buy(shares=100), halted).refused == "suspended"
    assert trade(HELD, sell(shares=100), halted).refused == "suspended"


def test_a_stock_without_a_price_trades_on_neither_side() -> None:
    assert trade(RICH, (buy(shares=100),), {}).refused == "no_price"
    assert trade(HELD, (sell(shares=100),), {}).refused == "no_price"


def test_a_price_not_known_yet_refuses() -> None:
    assert trade(RICH, buy(shares=100), quote(10.00, vwap=None), buy_at=FillAt.VWAP).refused == "no_price"


def test_nothing_held_is_nothing_to_sell() -> None:
    assert trade(RICH, sell(shares=100), quote(10.00)).refused == "no_position"


def test_shares_bought_today_cannot_be_sold_today() -> None:
    account = with_lots(0, (MOUTAI, 300, TODAY))
    assert trade(account, sell(shares=300), quote(10.00)).refused == "t_plus_1"


def test_shares_bought_yesterday_can() -> None:
    account = with_lots(0, (MOUTAI, 300, YESTERDAY))
    assert trade(account, sell(shares=300), quote(10.00)).fill.shares == 300


def test_t_plus_1_frees_only_the_older_shares() -> None:
    account = with_lots(0, (MOUTAI, 200, YESTERDAY), (MOUTAI, 300, TODAY))
    out = trade(account, sell(shares=500), quote(10.00))
    assert out.story == [(MOUTAI, -200, "t_plus_1")]
    assert out.account.lots[MOUTAI] == account.lots[MOUTAI][1:]


def test_what_a_basket_buys_it_cannot_sell() -> None:
    """Sales come first whatever their place in the basket."""
    out = trade(RICH, (buy(shares=100), sell(shares=100)), {MOUTAI: quote(10.00)})
    assert out.story == [(MOUTAI, 0, "no_position"), (MOUTAI, 100, "")]

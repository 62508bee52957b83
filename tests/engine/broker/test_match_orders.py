"""Limit orders, orders larger than the exchange takes, and orders that live for several sessions."""

from __future__ import annotations

import pytest
from broker_world import (
    LONG_AGO,
    MOUTAI,
    SMIC,
    TODAY,
    Session,
    buy,
    fen,
    holding,
    quote,
    sell,
    trade,
    with_lots,
)
from hypothesis import given
from hypothesis import strategies as st

from engine.broker.carry import carried
from engine.broker.match import FillAt, Terms, pieces, step
from engine.broker.orders import Basket, Fill, Refusal
from engine.rules.fees import AShareFees
from engine.rules.lots import LotRule

RICH = holding(100_000_000)
DAY = quote(10.00, reference=10.00, high=10.40, low=9.70)


def test_a_limit_buy_is_filled_at_the_open_where_that_is_cheap_enough() -> None:
    out = trade(RICH, buy(shares=100, limit_fen=fen(10.20)), DAY)
    assert out.fill.price_fen == fen(10.00)


def test_slippage_never_takes_a_limit_buy_past_its_limit() -> None:
    out = trade(RICH, buy(shares=100, limit_fen=fen(10.00)), DAY, slippage_milli_bps=5_000)
    assert out.fill.price_fen == fen(10.00)
    assert trade(
        RICH, buy(shares=100, limit_fen=fen(10.20)), DAY, slippage_milli_bps=5_000
    ).fill.price_fen == fen(10.01)


def test_a_limit_buy_below_the_open_waits_for_the_low() -> None:
    assert trade(RICH, buy(shares=100, limit_fen=fen(9.80)), DAY).fill.price_fen == fen(9.80)
    assert trade(RICH, buy(shares=100, limit_fen=fen(9.69)), DAY).refused == "price_not_reached"


def test_a_limit_sale_above_the_open_waits_for_the_high() -> None:
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    assert trade(account, sell(shares=100, limit_fen=fen(10.40)), DAY).fill.price_fen == fen(10.40)
    assert trade(account, sell(shares=100, limit_fen=fen(10.41)), DAY).refused == "price_not_reached"


def test_at_the_close_there_is_one_price_only() -> None:
    close = quote(10.00, reference=10.00, high=10.40, low=9.70, close=10.30)
    assert (
        trade(RICH, buy(shares=100, limit_fen=fen(10.00)), close, buy_at=FillAt.CLOSE).refused
        == "price_not_reached"
    )
    assert trade(
        RICH, buy(shares=100, limit_fen=fen(10.30)), close, buy_at=FillAt.CLOSE
    ).fill.price_fen == fen(10.30)


def test_a_limit_price_outside_the_days_limits_is_no_order() -> None:
    assert trade(RICH, buy(shares=100, limit_fen=fen(11.01)), DAY).refused == "price_outside_limits"
    assert trade(RICH, buy(shares=100, limit_fen=fen(8.99)), DAY).refused == "price_outside_limits"


def test_a_limit_order_cannot_buy_at_the_upper_limit() -> None:
    sealed = quote(11.00, reference=10.00)
    assert trade(RICH, buy(shares=100, limit_fen=fen(11.00)), sealed).refused == "limit_up"


def test_an_order_above_the_exchanges_cap_is_sent_in_pieces() -> None:
    star = quote(10.00, symbol=SMIC)
    out = trade(RICH, buy(SMIC, shares=250_000), star)
    assert [fill.shares for fill in out.fills] == [100_000, 100_000, 50_000]
    assert all(fill.requested == 250_000 and fill.reason is None for fill in out.fills)
    assert out.account.shares(SMIC) == 250_000


@given(st.integers(200, 10_000_000), st.one_of(st.none(), st.integers(400, 1_000_000)), st.booleans())
def test_pieces_add_up_and_none_is_too_large_or_too_small(shares: int, cap: int | None, whole: bool) -> None:
    cap = cap and max(cap, shares // 100)
    sizes = [size for size, _ in pieces(shares, LotRule(200, 1, cap), whole)]
    assert sum(sizes) == shares
    assert min(sizes) >= (1 if whole else 200)
    assert len(sizes) == (1 if cap is None else -(-shares // cap))
    assert cap is None or max(sizes) <= cap


def test_what_a_whole_sale_leaves_over_goes_alone() -> None:
    star = quote(10.00, symbol=SMIC)
    out = trade(with_lots(0.0, (SMIC, 100_001, LONG_AGO)), sell(SMIC, shares=100_001), star)
    assert [fill.shares for fill in out.fills] == [100_000, 1]
    part = trade(with_lots(0.0, (SMIC, 300_000, LONG_AGO)), sell(SMIC, shares=100_001), star)
    assert [fill.shares for fill in part.fills] == [99_801, 200]


def test_the_least_commission_counts_once_for_all_pieces_of_an_order() -> None:
    # 0.0001 of 1,000,000 CNY is 100 CNY; of the last 2,000 CNY next to nothing, and not another 5 CNY
    fees = AShareFees(commission=0.0001, minimum=5)
    star = quote(10.00, symbol=SMIC)
    out = trade(RICH, buy(SMIC, shares=100_001), star, fees=fees)
    # one share alone could not be ordered
    assert [fill.shares for fill in out.fills] == [99_801, 200]
    assert sum(fill.fees.commission for fill in out.fills) == 10_000


def test_no_more_than_500_000_shares_of_an_st_stock_are_bought_in_a_day() -> None:
    st_stock = quote(2.00, st=True)
    out = trade(RICH, (buy(shares=400_000), buy(shares=300_000)), st_stock)
    assert out.story == [(MOUTAI, 400_000, ""), (MOUTAI, 100_000, "st_daily_cap")]


def test_a_day_order_does_not_go_on() -> None:
    out = trade(RICH, buy(shares=100, cap_shares=0), DAY)
    assert carried(out.events) == ()


def test_what_a_cap_leaves_open_goes_on_with_its_age_and_its_commission() -> None:
    terms = Terms(AShareFees(commission=0.00025, minimum=5))
    account, order = RICH, buy(shares=1_000, cap_shares=400, sessions=3)
    shares, commissions = [], []
    for _ in range(3):
        account, events = step(account, Basket((order,)), Session({MOUTAI: DAY}), terms)
        (fill,) = events
        assert isinstance(fill, Fill)
        shares.append(fill.shares)
        commissions.append(fill.fees.commission)
        going = carried(events)
        if going:
            (order,) = going
    assert shares == [400, 400, 200]
    # 10,000 CNY cost 2.50 in all, so the minimum of 5 CNY is paid once, with the first fill
    assert commissions == [500, 0, 0]
    assert account.shares(MOUTAI) == 1_000


def test_an_order_dies_after_its_last_session() -> None:
    suspended = quote(10.00, trading=False)
    order = buy(shares=100, sessions=2)
    first = trade(RICH, order, suspended)
    (again,) = carried(first.events)
    assert again.sessions == 1
    assert carried(trade(RICH, again, suspended).events) == ()


def test_money_that_met_no_price_goes_on_as_money_and_shares_once_sized() -> None:
    suspended = trade(RICH, buy(value=10_000, sessions=2), quote(10.00, trading=False))
    (again,) = carried(suspended.events)
    assert (again.value_fen, again.shares) == (fen(10_000), None)
    capped = trade(RICH, buy(value=10_000, sessions=2, cap_shares=300), DAY)
    (rest,) = carried(capped.events)
    assert (rest.value_fen, rest.shares) == (None, 700)


def test_a_sale_of_everything_stays_one() -> None:
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    out = trade(account, sell(target_fen=0, sessions=2, cap_shares=300), DAY)
    (rest,) = carried(out.events)
    assert rest.target_fen == 0
    assert trade(out.account, rest._replace(cap_shares=None), DAY).account.shares(MOUTAI) == 0


@pytest.mark.parametrize("reason", ["below_one_lot", "no_position"])
def test_what_another_session_cannot_mend_does_not_go_on(reason: str) -> None:
    order = buy(shares=1, sessions=5) if reason == "below_one_lot" else sell(shares=100, sessions=5)
    out = trade(RICH, order, DAY)
    assert isinstance(out.events[0], Refusal)
    assert out.refused == reason
    assert carried(out.events) == ()


def test_today_is_today() -> None:
    assert trade(RICH, buy(shares=100), DAY).account.lots[MOUTAI][0].day == TODAY

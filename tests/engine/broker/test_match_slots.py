"""Top-k's buys: free slots, the split of the money, substitutes."""

from __future__ import annotations

import pytest
from broker_world import (
    CATL,
    LONG_AGO,
    MOUTAI,
    PINGAN,
    SMIC,
    TODAY,
    fen,
    holding,
    quote,
    sell,
    slots,
    trade,
    with_lots,
)

from engine.broker.orders import Basket

FLAT = {s: quote(10.00, symbol=s) for s in (MOUTAI, PINGAN, CATL, SMIC)}
SEALED = quote(11.00, reference=10.00)


def test_cash_times_risk_degree_is_split_equally_over_the_free_slots() -> None:
    out = trade(holding(20_000), slots(MOUTAI, PINGAN, names=2, wanted=2, risk_degree=0.95), FLAT)
    assert out.story == [(MOUTAI, 900, ""), (PINGAN, 900, "")]  # 9,500 each


def test_only_as_many_are_bought_as_slots_are_free() -> None:
    account = with_lots(20_000, (CATL, 100, LONG_AGO))
    out = trade(account, slots(MOUTAI, PINGAN, SMIC, names=2, wanted=1), FLAT)
    assert out.story == [(MOUTAI, 2_000, "")]


def test_a_failed_sale_frees_no_slot() -> None:
    """Two names of two are held; one is to be replaced but opens at its lower limit."""
    account = with_lots(10_000, (CATL, 100, LONG_AGO), (SMIC, 200, LONG_AGO))
    basket = slots(MOUTAI, PINGAN, names=2, wanted=1)._replace(orders=(sell(SMIC, shares=200),))
    bars = FLAT | {SMIC: quote(8.00, symbol=SMIC, reference=10.00)}
    assert trade(account, basket, bars).story == [(SMIC, 0, "limit_down"), (MOUTAI, 0, "no_free_slot")]
    assert trade(account, basket, FLAT).story == [(SMIC, -200, ""), (MOUTAI, 1_200, "")]


def test_more_names_than_slots_buy_nothing() -> None:
    account = with_lots(10_000, *((s, 200, LONG_AGO) for s in (CATL, SMIC, PINGAN)))
    assert trade(account, slots(MOUTAI, names=2, wanted=1), FLAT).story == [(MOUTAI, 0, "no_free_slot")]


def test_reserves_that_were_never_wanted_are_not_refused() -> None:
    account = with_lots(10_000, (CATL, 100, LONG_AGO))
    out = trade(account, slots(MOUTAI, PINGAN, SMIC, names=1, wanted=0), FLAT)
    assert out.story == []


def test_a_refused_buy_leaves_its_slot_empty() -> None:
    out = trade(holding(20_000), slots(MOUTAI, PINGAN, CATL, names=2, wanted=2), FLAT | {MOUTAI: SEALED})
    assert out.story == [(MOUTAI, 0, "limit_up"), (PINGAN, 1_000, "")]
    assert out.account.cash_fen == fen(10_000)


def test_with_substitutes_the_next_candidate_takes_the_slot() -> None:
    basket = slots(MOUTAI, PINGAN, CATL, names=2, wanted=2, substitute=True)
    out = trade(holding(20_000), basket, FLAT | {MOUTAI: SEALED})
    assert out.story == [(MOUTAI, 0, "limit_up"), (PINGAN, 1_000, ""), (CATL, 1_000, "")]


@pytest.mark.parametrize("substitute", [False, True])
def test_every_wanted_candidate_is_answered_once(substitute: bool) -> None:
    """One slot is free of three wanted, its first candidate sealed."""
    account = with_lots(10_000, (SMIC, 200, LONG_AGO))
    basket = slots(MOUTAI, PINGAN, CATL, names=2, wanted=3, substitute=substitute)
    out = trade(account, basket, FLAT | {MOUTAI: SEALED})
    answered = {
        False: [(MOUTAI, 0, "limit_up"), (PINGAN, 0, "no_free_slot"), (CATL, 0, "no_free_slot")],
        True: [(MOUTAI, 0, "limit_up"), (PINGAN, 1_000, ""), (CATL, 0, "no_free_slot")],
    }
    assert out.story == answered[substitute]


def test_substitutes_that_run_out_leave_the_slot_empty() -> None:
    basket = slots(MOUTAI, names=2, wanted=1, substitute=True)
    assert trade(holding(20_000), basket, {MOUTAI: SEALED}).story == [(MOUTAI, 0, "limit_up")]


def test_weights_split_the_money_of_the_slots_filled() -> None:
    """The third candidate's weight does not dilute: only two slots are free."""
    basket = slots(MOUTAI, PINGAN, CATL, names=2, wanted=2, weights=(3.0, 1.0, 100.0))
    out = trade(holding(40_000), basket, FLAT)
    assert out.story == [(MOUTAI, 3_000, ""), (PINGAN, 1_000, "")]


def test_no_buy_is_worth_more_than_the_largest_weight() -> None:
    out = trade(holding(40_000), slots(MOUTAI, PINGAN, names=2, max_value_fen=fen(15_000)), FLAT)
    assert out.story == [(MOUTAI, 1_500, ""), (PINGAN, 1_500, "")]


def test_the_reserve_stays_in_cash() -> None:
    out = trade(holding(40_000), slots(MOUTAI, PINGAN, names=2, reserve_fen=fen(30_000)), FLAT)
    assert out.account.cash_fen == fen(30_000)


def test_the_tighter_of_reserve_and_risk_degree_binds() -> None:
    basket = slots(MOUTAI, names=1, reserve_fen=fen(1_000), risk_degree=0.5)
    assert trade(holding(40_000), basket, FLAT).story == [(MOUTAI, 2_000, "")]


def test_a_reserve_larger_than_the_cash_buys_nothing() -> None:
    out = trade(holding(1_000), slots(MOUTAI, names=1, wanted=1, reserve_fen=fen(2_000)), FLAT)
    assert out.story == [(MOUTAI, 0, "below_one_lot")]


def test_a_slot_below_one_lot_is_refused() -> None:
    """1e6 CNY over 13 slots is 73,077 a slot; one lot of 600519.SH costs 173,001."""
    names = (MOUTAI, *(f"60000{n}.SH" for n in range(9)), "600010.SH", "600011.SH", "600012.SH")
    bars = {s: quote(10.00) for s in names} | {MOUTAI: quote(1730.01)}
    out = trade(holding(1_000_000), slots(*names, names=13, wanted=13, risk_degree=0.95), bars)
    assert out.story[0] == (MOUTAI, 0, "below_one_lot")
    assert [shares for _, shares, _ in out.story[1:]] == [7_300] * 12


def test_a_name_bought_by_an_order_of_the_basket_takes_a_slot() -> None:
    from broker_world import buy

    basket = Basket((buy(CATL, shares=100),), slots(MOUTAI, PINGAN, names=2, wanted=2).slot_buys)
    out = trade(holding(11_000), basket, FLAT)
    assert out.story == [(CATL, 100, ""), (MOUTAI, 1_000, ""), (PINGAN, 0, "no_free_slot")]


def test_slots_sold_in_the_same_session_pay_for_their_successors() -> None:
    account = with_lots(0, (CATL, 1_000, LONG_AGO))
    basket = slots(MOUTAI, names=1, wanted=1)._replace(orders=(sell(CATL, shares=1_000),))
    out = trade(account, basket, FLAT)
    assert out.story == [(CATL, -1_000, ""), (MOUTAI, 1_000, "")]
    assert out.account.bought_on(MOUTAI) == TODAY

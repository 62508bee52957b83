"""What an ex-date does to a holding, against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from broker_world import LONG_AGO, MOUTAI, PINGAN, TODAY, YESTERDAY, fen, with_lots
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker.account import Account, Lot
from engine.broker.ex_date import RightsPolicy, apply_terms, preserve_value
from engine.broker.orders import ExDate
from engine.market.corporate import CorporateAction

SUBSCRIBE, LAPSE, SELL = RightsPolicy


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def reference_of(action: CorporateAction, previous_fen: int) -> int:
    """Ex-right reference price, rounded half up to a fen."""
    cash, bonus, rights, price = (Fraction(str(term)) for term in action[:4])
    return half_up((previous_fen - cash * 100 + rights * price * 100) / (1 + bonus + rights))


def go_ex(
    account: Account, action: CorporateAction, previous: float, policy: RightsPolicy = SUBSCRIBE
) -> tuple[Account, ExDate]:
    before = fen(previous)
    return apply_terms(account, MOUTAI, action, before, reference_of(action, before), TODAY, policy)


# -- without announced terms


def test_without_terms_the_fall_to_the_reference_comes_back_as_cash() -> None:
    account = with_lots(1.00, (MOUTAI, 300, LONG_AGO), (PINGAN, 100, LONG_AGO))
    after, event = preserve_value(account, MOUTAI, 20_00, 19_37)
    assert after.cash_fen == 1_00 + 300 * 63
    assert after.lots == account.lots
    assert event == ExDate(MOUTAI, 300, 300, 300 * 63, 0, 0, terms="read off the adjustment factor")


# -- announced terms, by example


def test_a_cash_dividend_is_paid_on_every_share() -> None:
    """3.27 a share on 300 shares at 100.00: reference 96.73."""
    after, event = go_ex(with_lots(0, (MOUTAI, 300, LONG_AGO)), CorporateAction(3.27, 0, 0, 0), 100.00)
    assert after.cash_fen == fen(981.00)
    assert after.shares(MOUTAI) == 300
    assert (event.cash_fen, event.rounding_fen, event.beyond_tolerance) == (fen(981.00), 0, False)


def test_bonus_shares_join_the_lots_they_come_from() -> None:
    """4 for 10: 14.00 becomes 10.00. The bonus of yesterday's lot can be sold today like the lot itself."""
    account = with_lots(0, (MOUTAI, 500, LONG_AGO), (MOUTAI, 200, YESTERDAY))
    after, event = go_ex(account, CorporateAction(0, 0.4, 0, 0), 14.00)
    assert after.lots[MOUTAI] == (Lot(700, LONG_AGO, 500_00), Lot(280, YESTERDAY, 200_00))
    assert after.sellable(MOUTAI, TODAY) == 980
    assert (event.shares_before, event.shares_after, event.cash_fen) == (700, 980, 0)
    assert event.rounding_fen == 0


def test_a_fraction_of_a_bonus_share_is_paid_at_the_reference() -> None:
    """3 for 10 on 101 shares is 30.3: 30 shares, and 0.3 of 10.00 in cash."""
    after, event = go_ex(with_lots(0, (MOUTAI, 101, LONG_AGO)), CorporateAction(0, 0.3, 0, 0), 13.00)
    assert after.shares(MOUTAI) == 131
    assert after.cash_fen == event.cash_fen == 3_00


def test_rights_are_subscribed_where_cash_suffices() -> None:
    """3 for 10 at 7.00 after a close of 20.00: reference (20 + 2.1) / 1.3 = 17.00."""
    account = with_lots(10_000, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(0, 0, 0.3, 7.00), 20.00)
    assert after.cash_fen == fen(10_000 - 2_100)
    assert after.lots[MOUTAI] == (*account.lots[MOUTAI], Lot(300, TODAY, 2_100_00))
    assert after.sellable(MOUTAI, TODAY) == 1_000
    assert (event.cash_fen, event.rights_cost_fen, event.rounding_fen) == (0, 2_100_00, 0)
    assert "subscribed" in event.terms


def test_rights_lapse_where_cash_does_not_suffice_and_the_loss_is_no_rounding() -> None:
    account = with_lots(2_099.99, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(0, 0, 0.3, 7.00), 20.00)
    assert after == account
    # 300 rights worth 10.00 each are gone
    assert 1_000 * 17_00 - 1_000 * 20_00 == -300 * 10_00
    assert (event.rounding_fen, event.beyond_tolerance) == (0, False)
    assert "lapsed" in event.terms


def test_the_dividend_of_the_same_day_may_pay_for_the_rights() -> None:
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(2.10, 0, 0.3, 7.00), 22.10)
    assert after.shares(MOUTAI) == 1_300
    assert after.cash_fen == 0
    assert (event.cash_fen, event.rights_cost_fen) == (2_100_00, 2_100_00)


def test_the_policy_to_lapse_subscribes_nothing() -> None:
    account = with_lots(100_000, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(0, 0, 0.3, 7.00), 20.00, LAPSE)
    assert after == account
    assert event.rounding_fen == 0


def test_rights_sold_at_the_reference_bring_their_worth() -> None:
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(0, 0, 0.3, 7.00), 20.00, SELL)
    assert after.shares(MOUTAI) == 1_000
    assert after.cash_fen == event.cash_fen == 300 * (17_00 - 7_00)
    assert event.rounding_fen == 0


def test_rights_above_the_market_are_worth_nothing_and_cost_nothing_when_sold() -> None:
    """3 for 10 at 33.00 after 20.00: reference 23.00. Who takes no part loses nothing by it."""
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    after, event = go_ex(account, CorporateAction(0, 0, 0.3, 33.00), 20.00, SELL)
    assert after == account
    assert (event.cash_fen, event.rounding_fen, event.beyond_tolerance) == (0, 0, False)


def test_terms_that_do_not_explain_the_price_are_marked() -> None:
    """A dividend of 1.00 is announced, but the price falls by 2.00."""
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    _, event = apply_terms(account, MOUTAI, CorporateAction(1, 0, 0, 0), 20_00, 18_00, TODAY, SUBSCRIBE)
    assert event.rounding_fen == -100_00
    assert event.beyond_tolerance


@pytest.mark.parametrize(("missing_fen", "beyond"), [(4, False), (5, True)])
def test_the_tolerance_is_half_a_tick_and_a_fifth_of_a_percent_a_share(
    missing_fen: int, beyond: bool
) -> None:
    """20.00 before: 0.5 + 4 fen a share, and one share's reference for what floors leave."""
    account = with_lots(0, (MOUTAI, 100_000, LONG_AGO))
    action = CorporateAction(1, 0, 0, 0)
    _, event = apply_terms(account, MOUTAI, action, 20_00, 19_00 - missing_fen, TODAY, SUBSCRIBE)
    assert event.rounding_fen == -100_000 * missing_fen
    assert event.beyond_tolerance is beyond


def test_dividends_are_remembered_by_lot_for_the_tax_at_the_sale() -> None:
    account = with_lots(0, (MOUTAI, 100, LONG_AGO), (MOUTAI, 200, YESTERDAY))
    once, _ = go_ex(account, CorporateAction(0.50, 0, 0, 0), 20.00)
    twice, _ = go_ex(once, CorporateAction(0.25, 0, 0, 0), 20.00)
    assert [lot.dividends_fen for lot in twice.lots[MOUTAI]] == [75_00, 150_00]


@pytest.mark.parametrize(
    ("shares", "cash", "paid_fen"),
    [(1, 0.145, 15), (100, 0.145, 14_50), (1, 0.285, 29), (10, 0.0145, 15), (3, 0.145, 44)],
)
def test_half_a_fen_of_a_dividend_is_a_fen(shares: int, cash: float, paid_fen: int) -> None:
    after, _ = go_ex(with_lots(0, (MOUTAI, shares, LONG_AGO)), CorporateAction(cash, 0, 0, 0), 20.00)
    assert after.cash_fen == paid_fen


# -- announced terms, in general

CENTS = st.integers(0, 300).map(lambda n: n / 1000)
LOTS = st.lists(st.integers(1, 3_000), min_size=1, max_size=4)


@settings(deadline=None)
@given(LOTS, st.integers(0, 50_000).map(lambda n: n / 10_000))
def test_a_dividend_is_rounded_half_up_to_a_fen_once_for_the_holding(lots: list[int], cash: float) -> None:
    account = with_lots(0, *((MOUTAI, n, LONG_AGO + i) for i, n in enumerate(lots)))
    after, _ = go_ex(account, CorporateAction(cash, 0, 0, 0), 100.00)
    due = half_up(sum(lots) * Fraction(str(cash)) * 100)
    assert after.cash_fen == due
    assert sum(lot.dividends_fen for lot in after.lots[MOUTAI]) == due


@settings(deadline=None)
@given(
    lots=LOTS,
    cash=CENTS,
    bonus=CENTS,
    rights=CENTS,
    discount=st.floats(0.3, 1.0),
    previous=st.integers(500, 50_000),
    money=st.sampled_from([0, 10**5, 10**9]),
    policy=st.sampled_from(RightsPolicy),
)
def test_value_is_preserved_but_for_rounding_and_rights_that_lapse(
    lots: list[int],
    cash: float,
    bonus: float,
    rights: float,
    discount: float,
    previous: int,
    money: int,
    policy: RightsPolicy,
) -> None:
    action = CorporateAction(cash, bonus, rights, round(previous / 100 * discount, 2))
    reference = reference_of(action, previous)
    lots_before = tuple(Lot(n, LONG_AGO + i, n * 100) for i, n in enumerate(lots))
    account = Account(money, {MOUTAI: lots_before})
    after, event = apply_terms(account, MOUTAI, action, previous, reference, TODAY, policy)

    held, now = sum(lots), after.shares(MOUTAI)
    bonus_shares = floor(held * Fraction(str(bonus)))
    rights_shares = floor(held * Fraction(str(rights)))
    cost = half_up(rights_shares * Fraction(str(action.rights_price)) * 100)
    taken = now - held - bonus_shares
    assert taken in ({0, rights_shares} if policy is SUBSCRIBE else {0})
    if policy is SUBSCRIBE and money >= cost:
        assert taken == rights_shares

    lost = 0
    if not taken and policy is not SELL:
        lost = rights_shares * reference - cost
    elif not taken:
        lost = min(0, rights_shares * reference - cost)
    gain = (now * reference + after.cash_fen) - (held * previous + money)
    assert gain + lost == event.rounding_fen
    # half a tick a share that results, and the part of a right that floors away
    ticks = held * (1 + Fraction(str(bonus)) + Fraction(str(rights))) / 2
    assert abs(event.rounding_fen) <= ticks + max(reference, fen(action.rights_price)) + 2
    assert not event.beyond_tolerance
    assert after.cash_fen >= 0
    assert all(lot.shares > 0 for lot in after.lots[MOUTAI])
    assert [lot.day for lot in after.lots[MOUTAI]] == sorted(lot.day for lot in after.lots[MOUTAI])

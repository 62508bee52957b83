"""How many shares a fill has, and what is paid for them."""

from __future__ import annotations

import copy
from datetime import date

import pytest
from broker_world import (
    BSE_NAME,
    LONG_AGO,
    MOUTAI,
    NO_FEES,
    PINGAN,
    SMIC,
    TODAY,
    UNLIMITED,
    YESTERDAY,
    Session,
    buy,
    fen,
    holding,
    quote,
    sell,
    slots,
    trade,
    with_lots,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.broker.account import Account, Lot, take_first_in_first_out
from engine.broker.match import FillAt, Terms, step
from engine.broker.orders import Basket
from engine.rules.fees import AShareFees, Fees, PlainFees
from engine.rules.lots import LotRule
from engine.rules.table import day_of

RICH = holding(1_000_000)


# -- lots


def test_star_market_needs_200_shares() -> None:
    bar = quote(50.00, symbol=SMIC)
    assert trade(RICH, buy(SMIC, shares=150), bar).refused == "below_one_lot"
    assert trade(RICH, buy(SMIC, shares=201), bar).fill.shares == 201


def test_beijing_trades_by_the_share_from_100_on() -> None:
    bar = quote(50.00, symbol=BSE_NAME)
    assert trade(RICH, buy(BSE_NAME, shares=99), bar).refused == "below_one_lot"
    assert trade(RICH, buy(BSE_NAME, shares=101), bar).fill.shares == 101


def test_shares_beyond_the_last_whole_lot_are_left_open_with_a_reason() -> None:
    assert trade(RICH, buy(shares=1_530), quote(10.00)).story == [(MOUTAI, 1_500, "below_one_lot")]


def test_money_that_does_not_buy_one_lot_is_refused() -> None:
    """A slot of 73,077 CNY and 600519.SH at 1,730.01."""
    out = trade(RICH, buy(value=73_077.00), quote(1730.01))
    assert out.refused == "below_one_lot"
    assert out.events[0].requested == 42


def test_money_is_turned_into_whole_lots_at_the_fill_price() -> None:
    assert trade(RICH, buy(value=10_000), quote(10.00)).fill.shares == 1_000
    assert trade(RICH, buy(value=10_000), quote(10.01)).fill.shares == 900
    assert trade(RICH, buy(value=9_999.99), quote(10.00)).fill.shares == 900


def test_sizing_at_the_decision_uses_the_price_of_the_decision() -> None:
    bought = trade(RICH, buy(value=10_000, sizing_price_fen=8_00), quote(10.00)).fill
    assert (bought.shares, bought.price_fen) == (1_200, 10_00)


def test_the_lot_of_the_configuration_goes_before_the_boards() -> None:
    bar = quote(10.00)
    assert trade(RICH, buy(value=555.00), bar, lot=LotRule(1, 1)).fill.shares == 55


def test_an_odd_lot_is_sold_whole() -> None:
    account = with_lots(0, (MOUTAI, 130, LONG_AGO))
    assert trade(account, sell(shares=130), quote(10.00)).fill.shares == 130
    assert trade(account, sell(shares=130), quote(10.00)).account.lots == {}
    assert trade(account, sell(shares=20), quote(10.00)).refused == "below_one_lot"


def test_selling_more_than_is_held_sells_what_is_held_and_says_so() -> None:
    account = with_lots(0, (MOUTAI, 300, LONG_AGO))
    out = trade(account, sell(shares=1_000), quote(10.00))
    assert out.story == [(MOUTAI, -300, "no_position")]
    assert out.fill.requested == 1_000


# -- target values


@pytest.mark.parametrize(
    ("held", "target", "order", "shares"),
    [
        (1_000, 6_000.00, sell, 400),
        (1_000, 6_090.00, sell, 400),  # 609 shares are 600 in lots
        (1_050, 6_000.00, sell, 450),
        (1_000, 0.00, sell, 1_000),
        (0, 6_000.00, buy, 600),
        (500, 6_000.00, buy, 100),
        (530, 6_400.00, buy, 100),
    ],
)
def test_a_target_value_trades_the_difference(held: int, target: float, order: object, shares: int) -> None:
    account = with_lots(100_000, *([(MOUTAI, held, LONG_AGO)] if held else []))
    request = (sell if order is sell else buy)(target_fen=fen(target))
    assert trade(account, request, quote(10.00)).fill.shares == shares


# -- participation


def test_participation_cuts_both_sides() -> None:
    assert trade(RICH, buy(shares=1_000, cap_shares=550), quote(10.00)).story == [
        (MOUTAI, 500, "participation")
    ]
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    assert trade(account, sell(shares=1_000, cap_shares=550), quote(10.00)).story == [
        (MOUTAI, -500, "participation")
    ]


def test_a_cap_below_one_lot_refuses_for_participation() -> None:
    assert trade(RICH, buy(shares=1_000, cap_shares=99), quote(10.00)).refused == "participation"
    account = with_lots(0, (MOUTAI, 1_000, LONG_AGO))
    assert trade(account, sell(shares=1_000, cap_shares=99), quote(10.00)).refused == "participation"


def test_an_order_within_the_cap_is_not_touched() -> None:
    assert trade(RICH, buy(shares=500, cap_shares=500), quote(10.00)).story == [(MOUTAI, 500, "")]


# -- cash


def test_a_cash_shortfall_is_cut_to_lots() -> None:
    out = trade(holding(5_999.99), buy(shares=1_000), quote(10.00))
    assert out.story == [(MOUTAI, 500, "insufficient_cash")]
    assert out.account.cash_fen == fen(999.99)


def test_fees_count_as_part_of_the_price() -> None:
    """100 shares at 10.00 are 1,000.00; commission 5.00 and transfer fee 0.01 come on top."""
    fees = AShareFees()
    assert trade(holding(1_005.01), buy(shares=100), quote(10.00), fees=fees).account.cash_fen == 0
    assert trade(holding(1_005.00), buy(shares=100), quote(10.00), fees=fees).refused == "insufficient_cash"


class _ByTheLot:
    """1 % of the amount: dear enough that fees change how many lots cash buys."""

    def charge(self, symbol: str, is_buy: bool, amount_fen: int, day: int) -> Fees:
        return Fees(amount_fen // 100, 0, 0)


@settings(deadline=None)
@given(
    cash=st.integers(0, 20_000_00),
    price=st.integers(1, 60_00),
    shares=st.integers(1, 4_000),
    fees=st.sampled_from([NO_FEES, AShareFees(), PlainFees(0.3, 0.3, 5), _ByTheLot()]),
    symbol=st.sampled_from([MOUTAI, SMIC, BSE_NAME]),
)
def test_a_cut_order_is_the_largest_that_cash_covers(
    cash: int, price: int, shares: int, fees: PlainFees, symbol: str
) -> None:
    bar = quote(price / 100, symbol=symbol, limits=UNLIMITED)
    wanted = bar.lot.buyable(shares)
    affordable = [
        n
        for n in {0, *range(bar.lot.minimum, wanted + 1, bar.lot.step)}
        if n * price + (fees.charge(symbol, True, n * price, TODAY).total if n else 0) <= cash
    ]
    out = trade(Account(cash), buy(symbol, shares=shares), bar, fees=fees)
    assert out.account.shares(symbol) == max(affordable)
    assert out.account.cash_fen >= 0


def test_sales_fund_the_buys_of_the_same_session() -> None:
    account = with_lots(0, (MOUTAI, 500, LONG_AGO))
    orders = (buy(PINGAN, shares=400), sell(shares=500))
    out = trade(account, orders, {MOUTAI: quote(10.00), PINGAN: quote(12.00)})
    assert out.story == [(MOUTAI, -500, ""), (PINGAN, 400, "")]
    assert out.account.cash_fen == fen(200)


def test_buys_are_tried_in_order_until_the_cash_is_spent() -> None:
    orders = (buy(PINGAN, shares=100), buy(MOUTAI, shares=100))
    out = trade(holding(1_999.99), orders, {MOUTAI: quote(10.00), PINGAN: quote(10.00)})
    assert out.story == [(PINGAN, 100, ""), (MOUTAI, 0, "insufficient_cash")]


def test_a_worthless_sale_that_costs_more_than_there_is_is_refused() -> None:
    account = with_lots(0.05, (MOUTAI, 100, LONG_AGO))
    penny = quote(0.02, limits=UNLIMITED)
    assert trade(account, sell(shares=100), penny, fees=AShareFees()).refused == "insufficient_cash"


# -- slippage and vwap


@pytest.mark.parametrize(
    ("open_cny", "bps", "bought_at", "sold_at"),
    [
        (10.00, 5, 10.01, 9.99),  # 10.005 and 9.995
        (100.00, 5, 100.05, 99.95),  # on the tick already: stays
        (33.33, 10, 33.37, 33.29),  # 33.36333 and 33.29667
        (10.00, 0, 10.00, 10.00),
        (4.00, 0.001, 4.01, 3.99),  # the smallest slip costs a whole tick
    ],
)
def test_slippage_rounds_to_the_tick_against_the_trader(
    open_cny: float, bps: float, bought_at: float, sold_at: float
) -> None:
    bar = quote(open_cny, high=open_cny + 0.50, low=open_cny - 0.30)
    milli = round(bps * 1000)
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    bought = trade(RICH, buy(shares=100), bar, slippage_milli_bps=milli).fill
    sold = trade(account, sell(shares=100), bar, slippage_milli_bps=milli).fill
    assert (bought.price_fen, sold.price_fen) == (fen(bought_at), fen(sold_at))
    assert bought.slippage_fen == (fen(bought_at) - fen(open_cny)) * 100
    assert sold.slippage_fen == (fen(open_cny) - fen(sold_at)) * 100


def test_a_slipped_price_stays_within_the_bar() -> None:
    """An open that is also the high cannot be slipped above it."""
    bar = quote(10.00, high=10.00, low=9.99)
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    assert trade(RICH, buy(shares=100), bar, slippage_milli_bps=100_000).fill.price_fen == 10_00
    assert trade(account, sell(shares=100), bar, slippage_milli_bps=100_000).fill.price_fen == 9_99


def test_a_slipped_price_stays_within_the_limits_where_the_bar_is_not_known_yet() -> None:
    early = quote(10.99, reference=10.00)._replace(high=None, low=None, close=None)
    assert trade(RICH, buy(shares=100), early, slippage_milli_bps=100_000).fill.price_fen == 11_00
    low = quote(9.01, reference=10.00)._replace(high=None, low=None, close=None)
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    assert trade(account, sell(shares=100), low, slippage_milli_bps=100_000).fill.price_fen == 9_00


@pytest.mark.parametrize(
    ("vwap", "bought_at", "sold_at"),
    [(10.004, 10.01, 10.00), (10.00, 10.00, 10.00), (10.000000000001, 10.00, 10.00), (9.996, 10.00, 9.99)],
)
def test_a_vwap_is_rounded_to_the_tick_against_the_trader(
    vwap: float, bought_at: float, sold_at: float
) -> None:
    bar = quote(10.00, high=10.20, low=9.80, vwap=vwap)
    account = with_lots(0, (MOUTAI, 100, LONG_AGO))
    assert trade(RICH, buy(shares=100), bar, buy_at=FillAt.VWAP).fill.price_fen == fen(bought_at)
    assert trade(account, sell(shares=100), bar, sell_at=FillAt.VWAP).fill.price_fen == fen(sold_at)


def test_a_vwap_outside_the_bar_is_clipped_into_it() -> None:
    bar = quote(10.00, high=10.20, low=9.80, vwap=10.35)
    assert trade(RICH, buy(shares=100), bar, buy_at=FillAt.VWAP).fill.price_fen == 10_20


def test_each_side_has_its_own_fill_price() -> None:
    account = with_lots(10_000, (MOUTAI, 100, LONG_AGO))
    bars = {MOUTAI: quote(10.00, vwap=10.10, high=10.20), PINGAN: quote(10.00, vwap=10.10, high=10.20)}
    out = trade(account, (sell(shares=100), buy(PINGAN, shares=100)), bars, buy_at=FillAt.VWAP)
    assert [f.price_fen for f in out.fills] == [10_00, 10_10]


# -- cost basis and dividend tax


def test_sales_take_the_oldest_shares_first_and_cut_their_cost_pro_rata() -> None:
    lots = (Lot(100, 1, 1_001_00), Lot(200, 2, 3_000_01, 50_01))
    taken, left = take_first_in_first_out(lots, 150)
    assert taken == (Lot(100, 1, 1_001_00), Lot(50, 2, 750_00, 12_50))
    assert left == (Lot(150, 2, 2_250_01, 37_51),)
    assert take_first_in_first_out(lots, 300) == (lots, ())
    assert take_first_in_first_out(lots, 100) == (lots[:1], lots[1:])
    assert take_first_in_first_out(lots, 0) == ((), lots)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 999), st.integers(0, 10**7), st.integers(0, 10**5)), min_size=1),
    st.data(),
)
def test_splitting_lots_loses_no_share_and_no_fen(
    parts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    lots = tuple(Lot(n, i, cost, paid) for i, (n, cost, paid) in enumerate(parts))
    sold = data.draw(st.integers(0, sum(lot.shares for lot in lots)))
    taken, left = take_first_in_first_out(lots, sold)
    assert sum(lot.shares for lot in taken) == sold
    for i in (0, 2, 3):
        assert sum(lot[i] for lot in taken) + sum(lot[i] for lot in left) == sum(lot[i] for lot in lots)


def test_a_sale_reports_cost_fees_and_tax_and_books_what_is_left() -> None:
    """Three lots of 100 with 100.00 of dividends each: 20 %, 10 % and nothing are withheld."""
    bought = [day_of(date(*d)) for d in ((2021, 6, 1), (2023, 1, 5), (2023, 5, 8))]
    account = Account(0, {MOUTAI: tuple(Lot(100, d, 900_00, 100_00) for d in bought)})
    out = trade(account, sell(shares=300), quote(10.00), fees=AShareFees(), dividend_tax=True)
    assert out.fill.cost_fen == 2_700_00
    assert out.fill.tax_fen == 30_00
    # commission 5.00, stamp duty 0.1 % of 3,000.00, transfer fee 0.001 %
    assert out.fill.fees == Fees(5_00, 3_00, 3)
    assert out.account.cash_fen == 3_000_00 - 8_03 - 30_00


def test_without_the_option_no_dividend_tax_is_withheld() -> None:
    account = Account(0, {MOUTAI: (Lot(100, YESTERDAY, 900_00, 100_00),)})
    assert trade(account, sell(shares=100), quote(10.00)).fill.tax_fen == 0
    assert trade(account, sell(shares=100), quote(10.00), dividend_tax=True).fill.tax_fen == 20_00


# -- the step itself


def test_a_buy_becomes_a_lot_of_the_session_at_its_cost_with_fees() -> None:
    out = trade(RICH, buy(shares=100), quote(10.00), fees=AShareFees())
    assert out.account.lots == {MOUTAI: (Lot(100, TODAY, fen(1_005.01)),)}
    assert out.account.sellable(MOUTAI, TODAY) == 0
    assert out.account.sellable(MOUTAI, TODAY + 1) == 100


def test_step_leaves_its_inputs_alone_and_repeats_itself() -> None:
    account = with_lots(5_000, (MOUTAI, 250, LONG_AGO), (PINGAN, 100, YESTERDAY), (PINGAN, 100, TODAY))
    basket = Basket(
        (sell(shares=100), sell(PINGAN, shares=200), buy(SMIC, value=2_500)),
        slots(BSE_NAME, names=5).slot_buys,
    )
    session = Session(
        {
            MOUTAI: quote(10.00),
            PINGAN: quote(9.00, reference=9.10),
            SMIC: quote(11.00, symbol=SMIC),
            BSE_NAME: quote(7.00, symbol=BSE_NAME),
        }
    )
    terms = Terms(fees=AShareFees(), slippage_milli_bps=5_000)
    before = copy.deepcopy((account, basket, session))
    first = step(account, basket, session, terms)
    assert (account, basket, session) == before
    assert step(account, basket, session, terms) == first
    assert first[0] != account
    assert len(first[1]) == 4

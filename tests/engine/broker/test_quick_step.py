"""Plain baskets in machine code come out as in `step`, order by order and fen by fen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from random_market import SYMBOLS, random_market

from engine.broker.account import Account, Lot, Lots
from engine.broker.match import FillAt, Terms, step
from engine.broker.orders import Basket, Fill, Side, SlotBuys, Trade, market_orders
from engine.broker.quick import QuickStep
from engine.broker.quotes import PanelPrices
from engine.market import panel_from_frames
from engine.market.panel import MarketPanel
from engine.rules.fees import AShareFees, PlainFees
from engine.rules.lots import LotRule

SESSIONS = 12


def random_terms(random: Any) -> Terms:
    fees = (AShareFees(), AShareFees(0.003, 0), PlainFees(0.0005, 0.0015, 5.0))
    return Terms(
        fees=fees[random.integers(3)],
        sell_at=tuple(FillAt)[random.integers(3)],
        buy_at=tuple(FillAt)[random.integers(3)],
        slippage_milli_bps=int(random.choice([0, 5_000, 300_000])),
        lot=LotRule(10, 10) if random.random() < 0.3 else None,
    )


def random_account(random: Any, day: int) -> Account:
    lots: dict[str, Lots] = {}
    for symbol in random.permutation(SYMBOLS)[: random.integers(0, 5)].tolist():
        count = int(random.integers(1, 3))
        ages = sorted(random.choice([0, 1, 30, 400], count).tolist(), reverse=True)
        lots[symbol] = tuple(Lot(int(random.integers(1, 3_000)), day - age, 12_345) for age in ages)
    return Account(int(random.choice([0, 90_000, 20_000_000, 10**11])), lots)


def random_basket(random: Any, account: Account, day: int) -> Basket:
    held = list(account.lots)
    counters: dict[tuple[str, bool], int] = {}
    sold = held[: random.integers(0, len(held) + 1)]
    candidates = [s for s in random.permutation(SYMBOLS).tolist() if s not in held]
    buys = market_orders(day - 1, candidates, Side.BUY, counters, value_fen=0)
    slots = SlotBuys(
        buys,
        slots=int(random.integers(0, 7)),
        wanted=int(random.integers(0, len(buys) + 1)),
        risk_degree=float(random.choice([0.95, 1.0, 0.3])),
        max_value_fen=random.choice([None, 700_000]),
        reserve_fen=int(random.choice([0, 5_000_000])),
        substitute=bool(random.integers(2)),
    )
    sells = market_orders(day - 1, sold, Side.SELL, counters, target_fen=0)
    return Basket(sells, slots, both_sides_at_limit=bool(random.integers(2)))


def test_a_plain_basket_comes_out_as_in_step() -> None:
    seen: Counter[str] = Counter()
    for seed in range(150):
        random = np.random.default_rng(seed)
        panel = random_market(seed, sessions=SESSIONS).panel
        terms = random_terms(random)
        prices = PanelPrices(panel)
        quick = QuickStep(prices, terms)
        for row in range(1, SESSIONS):
            prices.row = row
            account = random_account(random, prices.day)
            basket = random_basket(random, account, prices.day)
            told = quick.step(account, basket)
            if told is None:
                seen["left to step"] += 1
                continue
            expected = step(account, basket, prices, terms)
            assert told == expected
            assert list(told[0].lots) == list(expected[0].lots)
            seen.update(map(what, told[1]))
    # every outcome that it may judge was seen, and often enough to mean something
    assert seen["buy"] > 150
    assert seen["sell"] > 150
    for reason in ("suspended", "limit_up", "limit_down", "below_one_lot", "no_free_slot"):
        assert seen[reason] > 10, reason
    assert seen["left to step"] > 100


def what(event: Trade) -> str:
    return str(event.side if isinstance(event, Fill) else event.reason)


@pytest.mark.parametrize(
    "basket",
    [
        Basket(),
        Basket(market_orders(0, ["600000.SH"], Side.SELL, {}, target_fen=500_000), SlotBuys((), 1)),
        Basket(market_orders(0, ["600000.SH"], Side.SELL, {}, target_fen=0, sessions=2), SlotBuys((), 1)),
        Basket((), SlotBuys(market_orders(0, ["000001.SZ"], Side.BUY, {}, value_fen=0), 3, weights=(1.0,))),
    ],
    ids=["no slots", "a part", "two sessions", "weights"],
)
def test_anything_but_a_plain_basket_is_left_to_step(basket: Basket) -> None:
    prices = PanelPrices(random_market(1, sessions=SESSIONS).panel, row=5)
    account = Account(10**8, {"600000.SH": (Lot(1_000, prices.day - 9, 1),)})
    assert QuickStep(prices, Terms(AShareFees())).step(account, basket) is None


# -- what the random markets do not have


def flat_panel(rows: dict[str, list[str]], suspended: tuple[tuple[str, str], ...] = ()) -> MarketPanel:
    """Names at 10 CNY on the days given."""
    frame = pd.DataFrame([(day, symbol) for symbol, days in rows.items() for day in days])
    frame.columns = pd.Index(["date", "symbol"])
    frame[["open", "high", "low", "close", "preclose"]] = 10.0
    traded = [
        (day, symbol) not in suspended for day, symbol in zip(frame["date"], frame["symbol"], strict=True)
    ]
    frame["volume"] = np.where(traded, 1e6, 0.0)
    frame["amount"] = frame["volume"] * 10.0
    frame["date"] = pd.to_datetime(frame["date"])
    return panel_from_frames(frame).panel


def buys(*symbols: str, slots: int = 2, **options: Any) -> Basket:
    requests = market_orders(0, symbols, Side.BUY, {}, value_fen=0)
    return Basket((), SlotBuys(requests, slots, **{"wanted": len(requests), "risk_degree": 0.9} | options))


def same_as_step(prices: PanelPrices, account: Account, basket: Basket, terms: Terms) -> bool:
    """Whether the basket was judged at all; if so it must have come out as in `step`."""
    told = QuickStep(prices, terms).step(account, basket)
    unknown = set(prices.unknown_limits)
    prices.unknown_limits.clear()
    expected = step(account, basket, prices, terms)
    assert told is None or (told == expected and unknown == prices.unknown_limits)
    return told is not None


DAYS = ["2021-03-01", "2021-03-02", "2021-03-03", "2021-03-04"]
MAIN, MAIN_TOO = "600000.SH", "600006.SH"


def test_a_name_of_an_exchange_that_is_not_open_yet_disturbs_nobody() -> None:
    # fees in Beijing are known from 2021-11-15 on
    prices = PanelPrices(flat_panel({MAIN: [*DAYS, "2021-11-16"], "830799.BJ": ["2021-11-16"]}), row=1)
    assert same_as_step(prices, Account(10**8), buys(MAIN, slots=1), Terms(AShareFees()))


def test_a_name_sold_twice_in_one_basket_is_left_to_step() -> None:
    prices = PanelPrices(flat_panel({MAIN: DAYS}), row=1)
    account = Account(10**8, {MAIN: (Lot(1_000, prices.day - 9, 1),)})
    sells = market_orders(0, [MAIN, MAIN], Side.SELL, {}, target_fen=0)
    assert not same_as_step(prices, account, Basket(sells, SlotBuys((), 1)), Terms(AShareFees()))


def test_a_name_bought_twice_in_one_basket_has_two_lots() -> None:
    prices = PanelPrices(flat_panel({MAIN: DAYS}), row=1)
    assert same_as_step(prices, Account(10**8), buys(MAIN, MAIN), Terms(AShareFees()))


def test_slots_without_candidates_and_without_sales_are_nothing() -> None:
    prices = PanelPrices(flat_panel({MAIN: DAYS}), row=1)
    assert same_as_step(prices, Account(10**8), buys(), Terms(AShareFees()))


@pytest.mark.parametrize(
    ("cash", "options"), [(10**20, {}), (10**8, {"max_value_fen": 10**20}), (10**8, {"reserve_fen": 10**20})]
)
def test_money_beyond_64_bits_is_left_to_step(cash: int, options: dict[str, int]) -> None:
    prices = PanelPrices(flat_panel({MAIN: DAYS}), row=1)
    # step would send it in billions of pieces: nobody waits for that here
    assert QuickStep(prices, Terms(AShareFees())).step(Account(cash), buys(MAIN, **options)) is None


@pytest.mark.parametrize("fees", [PlainFees(0.3, 0.3), PlainFees(0, 0, 1e20)], ids=["rates", "minimum"])
def test_fees_beyond_64_bits_are_left_to_step(fees: PlainFees) -> None:
    prices = PanelPrices(flat_panel({MAIN: DAYS}), row=1)
    # nine hundred million shares: 2 x amount x rate is more than an int64 holds
    terms = Terms(fees, lot=LotRule(100, 100))
    assert not same_as_step(prices, Account(2 * 10**12), buys(MAIN, risk_degree=0.4), terms)


def test_a_suspended_name_of_unknown_limits_is_noted_as_one() -> None:
    # on its first day of 2021 a listing on the main board had limits around an issue price nobody told us
    listed = flat_panel({MAIN: DAYS, MAIN_TOO: DAYS[1:]}, suspended=((DAYS[1], MAIN_TOO),))
    prices = PanelPrices(listed, row=1)
    assert not same_as_step(prices, Account(10**8), buys(MAIN_TOO, slots=1), Terms(AShareFees()))
    assert prices.unknown_limits == {MAIN_TOO}

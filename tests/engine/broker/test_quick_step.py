"""Plain baskets in machine code come out as in `step`, order by order and fen by fen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from random_market import SYMBOLS, random_market

from engine.broker.account import Account, Lot, Lots
from engine.broker.match import FillAt, Terms, step
from engine.broker.orders import Basket, Fill, Side, SlotBuys, Trade, market_orders
from engine.broker.quick import QuickStep
from engine.broker.quotes import PanelPrices
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

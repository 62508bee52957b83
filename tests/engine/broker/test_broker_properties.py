"""Random orders on random markets through the real backtrader broker, checked by an independent auditor."""

from __future__ import annotations

from collections import Counter
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from audit import Auditor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_market import SYMBOLS, random_market

from engine.broker.config import BrokerConfig
from engine.broker.ex_date import RightsPolicy
from engine.broker.orders import Basket, Fill, Side, SlotBuys
from engine.runner import RunLog, run_strategy
from engine.span import Span

SESSIONS = 12


class RandomOrders(bt.Strategy):
    """Sends whatever a generator comes up with: shares, money, targets, slots, plain backtrader orders."""

    params = (("seed", 0),)

    def __init__(self) -> None:
        self.random = np.random.default_rng(self.p.seed)

    def next(self) -> None:
        if self.broker.is_last_session:
            return
        random, broker = self.random, self.broker
        held = [SYMBOLS.index(s) for s in broker.account.lots]
        orders = []
        for column in random.permutation(len(SYMBOLS))[: random.integers(0, 4)]:
            orders.append(self.order(int(column), Side.BUY))
        for column in random.permutation(held)[: random.integers(0, 3)]:
            orders.append(self.order(int(column), Side.SELL))
        slots = None
        if random.random() < 0.3:
            fresh = [c for c in range(len(SYMBOLS)) if c not in held]
            slots = SlotBuys(
                tuple(broker.request(c, Side.BUY, value_fen=0) for c in fresh),
                slots=int(random.integers(1, 6)),
                wanted=int(random.integers(0, len(fresh) + 1)),
                risk_degree=float(random.choice([0.5, 0.95, 1.0])),
                substitute=bool(random.random() < 0.5),
            )
        broker.send(self, Basket(tuple(orders), slots))
        if random.random() < 0.5:
            data = broker.light(int(random.integers(0, len(SYMBOLS))))
            send = self.sell if random.random() < 0.5 else self.buy
            send(data=data, size=int(random.integers(1, 2_000)))

    def notify_trade(self, trade: bt.Trade) -> None:
        """Listening makes the broker keep backtrader's own books of trades as well."""

    def order(self, column: int, side: Side) -> Any:
        random, request = self.random, self.broker.request
        kind = random.integers(0, 3)
        if kind == 0:
            return request(column, side, shares=int(random.integers(1, 3_000)))
        if kind == 1:
            return request(column, side, target_fen=int(random.integers(0, 5_000_000)))
        if side is Side.SELL:
            held = self.broker.account.shares(SYMBOLS[column])
            return request(column, side, shares=held)
        return request(column, side, value_fen=int(random.integers(0, 8_000_000)))


CONFIGS = st.fixed_dictionaries(
    {
        "cash": st.sampled_from([3_000.0, 50_000.0, 1_000_000.0]),
        "fill": st.sampled_from(["open", "vwap", "close", {"sell": "open", "buy": "vwap"}]),
        "slippage_bps": st.sampled_from([0.0, 5.0, 300.0]),
        "participation": st.sampled_from([None, 0.05]),
        "sizing": st.sampled_from(["at_fill", "at_decision"]),
        "rights": st.sampled_from(RightsPolicy),
        "dividend_tax": st.booleans(),
    }
)
SEEDS = st.integers(0, 2**32 - 1)


def run(seed: int, config: dict[str, Any], with_table: bool) -> tuple[Any, RunLog]:
    market = random_market(seed, sessions=SESSIONS, with_table=with_table)
    span = Span(0, 0, SESSIONS - 1)
    log = run_strategy(market.panel, RandomOrders, {"seed": seed}, broker=BrokerConfig(**config), span=span)
    return market, log


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, config=CONFIGS, with_table=st.booleans())
def test_the_books_of_random_orders_on_random_markets_balance(
    seed: int, config: dict[str, Any], with_table: bool
) -> None:
    market, log = run(seed, config, with_table)
    assert len(log.journal.sessions) == SESSIONS
    at = config["fill"]
    fill_at = {side: at if isinstance(at, str) else at[side.value] for side in Side}
    start = round(config["cash"] * 100)
    Auditor(market, start, config["rights"], config["participation"], fill_at).audit(log.journal)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, config=CONFIGS)
def test_a_run_repeats_itself(seed: int, config: dict[str, Any]) -> None:
    assert run(seed, config, True)[1].journal == run(seed, config, True)[1].journal


def test_random_markets_reach_every_corner() -> None:
    """Without fills, refusals of every kind and ex-dates of every kind the properties above say nothing."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        config = {"cash": 50_000.0, "participation": 0.2 if seed % 2 else None, "slippage_bps": 5.0}
        market, log = run(seed, config, with_table=seed % 3 > 0)
        for _, event in log.journal.trades:
            kind = f"{event.side.value} filled" if isinstance(event, Fill) else "refused"
            seen[kind] += 1
            seen[event.reason.value if event.reason else "in full"] += 1
        for row, event in log.journal.ex_dates:
            bar = market.bars[event.symbol, row]
            assert bar.action is not None
            kinds = {"cash": bar.action.cash, "bonus": bar.action.bonus, "rights": bar.action.rights}
            seen.update(
                f"{k} {'by table' if market.with_table else 'by factor'}" for k, v in kinds.items() if v
            )
            seen["while suspended"] += not bar.trading
            seen["subscribed"] += event.rights_cost_fen > 0
        seen["ended"] += len(log.journal.ended)
    for corner in (
        "buy filled", "sell filled", "in full", "suspended", "limit_up", "limit_down", "no_price",
        "no_position", "below_one_lot", "insufficient_cash", "participation", "no_free_slot",
        "cash by table", "bonus by table", "rights by table", "cash by factor", "bonus by factor",
        "rights by factor", "while suspended", "subscribed", "ended",
    ):  # fmt: skip
        assert seen[corner] >= 3, (corner, seen)


@pytest.mark.parametrize("with_table", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_panel_holds_the_bars_it_was_made_from(seed: int, with_table: bool) -> None:
    market = random_market(seed, with_table=with_table)
    for (symbol, row), bar in market.bars.items():
        panel, column = market.panel, SYMBOLS.index(symbol)
        assert panel.field("trading")[row, column] == bar.trading
        assert panel.field("preclose")[row, column] == (bar.reference if bar.trading else bar.close) / 100
        assert panel.field("close")[row, column] == bar.close / 100

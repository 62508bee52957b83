"""Random orders on random markets through the real backtrader broker, checked by an independent auditor."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from asked import Record
from audit import Auditor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_market import SYMBOLS, random_market
from random_orders import RandomOrders

from engine.broker.config import BrokerConfig
from engine.broker.ex_date import RightsPolicy
from engine.broker.orders import Fill, Side
from engine.runner import RunLog, run_strategy
from engine.span import Span

SESSIONS = 12


CONFIGS = st.fixed_dictionaries(
    {
        "cash": st.sampled_from([3_000.0, 50_000.0, 1_000_000.0, 300_000_000.0]),
        "fill": st.sampled_from(["open", "vwap", "close", {"sell": "open", "buy": "vwap"}]),
        "slippage_bps": st.sampled_from([0.0, 5.0, 300.0]),
        "participation": st.sampled_from([None, 0.05]),
        "order_sessions": st.sampled_from([1, 3]),
        "sizing": st.sampled_from(["at_fill", "at_decision"]),
        "rights": st.sampled_from(RightsPolicy),
        "dividend_tax": st.booleans(),
    }
)
SEEDS = st.integers(0, 2**32 - 1)


def run(seed: int, config: dict[str, Any], with_table: bool) -> tuple[Any, RunLog, Record]:
    record = Record()
    market = random_market(seed, sessions=SESSIONS, with_table=with_table)
    span = Span(0, 0, SESSIONS - 1)
    params = {"seed": seed, "record": record}
    log = run_strategy(market.panel, RandomOrders, params, broker=BrokerConfig(**config), span=span)
    return market, log, record


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, config=CONFIGS, with_table=st.booleans())
def test_the_books_of_random_orders_on_random_markets_balance(
    seed: int, config: dict[str, Any], with_table: bool
) -> None:
    market, log, record = run(seed, config, with_table)
    assert len(log.journal.sessions) == SESSIONS
    at = config["fill"]
    fill_at = {side: at if isinstance(at, str) else at[side.value] for side in Side}
    start = round(config["cash"] * 100)
    at_decision = config["sizing"] == "at_decision"
    auditor = Auditor(market, start, config["rights"], config["participation"], fill_at, record, at_decision)
    auditor.audit(log.journal)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, config=CONFIGS)
def test_a_run_repeats_itself(seed: int, config: dict[str, Any]) -> None:
    assert run(seed, config, True)[1].journal == run(seed, config, True)[1].journal


def test_random_markets_reach_every_corner() -> None:
    """Without fills, refusals of every kind and ex-dates of every kind the properties above say nothing."""
    seen: Counter[str] = Counter()
    for seed in range(90):
        config = {"participation": 0.2 if seed % 2 else None, "slippage_bps": 5.0, "order_sessions": 2}
        config["cash"] = 300_000_000.0 if seed % 6 == 0 else 50_000.0
        market, log, record = run(seed, config, with_table=seed % 3 > 0)
        sessions: dict[str, set[int]] = {}
        for row, event in log.journal.trades:
            if isinstance(event, Fill):
                key = event.request.order_id
                asked = record.asked[key]
                seen["in pieces"] += row in sessions.get(key, ())
                sessions.setdefault(key, set()).add(row)
                seen["limit order filled"] += asked.limit is not None
                seen["at its limit"] += asked.limit == event.price_fen
                seen[f"{asked.how} {asked.side.value}"] += 1
                seen["of a slot"] += asked.of_slot
                seen[event.request.symbol] += 1
        seen["over sessions"] += sum(len(rows) > 1 for rows in sessions.values())
        seen["cancelled after a fill"] += len(record.cancelled.keys() & sessions.keys())
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
        "rights by factor", "while suspended", "subscribed", "ended", "price_not_reached",
        "price_outside_limits", "st_daily_cap", "replaced", "cancelled", "end_of_run", "in pieces",
        "over sessions", "limit order filled", "at its limit", "shares buy", "shares sell", "value buy",
        "target buy", "target sell", "of a slot", *SYMBOLS,
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

"""Top-k/Drop-n from signal to account, on a market small enough to be worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.broker.config import BrokerConfig
from engine.broker.orders import Fill, Refusal
from engine.errors import ConfigError
from engine.market import MarketPanel, panel_from_frames
from engine.market.calendar import xshg
from engine.runner import RunLog, run_strategy
from engine.span import Span
from strategies.topk_dropn import TopkDropn

NAN = math.nan
#: names of the stocks of these tests; one lot is 100 shares, limits are ±10 %
A, B, C, D = "000001.SZ", "600000.SH", "600036.SH", "601318.SH"
SESSIONS = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-01-20"))


class Scores:
    """A signal that is a table: one row of scores a session."""

    def __init__(self, *rows: list[float]) -> None:
        self.rows = [np.array(row, dtype=float) for row in rows]

    def scores_at(self, row: int) -> np.ndarray:
        return self.rows[row]


def market(
    opens: dict[str, list[float]], closes: dict[str, list[float]], actions: pd.DataFrame | None = None
) -> MarketPanel:
    """Opens and closes by stock; NaN is a suspended session."""
    rows = [
        {
            "date": pd.Timestamp(SESSIONS[t]),
            "symbol": symbol,
            "open": start,
            "high": max(start, end),
            "low": min(start, end),
            "close": end,
            "volume": 0.0 if math.isnan(end) else 1e7,
        }
        for symbol in closes
        for t, (start, end) in enumerate(zip(opens[symbol], closes[symbol], strict=True))
    ]
    return panel_from_frames(pd.DataFrame(rows), actions=actions).panel


def flat(**prices: float) -> MarketPanel:
    """Every stock at one price for eight sessions."""
    symbols = dict(zip("ABCD", (A, B, C, D), strict=True))
    bars = {symbols[name]: [price] * 8 for name, price in prices.items()}
    return market(bars, bars)


def run(panel: MarketPanel, signal: Scores, *, broker: dict[str, Any] | None = None, **params: Any) -> RunLog:
    terms = {"cash": 100_000.0, "slippage_bps": 0.0, "fees": {"buy": 0.0, "sell": 0.0}} | (broker or {})
    span = Span(0, 1, len(panel.dates) - 1)
    return run_strategy(
        panel, TopkDropn, {"signal": signal, **params}, broker=BrokerConfig(**terms), span=span
    )


def story(log: RunLog) -> list[tuple[int, str, int, str]]:
    """(row, symbol, shares, reason) of every event; negative shares were sold, 0 refused."""
    return [
        (
            row,
            e.request.symbol,
            (e.shares if e.side == "buy" else -e.shares) if isinstance(e, Fill) else 0,
            e.reason.value if e.reason else "",
        )
        for row, e in log.journal.trades
    ]


def accounts(log: RunLog) -> list[tuple[int, float, float]]:
    return [(r.row, r.cash_fen / 100, r.value_fen / 100) for r in log.journal.sessions]


def test_five_sessions_worked_out_by_hand() -> None:
    """k 2, n 1, 100,000 CNY, commission 0.025 % (least 5), stamp duty 0.1 %, transfer fee 0.001 %."""
    opens = {
        A: [10.00, 10.00, 10.60, 9.72, 10.10],
        B: [20.00, 20.00, 19.50, 19.00, 19.00],
        C: [5.00, 5.00, 5.10, 5.20, 5.30],
        D: [8.00, 8.00, 8.20, 8.50, 9.68],
    }
    closes = {
        A: [10.00, 10.50, 10.80, 10.00, 10.20],
        B: [20.00, 19.00, 19.20, 19.00, 19.00],
        C: [5.00, 5.00, 5.20, 5.30, 5.00],
        D: [8.00, 8.10, 8.40, 8.80, 9.68],
    }
    signal = Scores(
        [4, 3, 2, 1],  # buy A and B
        [5, 1, 9, 0],  # C for B
        [4, 1, 5, 9],  # D for A: but A opens at its lower limit, 10.80 − 10 % = 9.72
        [NAN, 1, 5, 9],  # A has no score: sell it; D opens at its upper limit, 8.80 + 10 % = 9.68
    )
    log = run(
        market(opens, closes),
        signal,
        topk=2,
        n_drop=1,
        broker={"fees": {"commission": 0.00025, "minimum": 5.0}},
    )
    assert story(log) == [
        (1, A, 4_700, ""),  # 47,500.00 at 10.00
        (1, B, 2_300, ""),  # 47,500.00 at 20.00
        (2, B, -2_300, ""),
        (2, C, 9_600, ""),  # 51,769.31 × 0.95 = 49,180.84 at 5.10
        (3, A, 0, "limit_down"),
        (3, D, 0, "no_free_slot"),
        (4, A, -4_700, ""),
        (4, D, 0, "limit_up"),
    ]
    fees = [tuple(f / 100 for f in e.fees) for _, e in log.journal.trades if isinstance(e, Fill)]
    assert fees == [
        (11.75, 0.00, 0.47),  # of 47,000.00
        (11.50, 0.00, 0.46),  # of 46,000.00
        (11.21, 44.85, 0.45),  # of 44,850.00: 11.2125, 44.85, 0.4485
        (12.24, 0.00, 0.49),  # of 48,960.00: 12.24, 0.4896
        (11.87, 47.47, 0.47),  # of 47,470.00: 11.8675, 47.47, 0.4747
    ]
    assert accounts(log) == [
        (0, 100_000.00, 100_000.00),
        (1, 6_975.82, 100_025.82),  # 4,700 × 10.50 + 2,300 × 19.00
        (2, 2_796.58, 103_476.58),  # 4,700 × 10.80 + 9,600 × 5.20
        (3, 2_796.58, 100_676.58),  # 4,700 × 10.00 + 9,600 × 5.30
        (4, 50_206.77, 98_206.77),  # 9,600 × 5.00
    ]
    assert [e.request.order_id for _, e in log.journal.trades] == [
        "20230103-000001.SZ-B-1",
        "20230103-600000.SH-B-1",
        "20230104-600000.SH-S-1",
        "20230104-600036.SH-B-1",
        "20230105-000001.SZ-S-1",
        "20230105-601318.SH-B-1",
        "20230106-000001.SZ-S-1",
        "20230106-601318.SH-B-1",
    ]


def test_nothing_is_decided_at_the_last_close() -> None:
    log = run(flat(A=10.0, B=10.0, C=10.0), Scores(*[[3, 2, 1]] * 8), topk=1, n_drop=1)
    assert story(log) == [(1, A, 9_500, "")]


def test_a_suspended_candidate_leaves_its_slot_empty_until_the_next_decision() -> None:
    bars = {A: [10.0, NAN, NAN, 10.0], B: [10.0] * 4, C: [10.0] * 4}
    panel = market(bars, bars)
    log = run(panel, Scores(*[[3, 2, 1]] * 4), topk=2, n_drop=1)
    assert story(log) == [
        (1, A, 0, "suspended"),
        (1, B, 4_700, ""),
        (2, A, 0, "suspended"),
        (3, A, 5_000, ""),
    ]


def test_with_substitute_the_next_candidate_is_bought_instead() -> None:
    bars = {A: [10.0, NAN, NAN, 10.0], B: [10.0] * 4, C: [10.0] * 4}
    log = run(market(bars, bars), Scores(*[[3, 2, 1]] * 4), topk=2, n_drop=1, substitute=True)
    assert story(log)[:3] == [(1, A, 0, "suspended"), (1, B, 4_700, ""), (1, C, 4_700, "")]


def test_only_tradable_leaves_names_alone_that_did_not_trade_at_the_decision() -> None:
    bars = {A: [10.0, NAN, NAN, 10.0], B: [10.0] * 4, C: [10.0] * 4}
    log = run(market(bars, bars), Scores(*[[3, 2, 1]] * 4), topk=1, n_drop=1, only_tradable=True)
    # suspended at the close of row 1: not chosen for row 2; unknown before that
    assert story(log)[:2] == [(1, A, 0, "suspended"), (2, B, 9_500, "")]


SWAPS = Scores(*[[2, 1], [1, 2]] * 4)  # the favourite changes every session


@pytest.mark.parametrize(("sessions", "sales"), [(1, [2, 3, 4, 5, 6, 7]), (2, [4, 7]), (3, [4, 7]), (4, [6])])
def test_names_are_held_for_hold_thresh_sessions_at_least(sessions: int, sales: list[int]) -> None:
    """Bought in row 1. Row 2 is one session later; A ranks low at the closes of rows 1, 3 and 5."""
    log = run(flat(A=10.0, B=10.0), SWAPS, topk=1, n_drop=1, hold_thresh=sessions)
    assert [row for row, _, shares, _ in story(log) if shares < 0] == sales


def test_equal_slots_whatever_the_scores() -> None:
    log = run(flat(A=10.0, B=10.0, C=10.0), Scores(*[[8, 4, 0]] * 8), topk=2, n_drop=1)
    assert [shares for _, _, shares, _ in story(log)] == [4_700, 4_700]


def test_weights_by_score_count_from_the_lowest_of_the_universe() -> None:
    """8 and 5 above 2 are 6 and 3: two thirds and one third of 95,000."""
    log = run(flat(A=10.0, B=10.0, C=10.0), Scores(*[[8, 5, 2]] * 8), topk=2, n_drop=1, weighting="score")
    assert [shares for _, _, shares, _ in story(log)] == [6_300, 3_100]


def test_no_name_gets_more_than_the_largest_weight() -> None:
    log = run(flat(A=10.0, B=10.0), Scores(*[[2, 1]] * 8), topk=1, n_drop=0, max_weight=0.2)
    assert story(log) == [(1, A, 2_000, "")]


def test_the_cash_buffer_is_a_share_of_the_account() -> None:
    log = run(flat(A=10.0, B=10.0), Scores(*[[2, 1]] * 8), topk=1, n_drop=0, cash_buffer=0.3, risk_degree=1.0)
    assert story(log) == [(1, A, 7_000, "")]


def test_weekly_decisions_fall_on_the_last_session_of_a_week_after_the_first() -> None:
    """2023-01-03 is a Tuesday: decisions at its close and on Friday the 6th, fills a session later."""
    log = run(flat(A=10.0, B=10.0), SWAPS, topk=1, n_drop=1, rebalance="weekly")
    assert [row for row, *_ in story(log)] == [1, 4, 4]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"topk": 4, "n_drop": 1}, r"strategy.params.topk: 4 .* universe of 2"),
        ({"topk": 1, "n_drop": 2}, "n_drop 2 is larger than topk 1"),
        ({"topk": 0, "n_drop": 0}, r"strategy\.params\.topk"),
        ({"risk_degree": 1.2, "topk": 1, "n_drop": 1}, r"strategy\.params\.risk_degree"),
    ],
)
def test_impossible_parameters_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(flat(A=10.0, B=10.0), SWAPS, **params)


def test_a_strategy_without_a_signal_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"alpha\.provider"):
        run(flat(A=10.0, B=10.0), None, topk=1, n_drop=1)  # type: ignore[arg-type]


def test_a_name_that_goes_ex_on_the_day_of_its_sale_is_sold_whole() -> None:
    """Decided before a bonus of 4 for 10, sold after it: all 13,300 shares, and the slot is free."""
    bars = {A: [10.0, 10.0, 7.14, 7.14], B: [10.0] * 4}
    terms = {
        "symbol": [A],
        "ex_date": [pd.Timestamp(SESSIONS[2])],
        "bonus_ratio": [0.4],
        "cash_per_share": [0.0],
    }
    panel = market(bars, bars, pd.DataFrame(terms))
    log = run(panel, Scores([2, 1], [1, 2], [1, 2], [1, 2]), topk=1, n_drop=1)
    assert story(log)[:3] == [(1, A, 9_500, ""), (2, A, -13_300, ""), (2, B, 9_400, "")]
    assert all(not isinstance(e, Refusal) for _, e in log.journal.trades)

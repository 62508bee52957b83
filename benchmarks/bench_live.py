"""From quotes in to orders recorded: how long a session's orders take once the vendors have answered.

    python benchmarks/bench_live.py --names 5000 --json out.json

A seeded synthetic market of so many names, all of them scored; the plan of its next session is armed, as
the daemon does before the auction. Then the clock runs from the vendors' answers to the transaction that
says what was sent: judging, prices and limits, protections, the preview, the ledger's commit.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import alphaloom
from alpha_sources.refresh import RefreshRule
from alpha_sources.reversal import ReversalProvider as Reversal
from alpha_sources.signal import ProviderSignal
from engine.broker.config import BrokerConfig
from engine.market import panel_from_frames
from engine.market.calendar import xshg
from engine.market.corporate import CorporateActions
from engine.market.panel import MarketPanel
from engine.market.phases import SHANGHAI
from engine.span import Span
from live.broker import PaperBroker, all_requests
from live.coming import with_coming_row
from live.daemon.desk import Desk, moment_of
from live.feeds import FeedAnswer, LiveQuote, QuotesConfig, judge
from live.ledger import Ledger, Task, TaskState
from live.machine import SessionMachine
from live.protections import ProtectionsConfig, ProtectionState
from live.run import PaperRun, Trader
from strategies.topk_dropn import TopkDropn

_SEED, _SESSIONS = 20240102, 40
_VENDORS = {"tencent": "qt.gtimg.cn", "sina": "hq.sinajs.cn", "eastmoney": "push2.eastmoney.com"}


def market(names: int) -> MarketPanel:
    """A random walk of so many names, with the session to come as its last row."""
    rng = np.random.default_rng(_SEED)
    sessions = xshg().between(np.datetime64("2025-09-01"), np.datetime64("2025-12-31"))[: _SESSIONS + 1]
    close = np.round(np.exp(np.cumsum(rng.normal(0, 0.01, (_SESSIONS, names)), axis=0)) * 20, 2)
    before = np.vstack([close[:1], close[:-1]])
    frame = pd.DataFrame(
        {
            "date": np.repeat(sessions[:-1], names),
            "symbol": np.tile([f"{600000 + n}.SH" for n in range(names)], _SESSIONS),
            "open": before.ravel(),
            "high": np.maximum(before, close).ravel(),
            "low": np.minimum(before, close).ravel(),
            "close": close.ravel(),
            "volume": 1e6,
            "amount": (1e6 * (before + close) / 2).ravel(),
        }
    )
    panel = panel_from_frames(frame).panel
    return with_coming_row(panel, panel.calendar.after(panel.dates[-1]), CorporateActions.empty())


def run_of(panel: MarketPanel, topk: int, drop: int) -> PaperRun:
    """Top-k on a reversal, on the session to come."""
    last = len(panel.dates) - 1

    def trader() -> Trader:
        signal = ProviderSignal(Reversal(lookback=20), panel, RefreshRule.parse("never"), "reversal", "")
        return Trader(TopkDropn, {"signal": signal, "topk": topk, "n_drop": drop}, signal)

    return PaperRun(panel, trader, BrokerConfig(), None, Span(last - 1, last, last), coming=last)


def answers(panel: MarketPanel, symbols: list[str], session: date) -> list[FeedAnswer]:
    """What three vendors say of some names at 9:25."""
    at = datetime(session.year, session.month, session.day, 9, 25, 3, tzinfo=SHANGHAI)

    def quotes(source: str) -> Mapping[str, LiveQuote]:
        out = {}
        for symbol in symbols:
            fen = round(panel.field("close")[-2, panel.column(symbol)] * 100)
            up, down = (fen * 110 + 50) // 100, (fen * 90 + 50) // 100
            prices = (fen, fen, fen, fen, 1000, fen * 10.0, up, down)
            out[symbol] = LiveQuote(symbol, "", at, fen, *prices, False, source)
        return out

    return [FeedAnswer(name, host, quotes(name)) for name, host in _VENDORS.items()]


class StandingClock:
    """It is 9:25:05."""

    def __init__(self, session: date) -> None:
        self.moment = datetime(session.year, session.month, session.day, 9, 25, 5, tzinfo=SHANGHAI)
        self.now = self.moment.replace(hour=1)

    def reach(self, due: datetime) -> datetime:
        return self.now


def measured(run: PaperRun, ledger: Ledger, account: str, config: QuotesConfig) -> dict[str, Any]:
    """Plan, arm and send one account's session; what each part took, in seconds."""
    row = run.span.start
    session, clock = run.session(row), StandingClock(run.session(row))
    with ledger.writer(account) as writer, tempfile.TemporaryDirectory() as snapshots:
        writer.open(run.cash_fen, "0" * 64, {}, at=clock.now)
        machine = SessionMachine(run, ledger, writer, snapshots=Path(snapshots), clock=clock)
        begun = time.perf_counter()
        machine.advance(row, Task.PLAN)
        planned = time.perf_counter()
        broker: PaperBroker = machine.arm(row)
        armed = time.perf_counter()
        symbols = sorted({request.symbol for request in all_requests(broker.waiting)})
        protections = ProtectionsConfig(max_weight=0.2, turnover_cap=1.0, daily_loss_stop=0.1)
        desk = Desk((), config, protections)
        rules = desk.rules(run.panel, session, symbols)
        came = answers(run.panel, symbols, session)
        clock.now = clock.moment
        start = time.perf_counter()
        report = judge(came, symbols, session=session, now=clock.now, config=config)
        moment = moment_of(report, rules)
        judged = time.perf_counter()
        machine.execute(broker, moment, desk.guard(ProtectionState()))
        sent = time.perf_counter()
        record = ledger.task(session, Task.EXECUTE, account)
        assert record is not None
        assert record.state is TaskState.DONE
    return {
        "planning_s": planned - begun,
        "arming_s": armed - planned,
        "judging_ms": (judged - start) * 1e3,
        "recording_ms": (sent - judged) * 1e3,
        "quotes_to_orders_ms": (sent - start) * 1e3,
        "names_quoted": len(symbols),
        "note": record.note,
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--topk", type=int, default=50)
    parser.add_argument("--drop", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--db", default=None, help="a ledger's URL; by default a SQLite file of its own")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    run = run_of(market(options.names), options.topk, options.drop)
    with tempfile.TemporaryDirectory() as folder:
        url = options.db or str(Path(folder) / "paper.db")
        with Ledger.open(url, create=True) as ledger:
            names = [f"bench-{time.time_ns()}-{n}" for n in range(options.repeats)]
            found = [measured(run, ledger, name, QuotesConfig()) for name in names]
    taken = sorted(each["quotes_to_orders_ms"] for each in found)
    out = {
        "names_scored": options.names,
        "names_quoted": found[0]["names_quoted"],
        "quotes_to_orders_ms": {"median": taken[len(taken) // 2], "worst": taken[-1]},
        "judging_ms": min(each["judging_ms"] for each in found),
        "recording_ms": min(each["recording_ms"] for each in found),
        "planning_s": min(each["planning_s"] for each in found),
        "arming_s": min(each["arming_s"] for each in found),
        "note": found[0]["note"],
        "version": alphaloom.__version__,
        "machine": platform.platform(),
    }
    print(json.dumps(out, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(out, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

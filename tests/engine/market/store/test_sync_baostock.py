"""Syncs with baostock's own client in the worker: a market's day by one question, members of days gone by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from store_helpers import stored
from sync_akshare import BARS_AND_ACTIONS, akshare_sync, worker
from vendors.market import Market
from vendors.server import VendorServer

pytest.importorskip("baostock")

from vendors.baostock_server import BaostockServer

from engine.market.sources.remote.caller import WorkerCaller
from engine.market.store import Kind, MarketStore
from engine.market.store.members import member_spells
from engine.market.store.sync import session
from engine.market.store.verify import verify

SINCE, DAY, NEXT = "2023-05-29", "2023-06-08", "2023-06-09"
ALL = (*BARS_AND_ACTIONS, "baostock")


@pytest.fixture(scope="module")
def market() -> Market:
    """Thirty names around ex-dates, and one that is suspended on the last day."""
    whole = Market.sample(first=SINCE, last=NEXT)
    names = [name for name in whole.symbols if whole.rows(name, NEXT) is not None][:30]
    bars = whole.bars[whole.bars["symbol"].isin(names)].copy()
    halted = (bars["symbol"] == names[3]) & (bars["date"] == NEXT)
    before = bars.loc[(bars["symbol"] == names[3]) & (bars["date"] == DAY), "close"].iloc[0]
    bars.loc[halted, ["open", "high", "low", "close", "preclose"]] = before
    bars.loc[halted, ["volume", "amount"]] = 0
    return replace(whole, bars=bars, instruments=whole.instruments[whole.instruments["symbol"].isin(names)])


@pytest.fixture(scope="module")
def baostock(market: Market) -> Iterator[BaostockServer]:
    with BaostockServer(market) as server:
        yield server


@pytest.fixture(scope="module")
def server(baostock: BaostockServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorServer]:
    with VendorServer(lambda _: None) as made, pytest.MonkeyPatch.context() as patch:
        leads = baostock.environment(tmp_path_factory.mktemp("leads"))
        for name, value in {**made.environment(), **leads}.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def call(server: VendorServer) -> Iterator[WorkerCaller]:
    with worker() as made:
        yield made


@pytest.fixture
def told(server: VendorServer, baostock: BaostockServer) -> tuple[VendorServer, BaostockServer]:
    server.log.clear()
    baostock.asked.clear()
    return server, baostock


def at(day: str, market: Market, server: VendorServer, baostock: BaostockServer) -> None:
    """Let all vendors stand at the close of a day."""
    server.routes = market.until(day).routes
    baostock.market = market.until(day)


def test_a_markets_day_is_one_question_and_its_rows_are_those_of_one_question_a_name(
    call: WorkerCaller,
    market: Market,
    told: tuple[VendorServer, BaostockServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, baostock = told
    at(DAY, market, server, baostock)
    for folder in ("whole", "single"):
        akshare_sync(call, tmp_path / folder, list(market.symbols), SINCE, DAY, only=ALL)
    at(NEXT, market, server, baostock)
    monkeypatch.setattr(session, "MANY", 20)
    server.log.clear()
    baostock.asked.clear()
    report = akshare_sync(call, tmp_path / "whole", list(market.symbols), SINCE, NEXT, only=ALL)
    asked = Counter(fields[0] for fields in baostock.asked if not fields[0].startswith("log"))
    assert asked == {"query_stock_basic": 1, "query_daily_history_k_AStock": 1}
    # the five indices are all that is asked for one by one
    assert len(server.asked("push2his.eastmoney.com")) == 5
    assert not server.asked("gtimg.cn") and not server.asked("finance.sina.com.cn", "hisdata")
    assert (report.complete, report.late, report.taken.quarantined) == (True, [], {})
    assert report.taken.added[Kind.BARS] == len(market.symbols)

    # the same day, name by name, from the same vendor
    monkeypatch.setattr(session, "MANY", 1000)
    akshare_sync(
        call, tmp_path / "single", list(market.symbols), SINCE, NEXT, only=("akshare/actions", "baostock")
    )
    whole, single = (stored(MarketStore(tmp_path / folder)) for folder in ("whole", "single"))
    columns = [c for c in whole.columns if c != "adj_factor"]
    pd.testing.assert_frame_equal(whole[columns], single[columns])
    told_rows = market.bars[market.bars["date"] == NEXT].sort_values("symbol")
    day = whole[whole["date"] == NEXT]
    for column in ("open", "high", "low", "close", "preclose", "volume", "amount"):
        np.testing.assert_allclose(day[column], told_rows[column], rtol=1e-6)
    assert verify(MarketStore(tmp_path / "whole")).ok
    assert (day["trading"] == 0.0).sum() == 1


def test_a_first_sync_of_an_index_knows_who_was_a_member_and_has_their_bars(
    call: WorkerCaller, told: tuple[VendorServer, BaostockServer], tmp_path: Path
) -> None:
    server, baostock = told
    whole = Market.sample(first="2023-05-04", last="2023-06-30")
    at("2023-06-30", whole, server, baostock)
    only = (*BARS_AND_ACTIONS, "akshare/csindex", "baostock")
    report = akshare_sync(call, tmp_path, "sse50", "2023-05-04", "2023-06-30", only=only)
    assert report.complete, (report.failed, report.gaps)
    spells = member_spells(MarketStore(tmp_path).reader(), "sse50")
    days = [date(2023, 5, 4), date(2023, 6, 9), date(2023, 6, 12), date(2023, 6, 30)]
    inside = [
        tuple(s.symbol for s in spells if s.joined <= d and (s.left is None or s.left > d)) for d in days
    ]
    assert inside == [whole.until(day).members() for day in days]
    assert inside[1] != inside[2]
    gone = set(inside[0]) - set(inside[3])
    assert gone and gone <= set(MarketStore(tmp_path).reader().coverage().symbols)
    lists = [fields[4] for fields in baostock.asked if fields[0] == "query_sz50_stocks"]
    assert sorted(lists) == ["2023-05-04", "2023-06-09", "2023-06-12", "2023-06-29"]
    assert any(
        "members of sse50 are known from 2023-05-04 on, by lists of baostock" in n for n in report.taken.notes
    )
    panel = MarketStore(tmp_path).panel("sse50", "2023-05-04", "2023-06-30").panel
    assert (panel.universe.sum(axis=1) == 50).all()

"""Syncs end to end: unmodified akshare in its worker, behind a local proxy that plays the vendors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from store_helpers import stored
from sync_akshare import akshare_sync, worker
from vendors.market import Market
from vendors.minutes import minutes as vendor_minutes
from vendors.server import Answer, Request, VendorServer

from engine.market.sources.akshare.eastmoney import EastmoneyDaily
from engine.market.sources.remote.caller import WorkerCaller
from engine.market.store import Kind, MarketStore
from engine.market.store.sync.tables import OPTIONAL
from engine.market.store.verify import verify

HERE = Path(__file__).parent
SINCE, RECENT, DAY, NEXT = "2022-10-10", "2023-02-06", "2023-03-02", "2023-03-03"
KLINE, TENCENT, SINA = "push2his.eastmoney.com", "gtimg.cn", "finance.sina.com.cn"


@pytest.fixture(scope="module")
def whole() -> Market:
    return Market.sample(first="2022-10-10")


@pytest.fixture(scope="module")
def recent(whole: Market) -> Market:
    """The last weeks of some names: enough where it matters who was asked and what became of the answer."""
    names = whole.symbols[:3]
    rows = whole.bars[(whole.bars["date"] >= RECENT) & whole.bars["symbol"].isin(names)]
    return replace(whole, bars=rows)


@pytest.fixture(scope="module")
def server() -> Iterator[VendorServer]:
    with VendorServer(lambda _: None) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment().items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def call(server: VendorServer) -> Iterator[WorkerCaller]:
    """One worker for all syncs of this process: akshare takes a second to import."""
    with worker() as made:
        yield made


def told_by(market: Market, names: list[str]) -> pd.DataFrame:
    """What is to be stored: every traded row of the market."""
    rows = market.bars[(market.bars["volume"] > 0) & market.bars["symbol"].isin(names)]
    columns = ["symbol", "date", "open", "high", "low", "close", "volume", "amount"]
    out = rows[columns].sort_values(["symbol", "date"]).reset_index(drop=True)
    out["date"] = out["date"].astype("datetime64[s]")
    out["symbol"] = out["symbol"].astype(object)
    # Eastmoney counts lots, and akshare hands them on
    out["volume"] = (out["volume"] / 100).round() * 100
    return out


def assert_equal_to(market: Market, names: list[str], folder: Path) -> None:
    want, found = told_by(market, names), stored(MarketStore(folder))
    found["symbol"] = found["symbol"].astype(object)
    found["date"] = found["date"].astype("datetime64[s]")
    pd.testing.assert_frame_equal(found[want.columns.tolist()], want, rtol=1e-9)
    assert verify(MarketStore(folder)).ok


def test_a_sync_killed_twice_and_resumed_stores_what_the_vendors_tell_row_for_row(
    whole: Market, server: VendorServer, tmp_path: Path
) -> None:
    market, folder = whole.until(DAY), tmp_path / "store"
    names = list(market.symbols[:30])

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "sync_akshare.py"), str(folder), ",".join(names), SINCE, DAY]
        tests = str(HERE.parents[2])
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def slowly(request: Request) -> Answer | None:
        """Answers that leave time for a kill between two names."""
        if request.host == KLINE:
            time.sleep(0.02)
        return market.routes(request)

    server.routes = slowly
    there = 0
    for kill_after in (17, 14):
        server.log.clear()
        process = begin()
        deadline = time.monotonic() + 120
        while len(server.asked(KLINE)) < kill_after + (0 if there else 5):
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.kill()
        process.communicate()
        found = verify(MarketStore(folder))
        assert found.ok, found.faults
        names_there = MarketStore(folder).reader().coverage().symbols
        assert there < len(names_there) < len(names)  # each time some names stayed, and some were lost
        there = len(names_there)
    server.log.clear()
    process = begin()
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    asked = {request.query["secid"][2:] for request in server.asked(KLINE)}
    assert len(asked & {name[:6] for name in names}) == len(names) - there
    assert_equal_to(market, names, folder)
    assert verify(MarketStore(folder)).leftovers == ()


@pytest.fixture
def names(whole: Market) -> list[str]:
    return list(whole.symbols[:3])


def broken(market: Market, host: str, answer: Answer) -> Any:
    """The market, but for one host."""
    return lambda request: answer if request.host.endswith(host) else market.routes(request)


def test_with_the_first_vendor_answering_403_the_sync_completes_from_the_next_and_says_so(
    call: WorkerCaller, recent: Market, server: VendorServer, names: list[str], tmp_path: Path
) -> None:
    market, told = recent.until(DAY), []
    server.routes, asked = broken(market, KLINE, Answer.html(status=403)), len(server.asked(KLINE))
    report = akshare_sync(call, tmp_path, names, RECENT, DAY, told=told)
    assert report.complete
    assert len(server.asked(KLINE)) - asked == 1  # it was left alone at once
    assert told[0].startswith("akshare/eastmoney [") and "status 403" in told[0]
    assert "akshare/tencent steps in for akshare/eastmoney" in told
    assert report.vendors["akshare/tencent"].stood_in["akshare/eastmoney"] >= 3
    want, found = told_by(market, names), stored(MarketStore(tmp_path))
    np.testing.assert_array_equal(found["close"], want["close"])
    np.testing.assert_allclose(found["amount"], want["amount"], atol=1.0)
    assert verify(MarketStore(tmp_path)).ok


SICK = {
    "too many": Answer("", status=429),
    "server": Answer("", status=503),
    "captcha": Answer.html(),
    "no data": Answer('{"rc": 0, "data": null}'),
    "hangs": Answer("{}", delay_s=60.0),
    "cut": Answer('{"data": {"klines": ["2023', cut_at=10),
}


@pytest.mark.parametrize("sickness", list(SICK))
def test_whatever_is_wrong_with_the_first_vendor_the_store_is_filled(
    call: WorkerCaller,
    recent: Market,
    server: VendorServer,
    names: list[str],
    tmp_path: Path,
    sickness: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market, told = recent.until(DAY), []
    server.routes = broken(market, KLINE, SICK[sickness])
    if sickness == "hangs":
        monkeypatch.setattr(EastmoneyDaily, "deadline_s", 0.5)
    report = akshare_sync(call, tmp_path, names, RECENT, DAY, told=told)
    assert report.complete
    if sickness != "no data":  # that may be the truth, and is told of nobody
        assert told[0].startswith("akshare/eastmoney [")
    np.testing.assert_array_equal(stored(MarketStore(tmp_path))["close"], told_by(market, names)["close"])
    assert verify(MarketStore(tmp_path)).ok


@pytest.mark.parametrize("change", ["more", "fewer"])
def test_a_column_more_or_fewer_is_told_with_the_remedy_and_another_vendor_asked(
    call: WorkerCaller, recent: Market, server: VendorServer, names: list[str], tmp_path: Path, change: str
) -> None:
    market, told = recent.until(DAY), []

    def routes(request: Request) -> Answer | None:
        answer = market.routes(request)
        if request.host != KLINE or answer is None:
            return answer
        content = pd.io.json.ujson_loads(answer.raw)
        lines = content["data"]["klines"]
        content["data"]["klines"] = [
            line + ",1" if change == "more" else line.rpartition(",")[0] for line in lines
        ]
        return Answer.of_json(content)

    server.routes = routes
    report = akshare_sync(call, tmp_path, names, RECENT, DAY, told=told)
    assert report.complete
    assert "another shape" in told[0] and "pip install -U akshare" in told[0]
    np.testing.assert_array_equal(stored(MarketStore(tmp_path))["close"], told_by(market, names)["close"])


def test_the_next_day_costs_one_question_a_name_and_touches_one_partition(
    call: WorkerCaller, whole: Market, server: VendorServer, names: list[str], tmp_path: Path
) -> None:
    server.routes = whole.until(DAY).routes
    akshare_sync(call, tmp_path, names, SINCE, DAY)
    before = {s.path: s.partition for s in MarketStore(tmp_path).reader().manifest.of(Kind.BARS)}
    server.routes, asked = whole.until(NEXT).routes, len(server.asked(KLINE))
    report = akshare_sync(call, tmp_path, names, SINCE, NEXT)
    assert len(server.asked(KLINE)) - asked == len(names) + 5  # and the five indices
    assert report.taken.added[Kind.BARS] == len(names)
    after = {s.path: s.partition for s in MarketStore(tmp_path).reader().manifest.of(Kind.BARS)}
    assert {(before | after)[path] for path in set(before) ^ set(after)} == {"2023"}
    assert set(before.values()) == {"2022", "2023"}
    assert_equal_to(whole.until(NEXT), names, tmp_path)
    server.log.clear()
    akshare_sync(call, tmp_path, names, SINCE, NEXT)
    assert server.log == []


def test_yesterdays_bar_served_as_todays_is_set_aside_and_todays_asked_for_elsewhere(
    call: WorkerCaller, recent: Market, server: VendorServer, names: list[str], tmp_path: Path
) -> None:
    server.routes = recent.until(DAY).routes
    akshare_sync(call, tmp_path, names, RECENT, DAY)
    today = recent.until(NEXT)
    stale = today.bars.copy()
    for column in ("open", "high", "low", "close", "volume", "amount"):
        old = stale[stale["date"] == DAY].set_index("symbol")[column]
        mask = stale["date"] == NEXT
        stale.loc[mask, column] = stale.loc[mask, "symbol"].map(old)
    lying = replace(today, bars=stale)
    server.routes = lambda r: (lying if r.host == KLINE else today).routes(r)
    report = akshare_sync(call, tmp_path, names, RECENT, NEXT)
    assert report.taken.quarantined == {"stale_copy": len(names)}
    assert report.late == []
    found = stored(MarketStore(tmp_path))
    np.testing.assert_array_equal(found["close"], told_by(today, names)["close"])


def test_sina_agrees_on_a_sample_and_its_factors_with_those_of_the_terms(
    call: WorkerCaller, whole: Market, server: VendorServer, tmp_path: Path
) -> None:
    market = whole.until("2023-07-31")
    server.routes = market.routes
    paying = market.actions[market.actions["ex_date"].between("2023-06-01", "2023-07-20")]
    names = sorted(paying["symbol"].unique())[:4]
    report = akshare_sync(call, tmp_path, names, "2023-05-04", "2023-07-31", crosscheck_names=4)
    assert report.checked >= 60
    assert report.differences == []
    panel = MarketStore(tmp_path).panel(names, "2023-05-04", "2023-07-31").panel
    sample = market.bars[market.bars["symbol"].isin(names)].pivot(
        index="date", columns="symbol", values="adj_factor"
    )
    ours, theirs = panel.field("adj_factor"), sample.loc["2023-05-04":"2023-07-31"].to_numpy()
    np.testing.assert_allclose(ours[-1] / ours[0], theirs[-1] / theirs[0], rtol=2e-4)
    assert (ours[-1] > ours[0]).all()


def test_texts_figures_and_the_economy_come_when_they_are_wanted(
    call: WorkerCaller, whole: Market, server: VendorServer, tmp_path: Path
) -> None:
    asked = (tmp_path, ["600519.SH"], "2023-11-01", "2023-12-28")
    server.routes = whole.until("2023-12-28").routes
    kinds = OPTIONAL - {Kind.MINUTE_BARS}
    report = akshare_sync(call, *asked, only=(), extras=kinds)
    reader = MarketStore(tmp_path).reader()
    assert all(len(reader.rows(kind)) for kind in kinds), report.failed
    assert report.complete
    assert verify(MarketStore(tmp_path)).ok
    server.log.clear()
    akshare_sync(call, *asked, only=(), extras=kinds)
    # texts appear at any hour; all else was asked for on this day
    assert {request.host for request in server.log} <= {
        "search-api-web.eastmoney.com",
        "np-anotice-stock.eastmoney.com",
    }
    assert server.log


def minutes_of(folder: Path) -> pd.DataFrame:
    rows = MarketStore(folder).reader().rows(Kind.MINUTE_BARS).to_pandas().astype({"symbol": "str"})
    return rows.sort_values(["symbol", "ended_at"]).reset_index(drop=True)


def test_minutes_come_for_five_sessions_and_then_day_by_day(
    call: WorkerCaller, recent: Market, server: VendorServer, names: list[str], tmp_path: Path
) -> None:
    names, kinds = names[:2], [Kind.MINUTE_BARS]
    market = recent.until(DAY)
    server.routes = market.routes
    report = akshare_sync(call, tmp_path, names, RECENT, DAY, extras=kinds)
    assert report.complete, report.failed
    assert report.taken.added[Kind.MINUTE_BARS] == 2 * 5 * 241
    # sums and ends are those of the days' bars, or a note would say so
    assert [note for note in report.taken.notes if "differ" in note] == []
    found = minutes_of(tmp_path)
    for name in names:
        told = market.rows(name)
        assert told is not None
        days = told.tail(5)
        mine = found[found["symbol"] == name].groupby("session")
        assert (mine.size() == 241).all()
        np.testing.assert_allclose(mine["volume"].sum(), (days["volume"] / 100).round() * 100)
        for column, of in (
            ("high", mine["high"].max()),
            ("low", mine["low"].min()),
            ("close", mine["close"].last()),
        ):
            np.testing.assert_allclose(of, days[column])
        want = pd.concat([vendor_minutes(row) for row in days.to_dict("records")], ignore_index=True)
        ours = found[found["symbol"] == name].reset_index(drop=True)
        assert ours["ended_at"].tolist() == want["ended_at"].tolist()
        np.testing.assert_allclose(ours[["high", "low", "close"]], want[["high", "low", "close"]])
        np.testing.assert_allclose(ours["volume"], want["lots"] * 100.0)
        np.testing.assert_allclose(ours["amount"], want["amount"], atol=0.01)
    assert verify(MarketStore(tmp_path)).ok

    server.log.clear()
    akshare_sync(call, tmp_path, names, RECENT, DAY, extras=kinds)
    assert server.log == []
    server.routes = recent.until(NEXT).routes
    report = akshare_sync(call, tmp_path, names, RECENT, NEXT, extras=kinds)
    assert len(server.asked(KLINE, "trends2")) == len(names)
    assert report.taken.added[Kind.MINUTE_BARS] == 2 * 241
    assert minutes_of(tmp_path)["session"].nunique() == 6


def test_wrong_minutes_are_set_aside_or_refused_and_said(
    call: WorkerCaller, recent: Market, server: VendorServer, names: list[str], tmp_path: Path
) -> None:
    def routes(request: Request) -> Answer | None:
        answer = recent.until(DAY).routes(request)
        if answer is None or "trends2" not in request.path:
            return answer
        content = pd.io.json.ujson_loads(answer.raw)
        lines = content["data"]["trends"]
        if request.query["secid"].endswith(names[0][:6]):  # a column more
            content["data"]["trends"] = [line + ",1" for line in lines]
        else:  # the last session a second time, with other prices
            content["data"]["trends"] = [*lines, lines[-1].replace(".", "1.", 1)]
        return Answer.of_json(content)

    server.routes = routes
    told: list[str] = []
    report = akshare_sync(call, tmp_path, names[:2], RECENT, DAY, extras=[Kind.MINUTE_BARS], told=told)
    assert "another shape" in report.failed[f"minute bars of {names[0]}"]
    assert report.taken.quarantined or report.failed.get(f"minute bars of {names[1]}")
    assert minutes_of(tmp_path)["session"].nunique() == 4
    assert verify(MarketStore(tmp_path)).ok

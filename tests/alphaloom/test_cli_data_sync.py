"""``alphaloom data sync`` through akshare and a local proxy, and a back-test on what it has stored."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from cli_helpers import Cli
from vendors.market import Market
from vendors.server import Answer, Request, VendorServer

NAMES = ["600028.SH", "600519.SH", "688981.SH"]
ALL = ",".join(NAMES)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.sample(NAMES, first="2023-09-01")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, market: Market) -> Iterator[VendorServer]:
    with VendorServer(market.routes) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
        yield made


def test_a_store_is_filled_from_vendors_and_a_backtest_runs_on_it(
    cli: Cli, server: VendorServer, market: Market
) -> None:
    asked = ("--universe", ALL, "--since", "2023-09-01", "--pace", "0", "--with", "ratios,fundamentals")
    ran = cli("data", "sync", *asked)
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert "3 names, 3 of them asked for" in said
    assert f"{len(market.bars):,} bars" in said
    assert "60 bars were compared with a second vendor's" in said
    assert "differs" not in said and "quarantined" not in said
    # the market ends in 2023
    assert "vendors are late: 3 of the 3 names that were asked for have no bar of" in said
    status = cli("data", "status").out
    assert "vendors were asked and did not have them yet; repeat alphaloom data sync later" in status
    # reports reach back as far as the bars
    reports = [r.query.get("filter", "") for r in server.asked("datacenter-web.eastmoney.com")]
    assert any("2023-09-30" in words for words in reports)
    assert cli("data", "verify").out.endswith("rows, no faults\n")

    before = len(server.log)
    ran = cli("data", "sync", *asked, "--dry-run")
    assert (ran.code, len(server.log)) == (0, before)
    assert "of 3 names would be asked for" in ran.out

    settings = {
        "data.source": "store", "data.path": "home/store/market", "data.universe": json.dumps(NAMES),
        "strategy.params.topk": 2, "strategy.params.n_drop": 1, "benchmark": "000016.SH",
        "span.start": "2023-10-09", "span.end": "2023-12-29",
    }  # fmt: skip
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    ran = cli("backtest", "--out", "run", *sets)
    assert ran.code == 0, ran.err
    assert set(pd.read_parquet("run/fills.parquet")["symbol"]) <= set(NAMES)
    assert len(pd.read_parquet("run/equity.parquet")) == 60


def test_with_the_first_vendor_refusing_the_next_ones_complete_it_and_this_is_said(
    cli: Cli, server: VendorServer, market: Market
) -> None:
    def without_eastmoney(request: Request) -> Answer | None:
        refuses = request.host == "push2his.eastmoney.com"
        return Answer("", status=403) if refuses else market.routes(request)

    server.routes = without_eastmoney
    ran = cli("data", "sync", "--universe", ALL, "--since", "2023-12-01", "--pace", "0", "--crosscheck", "0")
    assert ran.code == 0, ran.err
    assert "akshare/tencent" in ran.out and "in place of akshare/eastmoney" in ran.out
    assert "status 403" in ran.err and "akshare/tencent steps in for akshare/eastmoney" in ran.err


def test_gaps_are_named_and_end_with_1(cli: Cli, server: VendorServer, market: Market) -> None:
    tables = ("www.szse.cn", "query.sse.com.cn", "webapi.cninfo.com.cn", "datacenter-web.eastmoney.com")
    server.routes = lambda r: market.routes(r) if r.host in tables else Answer("", status=403)
    asked = ("--universe", "600519.SH", "--since", "2023-12-01", "--pace", "0", "--vendor", "sina")
    ran = cli("data", "sync", *asked)
    assert ran.code == 1, ran.err
    assert "akshare/sina [600519.SH]" in ran.out or "akshare/sina [600519.SH, finance" in ran.out
    assert "questions were not answered" in ran.out
    assert "leave it alone for some hours" in ran.out


def test_an_interrupt_keeps_what_has_come_and_says_that_the_command_goes_on(
    cli: Cli, server: VendorServer, market: Market
) -> None:
    def interrupting(request: Request) -> Answer | None:
        asked = request.host == "push2his.eastmoney.com" and "600519" in request.query.get("secid", "")
        if asked and not interrupted:
            interrupted.append(request)
            os.kill(os.getpid(), signal.SIGINT)
        return market.routes(request)

    interrupted: list[Request] = []
    server.routes = interrupting
    asked = ("--universe", ALL, "--since", "2023-12-01", "--pace", "0", "--crosscheck", "0")
    ran = cli("data", "sync", *asked)
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "interrupted; what has come is stored, and the same command goes on"
    assert cli("data", "verify").code == 0
    first = len(server.asked("push2his.eastmoney.com"))
    ran = cli("data", "sync", *asked)
    assert ran.code == 0, ran.err
    names = [r.query["secid"][2:] for r in server.asked("push2his.eastmoney.com")[first:]]
    assert "600519" in names and "600028" not in names  # which had come


def test_a_file_of_rates_that_cannot_be_used_stops_it_at_once(cli: Cli, server: VendorServer) -> None:
    Path("home", "hosts.db").mkdir(parents=True)
    refused = cli("data", "sync", "--universe", ALL, "--since", "2023-12-01").refused()
    assert "hosts.db: the file that keeps the rates of calls cannot be used" in refused
    assert "its disk is not full" in refused
    assert server.log == []


def test_a_symbol_that_nobody_knows_is_told_from_a_late_vendor(cli: Cli, server: VendorServer) -> None:
    asked = ("--universe", f"{ALL},600999.SH", "--since", "2023-12-01", "--pace", "0", "--crosscheck", "0")
    ran = cli("data", "sync", *asked)
    assert ran.code == 0, ran.err
    said = " ".join(ran.out.split())
    assert "no vendor has any bar of 600999.SH: check the symbols" in said
    assert said.startswith("600028.SH and 3 more to ")
    assert "vendors are late: 3 of the 4 names" in said


def test_where_ratios_are_wanted_and_a_vendor_without_them_stood_in_this_is_said(
    cli: Cli, server: VendorServer, market: Market
) -> None:
    server.routes = lambda r: (
        Answer("", status=403) if r.host == "push2his.eastmoney.com" else market.routes(r)
    )
    asked = ("--universe", "600519.SH", "--since", "2023-12-01", "--pace", "0", "--crosscheck", "0")
    ran = cli("data", "sync", *asked, "--with", "ratios")
    said = " ".join(ran.out.split())
    assert "new bars of 1 names came without pe_ttm and pb_mrq" in said


def test_what_is_wrong_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(Path("home").absolute()))
    assert "--universe sse5: name sse50, csi300, all" in cli("data", "sync", "--universe", "sse5").refused()
    assert (
        "--with news: no such table; known: ratios, texts" in cli("data", "sync", "--with", "news").refused()
    )
    assert "there is no vendor 'bloomberg'" in cli("data", "sync", "--vendor", "bloomberg").refused()
    assert "is no A-share symbol" in cli("data", "sync", "--universe", "1234567").refused()
    refused = cli("data", "sync", "--universe", "600519.SH", "--since", "2026-13-01").refused()
    assert "is no date" in refused
    assert not Path("home", "store").exists()

"""Vendors by name, and the order in which they are asked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from vendors.market import Market
from vendors.server import Answer, Request, VendorServer

from engine.errors import ConfigError
from engine.market.sources import vendors as module
from engine.market.sources.remote.caller import DirectCaller
from engine.market.sources.remote.fall_back import FallBack
from engine.market.sources.remote.limits import DEFAULT_RATES, HostLimits
from engine.market.sources.source import FURTHER, further
from engine.market.sources.vendors import BY_NAME, VENDORS, chosen, shanghai_today, vendors
from engine.market.store.schema import Kind


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra baostock, whether it is installed here or not: nothing asks it in these tests."""
    monkeypatch.setattr(module, "find_spec", lambda name: object())


def test_baostock_is_asked_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [source.name for source in vendors(DirectCaller())]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    after = [source.name for source in vendors(DirectCaller())]
    assert before == [*after, "baostock"]
    # asked for by name, it says itself what is missing
    assert [source.name for source in chosen(["baostock"], DirectCaller())] == ["baostock"]


def test_the_vendors_of_bars_share_no_host_and_stand_in_this_order() -> None:
    able = [source for source in vendors(DirectCaller()) if Kind.BARS in source.offers]
    assert [source.name for source in able] == [
        "akshare/eastmoney", "akshare/tencent", "akshare/sina", "baostock",
    ]  # fmt: skip
    assert sum(len(source.hosts) for source in able) == len({host for s in able for host in s.hosts})


def test_every_vendor_stands_under_its_name_and_names_its_hosts() -> None:
    assert [s.name for s in vendors(DirectCaller())] == [name for name in VENDORS if name not in BY_NAME]
    for name, source in zip(VENDORS, chosen(list(VENDORS), DirectCaller()), strict=True):
        assert source.name == name
        assert source.hosts and source.offers
        for kind in FURTHER & source.offers:
            assert further(source, kind) is source


def test_every_table_that_can_be_filled_is_offered_by_somebody() -> None:
    offered = frozenset().union(*(source.offers for source in vendors(DirectCaller())))
    # factors come with bars, snapshots are the store's own
    assert offered == set(Kind) - {Kind.FACTORS, Kind.SNAPSHOTS, Kind.QUARANTINE}


def test_vendors_are_chosen_by_name() -> None:
    call = DirectCaller()
    usual = [name for name in VENDORS if name not in BY_NAME]
    for names, expected in (
        (["sina", "akshare/eastmoney"], ["akshare/sina", "akshare/eastmoney"]),
        (["akshare"], [name for name in usual if name != "baostock"]),
        (["eastmoney-ratios", "cninfo"], ["akshare/eastmoney-ratios", "akshare/cninfo"]),
        (["baostock", "baostock"], ["baostock"]),
        ([], usual),
    ):
        assert [source.name for source in chosen(names, call)] == expected
    with pytest.raises(ConfigError, match="there is no vendor 'sohu'; there are akshare/eastmoney, "):
        chosen(["sohu"], call)


def test_today_is_shanghais() -> None:
    assert abs((shanghai_today() - date.today()).days) <= 1


def test_every_host_of_a_vendor_of_bars_has_a_rate_of_its_own() -> None:
    limits = HostLimits(None, clock=lambda: 0.0, sleep=lambda _: None)
    hosts = {h for source in vendors(DirectCaller()) if Kind.BARS in source.offers for h in source.hosts}
    assert {limits.rule(host) for host in hosts} <= set(DEFAULT_RATES) - {""}
    assert (
        DEFAULT_RATES[limits.rule("proxy.finance.qq.com")] == DEFAULT_RATES[limits.rule("web.ifzq.gtimg.cn")]
    )
    # refused at one, it is refused at the other
    assert limits.rule("webapi.cninfo.com.cn") == limits.rule("www.cninfo.com.cn")


def test_reports_are_asked_for_from_the_day_that_is_said() -> None:
    class Reports:
        def __init__(self) -> None:
            self.periods: list[str] = []

        def __call__(self, function: str, /, **kwargs: Any) -> Any:
            self.periods.append(kwargs["period"])
            return pd.DataFrame()

    for since, first in ((date(2019, 1, 1), "20190331"), (None, "20220331")):
        call = Reports()
        (source,) = chosen(["eastmoney-reports"], call, today=lambda: date(2024, 1, 5), since=since)
        assert list(source.fundamentals([])) == []
        assert (call.periods[0], call.periods[-1]) == (first, "20231231")


def test_where_eastmoney_refuses_tencent_tells_the_same(market: Market, server: VendorServer) -> None:
    def refusing(request: Request) -> Answer | None:
        return Answer.html(status=403) if "eastmoney" in request.host else market.routes(request)

    server.routes = refusing
    said: list[str] = []
    asked = FallBack(vendors(DirectCaller()), said.append)
    (bars,) = asked.daily_bars(["600519.SH"], date(2023, 6, 1), date(2023, 6, 30))
    assert len(bars) == 20
    assert asked.answered == "akshare/tencent"
    assert any("akshare/tencent steps in for akshare/eastmoney" in words for words in said)

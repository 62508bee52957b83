"""Daily bars of three vendors through the unmodified akshare: equal to the market they tell of."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendors.market import Market
from vendors.server import Answer, Request, VendorServer

from engine.market.sources.akshare.daily import in_shares
from engine.market.sources.akshare.eastmoney import EastmoneyDaily
from engine.market.sources.akshare.sina import SinaDaily
from engine.market.sources.akshare.tencent import TencentDaily
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.caller import DirectCaller, WorkerCaller
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.remote.limits import NO_RATES, HostLimits
from engine.market.sources.vendor import VendorSource

NAMES = ("600519.SH", "688981.SH")
SHARED = Path(os.environ.get("ALPHALOOM_SHARED", Path(__file__).parents[4].parent / "shared"))
PAYLOADS = SHARED / "payloads"
needs_payloads = pytest.mark.skipif(not PAYLOADS.is_dir(), reason="no recorded answers on this machine")


def one(source: VendorSource, symbol: str, first: date | None = None, last: date | None = None) -> DailyBars:
    (bars,) = source.daily_bars([symbol], first, last)
    return bars


@pytest.mark.parametrize(
    ("make", "volume_slack", "amount_slack"),
    [(EastmoneyDaily, 50.0, 0.01), (TencentDaily, 1e-6, 0.5), (SinaDaily, 0.0, 0.5)],
)
@pytest.mark.parametrize("symbol", NAMES)
def test_every_vendor_tells_the_same_raw_bars_in_shares_and_cny(
    call: DirectCaller,
    market: Market,
    make: Callable[[DirectCaller], VendorSource],
    volume_slack: float,
    amount_slack: float,
    symbol: str,
) -> None:
    bars = one(make(call), symbol, date(2022, 3, 1), date(2023, 6, 30))
    told = market.rows(symbol, "2022-03-01", "2023-06-30")
    assert told is not None and len(told) > 300
    assert (bars.session == told["date"].to_numpy().astype("datetime64[D]")).all()
    assert bars.symbols.tolist() == [symbol]
    for name, slack in {
        **dict.fromkeys(("open", "high", "low", "close"), 1e-9),
        "volume": volume_slack,
        "amount": amount_slack,
    }.items():
        assert np.abs(bars.values[name] - told[name].to_numpy()).max() <= slack, name


def test_requests_that_a_name_costs(call: DirectCaller, server: VendorServer) -> None:
    first, last = date(2021, 1, 4), date(2023, 6, 30)
    for make, hosts in (
        (EastmoneyDaily, {"push2his.eastmoney.com": 1}),
        (TencentDaily, {"web.ifzq.gtimg.cn": 1, "proxy.finance.qq.com": 3}),
        (SinaDaily, {"finance.sina.com.cn": 1, "stock.finance.sina.com.cn": 1}),
    ):
        server.log.clear()
        one(make(call), "600519.SH", first, last)
        assert Counter(request.host for request in server.log) == hosts
        assert make(call).hosts == set(hosts)


def test_no_two_vendors_of_bars_share_a_host(call: DirectCaller) -> None:
    hosts = [make(call).hosts for make in (EastmoneyDaily, TencentDaily, SinaDaily)]
    assert len(frozenset().union(*hosts)) == sum(map(len, hosts))


def test_a_name_that_a_vendor_does_not_know_is_an_empty_answer(call: DirectCaller) -> None:
    for make in (EastmoneyDaily, TencentDaily, SinaDaily):
        with pytest.raises(VendorError) as told:
            one(make(call), "600001.SH")
        assert told.value.trouble is Trouble.EMPTY
        assert "600001.SH" in str(told.value)


def test_days_without_a_bar_are_an_empty_answer(call: DirectCaller) -> None:
    with pytest.raises(VendorError) as told:
        one(EastmoneyDaily(call), "600519.SH", date(2023, 10, 2), date(2023, 10, 5))
    assert told.value.trouble is Trouble.EMPTY


def test_only_raw_series_are_asked_for(call: DirectCaller, server: VendorServer) -> None:
    for make in (EastmoneyDaily, TencentDaily, SinaDaily):
        one(make(call), "600519.SH", date(2023, 6, 1))
    assert {r.query["fqt"] for r in server.asked("push2his.eastmoney.com")} == {"0"}
    assert all(r.query["param"].endswith(",") for r in server.asked("proxy.finance.qq.com"))
    assert not server.asked("sina.com.cn", "fq.js")


def shenzhen(market: Market) -> Market:
    """The same market with 600519.SH under a code of Shenzhen."""
    bars = market.bars[market.bars["symbol"] == "600519.SH"].assign(symbol="000001.SZ")
    return replace(market, bars=bars)


def test_lots_that_akshare_leaves_for_000xxx_of_shenzhen_become_shares(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    moved = shenzhen(market)
    server.routes = moved.routes
    import akshare

    raw = akshare.stock_zh_a_hist_tx("sz000001", start_date="2023-06-01", end_date="2023-06-30")
    told = moved.rows("000001.SZ", "2023-06-01", "2023-06-30")
    assert told is not None
    # if this fails, akshare has mended it
    assert raw["volume"].to_numpy() == pytest.approx(told["volume"].to_numpy() / 100.0)
    bars = one(TencentDaily(call), "000001.SZ", date(2023, 6, 1), date(2023, 6, 30))
    assert bars.values["volume"] == pytest.approx(told["volume"].to_numpy())


@given(
    shares=st.lists(st.integers(100, 10**9), min_size=1, max_size=20),
    unit=st.sampled_from([1.0, 100.0, 0.01]),
    low=st.floats(0.5, 2000.0),
    width=st.floats(1.0, 1.2),
    at=st.floats(0.0, 1.0),
)
def test_the_unit_of_a_volume_is_told_by_the_price_it_implies(
    shares: list[int], unit: float, low: float, width: float, at: float
) -> None:
    true = np.array(shares, dtype=float)
    lows, highs = np.full(len(true), low), np.full(len(true), low * width)
    amount = true * (low + at * (low * width - low))
    found = in_shares(true / unit, amount, lows, highs, units=(1.0, 100.0, 0.01))
    assert found == pytest.approx(true)


def test_where_the_amount_tells_nothing_the_vendor_is_believed() -> None:
    volume, nothing = np.array([5.0, 7.0]), np.array([0.0, np.nan])
    ones = np.ones(2)
    assert in_shares(volume, nothing, ones, ones, units=(100.0, 1.0)).tolist() == [500.0, 700.0]


def test_factors_of_sina_are_read_without_eval(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    bars = one(SinaDaily(call, factors=True), "600519.SH")
    told = market.rows("600519.SH")
    assert told is not None
    expected = told["adj_factor"].to_numpy() / told["adj_factor"].iloc[0]
    assert bars.values["adj_factor"] == pytest.approx(expected)
    assert len(np.unique(bars.values["adj_factor"])) > 4

    def evil(request: Request) -> Answer | None:
        if request.path.endswith("/hfq.js"):
            return Answer("var sh600519hfq=__import__('os').abort()\n")
        return market.routes(request)

    server.routes = evil
    with pytest.raises(VendorError) as told_error:
        one(SinaDaily(call, factors=True), "600519.SH")
    assert told_error.value.trouble is Trouble.NOT_DATA


def test_sina_tells_of_no_day_on_which_only_the_number_of_shares_changed(
    call: DirectCaller, market: Market
) -> None:
    # 688981's float shares change on days on which there is no session; akshare makes rows of them
    bars = one(SinaDaily(call), "688981.SH", date(2021, 7, 17), date(2023, 12, 29))
    told = market.rows("688981.SH", "2021-07-17")
    assert told is not None
    assert len(bars) == len(told)


def test_ratios_come_from_a_second_host_where_they_are_asked_for(call: DirectCaller, market: Market) -> None:
    source = EastmoneyDaily(call, ratios=True)
    bars = one(source, "600519.SH", date(2023, 6, 1), date(2023, 6, 30))
    told = market.rows("600519.SH", "2023-06-01", "2023-06-30")
    assert told is not None
    assert bars.values["pe_ttm"] == pytest.approx(told["pe_ttm"].to_numpy())
    assert bars.values["pb_mrq"] == pytest.approx(told["pb_mrq"].to_numpy())
    assert source.hosts == {"push2his.eastmoney.com", "datacenter-web.eastmoney.com"}


def test_indices_of_three_vendors_agree(call: DirectCaller, market: Market) -> None:
    span = date(2023, 11, 1), date(2023, 12, 29)
    told = market.rows("000016.SH", "2023-11-01")
    assert told is not None
    for make, digits in ((EastmoneyDaily, 2), (TencentDaily, 3), (SinaDaily, 3)):
        (table,) = make(call).index_bars(["000016.SH"], *span)
        assert table["session"].to_pylist() == told["date"].dt.date.tolist()
        assert table["close"].to_pylist() == pytest.approx(told["close"].round(digits).tolist(), abs=2e-3)
        if make is not TencentDaily:  # nothing tells the unit of its volumes
            assert table["volume"].to_pylist() == pytest.approx(told["volume"].tolist(), rel=1e-6)
        else:
            assert np.isnan(np.array(table["volume"].to_pylist(), dtype=float)).all()


def test_the_usual_indices_where_none_is_named(call: DirectCaller) -> None:
    tables = list(EastmoneyDaily(call).index_bars((), date(2023, 12, 1)))
    assert {table["symbol"][0].as_py() for table in tables} == {
        "000001.SH", "000016.SH", "000300.SH", "000852.SH", "000905.SH",
    }  # fmt: skip


def test_the_exchange_is_open_on_the_days_that_sina_lists(call: DirectCaller) -> None:
    from engine.market.calendar import xshg

    listed = np.array(SinaDaily(call).calendar()["session"].to_pylist(), dtype="datetime64[D]")
    known = xshg().sessions
    # akshare adds a day that Sina's list is said to lack
    assert set(known[known < np.datetime64("2024-01-01")]) | {np.datetime64("1992-05-04")} == set(listed)


@needs_payloads
def test_a_recorded_answer_of_eastmoney(call: DirectCaller, server: VendorServer) -> None:
    text = (PAYLOADS / "eastmoney_kline_601872_fqt1_202412.json").read_text(encoding="utf-8")
    server.routes = lambda request: Answer(text)
    bars = one(EastmoneyDaily(call), "601872.SH")
    assert len(bars) == 10
    assert bars.session[0] == np.datetime64("2024-12-18")
    assert [bars.values[n][0] for n in ("open", "close", "high", "low")] == [6.11, 6.18, 6.28, 6.10]
    assert bars.values["volume"][0] == 84_274_300.0
    assert bars.values["amount"][0] == 542_829_495.0
    assert bars.values["turnover"][0] == pytest.approx(0.0103)


@needs_payloads
def test_recorded_lines_of_tencent_without_amounts_are_refused(
    call: DirectCaller, server: VendorServer
) -> None:
    recorded = json.loads((PAYLOADS / "tencent_fqkline_sh600601_202301.json").read_text(encoding="utf-8"))

    def old(request: Request) -> Answer:
        if "weekTrends" in request.path:
            return Answer('trend_qfq={"data":[["2023-01-03","2.5"]]}')
        return Answer(f"kline_day2023={json.dumps(recorded)}")

    server.routes = old
    with pytest.raises(VendorError) as told:
        one(TencentDaily(call), "600601.SH", date(2023, 1, 1), date(2023, 1, 31))
    assert told.value.trouble is Trouble.COLUMNS


@needs_payloads
def test_recorded_minutes_have_241_bars_a_session_and_unknown_opens(
    call: DirectCaller, server: VendorServer
) -> None:
    with (PAYLOADS / "minute_600519_1min.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    trends = [",".join([row[0][:16], *row[1:]]) for row in rows]
    server.routes = lambda request: Answer.of_json({"rc": 0, "data": {"code": "600519", "trends": trends}})
    (table,) = EastmoneyDaily(call).minute_bars(["600519.SH"])
    frame = table.to_pandas()
    assert frame.groupby("session").size().tolist() == [241] * 5
    assert frame["open"].isna().sum() == 964
    first = frame.iloc[0]
    assert str(first["ended_at"]) == "2026-03-23 09:30:00"
    assert (first["close"], first["volume"], first["amount"]) == (1433.33, 22_700.0, 32_486_424.0)
    traded = frame[frame["volume"] > 0]
    price = traded["amount"] / traded["volume"]
    assert ((price > traded["low"] * 0.99) & (price < traded["high"] * 1.01)).mean() > 0.99
    some = next(iter(EastmoneyDaily(call).minute_bars(["600519.SH"], date(2026, 3, 24), date(2026, 3, 24))))
    assert some.num_rows == 241


# what a vendor can do to an answer --------------------------------------------------------------------------


def bent(market: Market, path: str, change: Callable[[Any], Any]) -> Callable[[Request], Answer | None]:
    """The market with one kind of answer changed."""

    def routes(request: Request) -> Answer | None:
        answer = market.routes(request)
        if answer is None or path not in request.path:
            return answer
        text = answer.raw.decode()
        start = text.find("={") + 1
        changed = json.dumps(change(json.loads(text[start:])), ensure_ascii=False)
        return replace(answer, body=text[:start] + changed)

    return routes


def more(told: Any) -> Any:
    told["data"]["klines"] = [line + ",1.5" for line in told["data"]["klines"]]
    return told


def fewer(told: Any) -> Any:
    told["data"]["klines"] = [line.rsplit(",", 1)[0] for line in told["data"]["klines"]]
    return told


def swapped(told: Any) -> Any:
    cells = [line.split(",") for line in told["data"]["klines"]]
    told["data"]["klines"] = [",".join([c[0], c[3], c[4], c[1], c[2], *c[5:]]) for c in cells]
    return told


def words(told: Any) -> Any:
    told["data"]["klines"] = [line.split(",")[0] + ",-,-,-,-,-,-,-,-,-,-" for line in told["data"]["klines"]]
    return told


@pytest.mark.parametrize("change", [more, fewer, swapped, words])
def test_another_shape_of_eastmoneys_series_is_refused(
    call: DirectCaller, market: Market, server: VendorServer, change: Callable[[Any], Any]
) -> None:
    server.routes = bent(market, "kline/get", change)
    with pytest.raises(VendorError) as told:
        one(EastmoneyDaily(call), "600519.SH", date(2023, 6, 1))
    assert told.value.trouble is Trouble.COLUMNS
    assert "akshare/eastmoney [600519.SH, push2his.eastmoney.com]" in str(told.value)


@pytest.mark.parametrize("shown", [Answer.html(), Answer("")], ids=["captcha", "nothing"])
def test_a_page_instead_of_data_is_refused(call: DirectCaller, server: VendorServer, shown: Answer) -> None:
    server.routes = lambda request: shown
    for make in (EastmoneyDaily, TencentDaily, SinaDaily):
        with pytest.raises(VendorError):
            one(make(call), "600519.SH")


def test_one_more_number_in_a_line_of_tencent_is_not_taken_for_another(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    def shifted(told: Any) -> Any:
        for lines in told["data"].values():
            lines["day"] = [[line[0], "9.9", *line[1:]] for line in lines["day"]]
        return told

    server.routes = bent(market, "newfqkline", shifted)
    with pytest.raises(VendorError) as problem:
        one(TencentDaily(call), "600519.SH", date(2023, 6, 1), date(2023, 6, 30))
    assert problem.value.trouble is Trouble.COLUMNS


def test_through_a_worker_process_a_refusal_is_told_by_vendor_and_symbol(
    market: Market, server: VendorServer
) -> None:
    limits = HostLimits(None, clock=lambda: 0.0, sleep=lambda s: None, rates=NO_RATES)
    with WorkerCaller(limits, deadline_s=30.0, random=Random(0)) as worker:
        bars = one(EastmoneyDaily(worker), "600519.SH", date(2023, 6, 1), date(2023, 6, 30))
        assert len(bars) == 20
        server.routes = lambda request: Answer.html(status=403)
        with pytest.raises(VendorError) as told:
            one(EastmoneyDaily(worker), "600519.SH", date(2023, 7, 3), date(2023, 7, 31))
    assert told.value.trouble is Trouble.REFUSED
    assert "600519.SH" in str(told.value)


def test_pandas_reads_what_the_market_packs_for_sina(market: Market) -> None:
    """The packed series, unpacked by the script that akshare carries, row for row."""
    import py_mini_racer
    from akshare.stock.cons import hk_js_decode
    from vendors import sina_codec

    script = py_mini_racer.MiniRacer()
    script.eval(hk_js_decode)
    weekdays = pd.bdate_range("1991-01-02", periods=300)
    random = np.random.default_rng(5)
    rows = []
    for day in weekdays:
        low = int(random.integers(1, 10 ** int(random.integers(1, 6))))
        o, c = (low + int(random.integers(0, low + 1)) for _ in range(2))
        high = max(o, c) + int(random.integers(0, 50))
        rows.append(
            (day.date(), o, high, low, c, int(random.integers(0, 10**11)), int(random.integers(0, 10**13)))
        )
    told = script.call("d", sina_codec.stock_series(rows))
    names = ("open", "high", "low", "close")
    assert [
        (pd.Timestamp(r["date"]).date(), *(round(r[n] * 100) for n in names), r["volume"], r["amount"])
        for r in told
    ] == rows
    told = script.call("d", sina_codec.index_series([row[:6] for row in rows if row[5] < 10**10]))
    assert [(round(r["close"] * 1000), r["volume"]) for r in told] == [
        (row[4], row[5]) for row in rows if row[5] < 10**10
    ]

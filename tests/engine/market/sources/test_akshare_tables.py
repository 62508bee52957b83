"""The small tables through the unmodified akshare: lists, members, actions, reports, texts, the economy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from vendors import economy, tables
from vendors.market import Market
from vendors.server import Answer, Request, VendorServer

from engine.errors import DataError
from engine.market.sources.akshare import announced
from engine.market.sources.akshare.actions import CninfoActions, EastmoneyActions
from engine.market.sources.akshare.announced import AnnouncedActions
from engine.market.sources.akshare.economy import Economy
from engine.market.sources.akshare.exchanges import ExchangeLists
from engine.market.sources.akshare.members import CsindexMembers
from engine.market.sources.akshare.periods import ended_between
from engine.market.sources.akshare.reports import EastmoneyReports
from engine.market.sources.akshare.spells import EastmoneySpells
from engine.market.sources.akshare.texts import CninfoTexts, EastmoneyTexts
from engine.market.sources.remote.caller import DirectCaller
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.source import KnownAction
from engine.market.store.schema import SCHEMAS, Kind

LAST = date(2023, 12, 29)


def today() -> date:
    return LAST


def rows(tables_: Iterable[Any]) -> list[dict[str, Any]]:
    return [row for table in tables_ for row in table.to_pylist()]


def without(host: str, market: Market, status: int = 503) -> Callable[[Request], Answer | None]:
    """The market, one host of which fails."""
    return lambda request: Answer.html(status=status) if request.host == host else market.routes(request)


# lists of stocks --------------------------------------------------------------------------------------------


def test_stocks_of_three_exchanges_with_those_that_were_delisted(call: DirectCaller, market: Market) -> None:
    source = ExchangeLists(call)
    table = source.instruments()
    assert table.schema == SCHEMAS[Kind.INSTRUMENTS].columns
    told = {row["symbol"]: row for row in table.to_pylist()}
    assert source.symbols() == tuple(sorted(told))
    assert set(market.symbols) < set(told)
    assert told["600005.SH"]["delist_date"] == date(2017, 2, 14)
    assert told["000024.SZ"]["list_date"] == date(1993, 6, 7)
    assert told["000001.SZ"]["csrc_industry"] == "J 金融业"
    assert told["688981.SH"]["list_date"] == date(2010, 1, 4)
    assert len([s for s in told if s.endswith(".BJ")]) == len(tables.BEIJING)
    assert not [s for s in told if s.startswith(("900", "200"))]  # B-shares are no stocks of ours


def test_a_worker_that_lives_for_days_asks_for_todays_list(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    # akshare remembers its first answer for the life of the process
    before = set(ExchangeLists(call).symbols())
    left = {"600519.SH", "688981.SH"}
    server.routes = Market.sample(sorted(left)).routes
    after = set(ExchangeLists(call).symbols())
    assert before - after == set(market.symbols) - left


def test_a_full_page_of_delisted_stocks_may_have_left_some_out(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    gone = {"COMPANY_ABBR": "x", "LIST_DATE": "20000104", "DELIST_DATE": "20100104"}

    def full(request: Request) -> Answer | None:
        if request.query.get("COMPANY_STATUS") == "3":
            return Answer.of_json({"result": [{**gone, "COMPANY_CODE": f"60{n:04d}"} for n in range(500)]})
        return market.routes(request)

    server.routes = full
    with pytest.raises(VendorError, match="fill the one page"):
        ExchangeLists(call).instruments()


# spells and members -----------------------------------------------------------------------------------------


def test_special_treatment_is_a_spell_of_the_day_it_was_seen(call: DirectCaller) -> None:
    source = EastmoneySpells(call, today=lambda: date(2023, 6, 5))
    told = [row for row in source.spells().to_pylist() if row["kind"] == "st"]
    assert {row["symbol"] for row in told} == {"000004.SZ", "600234.SH", "300313.SZ"}
    assert {(row["start"], row["end"]) for row in told} == {(date(2023, 6, 5), date(2023, 6, 6))}


def test_suspensions_of_whole_sessions_end_when_trading_begins_again(call: DirectCaller) -> None:
    source = EastmoneySpells(call, today=lambda: date(2023, 6, 5))
    told = {
        r["symbol"]: (r["start"], r["end"]) for r in source.spells().to_pylist() if r["kind"] == "suspension"
    }
    assert told == {
        # nobody says how long: until more is known, today
        "600018.SH": (date(2023, 6, 1), date(2023, 6, 6)),
        "600050.SH": (date(2023, 6, 5), date(2023, 6, 7)),
        # 300059 was suspended for a part of the session only, and 113050 is a bond
    }


def test_a_day_without_suspensions_is_no_error(call: DirectCaller) -> None:
    told = EastmoneySpells(call, today=lambda: date(2021, 6, 7)).spells().to_pylist()
    assert {row["kind"] for row in told} == {"st"}


def test_another_list_than_that_of_special_treatment_is_refused(
    call: DirectCaller, market: Market, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ST", (("600519", "贵州茅台"), ("601318", "中国平安"), ("600234", "ST科新")))
    with pytest.raises(VendorError, match="only 1 of 3 names have ST"):
        EastmoneySpells(call, today=today).spells()


def test_members_of_today_have_no_day_of_joining(call: DirectCaller, market: Market) -> None:
    table = CsindexMembers(call).membership("sse50")
    assert tuple(table["symbol"].to_pylist()) == market.members()
    assert set(table["in_date"].to_pylist()) == {None}


def test_a_list_of_another_length_than_the_index_is_refused(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    spells = market.membership[market.membership["symbol"] != "600519.SH"]
    server.routes = replace(market, membership=spells).routes
    with pytest.raises(VendorError, match="49 members, not 50"):
        CsindexMembers(call).membership("sse50")


def test_a_universe_that_nobody_lists_is_named(call: DirectCaller) -> None:
    with pytest.raises(DataError, match="'all'; it has sse50, csi300"):
        CsindexMembers(call).membership("all")


# corporate actions ------------------------------------------------------------------------------------------


def expected_actions(market: Market, first: str, last: str, *, rights: bool = True) -> list[tuple[Any, ...]]:
    found = market.actions[market.actions["ex_date"].between(first, last)]
    out = []
    for row in found.to_dict("records"):
        terms = (row["cash_per_share"], row["bonus_ratio"])
        given = (row["rights_ratio"], row["rights_price"]) if rights else (0.0, 0.0)
        if any(terms) or any(given):
            out.append((row["symbol"], row["ex_date"].date(), *terms, *given))
    return sorted(out)


def told_actions(told: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """By stock and ex-date, the rows of one ex-date summed as the store does."""
    out: dict[tuple[Any, ...], list[float]] = {}
    for row in told:
        key = (row["symbol"], row["ex_date"])
        terms = [row[n] for n in ("cash_per_share", "bonus_ratio", "rights_ratio", "rights_price")]
        out[key] = [a + b for a, b in zip(out.get(key, [0.0] * 4), terms, strict=True)]
    return sorted((*key, *terms) for key, terms in out.items())


def same(told: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert [row[:2] for row in told] == [row[:2] for row in expected]
    for one, other in zip(told, expected, strict=True):
        assert one[2:] == pytest.approx(other[2:], abs=1e-7), one[:2]


def test_announced_terms_per_share_from_two_vendors(call: DirectCaller, market: Market) -> None:
    first, last = date(2021, 1, 1), date(2023, 12, 29)
    told = rows(EastmoneyActions(call, today=today).actions([], first, last))
    same(told_actions(told), expected_actions(market, str(first), str(last), rights=False))
    assert all(first <= row["ex_date"] <= last for row in told)
    names = ["600030.SH", "600519.SH", "603288.SH"]
    mine = replace(market, actions=market.actions[market.actions["symbol"].isin(names)])
    told = rows(CninfoActions(call).actions(names, first, last))
    same(told_actions(told), expected_actions(mine, str(first), str(last)))


def test_pay_dates_come_from_cninfo(call: DirectCaller, market: Market, server: VendorServer) -> None:
    server.routes = replace(market, pays_after=5).routes
    told = rows(CninfoActions(call).actions(["600519.SH"], date(2023, 1, 1)))
    assert [(r["ex_date"], r["pay_date"]) for r in told] == [
        (date(2023, 6, 30), date(2023, 7, 5)), (date(2023, 12, 20), date(2023, 12, 25)),
    ]  # fmt: skip


def test_a_pay_date_before_the_ex_date_is_not_believed(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    server.routes = replace(market, pays_after=-3).routes
    told = rows(CninfoActions(call).actions(["600519.SH"], date(2023, 1, 1)))
    assert [row["pay_date"] for row in told] == [None, None]


def with_rights(market: Market) -> Market:
    rights = {"symbol": "600030.SH", "ex_date": pd.Timestamp("2022-01-27"), "cash_per_share": 0.0}
    rights |= {"bonus_ratio": 0.0, "rights_ratio": 0.15, "rights_price": 14.43}
    kept = market.actions[market.actions["rights_ratio"] == 0.0]
    return replace(market, actions=pd.concat([kept, pd.DataFrame([rights])], ignore_index=True))


def test_rights_have_a_ratio_and_a_price(call: DirectCaller, market: Market, server: VendorServer) -> None:
    server.routes = with_rights(market).routes
    told = rows(CninfoActions(call).actions(["600030.SH"], date(2022, 1, 1), date(2022, 3, 1)))
    assert [(r["ex_date"], r["rights_ratio"], r["rights_price"]) for r in told] == [
        (date(2022, 1, 27), 0.15, 14.43)
    ]


#: names that no vendor knows
MANY = tuple(f"6011{n:02d}.SH" for n in range(40))


def test_of_many_names_only_those_with_actions_are_asked_for_one_by_one(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    bent = replace(with_rights(market), pays_after=2)
    server.routes = bent.routes
    first, last = date(2022, 1, 10), date(2022, 6, 10)
    told = rows(AnnouncedActions(call, today=today).actions(MANY + market.symbols, first, last))
    expected = expected_actions(bent, str(first), str(last))
    same(told_actions(told), expected)
    assert ("600030.SH", date(2022, 1, 27)) in {row[:2] for row in expected}
    assert all(row["pay_date"] for row in told if row["cash_per_share"])
    asked = {request.query["scode"] for request in server.asked("webapi.cninfo.com.cn")}
    assert asked == {row[0][:6] for row in expected}
    assert len(asked) < len(market.symbols)


def test_of_many_names_only_those_with_news_are_asked_for_again(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    bent = replace(market, pays_after=2)
    server.routes = bent.routes
    span = date(2022, 4, 1), date(2022, 7, 5)
    every = rows(AnnouncedActions(call, today=today).actions(MANY + market.symbols, *span))
    known = {
        (row["symbol"], row["ex_date"]): KnownAction(
            row["cash_per_share"], row["bonus_ratio"], row["pay_date"]
        )
        for row in every
    }
    assert len(known) >= 4
    server.log.clear()
    source = AnnouncedActions(call, today=lambda: span[1])
    assert rows(source.new_actions(MANY + market.symbols, *span, known)) == []
    assert server.asked("webapi.cninfo.com.cn") == []
    # other terms, no pay date soon after the ex-date, and an ex-date that is not known
    ordered = sorted(known, key=lambda key: key[1])
    changed, unpaid, missing = ordered[0], ordered[-1], ordered[1]
    assert span[1] - unpaid[1] < timedelta(days=10)
    known[changed] = known[changed]._replace(cash_per_share=9.0)
    known[unpaid] = known[unpaid]._replace(pay_date=None)
    del known[missing]
    again = rows(source.new_actions(MANY + market.symbols, *span, known))
    wanted = {changed[0], unpaid[0], missing[0]}
    assert {request.query["scode"] for request in server.asked("webapi.cninfo.com.cn")} == {
        n[:6] for n in wanted
    }
    assert {row["symbol"] for row in again} == wanted


def test_thousands_are_not_asked_for_one_by_one_when_a_day_has_passed(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    server.routes = without("datacenter-web.eastmoney.com", market)
    known = {("600519.SH", date(2022, 6, 30)): KnownAction(1.0, 0.0, None)}
    many = MANY * 13 + market.symbols
    with pytest.raises(VendorError, match="datacenter-web"):
        list(
            AnnouncedActions(call, today=today).new_actions(many, date(2022, 5, 1), date(2022, 7, 10), known)
        )
    assert server.asked("webapi.cninfo.com.cn") == []


@pytest.mark.parametrize("others", [(), MANY], ids=["few", "many"])
def test_without_cninfo_terms_stand_without_pay_dates(
    call: DirectCaller, market: Market, server: VendorServer, others: tuple[str, ...]
) -> None:
    server.routes = without("webapi.cninfo.com.cn", market)
    span = date(2022, 4, 1), date(2022, 7, 10)
    told = rows(AnnouncedActions(call, today=today).actions(market.symbols + others, *span))
    assert len(server.asked("webapi.cninfo.com.cn")) == 3
    same(told_actions(told), expected_actions(market, *map(str, span), rights=False))
    assert {row["pay_date"] for row in told} == {None}


def test_rights_that_nobody_tells_are_an_error_after_what_is_told(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    bent = with_rights(market)
    server.routes = without("webapi.cninfo.com.cn", bent)
    told: list[Any] = []
    with pytest.raises(VendorError, match=r"akshare/cninfo \[600\d+\.SH dividends"):
        for table in AnnouncedActions(call, today=today).actions(
            market.symbols, date(2022, 1, 10), date(2022, 9, 10)
        ):
            told.append(table)
    same(told_actions(rows(told)), expected_actions(bent, "2022-01-10", "2022-09-10", rights=False))


def test_without_eastmoney_names_are_asked_for_one_by_one(
    call: DirectCaller, market: Market, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "_A_NAME", 1000)
    server.routes = without("datacenter-web.eastmoney.com", market)
    span = date(2023, 12, 1), date(2023, 12, 29)
    told = rows(AnnouncedActions(call, today=today).actions(market.symbols, *span))
    same(told_actions(told), expected_actions(market, *map(str, span)))


def test_periods_end_with_quarters() -> None:
    assert list(ended_between(date(2022, 11, 5), date(2023, 6, 30))) == [
        date(2022, 12, 31), date(2023, 3, 31), date(2023, 6, 30),
    ]  # fmt: skip
    assert next(ended_between(date(2023, 1, 31), date(2023, 6, 30), months_before=18)) == date(2021, 9, 30)


# reports ----------------------------------------------------------------------------------------------------


def test_figures_count_from_the_day_their_report_appeared(call: DirectCaller, market: Market) -> None:
    told = rows(EastmoneyReports(call, today=today).fundamentals(["600519.SH"]))
    first = [row for row in told if row["period_end"] == date(2022, 12, 31)]
    known = market.reports[(market.reports["symbol"] == "600519.SH")].iloc[0]
    assert {row["figure"]: row["value"] for row in first} == {
        name: known[name]
        for name in (
            "eps", "revenue", "revenue_yoy_pct", "net_profit", "net_profit_yoy_pct", "bvps", "roe_pct",
            "ocf_per_share", "gross_margin_pct",
        )
        if known[name] == known[name]
    }  # fmt: skip
    assert {row["visible_date"] for row in first} == {date(2023, 4, 28)}
    assert {row["first_seen"] for row in told} == {None}


def test_figures_that_were_updated_later_count_from_the_update(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    server.routes = replace(market, updated={"600519.SH": date(2023, 11, 3)}).routes
    told = rows(EastmoneyReports(call, today=today).fundamentals(["600519.SH", "601318.SH"]))
    days = {(row["symbol"], row["period_end"]): row["visible_date"] for row in told}
    assert days["600519.SH", date(2022, 12, 31)] == date(2023, 11, 3)
    assert days["601318.SH", date(2022, 12, 31)] == date(2023, 4, 28)
    loose = EastmoneyReports(call, today=today, as_published=True)
    told = rows(loose.fundamentals(["600519.SH"]))
    assert {r["visible_date"] for r in told if r["period_end"] == date(2022, 12, 31)} == {date(2023, 4, 28)}
    # what a later report reckons anew is left out
    assert not {row["figure"] for row in told} & {"revenue_yoy_pct", "net_profit_yoy_pct"}


def test_stocks_of_the_third_board_are_left_out(call: DirectCaller) -> None:
    told = rows(EastmoneyReports(call, today=today).fundamentals([]))
    assert not [row for row in told if row["symbol"].endswith(".BJ")]
    assert len({row["symbol"] for row in told}) > 8


def test_a_period_that_nobody_has_reported_on_is_skipped(call: DirectCaller, server: VendorServer) -> None:
    source = EastmoneyReports(call, today=today, since=date(2023, 9, 1))
    assert {row["period_end"] for row in rows(source.fundamentals([]))} == {date(2023, 9, 30)}
    assert rows(EastmoneyReports(call, today=lambda: date(2022, 5, 1)).fundamentals([])) == []


# texts ------------------------------------------------------------------------------------------------------


def test_news_come_with_their_time_and_announcements_with_their_day(call: DirectCaller) -> None:
    source = EastmoneyTexts(call, today=today)
    news, notices = source.texts(["600519.SH"], datetime(2023, 12, 1))
    first = news.to_pylist()[0]
    assert first["published_at"] == datetime(2023, 12, 29, 10, 5)
    assert first["title"] == "贵州茅台600519第0条"
    assert first["source"].startswith("http://finance.eastmoney.com/a/")
    assert {row["kind"] for row in news.to_pylist()} == {"news"}
    told = notices.to_pylist()
    assert {row["kind"] for row in told} == {"announcement"}
    assert all(row["published_at"].time() == datetime.min.time() for row in told)
    assert all(row["day"] == row["published_at"].date() >= date(2023, 12, 1) for row in told)
    assert {row["symbol"] for row in told} == {"600519.SH"}
    assert {row["id"] for row in told} == {None}


def test_both_vendors_know_the_same_announcements(call: DirectCaller, market: Market) -> None:
    since = datetime(2023, 1, 1)
    of_cninfo = rows(CninfoTexts(call, today=today).texts(["600519.SH"], since))
    of_eastmoney = rows(list(EastmoneyTexts(call, today=today).texts(["600519.SH"], since))[1:])
    expected = [(n.day, n.title) for n in market.notices("600519") if n.day >= since.date()]
    assert [(row["day"], row["title"]) for row in of_eastmoney] == expected
    assert [(row["day"], row["title"]) for row in of_cninfo] == expected
    assert len(expected) > 45  # more than a page of cninfo


def test_a_stock_without_texts_yields_none(call: DirectCaller, server: VendorServer, market: Market) -> None:
    quiet = replace(market, bars=market.bars.iloc[:0])
    server.routes = quiet.routes
    assert list(EastmoneyTexts(call, today=today).texts(["600519.SH"])) == []


# the economy ------------------------------------------------------------------------------------------------


MONTHLY = (("pmi_manufacturing", economy.PMI), ("cpi_yoy", economy.CPI), ("m2_yoy", economy.M2))


def end_of(month: str) -> date:
    return pd.Period(month).end_time.date()


def by_series(told: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for row in told:
        out.setdefault(row["series"], []).append(row)
    return out


def test_six_series_with_the_days_on_which_they_were_known(call: DirectCaller) -> None:
    told = by_series(rows(Economy(call).macro()))
    assert set(told) == {
        "pmi_manufacturing", "cpi_yoy", "m2_yoy", "shibor_overnight", "bond_yield_10y", "usd_cny",
    }  # fmt: skip
    for name, published in MONTHLY:
        # the central bank publishes after the close
        later = timedelta(days=1 if name == "m2_yoy" else 0)
        expected = [
            (end_of(month), date.fromisoformat(day) + later, value) for month, value, day in published
        ]
        assert [(r["period_end"], r["visible_date"], r["value"]) for r in told[name]] == expected
    shibor, bonds, dollars = (told[n][0] for n in ("shibor_overnight", "bond_yield_10y", "usd_cny"))
    assert shibor["visible_date"] == shibor["period_end"] == date(2023, 11, 1)
    # a yield is reckoned after the close of its day
    assert (bonds["period_end"], bonds["visible_date"]) == (date(2023, 11, 1), date(2023, 11, 2))
    assert dollars["value"] == pytest.approx(economy.dollar(date(2023, 11, 1)) / 100.0)
    assert len(told["usd_cny"]) == len(economy.weekdays(LAST))
    assert {row["first_seen"] for series in told.values() for row in series} == {None}


def test_without_days_of_publication_a_month_counts_from_after_the_latest_usual_day(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    server.routes = without("datacenter-api.jin10.com", market)
    told = by_series(rows(Economy(call).macro()))
    assert told["cpi_yoy"][0]["source"] == "akshare/datacenter-web.eastmoney.com"
    days = {row["period_end"]: row["visible_date"] for row in told["cpi_yoy"]}
    assert days[date(2023, 10, 31)] == date(2023, 11, 17)
    for name, known in MONTHLY:
        published = {end_of(month): date.fromisoformat(day) for month, _, day in known}
        assert all(row["visible_date"] > published[row["period_end"]] for row in told[name]), name
        assert {r["period_end"]: r["value"] for r in told[name]} == {
            end_of(m): value for m, value, _ in known
        }


def test_overnight_rates_are_the_same_from_jin10(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    expected = by_series(rows(Economy(call).macro()))["shibor_overnight"]
    server.routes = without("datacenter-web.eastmoney.com", market)
    told = by_series(rows(Economy(call).macro()))["shibor_overnight"]
    assert {row["source"] for row in told} == {"akshare/cdn.jin10.com"}
    assert [{**r, "source": ""} for r in told] == [
        {**r, "source": "", "value": pytest.approx(r["value"])} for r in expected
    ]


def test_what_can_be_had_comes_before_the_error(
    call: DirectCaller, market: Market, server: VendorServer
) -> None:
    server.routes = without("datacenter.eastmoney.com", market)
    told: list[Any] = []
    with pytest.raises(VendorError) as problem:
        for table in Economy(call).macro(date(2023, 12, 1)):
            told.append(table)
    assert problem.value.about == "bond yields"
    assert Counter(row["series"] for row in rows(told)).keys() == {
        "pmi_manufacturing", "cpi_yoy", "m2_yoy", "shibor_overnight", "usd_cny",
    } - {"pmi_manufacturing"}  # fmt: skip
    assert min(row["visible_date"] for row in rows(told)) >= date(2023, 12, 1)


def test_a_rate_in_another_unit_is_refused(call: DirectCaller, server: VendorServer, market: Market) -> None:
    def cheap(request: Request) -> Answer | None:
        if request.path == "/safe/file/rates.xlsx":
            return tables.workbook(("日期", "美元"), [("2023-11-01", 7.08)])
        return market.routes(request)

    server.routes = cheap
    with pytest.raises(VendorError, match=r"usd_cny of 2023-11-01 is 0\.0708"):
        list(Economy(call).macro())


# what goes wrong in a page ----------------------------------------------------------------------------------


def test_a_page_that_fails_in_the_middle_is_not_an_empty_answer(
    call: DirectCaller, market: Market, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = {"result": None, "success": False, "message": "返回数据为空", "code": 9201}

    def routes(request: Request) -> Answer | None:
        if request.query.get("reportName") == "RPT_SHAREBONUS_DET":
            if request.query["pageNumber"] == "2":
                return Answer.of_json(nothing)
            answer = market.routes(request)
            assert answer is not None
            return replace(answer, body=answer.raw.decode().replace('"pages": 1', '"pages": 2'))
        return market.routes(request)

    server.routes = routes
    with pytest.raises(VendorError) as told:
        list(EastmoneyActions(call, today=today).actions([], date(2023, 6, 1)))
    assert told.value.trouble is Trouble.NOT_DATA
    about = "akshare/eastmoney-actions [dividends of 2021-12-31, datacenter-web.eastmoney.com]"
    assert about in str(told.value)


def test_a_vendor_that_says_it_is_busy_has_not_said_that_there_is_nothing(
    call: DirectCaller, server: VendorServer
) -> None:
    busy = {"result": None, "success": False, "message": "系统繁忙，请稍后再试", "code": 9501}
    server.routes = lambda request: Answer.of_json(busy)
    with pytest.raises(VendorError, match="系统繁忙") as told:
        list(EastmoneyActions(call, today=today).actions([], date(2023, 6, 1)))
    assert told.value.trouble is Trouble.SERVER


def test_what_a_vendor_has_not_is_not_asked_of_it(call: DirectCaller, server: VendorServer) -> None:
    for ask in (
        lambda: CsindexMembers(call).symbols(), lambda: CsindexMembers(call).daily_bars([]),
        lambda: CsindexMembers(call).actions([]), lambda: CsindexMembers(call).index_bars([]),
        lambda: CsindexMembers(call).instruments(), lambda: CsindexMembers(call).spells(),
        lambda: CsindexMembers(call).fundamentals([]), lambda: CsindexMembers(call).texts([]),
        lambda: CsindexMembers(call).macro(), lambda: CsindexMembers(call).minute_bars([]),
        lambda: CsindexMembers(call).calendar(), lambda: Economy(call).membership("sse50"),
    ):  # fmt: skip
        with pytest.raises(DataError, match="has no"):
            ask()
    assert server.log == []

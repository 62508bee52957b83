"""The real baostock client against a local server that speaks its protocol."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from vendors.market import Market

contants = pytest.importorskip("baostock.common.contants")

from vendors.baostock_server import BaostockServer  # noqa: E402

from engine.errors import DataError  # noqa: E402
from engine.market.sources.baostock import Baostock, fetch  # noqa: E402
from engine.market.sources.delivery import DailyBars  # noqa: E402
from engine.market.sources.remote.caller import DirectCaller  # noqa: E402
from engine.market.sources.remote.failure import Trouble, VendorError  # noqa: E402
from engine.market.store.schema import SCHEMAS, Kind  # noqa: E402


@pytest.fixture
def server(market: Market, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaostockServer]:
    with BaostockServer(market) as running:
        # the address is all that is changed of the client
        monkeypatch.setattr(contants, "BAOSTOCK_SERVER_IP", "127.0.0.1")
        monkeypatch.setattr(contants, "BAOSTOCK_SERVER_PORT", running.port)
        yield running


@pytest.fixture
def source(server: BaostockServer) -> Baostock:
    return Baostock(DirectCaller(), today=lambda: date(2023, 12, 29), factors=True)


def test_bars_come_with_precloses_ratios_and_suspended_sessions(source: Baostock, market: Market) -> None:
    (bars,) = source.daily_bars(["600009.SH"], date(2021, 5, 1), date(2021, 9, 30))
    told = market.bars[(market.bars["symbol"] == "600009.SH")]
    told = told[told["date"].between("2021-05-01", "2021-09-30")]
    assert len(bars) == len(told)
    for name in (
        "open",
        "high",
        "low",
        "close",
        "preclose",
        "volume",
        "amount",
        "turnover",
        "pe_ttm",
        "pb_mrq",
    ):
        assert bars.values[name] == pytest.approx(told[name].to_numpy(), nan_ok=True), name
    halted = bars.values["trading"] == 0.0
    assert halted.sum() == (told["volume"] == 0).sum() > 5
    assert (bars.values["volume"][halted] == 0.0).all()
    assert set(bars.values["is_st"]) == {0.0}
    ratio = bars.values["adj_factor"] / told["adj_factor"].to_numpy()
    assert ratio == pytest.approx(ratio[0])


def test_more_rows_than_a_page(source: Baostock, market: Market, server: BaostockServer) -> None:
    days = pd.bdate_range("2010-01-04", periods=4500)
    one = market.bars[market.bars["symbol"] == "600519.SH"].iloc[[0] * len(days)]
    server.market = Market(
        one.assign(date=days, adj_factor=1.0), market.indices, market.actions, market.instruments,
        market.today, market.membership, market.reports,
    )  # fmt: skip
    (bars,) = source.daily_bars(["600519.SH"])
    assert len(bars) == 4500
    assert (np.diff(bars.session) > np.timedelta64(0)).all()
    pages = [asked[2] for asked in server.asked if asked[0] == "query_history_k_data_plus"]
    assert pages == ["1", "2", "3"]


def test_raw_prices_are_asked_for_in_a_conversation_of_its_own(
    source: Baostock, server: BaostockServer
) -> None:
    list(source.daily_bars(["600519.SH"], date(2023, 6, 1), date(2023, 6, 30)))
    methods = [asked[0] for asked in server.asked]
    assert methods == [
        "login",
        "query_history_k_data_plus",
        "logout",
        "login",
        "query_adjust_factor",
        "logout",
    ]
    bars = server.asked[1]
    assert bars[4] == "sh.600519"
    assert bars[6:10] == ["2023-06-01", "2023-06-30", "d", "3"]


def test_a_name_without_actions_has_the_factor_one(source: Baostock, market: Market) -> None:
    (bars,) = source.daily_bars(["688981.SH"], date(2023, 1, 1))
    assert set(bars.values["adj_factor"]) == {1.0}


def test_dividends_per_share_by_the_year_of_the_ex_date(source: Baostock, market: Market) -> None:
    table, nothing = source.actions(["603288.SH", "688981.SH"], date(2021, 1, 1), date(2023, 12, 29))
    assert table.schema == SCHEMAS[Kind.ACTIONS].columns
    known = market.actions[
        (market.actions["symbol"] == "603288.SH") & (market.actions["ex_date"] >= "2021-01-01")
    ]
    assert table["ex_date"].to_pylist() == known["ex_date"].dt.date.tolist()
    assert table["cash_per_share"].to_pylist() == pytest.approx(known["cash_per_share"].tolist(), abs=1e-6)
    assert table["bonus_ratio"].to_pylist() == pytest.approx(known["bonus_ratio"].tolist(), abs=1e-6)
    assert None not in table["pay_date"].to_pylist()
    assert nothing.num_rows == 0


def test_a_whole_session_is_one_question_and_equals_the_names_one_by_one(
    source: Baostock, server: BaostockServer, market: Market
) -> None:
    day, wanted = date(2021, 7, 1), [*market.symbols, "430047.BJ"]
    bars = source.session_bars(wanted, day)
    assert [asked[0] for asked in server.asked] == ["login", "query_daily_history_k_AStock", "logout"]
    plain = Baostock(DirectCaller(), today=lambda: day)
    singles = {str(one.symbols[0]): one for name in market.symbols for one in _or_none(plain, name, day)}
    assert bars.symbols[bars.column].tolist() == sorted(singles)
    assert (bars.session == np.datetime64(day)).all()
    for row, name in enumerate(bars.symbols[bars.column]):
        one = singles[str(name)].values
        assert set(one) == set(bars.values)
        for column, values in one.items():
            assert bars.values[column][row] == pytest.approx(values[0], nan_ok=True), (name, column)


def _or_none(source: Baostock, name: str, day: date) -> list[DailyBars]:
    try:
        return list(source.daily_bars([name], day, day))
    except VendorError as problem:
        assert problem.trouble is Trouble.EMPTY  # not listed yet
        return []


def test_another_session_than_the_one_asked_for_is_refused(
    source: Baostock, server: BaostockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = server._session
    monkeypatch.setattr(server, "_session", lambda day: told("2021-06-30"))
    with pytest.raises(VendorError, match="date is 2021-06-30, not 2021-07-01"):
        source.session_bars(["600519.SH"], date(2021, 7, 1))


def test_a_session_that_is_not_there_yet_is_empty(source: Baostock) -> None:
    with pytest.raises(VendorError) as caught:
        source.session_bars(["600519.SH"], date(2024, 1, 2))
    assert caught.value.trouble is Trouble.EMPTY


@pytest.mark.parametrize(
    ("made", "trouble", "words"),
    [
        (date(2021, 6, 16), Trouble.COLUMNS, "its list is of 2021-06-16, later than the day"),
        (date(2020, 11, 1), Trouble.STALE, "its last list is of 2020-11-01"),
    ],
)
def test_a_list_of_members_made_later_or_long_ago_is_not_believed(
    source: Baostock,
    server: BaostockServer,
    monkeypatch: pytest.MonkeyPatch,
    made: date,
    trouble: Trouble,
    words: str,
) -> None:
    told = server._members

    def dated(fields: list[str]) -> tuple[Sequence[str], list[list[str]], list[str]]:
        names, rows, tail = told(fields)
        return names, [[str(made), *row[1:]] for row in rows], tail

    monkeypatch.setattr(server, "_members", dated)
    with pytest.raises(VendorError, match=words) as caught:
        source.members_on("sse50", date(2021, 6, 15))
    assert caught.value.trouble is trouble


def test_before_the_first_list_there_is_none(source: Baostock) -> None:
    with pytest.raises(VendorError) as caught:
        source.members_on("sse50", date(2019, 6, 14))
    assert caught.value.trouble is Trouble.EMPTY


def test_stocks_members_and_an_index(source: Baostock, market: Market) -> None:
    told = {row["symbol"]: row for row in source.instruments().to_pylist()}
    assert set(told) == {*market.symbols, "600001.SH"}
    assert told["600001.SH"]["delist_date"] == date(2009, 12, 29)
    assert source.symbols() == tuple(sorted(told))
    assert tuple(source.membership("sse50")["symbol"].to_pylist()) == market.members()
    then = source.members_on("sse50", date(2021, 1, 4))
    assert tuple(then["symbol"].to_pylist()) == market.until("2021-01-04").members() != market.members()
    (index,) = source.index_bars(["000016.SH"], date(2023, 12, 1))
    expected = market.rows("000016.SH", "2023-12-01")
    assert expected is not None
    assert index["close"].to_pylist() == pytest.approx(expected["close"].tolist())
    with pytest.raises(DataError, match="lists no members of 'csi1000'"):
        source.membership("csi1000")


@pytest.mark.parametrize(
    ("method", "code", "trouble"),
    [
        ("login", "10001011", Trouble.REFUSED),
        ("login", "10001005", Trouble.REFUSED),
        ("login", "10001004", Trouble.COLUMNS),
        ("query_history_k_data_plus", "10002007", Trouble.NETWORK),
        ("query_history_k_data_plus", "10005001", Trouble.SERVER),
        ("query_history_k_data_plus", "10004011", Trouble.NOT_DATA),
    ],
)
def test_codes_of_errors_become_troubles(
    source: Baostock, server: BaostockServer, method: str, code: str, trouble: Trouble
) -> None:
    server.errors[method] = code
    with pytest.raises(VendorError, match=code) as told:
        list(source.daily_bars(["600519.SH"]))
    assert told.value.trouble is trouble
    assert told.value.about == "600519.SH"


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(
    source: Baostock, server: BaostockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_ANSWER_S", 0.3)
    server.silent.add("query_history_k_data_plus")
    with pytest.raises(VendorError) as told:
        list(source.daily_bars(["600519.SH"]))
    assert told.value.trouble is Trouble.NETWORK


def test_stocks_of_beijing_are_left_to_others(source: Baostock, server: BaostockServer) -> None:
    with pytest.raises(VendorError, match="no stocks of Beijing") as told:
        list(source.daily_bars(["920001.BJ"]))
    assert told.value.trouble is Trouble.EMPTY
    assert server.asked == []


def test_columns_that_are_not_those_asked_for_are_refused(
    source: Baostock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_FIELDS", fetch._FIELDS.replace(",isST", ""))
    with pytest.raises(VendorError, match="without isST") as told:
        list(source.daily_bars(["600519.SH"]))
    assert told.value.trouble is Trouble.COLUMNS


def test_adjusted_prices_are_refused(source: Baostock, monkeypatch: pytest.MonkeyPatch) -> None:
    from vendors import baostock_server

    cell = baostock_server._cell
    monkeypatch.setattr(baostock_server, "_cell", lambda r, n, c: "1" if n == "adjustflag" else cell(r, n, c))
    with pytest.raises(VendorError, match="adjustflag is 1, not 3"):
        list(source.daily_bars(["600519.SH"]))


def test_without_the_package_the_remedy_is_named(source: Baostock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "baostock", None)
    with pytest.raises(DataError, match=r"pip install 'alphaloom\[baostock\]'"):
        list(source.daily_bars(["600519.SH"]))


def test_nothing_is_printed(source: Baostock, capfd: pytest.CaptureFixture[str]) -> None:
    list(source.daily_bars(["600519.SH"], date(2023, 6, 1), date(2023, 6, 30)))
    assert capfd.readouterr() == ("", "")

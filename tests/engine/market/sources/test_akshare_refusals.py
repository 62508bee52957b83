"""Whatever an answer has too much, too little or of another kind is refused, by every parser.

The answers are recorded from the unmodified akshare, then bent one by one and handed to the same source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from vendors.market import Market
from vendors.server import Answer, VendorServer

from engine.market.sources.akshare import announced
from engine.market.sources.akshare.actions import CninfoActions, EastmoneyActions
from engine.market.sources.akshare.announced import AnnouncedActions
from engine.market.sources.akshare.eastmoney import EastmoneyDaily
from engine.market.sources.akshare.economy import (
    MONTHLY,
    bond_yield,
    dollar_rate,
    jin10_shibor,
    published_series,
    shibor,
    undated_series,
)
from engine.market.sources.akshare.exchanges import ExchangeLists
from engine.market.sources.akshare.members import CsindexMembers
from engine.market.sources.akshare.reports import EastmoneyReports
from engine.market.sources.akshare.sina import SinaDaily
from engine.market.sources.akshare.spells import EastmoneySpells
from engine.market.sources.akshare.tencent import TencentDaily
from engine.market.sources.akshare.texts import CninfoTexts, EastmoneyTexts
from engine.market.sources.answers import Answer as Told
from engine.market.sources.remote.caller import Caller, DirectCaller
from engine.market.sources.remote.failure import Trouble, VendorError

NAME, SPAN = ["600519.SH"], (date(2023, 11, 1), date(2023, 12, 29))
#: the trends of one session, as Eastmoney tells minutes
TRENDS = [
    f"2023-12-29 09:{30 + n},0.00,1700.00,1701.00,1699.00,{n + 1},{170000 * (n + 1)},1700.0" for n in range(9)
]


def today() -> date:
    return date(2023, 12, 29)


def with_rights(market: Market) -> Market:
    rights = {"symbol": "600519.SH", "ex_date": pd.Timestamp("2023-11-20"), "cash_per_share": 0.0}
    rights |= {"bonus_ratio": 0.0, "rights_ratio": 0.3, "rights_price": 500.0}
    return replace(market, actions=pd.concat([market.actions, pd.DataFrame([rights])], ignore_index=True))


ASKED: dict[str, Callable[[Caller], Any]] = {
    "eastmoney bars": lambda c: list(EastmoneyDaily(c).daily_bars(NAME, *SPAN)),
    "eastmoney ratios": lambda c: list(EastmoneyDaily(c, ratios=True).daily_bars(NAME, *SPAN)),
    "eastmoney index": lambda c: list(EastmoneyDaily(c).index_bars(["000016.SH"], *SPAN)),
    "eastmoney minutes": lambda c: list(EastmoneyDaily(c).minute_bars(NAME)),
    "tencent bars": lambda c: list(TencentDaily(c).daily_bars(NAME, *SPAN)),
    "tencent index": lambda c: list(TencentDaily(c).index_bars(["000016.SH"], *SPAN)),
    "sina bars": lambda c: list(SinaDaily(c).daily_bars(NAME, *SPAN)),
    "sina index": lambda c: list(SinaDaily(c).index_bars(["000016.SH"], *SPAN)),
    "sina sessions": lambda c: SinaDaily(c).calendar(),
    "stocks": lambda c: ExchangeLists(c).instruments(),
    "spells": lambda c: EastmoneySpells(c, today=lambda: date(2023, 6, 5)).spells(),
    "members": lambda c: CsindexMembers(c).membership("sse50"),
    "eastmoney actions": lambda c: list(EastmoneyActions(c, today=today).actions([], *SPAN)),
    "cninfo actions": lambda c: list(CninfoActions(c).actions(NAME)),
    "reports": lambda c: list(EastmoneyReports(c, today=today, since=date(2023, 9, 1)).fundamentals([])),
    "eastmoney texts": lambda c: list(EastmoneyTexts(c, today=today).texts(NAME)),
    "cninfo texts": lambda c: list(CninfoTexts(c, today=today).texts(NAME)),
}


class Recorder:
    """Hands on calls and keeps the answers, or hands out other answers instead."""

    def __init__(self, call: Caller | None, instead: list[Any] | None = None) -> None:
        self.call, self.frames = call, instead or []
        self._next = iter(self.frames)

    def __call__(self, function: str, /, **asked: Any) -> Any:
        if self.call is not None:
            try:
                self.frames.append(self.call(function, **asked))
            except VendorError as problem:
                if problem.trouble is not Trouble.EMPTY:
                    raise
                self.frames.append(pd.DataFrame())
        frame = self.frames[-1] if self.call is not None else next(self._next)
        if not len(frame):
            raise VendorError(asked["vendor"], asked["host"], asked["about"], Trouble.EMPTY)
        return frame.copy()


@pytest.fixture(scope="module")
def recorded(running: VendorServer, market: Market) -> dict[str, list[pd.DataFrame]]:
    """The answers to each question, in order."""
    told = with_rights(market)
    minutes = Answer.of_json({"rc": 0, "data": {"code": "600519", "trends": TRENDS}})
    running.routes = lambda request: minutes if "trends2" in request.path else told.routes(request)
    out = {}
    for name, ask in ASKED.items():
        recorder = Recorder(DirectCaller())
        ask(recorder)
        out[name] = recorder.frames
    return out


def one_more(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(新列=1)


def one_fewer(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=frame.columns[min(1, frame.shape[1] - 1)])


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    # of the 57 columns of rights issues only those that are used are known
    column = "除权基准日" if frame.shape[1] == 57 else frame.columns[0]
    return frame.rename(columns={column: "改名"})


@pytest.mark.parametrize("name", ASKED)
def test_the_answers_are_read_as_they_are(name: str, recorded: dict[str, list[pd.DataFrame]]) -> None:
    frames = recorded[name]
    assert any(len(frame) for frame in frames)
    ASKED[name](Recorder(None, frames))


@pytest.mark.parametrize("bend", [one_more, one_fewer, renamed])
@pytest.mark.parametrize("name", ASKED)
def test_one_more_or_fewer_or_other_column_is_refused(
    name: str, bend: Callable[[pd.DataFrame], pd.DataFrame], recorded: dict[str, list[pd.DataFrame]]
) -> None:
    frames = recorded[name]
    for place, frame in enumerate(frames):
        if not len(frame):
            continue  # there was nothing to tell
        bent = [*frames[:place], bend(frame), *frames[place + 1 :]]
        with pytest.raises(VendorError) as told:
            ASKED[name](Recorder(None, bent))
        assert told.value.trouble is Trouble.COLUMNS, told.value
        assert told.value.about and told.value.host and told.value.vendor in str(told.value)


def with_cell(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def bend(frame: pd.DataFrame) -> pd.DataFrame:
        if column not in frame:
            return frame
        out = frame.copy()
        out[column] = out[column].astype(object)
        out.loc[out.index[0], column] = value
        return out

    return bend


def with_column(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: value}) if column in frame else frame


@pytest.mark.parametrize(
    ("name", "bend", "said"),
    [
        ("eastmoney bars", with_column("股票代码", "000001"), "股票代码 is 000001, not 600519"),
        ("eastmoney bars", with_cell("日期", "brillig"), "日期 is 'brillig' in a row, which is no day"),
        ("eastmoney bars", with_cell("日期", None), "日期 is missing in 1 of 43 rows"),
        ("eastmoney bars", with_cell("收盘", "no"), "收盘 is 'no' in a row, which is no number"),
        ("eastmoney bars", with_column("收盘", np.nan), "收盘 has no numbers"),
        ("eastmoney bars", with_column("最高", 1.0), "the columns are not what they are called"),
        ("eastmoney ratios", with_cell("PE(TTM)", "x"), "PE"),
        ("eastmoney index", with_column("low", 9e9), "the columns are not what they are called"),
        ("eastmoney minutes", with_column("收盘", 0.0), "收盘 has no prices"),
        ("eastmoney minutes", with_cell("时间", None), "时间 is missing or no time"),
        ("tencent bars", with_column("volume", np.nan), "volume has no numbers"),
        ("sina bars", with_column("low", 9e9), "the columns are not what they are called"),
        ("stocks", with_column("证券代码", "510050"), "证券代码 has no code of an A-share"),
        ("stocks", with_cell("暂停上市日期", date(1990, 1, 1)), "before it was listed"),
        ("spells", with_cell("停牌时间", "soon"), "停牌时间 is 'soon'"),
        ("members", with_cell("日期", date(2020, 1, 2)), "the list is of 2 days"),
        ("members", with_column("指数代码", "000300"), "指数代码 is 000300, not 000016"),
        ("members", with_column("成分券代码", "600519"), "1 members, not 50"),
        ("eastmoney actions", with_cell("现金分红-现金分红比例", -1.0), "terms below zero"),
        ("cninfo actions", with_column("证券代码", "600000"), "证券代码 is 600000, not 600519"),
        ("cninfo actions", with_column("配股价格", np.nan), "have no price"),
        ("reports", with_column("每股收益", np.nan), None),
        ("reports", with_cell("净利润-净利润", "many"), "净利润-净利润 is 'many'"),
        ("eastmoney texts", with_column("关键词", "000001"), "关键词 is 000001, not 600519"),
        ("eastmoney texts", with_cell("发布时间", "once"), "发布时间 is missing or no time"),
        ("eastmoney texts", with_column("代码", "000001"), "代码 is 000001, not 600519"),
        ("cninfo texts", with_column("代码", "000001"), "代码 is 000001, not 600519"),
    ],
)
def test_what_is_not_what_it_is_called_is_refused(
    name: str,
    bend: Callable[[pd.DataFrame], pd.DataFrame],
    said: str | None,
    recorded: dict[str, list[pd.DataFrame]],
) -> None:
    frames = [bend(frame) for frame in recorded[name]]
    if said is None:  # one figure may be missing; it is left out
        ASKED[name](Recorder(None, frames))
        return
    with pytest.raises(VendorError) as told:
        ASKED[name](Recorder(None, frames))
    assert told.value.trouble is Trouble.COLUMNS
    assert said in str(told.value)


def test_reports_that_are_all_dated_before_their_period_are_another_column(
    recorded: dict[str, list[pd.DataFrame]],
) -> None:
    reports, days = recorded["reports"]
    bent = [reports.assign(最新公告日期=date(2023, 1, 1)), days.assign(实际披露时间=None)]
    with pytest.raises(VendorError, match="published before it was over"):
        ASKED["reports"](Recorder(None, bent))


def test_rights_issues_with_another_column_are_refused(
    market: Market, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = with_rights(market)

    def routes(request: Any) -> Answer | None:
        answer = told.routes(request)
        if answer is not None and request.query.get("reportName") == "RPT_IPO_ALLOTMENT":
            return replace(answer, body=answer.raw.decode().replace('"F16": null,', ""))
        return answer

    server.routes = routes
    monkeypatch.setattr(announced, "_A_NAME", 1000)
    names = ["600519.SH", "688981.SH"]
    # Eastmoney's list cannot be read, so every name is asked for at cninfo
    tables = list(AnnouncedActions(DirectCaller(), today=today).actions(names, *SPAN))
    assert [table.num_rows for table in tables] == [2, 0]
    assert {r.query["scode"] for r in server.asked("webapi.cninfo.com.cn")} == {"600519", "688981"}


# series of the economy --------------------------------------------------------------------------------------


def told(frame: pd.DataFrame) -> Told:
    return Told(frame, "akshare/economy", "host.cn", "series")


def published(*rows: tuple[str, float | None]) -> pd.DataFrame:
    days, values = zip(*rows, strict=True)
    return pd.DataFrame({"商品": "x", "日期": days, "今值": values, "预测值": None, "前值": None})


def test_a_month_follows_from_the_day_of_publication() -> None:
    pmi, cpi, _ = MONTHLY
    # the index of February 2016 appeared on the first of the next month
    series = published_series(
        told(published(("2016-03-01", 49.0), ("2016-04-01", 50.2), ("2016-04-30", 50.1))), pmi
    )
    assert series.period.astype(str).tolist() == ["2016-02-29", "2016-03-31", "2016-04-30"]
    assert series.visible.astype(str).tolist() == ["2016-03-01", "2016-04-01", "2016-04-30"]
    # old rows stand on the first of a month, on which nothing was published
    series = published_series(
        told(published(("1996-03-01", 9.3), ("2023-11-09", -0.2), ("2023-12-09", None))), cpi
    )
    assert series.period.astype(str).tolist() == ["1996-02-29", "2023-10-31"]
    assert series.visible.astype(str).tolist() == ["1996-03-17", "2023-11-09"]


@pytest.mark.parametrize(
    ("read", "frame", "said"),
    [
        (lambda t: published_series(t, MONTHLY[0]), published(("2023-11-30", 4940.0)), "is 4940"),
        (
            lambda t: published_series(t, MONTHLY[0]),
            published(("2023-11-30", 1.0)).assign(x=1),
            "with x besides",
        ),
        (
            lambda t: undated_series(t, MONTHLY[0]),
            pd.DataFrame({n: ["2023.11" if n == "月份" else 1.0] for n in MONTHLY[0].columns}),
            "月份 is '2023.11', which is no month",
        ),
        (shibor, pd.DataFrame({"报告日": ["2023-11-01"], "利率": [1.7]}), "without 涨跌"),
        (jin10_shibor, pd.DataFrame({"日期": ["2023-11-01"]}), "without O/N-定价"),
        (bond_yield, pd.DataFrame({"日期": ["2023-11-01"]}), "without 中国国债收益率2年"),
        (dollar_rate, pd.DataFrame({"日期": ["2023-11-01"], "欧元": [780.0]}), "without 美元"),
    ],
)
def test_another_shape_of_a_series_is_refused(
    read: Callable[[Told], Any], frame: pd.DataFrame, said: str
) -> None:
    with pytest.raises(VendorError, match=said):
        read(told(frame))


def test_a_column_that_comes_twice_is_refused() -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "b"])
    with pytest.raises(VendorError, match="with a column twice"):
        told(frame).has_exactly(("a", "b"))

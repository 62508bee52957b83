"""Series of the economy with the first day whose close could reflect each value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.sources.answers import Answer, plain_days, rows, within
from engine.market.sources.remote.failure import VendorError
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind

PUBLISHED = ("商品", "日期", "今值", "预测值", "前值")
SHIBOR = ("报告日", "利率", "涨跌")
YIELDS = (
    "日期", "中国国债收益率2年", "中国国债收益率5年", "中国国债收益率10年", "中国国债收益率30年",
    "中国国债收益率10年-2年", "中国GDP年增率", "美国国债收益率2年", "美国国债收益率5年", "美国国债收益率10年",
    "美国国债收益率30年", "美国国债收益率10年-2年", "美国GDP年增率",
)  # fmt: skip
_TERMS_OF_SHIBOR = ("O/N", "1W", "2W", "1M", "3M", "6M", "9M", "1Y")
JIN10_SHIBOR = ("日期", *(f"{term}-{what}" for term in _TERMS_OF_SHIBOR for what in ("定价", "涨跌幅")))
_JIN10_FILES = "cdn.jin10.com"
_JIN10, _CENTRE, _YIELDS, _SAFE = (
    "datacenter-api.jin10.com", "datacenter-web.eastmoney.com", "datacenter.eastmoney.com", "www.safe.gov.cn",
)  # fmt: skip
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")
_CHINESE_MONTH = re.compile(r"^(\d{4})年(\d{1,2})月份?$")
#: range in which the CNY price of a dollar and rates in percent can lie
_PLAUSIBLE = {"usd_cny": (1.0, 20.0)}
_PERCENT = (-50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Monthly:
    """A monthly series.

    Parameters
    ----------
    series : str
        House name; percent, but for the purchasing managers' index, which is in points.
    key : str
        What :mod:`engine.market.sources.akshare.fetch` calls it.
    same_month : bool
        Whether it is published in the last days of its own month or, at times, in the first of the next;
        else in the month after.
    latest_day : int
        By this day of the following month the figure has been published (Bureau of Statistics: the PMI on the
        last day of the month or the first of the next, prices by the 16th; the central bank: money by the
        20th); it counts from the day after. Used where a vendor tells no day of publication.
    after_close : bool
        Whether it is published after the close of its day, as the central bank's figures are; the Bureau of
        Statistics publishes at 9:30.
    columns : tuple of str
        Columns of the table without days of publication.
    value : str
        The column of these that holds it.
    """

    series: str
    key: str
    same_month: bool
    latest_day: int
    after_close: bool
    columns: tuple[str, ...]
    value: str


def _columns(groups: tuple[str, ...], parts: tuple[str, ...]) -> tuple[str, ...]:
    return ("月份", *(f"{group}-{part}" for group in groups for part in parts))


_CPI_COLUMNS = _columns(("全国", "城市", "农村"), ("当月", "同比增长", "环比增长", "累计"))
_MONEY_COLUMNS = _columns(
    ("货币和准货币(M2)", "货币(M1)", "流通中的现金(M0)"), ("数量(亿元)", "同比增长", "环比增长")
)
_PMI_COLUMNS = ("月份", "制造业-指数", "制造业-同比增长", "非制造业-指数", "非制造业-同比增长")

MONTHLY = (
    Monthly("pmi_manufacturing", "pmi", True, 3, False, _PMI_COLUMNS, "制造业-指数"),
    Monthly("cpi_yoy", "cpi", False, 16, False, _CPI_COLUMNS, "全国-同比增长"),
    Monthly("m2_yoy", "m2", False, 20, True, _MONEY_COLUMNS, "货币和准货币(M2)-同比增长"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """Values of a series, the days they are about, and the first days whose close could reflect them."""

    period: Dates
    visible: Dates
    value: Floats


def published_series(answer: Answer, monthly: Monthly) -> Series:
    """Read a series that comes with its days of publication (``macro_china_*_yearly``).

    A month is told by its day of publication. Old rows stand on the first of a month, which is no day on
    which such figures appeared (but for the PMI): they count from the latest usual day.
    """
    answer.has_exactly(PUBLISHED)
    day, value = answer.days("日期"), answer.numbers("今值")
    told = ~np.isnan(value)
    day, value = day[told], value[told]
    month = day.astype("datetime64[M]")
    number = (day - month).astype(int) + 1
    own = monthly.same_month & (number >= 20)
    period = _month_end(np.where(own, month, month - _MONTH))
    placeholder = ~own & (number == 1) & (not monthly.same_month)
    known = day + _DAY if monthly.after_close else day
    visible = np.where(placeholder, _latest(period, monthly), known)
    return _plausible(answer, monthly.series, Series(period, visible, value))


def undated_series(answer: Answer, monthly: Monthly) -> Series:
    """Read a series by month without days of publication: it counts from after the latest usual day."""
    answer.has_exactly(monthly.columns)
    months = []
    for text in answer.texts("月份"):
        found = _CHINESE_MONTH.match(text)
        if found is None:
            answer.refuse(f"月份 is {text!r}, which is no month")
        months.append(f"{found[1]}-{int(found[2]):02d}")
    period = _month_end(np.array(months, dtype="datetime64[M]"))
    value = answer.numbers(monthly.value, mostly=True)
    return _plausible(answer, monthly.series, Series(period, _latest(period, monthly), value))


def shibor(answer: Answer) -> Series:
    """Read ``rate_interbank``: overnight Shibor in percent, published at 11:00 of its day."""
    day = answer.has_exactly(SHIBOR).days("报告日")
    return _plausible(answer, "shibor_overnight", Series(day, day, answer.numbers("利率", mostly=True)))


def jin10_shibor(answer: Answer) -> Series:
    """Read ``macro_china_shibor_all``: overnight Shibor in percent."""
    day = answer.has_exactly(JIN10_SHIBOR).days("日期")
    return _plausible(answer, "shibor_overnight", Series(day, day, answer.numbers("O/N-定价", mostly=True)))


def bond_yield(answer: Answer) -> Series:
    """Read ``bond_zh_us_rate``: yield of ten years in percent; it is reckoned after the close of its day."""
    day = answer.has_exactly(YIELDS).days("日期")
    value = answer.numbers("中国国债收益率10年")
    return _plausible(answer, "bond_yield_10y", Series(day, day + _DAY, value))


def dollar_rate(answer: Answer) -> Series:
    """Read ``currency_boc_safe``: CNY for 100 dollars, fixed at 9:15 of its day; here for one."""
    missing = [name for name in ("日期", "美元") if name not in answer.frame.columns]
    if missing:
        answer.refuse(f"without {', '.join(missing)}")
    day = answer.days("日期")
    return _plausible(answer, "usd_cny", Series(day, day, answer.numbers("美元", mostly=True) / 100.0))


def _plausible(answer: Answer, name: str, series: Series) -> Series:
    low, high = _PLAUSIBLE.get(name, _PERCENT)
    told = ~np.isnan(series.value)
    strange = told & ((series.value < low) | (series.value > high))
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        answer.refuse(f"{name} of {series.period[row]} is {series.value[row]:g}")
    return Series(series.period[told], series.visible[told], series.value[told])


def _month_end(month: Any) -> Dates:
    return np.asarray((month.astype("datetime64[M]") + _MONTH).astype("datetime64[D]") - _DAY)


def _latest(period: Dates, monthly: Monthly) -> Dates:
    return np.asarray(period + np.timedelta64(monthly.latest_day + 1, "D"))


class Economy(VendorSource):
    """Six series: ``pmi_manufacturing cpi_yoy m2_yoy shibor_overnight bond_yield_10y usd_cny``.

    Notes
    -----
    PMI, CPI and M2 come from jin10 with their days of publication, and where that host fails from Eastmoney
    with the latest usual day instead; Shibor from Eastmoney, else from jin10. The column `source` says which.
    Jin10 is asked until it answers with
    nothing: some tens of requests a series. The dollar's rate is the central parity rate, three requests to
    the State Administration of Foreign Exchange. The series that can be had come first; the first that could
    not is then the error.
    """

    name = "akshare/economy"
    hosts = frozenset({_JIN10, _JIN10_FILES, _CENTRE, _YIELDS, _SAFE})
    offers = frozenset({Kind.MACRO})
    deadline_s = 240.0

    def macro(self, since: date | None = None) -> Iterator[Any]:
        """Values visible since a day, one table a series."""
        failed: list[VendorError] = []
        for name, ask in self._series(since):
            try:
                series, host = ask()
            except VendorError as problem:
                failed.append(problem)
                continue
            yield _table(name, series, since, f"akshare/{host}")
        if failed:
            raise failed[0]

    def _series(self, since: date | None) -> Iterator[tuple[str, Callable[[], tuple[Series, str]]]]:
        for monthly in MONTHLY:
            yield monthly.series, partial(self._monthly, monthly)
        yield "shibor_overnight", self._shibor
        # a yield counts from the day after its own; some days more for holidays
        first = (since - timedelta(days=15) if since else date(2002, 1, 4)).strftime("%Y%m%d")
        asked = partial(self.ask, "bond_yields", _YIELDS, "bond yields", first=first)
        yield "bond_yield_10y", lambda: (bond_yield(asked()), _YIELDS)
        yield "usd_cny", lambda: (dollar_rate(self.ask("yuan_rates", _SAFE, "yuan rates")), _SAFE)

    def _shibor(self) -> tuple[Series, str]:
        try:
            return shibor(self.ask("interbank_rates", _CENTRE, "Shibor")), _CENTRE
        except VendorError:
            return jin10_shibor(self.ask("jin10_interbank_rates", _JIN10_FILES, "Shibor")), _JIN10_FILES

    def _monthly(self, monthly: Monthly) -> tuple[Series, str]:
        about = monthly.series
        try:
            answer = self.ask("jin10_series", _JIN10, about, series=monthly.key)
            return published_series(answer, monthly), _JIN10
        except VendorError:
            answer = self.ask("eastmoney_series", _CENTRE, about, series=monthly.key)
            return undated_series(answer, monthly), _CENTRE


def _table(name: str, series: Series, since: date | None, source: str) -> Any:
    kept = within(series.visible, since, None)
    columns = (
        ("period_end", plain_days(series.period[kept])), ("visible_date", plain_days(series.visible[kept])),
        ("value", series.value[kept].tolist()),
    )  # fmt: skip
    return table_of(Kind.MACRO, ({**row, "series": name, "source": source} for row in rows(*columns)))

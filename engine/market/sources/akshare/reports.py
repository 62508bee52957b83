"""Figures of companies' reports, dated by when they were first published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.market.calendar import Dates
from engine.market.sources.akshare.periods import ended_between
from engine.market.sources.answers import Answer, plain_days
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind

REPORTS = (
    "序号", "股票代码", "股票简称", "每股收益", "营业总收入-营业总收入", "营业总收入-同比增长",
    "营业总收入-季度环比增长", "净利润-净利润", "净利润-同比增长", "净利润-季度环比增长", "每股净资产",
    "净资产收益率", "每股经营现金流量", "销售毛利率", "所处行业", "最新公告日期",
)  # fmt: skip
DISCLOSURES = (
    "序号", "股票代码", "股票简称", "首次预约时间", "一次变更日期", "二次变更日期", "三次变更日期",
    "实际披露时间",
)  # fmt: skip
#: House names of figures: CNY and CNY per share since the beginning of the year, percent where the name says.
FIGURES = {
    "eps": "每股收益", "revenue": "营业总收入-营业总收入", "revenue_yoy_pct": "营业总收入-同比增长",
    "net_profit": "净利润-净利润", "net_profit_yoy_pct": "净利润-同比增长", "bvps": "每股净资产",
    "roe_pct": "净资产收益率", "ocf_per_share": "每股经营现金流量", "gross_margin_pct": "销售毛利率",
}  # fmt: skip
#: figures that a later report changes although nothing was restated
_RECKONED_ANEW = frozenset({"revenue_yoy_pct", "net_profit_yoy_pct"})
_HOST = "datacenter-web.eastmoney.com"
_YEARS = 2


def first_published(answer: Answer) -> dict[str, date]:
    """Read ``stock_yysj_em``: the day of a stock's report, where it has appeared."""
    answer.has_exactly(DISCLOSURES)
    symbols, kept = answer.stocks("股票代码")
    days = plain_days(answer.days("实际披露时间", blank=True))
    told = zip(symbols, days, kept, strict=True)
    return {symbol: day for symbol, day, keep in told if keep and day is not None}


def report_table(
    answer: Answer,
    published: dict[str, date],
    period: date,
    *,
    wanted: Collection[str] = (),
    as_published: bool = False,
    source: str = "",
) -> Any:
    """Read ``stock_yjbb_em``: figures of one period, each from the first day on which it cannot be a leak.

    The day that comes with the figures is that of their last update. Figures that were updated after the
    report appeared may have been restated then, so they count from the update. With `as_published` they
    count from the day of the report all the same, without the changes on a year before, which are reckoned
    anew every year: what has been restated is then a leak.

    A report of a day is posted on the evening before or that morning, so the close of its day can reflect it.
    """
    answer.has_exactly(REPORTS)
    symbols, kept = answer.stocks("股票代码")
    # the old codes of Beijing's exchange are those of the third board too, whose stocks come along
    kept &= np.array([not s.endswith(".BJ") or s.startswith("920") for s in symbols], dtype=bool)
    updated: Dates = answer.days("最新公告日期", blank=True)
    appeared = np.array([published.get(symbol) for symbol in symbols], dtype="datetime64[D]")
    known = np.where(np.isnat(appeared), updated, appeared) if as_published else np.fmax(updated, appeared)
    visible = plain_days(known)
    # a few days that are too early are slips that the store sets aside; most of them are another column
    if 2 * sum(day is not None and day <= period for day in visible) > len(visible):
        answer.refuse(f"figures of {period} were published before it was over")
    values = {figure: answer.numbers(column) for figure, column in FIGURES.items()}
    if np.isnan(np.array([values["eps"], values["net_profit"]])).all():
        answer.refuse("no figure has a number")
    told = [i for i, s in enumerate(symbols) if kept[i] and visible[i] and (not wanted or s in wanted)]
    return table_of(
        Kind.FUNDAMENTALS,
        (
            {
                "figure": figure, "symbol": symbols[i], "visible_date": visible[i], "period_end": period,
                "value": float(column[i]), "source": source,
            }
            for figure, column in values.items()
            if not (as_published and figure in _RECKONED_ANEW)
            for i in told
            if np.isfinite(column[i])
        ),
    )  # fmt: skip


class EastmoneyReports(VendorSource):
    """Nine figures of each report, of all stocks at once, by period.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai.
    since : date or None
        Reports of periods that ended before it are not asked for; two years ago where it is None.
    as_published : bool
        Date figures by the day of their report even where they were updated since (see `report_table`): for
        research on years in which no store was filled, with what was restated as a known leak.

    Notes
    -----
    A period is asked for by about 40 requests to one host, the third board's stocks among them. The vendor
    touches most rows again within the years that follow, so by default old figures become visible long after
    their report; those of the newest reports within days. A store that is filled as reports appear keeps what
    was seen first. Stocks of Beijing come with the day of the update alone.
    """

    name = "akshare/eastmoney-reports"
    hosts = frozenset({_HOST})
    offers = frozenset({Kind.FUNDAMENTALS})
    deadline_s = 180.0

    def __init__(
        self,
        call: Caller,
        *,
        today: Callable[[], date],
        since: date | None = None,
        as_published: bool = False,
    ) -> None:
        super().__init__(call)
        self._today, self._since, self._as_published = today, since, as_published

    def fundamentals(self, symbols: Sequence[str]) -> Iterator[Any]:
        """Figures of the named stocks (of all, if none is named), one table a period, oldest first."""
        today = self._today()
        since = self._since or today.replace(year=today.year - _YEARS, day=1)
        wanted = set(symbols)
        for period in ended_between(since, today):
            text = period.strftime("%Y%m%d")
            answer = self.ask(
                "eastmoney_reports", _HOST, f"reports of {period}", may_be_empty=True, period=text
            )
            if not len(answer):
                continue
            days = self.ask("eastmoney_disclosures", _HOST, f"days of reports of {period}", period=text)
            yield report_table(
                answer, first_published(days), period, wanted=wanted, as_published=self._as_published,
                source=self.name,
            )  # fmt: skip

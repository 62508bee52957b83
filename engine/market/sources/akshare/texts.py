"""News and announcements, with the time at which they could be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from engine.market.sources.answers import Answer, rows
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind, TextKind

NEWS = ("关键词", "新闻标题", "新闻内容", "发布时间", "文章来源", "新闻链接")
NOTICES = ("代码", "名称", "公告标题", "公告类型", "公告日期", "网址")
ANNOUNCEMENTS = ("代码", "简称", "公告标题", "公告时间", "公告链接")

_NEWS_HOST, _NOTICES_HOST = "search-api-web.eastmoney.com", "np-anotice-stock.eastmoney.com"
_CNINFO = "www.cninfo.com.cn"
#: where no first day is named, announcements of so many days
_DAYS = 30


def news_table(answer: Answer, symbol: str, since: datetime | None) -> Any:
    """Read ``stock_news_em``: the newest news that name a stock, published in Shanghai's time.

    The same search finds what merely mentions the code; the symbol is the one that was asked for.
    """
    answer.has_exactly(NEWS).is_about("关键词", symbol[:6])
    moments = _moments(answer, "发布时间")
    columns = (
        ("published_at", moments), ("title", answer.texts("新闻标题")), ("body", answer.texts("新闻内容")),
        ("source", answer.texts("新闻链接")),
    )  # fmt: skip
    return _table(rows(*columns), [symbol] * len(answer), TextKind.NEWS, since)


def notice_table(answer: Answer, symbol: str, since: datetime | None) -> Any:
    """Read ``stock_individual_notice_report``: announcements with their day; body is their sort.

    The exchanges take announcements for a day on the evening before and that morning, so one that is told
    with a day alone is said to be published at its midnight: the close of that day is the first to know it.
    """
    answer.has_exactly(NOTICES).is_mostly_about("代码", symbol[:6])
    moments = _moments(answer, "公告日期")
    columns = (
        ("published_at", moments), ("title", answer.texts("公告标题")), ("body", answer.texts("公告类型")),
        ("source", answer.texts("网址")),
    )  # fmt: skip
    return _table(rows(*columns), [symbol] * len(answer), TextKind.ANNOUNCEMENT, since)


def announcement_table(answer: Answer, symbol: str, since: datetime | None) -> Any:
    """Read ``stock_zh_a_disclosure_report_cninfo``: announcements, at midnight where no time is told."""
    answer.has_exactly(ANNOUNCEMENTS).is_mostly_about("代码", symbol[:6])
    moments = _moments(answer, "公告时间")
    columns = (
        ("published_at", moments), ("title", answer.texts("公告标题")), ("body", [""] * len(answer)),
        ("source", answer.texts("公告链接")),
    )  # fmt: skip
    return _table(rows(*columns), [symbol] * len(answer), TextKind.ANNOUNCEMENT, since)


def _moments(answer: Answer, name: str) -> list[datetime]:
    moments = pd.to_datetime(answer.frame[name], errors="coerce", format="mixed")
    if moments.isna().any():
        answer.refuse(f"{name} is missing or no time in a row")
    return [moment.to_pydatetime() for moment in moments]


def _table(
    found: Iterator[dict[str, Any]], symbols: Sequence[str], kind: TextKind, since: datetime | None
) -> Any:
    told = []
    for row, symbol in zip(found, symbols, strict=True):
        if row["title"] and (since is None or row["published_at"] >= since):
            told.append({**row, "day": row["published_at"].date(), "symbol": symbol, "kind": kind.value})
    return table_of(Kind.TEXTS, told)


class EastmoneyTexts(VendorSource):
    """News of a stock, the ten newest, and its announcements: three requests a name to two hosts.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai.
    """

    name = "akshare/eastmoney-texts"
    hosts = frozenset({_NEWS_HOST, _NOTICES_HOST})
    offers = frozenset({Kind.TEXTS})

    def __init__(self, call: Caller, *, today: Callable[[], date]) -> None:
        super().__init__(call)
        self._today = today

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """News and then announcements of each named stock, of the last 30 days where no moment is named.

        Announcements of tomorrow, which are out on the evening before, come too.
        """
        last = self._today() + timedelta(days=1)
        first = last - timedelta(days=_DAYS) if since is None else since.date()
        for symbol in symbols:
            told = self.ask(
                "eastmoney_news", _NEWS_HOST, f"{symbol} news", may_be_empty=True, code=symbol[:6]
            )
            if len(told):
                yield news_table(told, symbol, since)
            told = self.ask(
                "eastmoney_notices", _NOTICES_HOST, f"{symbol} announcements", may_be_empty=True,
                code=symbol[:6], first=str(first), last=str(last),
            )  # fmt: skip
            if len(told):
                yield notice_table(told, symbol, since)


class CninfoTexts(VendorSource):
    """Announcements of a stock from the official site: two requests a name, and one for the list of stocks.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai.
    """

    name = "akshare/cninfo-texts"
    hosts = frozenset({_CNINFO})
    offers = frozenset({Kind.TEXTS})

    def __init__(self, call: Caller, *, today: Callable[[], date]) -> None:
        super().__init__(call)
        self._today = today

    def texts(self, symbols: Sequence[str], since: datetime | None = None) -> Iterator[Any]:
        """Announcements of each named stock, of the last 30 days where no moment is named."""
        last = self._today() + timedelta(days=1)
        first = last - timedelta(days=_DAYS) if since is None else since.date()
        for symbol in symbols:
            told = self.ask(
                "cninfo_announcements", _CNINFO, f"{symbol} announcements", may_be_empty=True,
                code=symbol[:6], first=first.strftime("%Y%m%d"), last=last.strftime("%Y%m%d"),
            )  # fmt: skip
            if len(told):
                yield announcement_table(told, symbol, since)

"""Corporate actions: announced terms per share, by ex-date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.market.sources.akshare.periods import ended_between
from engine.market.sources.answers import Answer, plain_days, rows, within
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind

EASTMONEY_DIVIDENDS = (
    "代码", "名称", "送转股份-送转总比例", "送转股份-送转比例", "送转股份-转股比例", "现金分红-现金分红比例",
    "现金分红-股息率", "每股收益", "每股净资产", "每股公积金", "每股未分配利润", "净利润同比增长", "总股本",
    "预案公告日", "股权登记日", "除权除息日", "方案进度", "最新公告日期",
)  # fmt: skip
CNINFO_DIVIDENDS = (
    "实施方案公告日期", "分红类型", "送股比例", "转增比例", "派息比例", "股权登记日", "除权日", "派息日",
    "股份到账日", "实施方案分红说明", "报告时间",
)  # fmt: skip
#: of the 57 columns of rights issues, those that are used
CNINFO_RIGHTS = ("证券代码", "除权基准日", "配股比例", "配股价格", "股票类别")
_RIGHTS_COLUMNS = 57
#: terms are told for ten shares
_TEN = 10.0
#: how a plan is called that has been carried out
_DONE = "实施分配"
#: shares given to some holders by others when shares became tradable (2005-2008): no ex-date of the market
_REFORM = ("股改", "股权分置", "对价")
#: a dividend goes ex at most so many months after the end of its period
_MONTHS = 18

_CENTRE, _CNINFO = "datacenter-web.eastmoney.com", "webapi.cninfo.com.cn"
_Row = dict[str, Any]


def eastmoney_dividend_rows(answer: Answer) -> Iterator[_Row]:
    """Read ``stock_fhps_em``: plans that were carried out, per ten shares; no pay date."""
    answer.has_exactly(EASTMONEY_DIVIDENDS)
    symbols, kept = answer.stocks("代码")
    done = np.array([text == _DONE for text in answer.texts("方案进度")], dtype=bool)
    cash, bonus = answer.numbers("现金分红-现金分红比例"), answer.numbers("送转股份-送转总比例")
    yield from _terms(answer, symbols, kept & done, answer.days("除权除息日", blank=True), cash, bonus)


def cninfo_dividend_rows(answer: Answer, symbol: str) -> Iterator[_Row]:
    """Read ``stock_dividend_cninfo``: dividends and bonus shares per ten shares, with the pay date."""
    answer.has_exactly(CNINFO_DIVIDENDS)
    kinds = answer.texts("分红类型")
    kept = np.array([not any(word in kind for word in _REFORM) for kind in kinds], dtype=bool)
    bonus = np.nan_to_num(answer.numbers("送股比例")) + np.nan_to_num(answer.numbers("转增比例"))
    ex_date, paid = answer.days("除权日", blank=True), answer.days("派息日", blank=True)
    # cash is never paid before the ex-date: a day that says so is a slip of the pen, and not known
    paid = np.where(paid < ex_date, np.datetime64("NaT", "D"), paid)
    symbols = [symbol] * len(answer)
    yield from _terms(answer, symbols, kept, ex_date, answer.numbers("派息比例"), bonus, plain_days(paid))


def cninfo_rights_rows(answer: Answer, symbol: str) -> Iterator[_Row]:
    """Read ``stock_allotment_cninfo``: rights per ten shares and their price, of A-shares that went ex."""
    columns = [str(name) for name in answer.frame.columns]
    missing = [name for name in CNINFO_RIGHTS if name not in columns]
    if missing or len(columns) != _RIGHTS_COLUMNS:
        answer.refuse(
            f"{len(columns)} columns, not {_RIGHTS_COLUMNS}" + "".join(f", without {n}" for n in missing)
        )
    answer.is_about("证券代码", symbol[:6])
    days = plain_days(answer.days("除权基准日", blank=True))
    ratio, price = np.round(answer.numbers("配股比例") / _TEN, 8), answer.numbers("配股价格")
    for day, shares, cny, kind in zip(days, ratio, price, answer.texts("股票类别"), strict=True):
        if day is None or not shares > 0.0 or "B" in kind.upper():
            continue
        if not cny > 0.0:
            answer.refuse(f"the rights of {day} have no price")
        yield {"symbol": symbol, "ex_date": day, "rights_ratio": float(shares), "rights_price": float(cny)}


def _terms(
    answer: Answer,
    symbols: Sequence[str],
    kept: Any,
    ex_date: Any,
    cash: Any,
    bonus: Any,
    pay_date: Sequence[date | None] | None = None,
) -> Iterator[_Row]:
    # a term has at most eight digits, whatever a division makes of it
    cash, bonus = (np.round(np.nan_to_num(terms) / _TEN, 8) for terms in (cash, bonus))
    if (cash < 0.0).any() or (bonus < 0.0).any():
        answer.refuse("terms below zero")
    pay = pay_date or [None] * len(answer)
    columns = (
        ("symbol", symbols), ("ex_date", plain_days(ex_date)), ("cash_per_share", cash.tolist()),
        ("bonus_ratio", bonus.tolist()), ("pay_date", pay),
    )  # fmt: skip
    for row, keep in zip(rows(*columns), kept, strict=True):
        if keep and row["ex_date"] is not None and (row["cash_per_share"] or row["bonus_ratio"]):
            yield row


def _table(found: Iterator[_Row], name: str, first: date | None, last: date | None) -> Any:
    """A table of actions of some days; terms that a row does not tell are 0."""
    terms = {"cash_per_share": 0.0, "bonus_ratio": 0.0, "rights_ratio": 0.0, "rights_price": 0.0}
    told = [{**terms, **row, "source": name} for row in found]
    days = np.array([row["ex_date"] for row in told], dtype="datetime64[D]")
    kept = within(days, first, last)
    return table_of(Kind.ACTIONS, (row for row, keep in zip(told, kept, strict=True) if keep))


def periods_asked(first: date | None, last: date | None, today: date) -> list[date]:
    """Ends of the periods whose dividends may go ex between two days; since 2019 by default."""
    return list(ended_between(first or date(2019, 1, 1), last or today, months_before=_MONTHS))


class EastmoneyActions(VendorSource):
    """Dividends and bonus shares of all stocks at once, by period of report; no pay dates, no rights.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai, up to which periods are asked for where no last day is named.

    Notes
    -----
    A quarter's end is asked for by one request for each 500 stocks and one more: about 12 requests for the
    year's end, two or three for the other quarters. Cheap for a whole market, dear for a few names.
    """

    name = "akshare/eastmoney-actions"
    hosts = frozenset({_CENTRE})
    offers = frozenset({Kind.ACTIONS})
    deadline_s = 180.0

    def __init__(self, call: Caller, *, today: Callable[[], date]) -> None:
        super().__init__(call)
        self._today = today

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Actions of the named stocks (of all, if none is named) by period; since 2019 where no day is."""
        wanted = set(symbols)
        for period in periods_asked(first, last, self._today()):
            answer = self.ask(
                "eastmoney_dividends", _CENTRE, f"dividends of {period}", may_be_empty=True,
                period=period.strftime("%Y%m%d"),
            )  # fmt: skip
            if len(answer):
                found = eastmoney_dividend_rows(answer)
                mine = (row for row in found if not wanted or row["symbol"] in wanted)
                yield _table(mine, self.name, first, last)


class CninfoActions(VendorSource):
    """Dividends, bonus shares and rights of one stock after the other, with pay dates.

    Two requests a name to one host. Terms of the whole history come at once.
    """

    name = "akshare/cninfo"
    hosts = frozenset({_CNINFO})
    offers = frozenset({Kind.ACTIONS})

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Actions of each named stock, one table a name, empty where it has none."""
        for symbol in symbols:
            found: list[_Row] = []
            told = self.ask(
                "cninfo_dividends", _CNINFO, f"{symbol} dividends", may_be_empty=True, code=symbol[:6]
            )
            if len(told):
                found += cninfo_dividend_rows(told, symbol)
            about = f"{symbol} rights"
            span = {"first": "19900101", "last": "20991231"}
            told = self.ask("cninfo_rights", _CNINFO, about, may_be_empty=True, code=symbol[:6], **span)
            if len(told):
                found += cninfo_rights_rows(told, symbol)
            yield _table(iter(found), self.name, first, last)

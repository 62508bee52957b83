"""Who is under special treatment today, and who is suspended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from engine.market.sources.answers import Answer, plain_days, rows
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind, Spell

ST_STOCKS = (
    "序号", "代码", "名称", "最新价", "涨跌幅", "涨跌额", "成交量", "成交额", "振幅", "最高", "最低", "今开",
    "昨收", "量比", "换手率", "市盈率-动态", "市净率",
)  # fmt: skip
SUSPENSIONS = (
    "序号", "代码", "名称", "停牌时间", "停牌截止时间", "停牌期限", "停牌原因", "所属市场", "预计复牌时间",
)  # fmt: skip
#: words for a suspension of a part of a session, in which the stock is traded all the same
_PART = ("盘中", "小时", "分钟", "半天", "上午", "下午")
_DAY = timedelta(days=1)
_QUOTES, _CENTRE = "40.push2.eastmoney.com", "datacenter-web.eastmoney.com"


def st_rows(answer: Answer, today: date) -> Iterator[dict[str, Any]]:
    """Rows of ``stock_zh_a_st_em``: a spell of today alone, since the list tells no beginning.

    Spells that touch mean the same as one long one.
    """
    answer.has_exactly(ST_STOCKS)
    symbols, kept = answer.stocks("代码")
    names = answer.texts("名称")
    marked = sum("ST" in name.upper() or "退" in name for name in names)
    if 2 * marked < len(names):
        answer.refuse(f"only {marked} of {len(names)} names have ST in them: this is another list")
    for symbol, keep in zip(symbols, kept, strict=True):
        if keep:
            yield {"symbol": symbol, "kind": Spell.ST.value, "start": today, "end": today + _DAY}


def suspension_rows(answer: Answer, today: date) -> Iterator[dict[str, Any]]:
    """Rows of ``stock_tfp_em``: suspensions of whole sessions.

    The end is the day on which trading is to begin again; where none is told, the day after the last day of
    suspension; where neither is, tomorrow: a later list says more.
    """
    answer.has_exactly(SUSPENSIONS)
    if not len(answer):
        return
    symbols, kept = answer.stocks("代码")
    starts = plain_days(answer.days("停牌时间"))
    last = plain_days(answer.days("停牌截止时间", blank=True))
    again = plain_days(answer.days("预计复牌时间", blank=True))
    terms = answer.texts("停牌期限")
    columns = (("symbol", symbols), ("start", starts), ("last", last), ("again", again), ("terms", terms))
    for row, keep in zip(rows(*columns), kept, strict=True):
        if not keep or any(word in row["terms"] for word in _PART):
            continue
        end = row["again"] or (row["last"] + _DAY if row["last"] else max(today, row["start"]) + _DAY)
        if end > row["start"]:
            yield {"symbol": row["symbol"], "kind": Spell.SUSPENSION.value, "start": row["start"], "end": end}


class EastmoneySpells(VendorSource):
    """Special treatment as of today, and suspensions told today.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai; ask after the close of a session.

    Notes
    -----
    Three requests or so to each of two hosts. What happened on days on which nobody asked is not told: for
    special treatment in the past there is baostock.
    """

    name = "akshare/eastmoney-spells"
    hosts = frozenset({_QUOTES, _CENTRE})
    offers = frozenset({Kind.SPELLS})

    def __init__(self, call: Caller, *, today: Callable[[], date]) -> None:
        super().__init__(call)
        self._today = today

    def spells(self) -> Any:
        """One-day spells of ST, and suspensions with their ends as far as they are told."""
        today = self._today()
        found = list(st_rows(self.ask("st_stocks", _QUOTES, "stocks under special treatment"), today))
        day = today.strftime("%Y%m%d")
        told = self.ask("suspensions", _CENTRE, f"suspensions of {today}", may_be_empty=True, day=day)
        if len(told):
            found += suspension_rows(told, today)
        return table_of(Kind.SPELLS, found)

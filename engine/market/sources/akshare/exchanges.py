"""The exchanges' own lists of stocks, with those that were delisted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.market.sources.answers import Answer, plain_days, rows
from engine.market.sources.vendor import VendorSource
from engine.market.store.rows import records, table_of
from engine.market.store.schema import Kind

SHANGHAI = ("证券代码", "证券简称", "证券全称", "公司简称", "公司全称", "上市日期")
SHANGHAI_DELISTED = ("公司代码", "公司简称", "上市日期", "暂停上市日期")
SHENZHEN = ("板块", "A股代码", "A股简称", "A股上市日期", "A股总股本", "A股流通股本", "所属行业")
SHENZHEN_DELISTED = ("证券代码", "证券简称", "上市日期", "终止上市日期")
BEIJING = ("证券代码", "证券简称", "总股本", "流通股本", "上市日期", "所属行业", "地区", "报告日期")
#: Shanghai's list of delisted stocks is asked for in one page of so many rows
_PAGE = 500

_SSE, _SZSE, _BSE = "query.sse.com.cn", "www.szse.cn", "www.bse.cn"
_Row = dict[str, Any]


def listed_rows(answer: Answer, code: str, name: str, list_date: str, industry: str = "") -> Iterator[_Row]:
    """Rows of a list of stocks; those of other kinds, such as B-shares, are left out."""
    symbols, kept = answer.stocks(code)
    industries = answer.texts(industry) if industry else [""] * len(answer)
    days = plain_days(answer.days(list_date, blank=True))
    columns = rows(
        ("symbol", symbols), ("name", answer.texts(name)), ("csrc_industry", industries), ("list_date", days)
    )
    return (row for row, keep in zip(columns, kept, strict=True) if keep)


def delisted_rows(answer: Answer, code: str, name: str, list_date: str, delist_date: str) -> Iterator[_Row]:
    """Rows of a list of delisted stocks."""
    symbols, kept = answer.stocks(code)
    ended = answer.days(delist_date, blank=True)
    listed = answer.days(list_date, blank=True)
    if (ended < listed).any():
        row = int(np.flatnonzero(ended < listed)[0])
        answer.refuse(f"{symbols[row] or row} was delisted on {ended[row]}, before it was listed")
    columns = rows(
        ("symbol", symbols), ("name", answer.texts(name)), ("list_date", plain_days(listed)),
        ("delist_date", plain_days(ended)),
    )  # fmt: skip
    return (row for row, keep in zip(columns, kept, strict=True) if keep)


class ExchangeLists(VendorSource):
    """Every A-share that is or was listed in Shanghai and Shenzhen, and those listed in Beijing.

    Notes
    -----
    Five requests to two exchanges, and one to Beijing's for each 20 stocks. Told: names of today, list dates,
    delist dates, CSRC sections of Shenzhen and industries of Beijing. Not told: stocks that left Beijing's
    exchange, Shenwan industries. A stock of Shanghai that is on no list any more had moved to another code.
    """

    name = "akshare/exchanges"
    hosts = frozenset({_SSE, _SZSE, _BSE})
    offers = frozenset({Kind.INSTRUMENTS})
    deadline_s = 180.0

    def symbols(self) -> tuple[str, ...]:
        """Every stock of `instruments`, delisted ones included, ascending."""
        return tuple(sorted(row["symbol"] for row in records(self.instruments())))

    def instruments(self) -> Any:
        """Names, list and delist dates; a stock on two lists has the dates of both."""
        merged: dict[str, _Row] = {}
        for row in self._rows():
            known = merged.setdefault(row["symbol"], {})
            known.update({name: value for name, value in row.items() if value not in (None, "")})
        return table_of(Kind.INSTRUMENTS, (merged[symbol] for symbol in sorted(merged)))

    def _rows(self) -> Iterator[_Row]:
        # what a list of delisted stocks says of the name and the list date, the lists of today say better
        gone = self.ask("shanghai_delisted", _SSE, "delisted stocks of Shanghai").has_exactly(
            SHANGHAI_DELISTED
        )
        if len(gone) >= _PAGE:
            gone.refuse(
                f"{len(gone)} delisted stocks fill the one page that is asked for; some may be missing"
            )
        yield from delisted_rows(gone, *SHANGHAI_DELISTED)
        gone = self.ask("shenzhen_delisted", _SZSE, "delisted stocks of Shenzhen")
        yield from delisted_rows(gone.has_exactly(SHENZHEN_DELISTED), *SHENZHEN_DELISTED)
        for board in ("主板A股", "科创板"):
            answer = self.ask("shanghai_stocks", _SSE, f"stocks of Shanghai, {board}", board=board)
            yield from listed_rows(answer.has_exactly(SHANGHAI), "证券代码", "证券简称", "上市日期")
        answer = self.ask("shenzhen_stocks", _SZSE, "stocks of Shenzhen").has_exactly(SHENZHEN)
        yield from listed_rows(answer, "A股代码", "A股简称", "A股上市日期", "所属行业")
        answer = self.ask("beijing_stocks", _BSE, "stocks of Beijing").has_exactly(BEIJING)
        yield from listed_rows(answer, "证券代码", "证券简称", "上市日期", "所属行业")

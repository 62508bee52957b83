"""Tencent's series of prices (web.ifzq.gtimg.cn, proxy.finance.qq.com)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from engine.market.sources.akshare.daily import tencent_bars
from engine.market.sources.akshare.indices import tencent_index_bars
from engine.market.sources.answers import compact
from engine.market.sources.delivery import DailyBars
from engine.market.sources.vendor import VendorSource, named
from engine.market.store.schema import Kind

_FIRST_HOST, _HOST = "web.ifzq.gtimg.cn", "proxy.finance.qq.com"


class TencentDaily(VendorSource):
    """Daily bars, one request a name and year and one more; index bars without volumes.

    Notes
    -----
    Told: open, high, low, close, volume, amount (in 10,000 CNY with four digits), turnover. Not told:
    preclose, factors, ST.
    """

    name = "akshare/tencent"
    hosts = frozenset({_FIRST_HOST, _HOST})
    offers = frozenset({Kind.BARS, Kind.INDEX_BARS})

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Raw bars, one delivery a name."""
        span: dict[str, Any] = {"first": str(first or "1990-01-01"), "last": str(last or "2050-12-31")}
        for symbol in symbols:
            code = symbol[-2:].lower() + symbol[:6]
            answer = self.ask("tencent_daily", _FIRST_HOST, symbol, code=code, **span)
            yield tencent_bars(answer, symbol, first, last)

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of the named indices, else of five usual ones."""
        # an empty day makes akshare ask for the first one, and for today by the machine's clock
        span: dict[str, Any] = {"first": compact(first, "19910101"), "last": compact(last, "")}
        for symbol in named(symbols):
            code = symbol[-2:].lower() + symbol[:6]
            answer = self.ask("tencent_index", _HOST, symbol, code=code, **span)
            yield tencent_index_bars(answer, symbol, first, last)

"""Eastmoney's series of prices: daily, of indices, of minutes (push2his.eastmoney.com)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from engine.market.sources.akshare.daily import eastmoney_bars, with_ratios
from engine.market.sources.akshare.indices import eastmoney_index_bars
from engine.market.sources.akshare.minutes import eastmoney_minute_bars
from engine.market.sources.answers import compact
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource, named
from engine.market.store.schema import Kind

_HOST = "push2his.eastmoney.com"
_RATIOS_HOST = "datacenter-web.eastmoney.com"


class EastmoneyDaily(VendorSource):
    """Daily bars, one request a name; index bars; minute bars of the last five sessions.

    Parameters
    ----------
    call : Caller
    ratios : bool
        Add ``pe_ttm`` and ``pb_mrq`` to the bars, by one more request a name to another host. A name whose
        ratios cannot be had is then an error.

    Notes
    -----
    Told: open, high, low, close, volume (lots, turned into shares, so odd lots are lost), amount, turnover.
    Not told: preclose (the changes that it states on ex-dates are of a doubtful kind), factors, ST. The host
    bans an address after tens of quick calls, for hours.
    """

    name = "akshare/eastmoney"
    hosts = frozenset({_HOST})
    offers = frozenset({Kind.BARS, Kind.INDEX_BARS, Kind.MINUTE_BARS})

    def __init__(self, call: Caller, *, ratios: bool = False) -> None:
        super().__init__(call)
        self._ratios = ratios
        if ratios:
            self.name = "akshare/eastmoney-ratios"
            self.hosts = frozenset({_HOST, _RATIOS_HOST})

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Raw bars, one delivery a name."""
        for symbol in symbols:
            span: dict[str, Any] = {"first": compact(first, "19900101"), "last": compact(last, "20500101")}
            bars = eastmoney_bars(
                self.ask("eastmoney_daily", _HOST, symbol, code=symbol[:6], **span), symbol, first, last
            )
            if self._ratios:
                about = f"{symbol} ratios"
                asked = self.ask("eastmoney_ratios", _RATIOS_HOST, about, code=symbol[:6])
                bars = with_ratios(bars, asked)
            yield bars

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of the named indices, else of five usual ones."""
        span: dict[str, Any] = {"first": compact(first, "19900101"), "last": compact(last, "20500101")}
        for symbol in named(symbols):
            code = symbol[-2:].lower() + symbol[:6]
            yield eastmoney_index_bars(
                self.ask("eastmoney_index", _HOST, symbol, code=code, **span), symbol, first, last
            )

    def minute_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of a minute of the last five sessions, 241 a session; an open of 0 is not known."""
        span: dict[str, Any] = {
            "first": "1990-01-01 00:00:00" if first is None else f"{first} 00:00:00",
            "last": "2050-01-01 00:00:00" if last is None else f"{last} 23:59:59",
        }
        for symbol in symbols:
            yield eastmoney_minute_bars(
                self.ask("eastmoney_minutes", _HOST, f"{symbol} minutes", code=symbol[:6], **span), symbol
            )

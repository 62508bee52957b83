"""Sina's series of prices, and its list of sessions (finance.sina.com.cn)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.sources.akshare.daily import sina_bars, sina_factor_steps
from engine.market.sources.akshare.indices import sina_index_bars
from engine.market.sources.answers import plain_days
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.caller import Caller
from engine.market.sources.vendor import VendorSource, named
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind

_HOST, _SHARES_HOST = "finance.sina.com.cn", "stock.finance.sina.com.cn"


class SinaDaily(VendorSource):
    """Daily bars, two requests a name for its whole history; index bars; sessions of the exchanges.

    Parameters
    ----------
    call : Caller
    factors : bool
        Add ``adj_factor`` to the bars, by one more request a name. Off by default: on the morning of an
        ex-date the vendor's factor may still be the old one, and the store derives factors from terms.

    Notes
    -----
    Told: open, high, low, close, volume in shares, amount in whole CNY, turnover. Not told: preclose, ST.
    """

    name = "akshare/sina"
    hosts = frozenset({_HOST, _SHARES_HOST})
    offers = frozenset({Kind.BARS, Kind.INDEX_BARS, Kind.SESSIONS})

    def __init__(self, call: Caller, *, factors: bool = False) -> None:
        super().__init__(call)
        self._factors = factors

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Raw bars, one delivery a name."""
        for symbol in symbols:
            code = symbol[-2:].lower() + symbol[:6]
            answer = self.ask("sina_daily", _HOST, symbol, code=code)
            yield sina_bars(answer, symbol, first, last, self.factors(symbol) if self._factors else None)

    def factors(self, symbol: str) -> tuple[Dates, Floats]:
        """Days from which the vendor's cumulative factors hold, ascending, and the factors.

        They rise on ex-dates and start at 1; to be compared with those derived from announced terms.
        """
        code = symbol[-2:].lower() + symbol[:6]
        about = f"{symbol} factors"
        return sina_factor_steps(self.ask("sina_factors", _HOST, about, may_be_empty=True, code=code))

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of the named indices, else of five usual ones."""
        for symbol in named(symbols):
            code = symbol[-2:].lower() + symbol[:6]
            yield sina_index_bars(self.ask("sina_index", _HOST, symbol, code=code), symbol, first, last)

    def calendar(self) -> Any:
        """Sessions since 1990, as far ahead as they are announced."""
        answer = self.ask("sina_sessions", _HOST, "sessions").has_exactly(("trade_date",))
        days = np.unique(answer.days("trade_date"))
        return table_of(Kind.SESSIONS, ({"session": day, "source": self.name} for day in plain_days(days)))

"""Baostock as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np

from engine.errors import DataError
from engine.market.sources.answers import Answer, within
from engine.market.sources.baostock import parse
from engine.market.sources.delivery import DailyBars
from engine.market.sources.remote.caller import Caller
from engine.market.sources.remote.failure import Trouble, VendorError
from engine.market.sources.vendor import VendorSource, named
from engine.market.store.rows import records, table_of
from engine.market.store.schema import Kind

_FETCH = "engine.market.sources.baostock.fetch"
_HOST = "public-api.baostock.com"
_FIRST, _LAST = "1990-12-19", "2099-12-31"
#: years of dividends that are asked for where no first day is named
_SINCE = 2019


class Baostock(VendorSource):
    """Bars with preclose, special treatment and ratios; index bars; dividends; stocks; members of indices.

    Parameters
    ----------
    call : Caller
    today : callable
        Today's day in Shanghai, the last year of dividends that is asked for.
    factors : bool
        Add ``adj_factor`` to the bars, by one more conversation a name.

    Notes
    -----
    It allows one connection at a time. A conversation is a login, a question for each 2000 rows, and a
    logout: one a name for bars, or one for all names of one session, one a name and year for dividends, one
    for an index's members. A session's bars appear at about 17:30, factors and ratios at about 18:00. Not
    told: stocks of Beijing, rights issues.
    """

    name = "baostock"
    hosts = frozenset({_HOST})
    offers = frozenset({Kind.BARS, Kind.INDEX_BARS, Kind.ACTIONS, Kind.INSTRUMENTS, Kind.MEMBERSHIP})
    package = _FETCH
    past_universes = frozenset({"sse50", "csi300", "csi500"})

    def __init__(self, call: Caller, *, today: Callable[[], date], factors: bool = False) -> None:
        super().__init__(call)
        self._today, self._factors = today, factors

    def _told(self, function: str, about: str, **asked: Any) -> Answer:
        return self.ask(function, _HOST, about, **asked)

    def symbols(self) -> tuple[str, ...]:
        """Every A-share that is or was listed in Shanghai or Shenzhen."""
        return tuple(row["symbol"] for row in records(self.instruments()))

    def daily_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[DailyBars]:
        """Raw bars, one delivery a name, suspended sessions with them."""
        for symbol in symbols:
            code = self._code(symbol)
            span: dict[str, Any] = {"first": str(first or _FIRST), "last": str(last or _LAST)}
            answer = self._told("daily", symbol, code=code, **span)
            steps = self.factors(symbol) if self._factors else None
            yield parse.daily_bars(answer, symbol, steps, first, last)

    def session_bars(self, symbols: Sequence[str], day: date) -> DailyBars:
        """Raw bars of one session, without factors, of those of the symbols that it tells of.

        Raises
        ------
        VendorError
            Its trouble is ``empty`` before the vendor has the session, ``columns`` if another one is told.
        """
        return parse.session_bars(self._told("session", f"all bars of {day}", day=str(day)), symbols, day)

    def factors(self, symbol: str) -> Any:
        """Days from which the vendor's cumulative factors hold, ascending, and the factors."""
        about = f"{symbol} factors"
        answer = self._told("factors", about, may_be_empty=True, code=self._code(symbol))
        return parse.factor_steps(answer, symbol)

    def index_bars(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Bars of the named indices, else of five usual ones."""
        span: dict[str, Any] = {"first": str(first or _FIRST), "last": str(last or _LAST)}
        for symbol in named(symbols):
            answer = self._told("index", symbol, code=parse.code_of(symbol), **span)
            yield parse.index_bars(answer, symbol, first, last)

    def actions(
        self, symbols: Sequence[str], first: date | None = None, last: date | None = None
    ) -> Iterator[Any]:
        """Dividends and bonus shares by name and the year of the ex-date, one table a name; no rights."""
        years = range((first or date(_SINCE, 1, 1)).year, (last or self._today()).year + 1)
        for symbol in symbols:
            found: list[dict[str, Any]] = []
            for year in years:
                about = f"{symbol} dividends of {year}"
                asked: dict[str, Any] = {"code": self._code(symbol), "year": str(year)}
                answer = self._told("dividends", about, may_be_empty=True, **asked)
                if len(answer):
                    found += parse.dividend_rows(answer, symbol)
            days = np.array([row["ex_date"] for row in found], dtype="datetime64[D]")
            kept = within(days, first, last)
            yield table_of(Kind.ACTIONS, (row for row, keep in zip(found, kept, strict=True) if keep))

    def instruments(self) -> Any:
        """Names of today, list and delist dates."""
        return parse.instrument_table(self._told("stocks", "list of stocks"))

    def membership(self, universe: str) -> Any:
        """Today's list of the SSE 50, CSI 300 or CSI 500: `in_date` is null."""
        return self.members_on(universe, None)

    def members_on(self, universe: str, day: date | None) -> Any:
        """The list in force on a day, today's for None: lists of many days make spells of membership.

        It makes new lists about once a week, so a change may be told some days late, and never early.

        Raises
        ------
        DataError
            If it has no list of that universe.
        """
        if universe not in self.past_universes:
            has = ", ".join(sorted(self.past_universes))
            raise DataError(f"{self.name} lists no members of {universe!r}; it has {has}")
        about = f"members of {universe}" + (f" on {day}" if day else "")
        answer = self._told("members", about, universe=universe, day=str(day or ""))
        return parse.member_table(answer, universe, day or self._today())

    def _code(self, symbol: str) -> str:
        if not parse.is_told(symbol):
            detail, now = "it has no stocks of Beijing", "ask another vendor"
            raise VendorError(self.name, _HOST, symbol, Trouble.EMPTY, detail, now)
        return parse.code_of(symbol)

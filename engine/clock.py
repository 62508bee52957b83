"""Feeds for backtrader: one clock that ticks the calendar, and bulk-loaded line series made on first use.

N stocks are not N feeds. The clock is the only feed cerebro drives; a symbol's line series exists only once
somebody asks for it by name, and follows the clock.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from typing import Any

import backtrader as bt
import numpy as np

from engine.errors import StrategyError
from engine.market.panel import Array, MarketPanel

_ORDINAL_OF_EPOCH = 719163  # date(1970, 1, 1).toordinal(), the origin of backtrader's float dates
_LINES = ("open", "high", "low", "close", "volume")


class PanelFeed(bt.feed.DataBase):  # type: ignore[misc]
    """A feed that takes its bars from arrays in one go."""

    def __init__(self, name: str, dates: np.ndarray, bars: dict[str, Array]) -> None:
        super().__init__()
        self._name = name
        self._dates = dates.astype("datetime64[D]").astype(np.float64) + _ORDINAL_OF_EPOCH
        self._bars = bars

    def preload(self) -> None:
        """Fill the line buffers from the arrays; no row is read one by one."""
        blank = np.full(len(self._dates), math.nan)
        columns = {"datetime": self._dates, "openinterest": np.zeros(len(blank))}
        columns |= {name: self._bars.get(name, blank) for name in _LINES}
        for name, values in columns.items():
            line = getattr(self.lines, name)
            line.array = array("d", np.ascontiguousarray(values, dtype=np.float64).tobytes())
            line.array.extend([math.nan] * line.extension)
        self.home()

    def start_now(self, lookahead: int = 0) -> None:
        """Do for a feed made late what cerebro does for the feeds it knows."""
        self.reset()
        self.extend(size=lookahead)
        self._start()
        self.preload()


class ClockFeed(PanelFeed):
    """Ticks the sessions of a run; its bars are those of the benchmark index, if there is one.

    Line series of single symbols follow it: they advance to the clock's session whenever it advances.
    """

    def __init__(self, dates: np.ndarray, bars: dict[str, Array]) -> None:
        super().__init__("clock", dates, bars)
        self.followers: list[PanelFeed] = []

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        """Move on by a session, and everything that follows with it."""
        super().advance(size=size, datamaster=datamaster, ticks=ticks)
        if self.followers:
            now = self.lines.datetime[0]
            for feed in self.followers:
                feed.catch_up(now)


class SymbolFeed(PanelFeed):
    """One symbol as an ordinary backtrader data feed: its sessions between listing and delisting."""

    def catch_up(self, now: float) -> None:
        """Advance until the feed stands at the date `now`."""
        while self.advance_peek() <= now:
            self.advance()


class DatasByName(OrderedDict[str, Any]):
    """Cerebro's feeds by name; a symbol's feed is made the first time somebody asks for it."""

    def __init__(self, panel: MarketPanel, first: int, last: int, clock: ClockFeed) -> None:
        super().__init__()
        self._panel = panel
        self._rows = slice(first, last + 1)
        self._clock = clock

    def __missing__(self, name: str) -> SymbolFeed:
        try:
            column = self._panel.column(name)
        except Exception as problem:
            raise StrategyError(f"getdatabyname({name!r}): {problem}") from None
        close = self._panel.field("close")[self._rows, column]
        known = np.flatnonzero(~np.isnan(close))
        if not len(known):
            raise StrategyError(f"getdatabyname({name!r}): no prices within the span of the run")
        rows = slice(known[0], known[-1] + 1)
        bars = {f: self._panel.field(f)[self._rows, column][rows] for f in _LINES}
        feed = SymbolFeed(name, self._panel.dates[self._rows][rows], bars)
        feed._id = len(self) + 1
        feed.setenvironment(self._clock.getenvironment())
        feed.start_now()
        self._clock.followers.append(feed)
        if len(self._clock):
            feed.catch_up(self._clock.lines.datetime[0])
        self._introduce(feed)
        self[name] = feed
        return feed

    @staticmethod
    def _introduce(feed: SymbolFeed) -> None:
        """Let the strategy under construction wait for the feed's indicators, as for any of its feeds."""
        strategy = bt.metabase.findowner(feed, bt.Strategy)
        if strategy is not None and not hasattr(strategy, "_minperiods"):
            strategy.datas.append(feed)


class _Line:
    """One field of one symbol: ``[0]`` is the session of the clock, ``[-1]`` the one before."""

    __slots__ = ("_column", "_cursor", "_values")

    def __init__(self, values: Array, column: int, cursor: Any) -> None:
        self._values, self._column, self._cursor = values, column, cursor

    def __getitem__(self, ago: int) -> float:
        row = self._cursor.row + ago
        if ago > 0 or row < 0:
            raise IndexError(f"line[{ago}] lies {'in the future' if ago > 0 else 'before the data'}")
        return self._values.item(row, self._column)


class _Moment:
    """The datetime line: ``[0]`` is the clock's session as backtrader's float date."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getitem__(self, ago: int) -> float:
        day = self._cursor.panel.dates[self._cursor.row + ago]
        return float(day.astype(np.int64)) + _ORDINAL_OF_EPOCH

    def date(self, ago: int = 0) -> Any:
        """The session as a date."""
        return self._cursor.panel.dates[self._cursor.row + ago].astype(object)


class LightData:
    """A symbol without line buffers: enough for orders, positions and trades, not for indicators."""

    __slots__ = ("_cursor", "_first", "_name", "close", "column", "datetime", "high", "low", "open", "volume")
    _compensate = None
    _tz = None

    def __init__(self, cursor: Any, column: int) -> None:
        panel: MarketPanel = cursor.panel
        self._cursor = cursor
        self._name = str(panel.symbols[column])
        self.column = column
        self._first = cursor.first
        for name in _LINES:
            setattr(self, name, _Line(panel.field(name), column, cursor))
        self.datetime = _Moment(cursor)

    def __len__(self) -> int:
        return int(self._cursor.row - self._first + 1)

    def num2date(self, dt: float | None = None, tz: Any = None, naive: bool = True) -> Any:
        """Backtrader's float date as a datetime."""
        return bt.num2date(self.datetime[0] if dt is None else dt, tz, naive)

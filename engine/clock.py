"""Feeds for backtrader: one clock that ticks the calendar, and bulk-loaded line series made on first use.

N stocks are not N feeds. The clock is the only feed cerebro drives; a symbol's line series exists only once
somebody asks for it by name, and is then put where the clock stands.
"""

from __future__ import annotations

import math
from array import array
from collections import OrderedDict
from datetime import date, datetime
from typing import Any, Protocol

import backtrader as bt
import numpy as np

from engine.errors import DataError, StrategyError
from engine.lines import check_past, close_line
from engine.market.calendar import Dates
from engine.market.panel import Array, MarketPanel

_ORDINAL_OF_EPOCH = 719163  # date(1970, 1, 1).toordinal(), the origin of backtrader's float dates
_LINES = ("open", "high", "low", "close", "volume")


def moments(dates: Dates) -> Array:
    """Sessions as backtrader's float dates."""
    return dates.astype("datetime64[D]").astype(np.float64) + _ORDINAL_OF_EPOCH


class PanelFeed(bt.feed.DataBase):
    """A feed that takes its bars from arrays in one go, and cannot look ahead."""

    def __init__(self, name: str, dates: Dates, bars: dict[str, Array]) -> None:
        super().__init__()
        self._name = name
        blank = np.full(len(dates), math.nan)
        self.moments: list[float] = moments(dates).tolist()
        self._columns = {"datetime": moments(dates), "openinterest": np.zeros(len(dates))}
        self._columns |= {field: bars.get(field, blank) for field in _LINES}
        for line in self.lines.lines:
            close_line(line)

    def preload(self) -> None:
        """Fill the line buffers from the arrays; no row is read one by one."""
        for name, values in self._columns.items():
            line = getattr(self.lines, name)
            line.array = array("d", np.ascontiguousarray(values, dtype=np.float64).tobytes())
            line.array.extend([math.nan] * line.extension)
        self.home()

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        """Move on by a bar; ticks within a bar do not exist here."""
        # as the lines' own advance, which asks each for a mode that is always the same
        for line in self.lines.lines:
            line._idx += size
            line.lencount += size

    def stand_at(self, place: int) -> None:
        """Put the feed at its bar number `place`; −1 is before the first."""
        for line in self.lines.lines:
            line._idx, line.lencount = place, place + 1


class SymbolFeed(PanelFeed):
    """One symbol as an ordinary backtrader data feed: its sessions between listing and delisting.

    `offset` is the session of the run in which its first bar falls.
    """

    def __init__(self, name: str, dates: Dates, bars: dict[str, Array], offset: int) -> None:
        super().__init__(name, dates, bars)
        self._offset, self._last = offset, len(dates) - 1

    def start_now(self, environment: bt.Cerebro, number: int) -> None:
        """Do for a feed made late what cerebro does for the feeds it knows."""
        self._id = number
        self.setenvironment(environment)
        self.reset()
        self._start()
        self.preload()

    def follow(self, session: int) -> None:
        """Put the feed where the clock stands: the session's number within the run."""
        place = min(max(session - self._offset, -1), self._last)
        if place != len(self) - 1:
            self.stand_at(place)


class DatasByName(OrderedDict[str, Any]):
    """Cerebro's feeds by name; a symbol's feed is made the first time somebody asks for it."""

    def __init__(self, panel: MarketPanel, first: int, last: int, environment: bt.Cerebro) -> None:
        super().__init__()
        self._panel = panel
        self._rows = slice(first, last + 1)
        self._environment = environment
        self._session = -1

    def __missing__(self, name: str) -> SymbolFeed:
        try:
            column = self._panel.column(name)
        except DataError as problem:
            raise StrategyError(f"getdatabyname({name!r}): {problem}") from None
        symbol = str(self._panel.symbols[column])
        if symbol != name:  # an older or a newer code of the same stock
            same: SymbolFeed = self[symbol]
            self[name] = same
            return same
        close = self._panel.field("close")[self._rows, column]
        known = np.flatnonzero(~np.isnan(close))
        if not len(known):
            raise StrategyError(f"getdatabyname({name!r}): no prices within the span of the run")
        rows = slice(int(known[0]), int(known[-1]) + 1)
        bars = {f: self._panel.field(f)[self._rows, column][rows] for f in _LINES}
        feed = SymbolFeed(name, self._panel.dates[self._rows][rows], bars, int(known[0]))
        feed.start_now(self._environment, len(self) + 2)  # the clock is number 1
        feed.follow(self._session)
        self._introduce(feed)
        self[name] = feed
        return feed

    def follow(self, session: int) -> None:
        """Put every feed where the clock stands."""
        self._session = session
        for feed in self.values():
            feed.follow(session)

    @staticmethod
    def _introduce(feed: SymbolFeed) -> None:
        """Let the strategy under construction wait for the feed's indicators, as for any of its feeds."""
        strategy = bt.metabase.findowner(feed, bt.Strategy)
        if strategy is not None and not hasattr(strategy, "_minperiods"):
            strategy.datas.append(feed)


class Cursor(Protocol):
    """Where light data objects read: a panel, and the row that is now."""

    panel: MarketPanel
    row: int
    first: int
    moments: list[float]


class _Line:
    """One field of one symbol: ``[0]`` is the session of the clock, ``[-1]`` the one before."""

    __slots__ = ("_column", "_cursor", "_values")

    def __init__(self, values: Array, column: int, cursor: Cursor) -> None:
        self._values, self._column, self._cursor = values, column, cursor

    def __getitem__(self, ago: int) -> float:
        row = self._cursor.row + ago
        if ago > 0 or row < 0:
            check_past(ago, row)
        return self._values.item(row, self._column)


class _Moment:
    """The datetime line: ``[0]`` is the clock's session as backtrader's float date."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def __getitem__(self, ago: int) -> float:
        row = self._cursor.row + ago
        if ago > 0 or row < 0:
            check_past(ago, row)
        return self._cursor.moments[row]

    def datetime(self, ago: int = 0) -> datetime:
        """The session as a datetime."""
        moment: datetime = bt.num2date(self[ago])
        return moment

    def date(self, ago: int = 0) -> date:
        """The session as a date."""
        return self.datetime(ago).date()


class LightData:
    """A symbol without line buffers: enough for orders, positions and trades, not for indicators."""

    __slots__ = ("_cursor", "_name", "close", "column", "datetime", "high", "low", "open", "volume")
    _compensate = None
    _tz = None

    def __init__(self, cursor: Cursor, column: int) -> None:
        self._cursor = cursor
        self._name = str(cursor.panel.symbols[column])
        self.column = column
        for name in _LINES:
            setattr(self, name, _Line(cursor.panel.field(name), column, cursor))
        self.datetime = _Moment(cursor)

    def __repr__(self) -> str:
        return f"LightData({self._name})"

    def __len__(self) -> int:
        return self._cursor.row - self._cursor.first + 1

    def num2date(self, dt: float | None = None, tz: Any = None, naive: bool = True) -> Any:
        """Backtrader's float date as a datetime."""
        return bt.num2date(self.datetime[0] if dt is None else dt, tz, naive)


class LightDatas(dict[int, LightData]):
    """Light data objects by column, each made the first time somebody asks for it."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def __missing__(self, column: int) -> LightData:
        data = self[column] = LightData(self._cursor, column)
        return data

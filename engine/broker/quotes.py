"""`PanelPrices`: one session of a panel as a broker sees it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.broker.basket_kernel import whole_fen
from engine.broker.prices import Quote
from engine.market.panel import MarketPanel
from engine.rules.limits import (
    UNLIMITED,
    LimitState,
    fresh_sessions,
    limit_percent,
    limits_around,
    price_limits,
    unlimited_cells,
)
from engine.rules.lots import LotRule, lot_rule

_UNKNOWN = LimitState.UNKNOWN


class PanelPrices:
    """Quotes of the session at ``row``; only the symbols asked for cost anything."""

    def __init__(self, panel: MarketPanel, row: int = 0) -> None:
        self.panel = panel
        self.row = row
        #: sessions of the panel, in days since 1970-01-01
        self.days: list[int] = panel.dates.astype(np.int64).tolist()
        #: symbols by column
        self.symbols: list[str] = panel.symbols.tolist()
        self._columns = {symbol: i for i, symbol in enumerate(self.symbols)}
        fields = panel.fields
        self._open, self._high, self._low = fields["open"], fields["high"], fields["low"]
        self._close, self._reference = fields["close"], fields["preclose"]
        self._vwap, self._trading, self._st = fields["vwap"], fields["trading"], fields["is_st"]
        self._boards = panel.instruments.boards
        numbers = {board: i for i, board in enumerate(dict.fromkeys(self._boards))}
        self._board_numbers = [numbers[board] for board in self._boards]
        sessions = panel.calendar.sessions
        # counted on the calendar, negative before the data: most names were listed long before them
        self._listed_row: list[int] = (
            np.searchsorted(sessions, panel.listed) - np.searchsorted(sessions, panel.dates[:1])
        ).tolist()
        self._listed_day: list[int] = panel.listed.astype(np.int64).tolist()
        #: rows from which a name's limits are those of its board, by column
        self.settled = [0] * len(self.symbols)
        for n in np.flatnonzero(panel.listed >= sessions[0]).tolist():
            fresh = fresh_sessions(self._boards[n], self._listed_day[n])
            self.settled[n] = self._listed_row[n] + abs(fresh)
        #: (row, column) of sessions without a limit for a reason of their own
        self._unlimited = unlimited_cells(panel)
        #: rows with such a session
        self.special_rows = frozenset(row for row, _ in self._unlimited)
        #: limit percentage and lot in the session `_rules_row`, by board and special treatment
        self._rules: dict[int, tuple[int | None, LotRule]] = {}
        self._rules_row = -1
        #: whether a price in fen is a whole number; finer ticks and prices off any grid are not
        self.whole_fen = panel.tick is not None and abs(panel.tick * 100 - round(panel.tick * 100)) < 1e-9
        #: symbols whose limit state was unknown when somebody traded them
        self.unknown_limits: set[str] = set()

    @property
    def day(self) -> int:
        """The session, in days since 1970-01-01."""
        return self.days[self.row]

    def column(self, symbol: str) -> int:
        """Column of a symbol known to the panel."""
        return self._columns[symbol]

    def columns(self, symbols: Iterable[str]) -> list[int]:
        """Columns of some symbols, in their order."""
        return list(map(self._columns.__getitem__, symbols))

    def fen(self, price: float) -> float | None:
        """CNY to fen: an int where the tick is one, a float off that grid, None for NaN."""
        if price != price:
            return None
        return int(price * 100 + 0.5) if self.whole_fen else price * 100

    def close_fen(self, symbol: str) -> float | None:
        """Close of the session, or None where the stock has no price."""
        return self.fen(self._close.item(self.row, self._columns[symbol]))

    def fen_of(self, values: NDArray[np.float64], columns: list[int]) -> list[Any]:
        """`fen` of the session's values of a (T, N) array, for some columns at once."""
        if self.whole_fen:
            known, prices = whole_fen(values, self.row, np.array(columns, dtype=np.int64))
            if known:
                all_known: list[Any] = prices.tolist()
                return all_known
        return [self.fen(price) for price in values[self.row, columns].tolist()]

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a symbol, or None where it has none in this session."""
        row, n = self.row, self._columns[symbol]
        close: Any = self._close.item(row, n)
        reference: Any = self._reference.item(row, n)
        if close != close or reference != reference:
            return None
        opened: Any = self._open.item(row, n)
        high: Any = self._high.item(row, n)
        low: Any = self._low.item(row, n)
        before: Any = self._close.item(row - 1, n) if row else math.nan
        # as `fen`, without six calls
        if self.whole_fen:
            close, reference = int(close * 100 + 0.5), int(reference * 100 + 0.5)
            opened = int(opened * 100 + 0.5) if opened == opened else None
            high = int(high * 100 + 0.5) if high == high else None
            low = int(low * 100 + 0.5) if low == low else None
            before = int(before * 100 + 0.5) if before == before else reference
        else:
            close, reference = close * 100, reference * 100
            opened = opened * 100 if opened == opened else None
            high = high * 100 if high == high else None
            low = low * 100 if low == low else None
            before = before * 100 if before == before else reference
        st = self._st.item(row, n) > 0
        if self._rules_row != row:
            self._rules_row, self._rules = row, {}
        percent, lot = self._rules.get(2 * self._board_numbers[n] + st) or self._rules_of(n, st)
        if row < self.settled[n]:
            sessions = row - self._listed_row[n]
            limits = price_limits(self._boards[n], st, reference, self.day, self._listed_day[n], sessions)
        elif self._unlimited and (row, n) in self._unlimited:
            limits = UNLIMITED
        else:
            limits = limits_around(reference, percent)
        if limits[0] is _UNKNOWN:
            self.unknown_limits.add(symbol)
        vwap: Any = self._vwap.item(row, n)
        trading = self._trading.item(row, n) > 0
        vwap = vwap * 100 if vwap == vwap else None
        # as Quote(...), without the call that a named tuple puts in between
        return tuple.__new__(Quote, (trading, before, reference, opened, close, vwap, high, low, limits, lot))

    def _rules_of(self, n: int, st: bool) -> tuple[int | None, LotRule]:
        """Limit percentage and lot of a column's board in the session; kept for the next who asks."""
        board, day = self._boards[n], self.day
        rules = limit_percent(board, st, day), lot_rule(board, day, st)
        self._rules[2 * self._board_numbers[n] + st] = rules
        return rules

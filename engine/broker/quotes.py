"""`PanelPrices`: one session of a panel as a broker sees it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.broker.prices import Quote
from engine.market.panel import MarketPanel
from engine.rules.limits import LimitState, fresh_sessions, limit_percent, limits_around, price_limits
from engine.rules.lots import LotRule, lot_rule


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
        self._settled = [0] * len(self.symbols)
        for n in np.flatnonzero(panel.listed >= sessions[0]).tolist():
            fresh = fresh_sessions(self._boards[n], self._listed_day[n])
            self._settled[n] = self._listed_row[n] + abs(fresh)
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

    def fen_of(self, values: NDArray[np.float64], symbols: Iterable[str]) -> list[float | None]:
        """`fen` of the session's values of a (T, N) array, for some symbols at once."""
        prices = values[self.row].take(np.array(self.columns(symbols), dtype=np.intp)) * 100
        known = prices == prices
        if self.whole_fen:
            if known.all():
                return (prices + 0.5).astype(np.int64).tolist()  # type: ignore[no-any-return]
            prices = (np.where(known, prices, 0.0) + 0.5).astype(np.int64)
        return [price if one else None for price, one in zip(prices.tolist(), known.tolist(), strict=True)]

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a symbol, or None where it has none in this session."""
        row, n = self.row, self._columns[symbol]
        cny = (
            self._close.item(row, n),
            self._reference.item(row, n),
            self._open.item(row, n),
            self._high.item(row, n),
            self._low.item(row, n),
            self._close.item(row - 1, n) if row else math.nan,
        )
        # as `fen`, without six calls
        prices: list[Any] = (
            [int(price * 100 + 0.5) if price == price else None for price in cny]
            if self.whole_fen
            else [price * 100 if price == price else None for price in cny]
        )
        close, reference, opened, high, low, before = prices
        if close is None or reference is None:
            return None
        st = self._st.item(row, n) > 0
        percent, lot = self._rules_of(n, st)
        if row >= self._settled[n]:
            limits = limits_around(reference, percent)
        else:
            sessions = row - self._listed_row[n]
            limits = price_limits(self._boards[n], st, reference, self.day, self._listed_day[n], sessions)
        if limits.state is LimitState.UNKNOWN:
            self.unknown_limits.add(symbol)
        vwap = self._vwap.item(row, n)
        return Quote(
            self._trading.item(row, n) > 0,
            reference if before is None else before,
            reference,
            opened,
            close,
            None if vwap != vwap else vwap * 100,
            high,
            low,
            limits,
            lot,
        )

    def _rules_of(self, n: int, st: bool) -> tuple[int | None, LotRule]:
        """Limit percentage and lot of a column's board, looked up once a session."""
        if self._rules_row != self.row:
            self._rules_row, self._rules = self.row, {}
        key = 2 * self._board_numbers[n] + st
        rules = self._rules.get(key)
        if rules is None:
            board, day = self._boards[n], self.day
            rules = self._rules[key] = limit_percent(board, st, day), lot_rule(board, day, st)
        return rules

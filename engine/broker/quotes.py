"""`PanelPrices`: one session of a panel as a broker sees it."""

from __future__ import annotations

import numpy as np

from engine.broker.prices import Quote
from engine.market.panel import MarketPanel
from engine.rules.limits import LimitState, price_limits
from engine.rules.lots import lot_rule


class PanelPrices:
    """Quotes of the session at ``row``; only the symbols asked for cost anything."""

    def __init__(self, panel: MarketPanel, row: int = 0) -> None:
        self.panel = panel
        self.row = row
        self._days = panel.dates.astype(np.int64).tolist()
        self._columns = {str(symbol): i for i, symbol in enumerate(panel.symbols)}
        fields = panel.fields
        self._open, self._high, self._low = fields["open"], fields["high"], fields["low"]
        self._close, self._reference = fields["close"], fields["preclose"]
        self._vwap, self._trading, self._st = fields["vwap"], fields["trading"], fields["is_st"]
        sessions = panel.calendar.sessions
        # counted on the calendar, negative before the data: most names were listed long before them
        self._listed_row = (
            np.searchsorted(sessions, panel.listed) - np.searchsorted(sessions, panel.dates[:1])
        ).tolist()
        self._listed_day = [int(day.astype(np.int64)) if day >= sessions[0] else None for day in panel.listed]
        #: whether a price in fen is a whole number; finer ticks and prices off any grid are not
        self.whole_fen = panel.tick is not None and abs(panel.tick * 100 - round(panel.tick * 100)) < 1e-9
        #: symbols whose limit state was unknown when somebody traded them
        self.unknown_limits: set[str] = set()

    @property
    def day(self) -> int:
        """The session, in days since 1970-01-01."""
        day: int = self._days[self.row]
        return day

    def column(self, symbol: str) -> int:
        """Column of a symbol known to the panel."""
        return self._columns[symbol]

    def fen(self, price: float) -> float | None:
        """CNY to fen: an int where the tick is one, a float off that grid, None for NaN."""
        if price != price:
            return None
        return int(price * 100 + 0.5) if self.whole_fen else price * 100

    def close_fen(self, symbol: str) -> float | None:
        """Close of the session, or None where the stock has no price."""
        return self.fen(self._close.item(self.row, self._columns[symbol]))

    def quote(self, symbol: str) -> Quote | None:
        """Prices of a symbol, or None where it has none in this session."""
        row, n, fen = self.row, self._columns[symbol], self.fen
        close = fen(self._close.item(row, n))
        reference = fen(self._reference.item(row, n))
        if close is None or reference is None:
            return None
        before = fen(self._close.item(row - 1, n)) if row else None
        board = self.panel.instruments.boards[n]
        day = self._days[row]
        st = self._st.item(row, n) > 0
        limits = price_limits(
            board,
            st,
            reference,
            day,
            self._listed_day[n],
            row - self._listed_row[n],
        )
        if limits.state is LimitState.UNKNOWN:
            self.unknown_limits.add(symbol)
        vwap = self._vwap.item(row, n)
        return Quote(
            trading=self._trading.item(row, n) > 0,
            previous_close=reference if before is None else before,
            reference=reference,
            open=fen(self._open.item(row, n)),
            close=close,
            vwap=None if vwap != vwap else vwap * 100,
            high=fen(self._high.item(row, n)),
            low=fen(self._low.item(row, n)),
            limits=limits,
            lot=lot_rule(board, day, st),
        )

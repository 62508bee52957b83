"""`MarketView`: the market as it was known at the close of one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, LookAheadError
from engine.market.calendar import Calendar, Dates, Session, iso, to_session
from engine.market.instruments import Instruments
from engine.market.macro import MacroFigure
from engine.market.panel import Array, MarketPanel
from engine.market.text import CLOSE, Text


class MarketView:
    """A zero-copy, read-only window on a panel that ends at one session.

    Nothing it offers shows a later row: arrays are cut at the session, texts by their date. Who digs for more
    in the arrays' internals is found out, since scores are asked for again on a real copy that ends at the
    session. Pickling a view takes along its window only.
    """

    __slots__ = ("_panel", "t")

    def __init__(self, panel: MarketPanel, t: int) -> None:
        self._panel = panel
        #: row of the session at which the view ends
        self.t = t

    def __repr__(self) -> str:
        return f"MarketView(at {iso(self.session)}, {self.t + 1} sessions × {len(self.symbols)} symbols)"

    def __len__(self) -> int:
        return self.t + 1

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._panel.truncate(self.t),)

    @property
    def session(self) -> Session:
        """The session at whose close the view stands."""
        session: Session = self._panel.dates[self.t]
        return session

    @property
    def dates(self) -> Dates:
        """(t+1,) sessions."""
        return self._panel.dates[: self.t + 1]

    @property
    def symbols(self) -> NDArray[np.str_]:
        """(N,) symbols, those of the whole panel, so that columns keep their place."""
        return self._panel.symbols

    @property
    def universe(self) -> NDArray[np.bool_]:
        """(t+1, N) point-in-time membership."""
        return self._panel.universe[: self.t + 1]

    @property
    def instruments(self) -> Instruments:
        """Names, boards and industries."""
        return self._panel.instruments

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other codes of the panel's stocks, to their symbols here."""
        return self._panel.aliases

    @property
    def calendar(self) -> Calendar:
        """The trading calendar (known in advance, as exchanges publish it)."""
        return self._panel.calendar

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names that `field` accepts."""
        return tuple(sorted(self._panel.fields))

    def field(self, name: str) -> Array:
        """Raw values of a field, (t+1, N)."""
        return self._panel.field(name)[: self.t + 1]

    def adjusted(self, name: str) -> Array:
        """A price field on the backward-adjusted scale, (t+1, N)."""
        return self._panel.adjusted(name)[: self.t + 1]

    def column(self, symbol: str) -> int:
        """Column of a symbol."""
        return self._panel.column(symbol)

    @property
    def index_symbols(self) -> tuple[str, ...]:
        """Symbols that `index` accepts."""
        return tuple(sorted(self._panel.indices))

    def index(self, symbol: str, field: str = "close") -> Array:
        """One field of an index, (t+1,).

        Raises
        ------
        DataError
            If the panel carries no such index or field.
        """
        bars = self._panel.indices.get(symbol)
        if bars is None or field not in bars:
            known = ", ".join(f"{s}.{f}" for s in self.index_symbols for f in self._panel.indices[s])
            raise DataError(f"no index field {symbol}.{field}; the panel has {known or 'no index'}")
        return bars[field][: self.t + 1]

    def texts(self, since: Any) -> tuple[Text, ...]:
        """Documents published from the day `since` to 15:00 of this session, in order of publication."""
        start = datetime.combine(to_session(since).astype(object), time.min)
        end = datetime.combine(self.session.astype(object), CLOSE)
        return tuple(text for text in self._panel.texts if start <= text.published_at <= end)

    @property
    def macro(self) -> tuple[MacroFigure, ...]:
        """Figures of the economy known at the close of this session, in order of the day that showed them."""
        last = self.session.astype(object)
        return tuple(figure for figure in self._panel.macro if figure.visible <= last)

    def view(self, x: Any) -> MarketView:
        """Return an earlier view: a session, or a row from 0 to t."""
        row = self._panel.row(x)
        if row > self.t:
            raise LookAheadError(f"a view at {iso(self.session)} cannot show {iso(self._panel.dates[row])}")
        return MarketView(self._panel, row)

    def window(self, sessions: int) -> MarketView:
        """Return a view that ends where this one does and shows its last `sessions` sessions alone.

        Rows count from the window's first session. The view itself where it has no more sessions.
        """
        first = self.t + 1 - sessions
        return self if first <= 0 else MarketView(_cut(self._panel, first, self.t + 1), sessions - 1)

    def panel(self) -> MarketPanel:
        """Return the panel that ends where the view does: nothing later can be read from it.

        A view shows no listing days and no sessions with rules of their own, which decide what can be bought.

        Returns
        -------
        MarketPanel
            The view's own panel where it ends there, else a copy.
        """
        panel = self._panel
        return panel if self.t == len(panel.dates) - 1 else panel.truncate(self.t)


def _cut(panel: MarketPanel, start: int, stop: int) -> MarketPanel:
    """Rows of a panel without copying them; what does not belong to a row is the panel's."""
    return replace(
        panel,
        dates=panel.dates[start:stop],
        fields={name: values[start:stop] for name, values in panel.fields.items()},
        universe=panel.universe[start:stop],
        universe_known=panel.universe_known[start:stop],
        indices={s: {n: row[start:stop] for n, row in bars.items()} for s, bars in panel.indices.items()},
    )


def _rebuild(panel: MarketPanel) -> MarketView:
    return MarketView(panel, len(panel.dates) - 1)

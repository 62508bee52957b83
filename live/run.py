"""`PaperRun`: what a paper account trades, and on which market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from alpha_sources.signal import ProviderSignal
from engine.benchmark import benchmark_levels
from engine.broker.config import BrokerConfig
from engine.errors import CalendarError, ConfigError, DataError
from engine.market.calendar import Calendar, iso
from engine.market.panel import MarketPanel
from engine.span import Span


class Trader(NamedTuple):
    """A strategy, ready to be run once: its class, parameters and the signal among them."""

    strategy: type[bt.Strategy]
    params: Mapping[str, Any]
    signal: ProviderSignal | None


@dataclass(frozen=True, eq=False)
class PaperRun:
    """Everything that determines a paper account but its past.

    Parameters
    ----------
    panel : MarketPanel
        The market; on replayed days with rows that the account must not see yet, which views hide.
    trader : callable
        Makes strategy and signal anew: each run over sessions has its own.
    broker : BrokerConfig
    benchmark : str or None
        Index symbol.
    span : Span
        The decision session before the first one, the first, and the last row there may be.
    coming : int or None
        Row of a session for which there are no prices yet; None where every row has them.
    """

    panel: MarketPanel
    trader: Callable[[], Trader]
    broker: BrokerConfig
    benchmark: str | None
    span: Span
    coming: int | None = None

    def __post_init__(self) -> None:
        if self.broker.compat == "qlib":
            raise ConfigError("broker.compat qlib counts in fractions of a fen and cannot be paper-traded")
        if self.panel.tick is None or abs(self.panel.tick * 100 - round(self.panel.tick * 100)) > 1e-9:
            raise ConfigError("prices off the fen cannot be paper-traded; set data.tick to 0.01")

    def session(self, row: int) -> date:
        """Day of a row."""
        day: date = self.panel.dates[row].astype("datetime64[D]").astype(object)
        return day

    def eve(self, row: int) -> date:
        """Day of the session before a row; of the row itself, where the data begin."""
        return self.session(max(row - 1, 0))

    def row(self, session: date) -> int:
        """Row of a session, or a clear error."""
        return row_of(self.panel, session)

    def levels(self) -> NDArray[np.float64] | None:
        """Closes of the benchmark: the base before the span, then one per session as far as there are any.

        Raises
        ------
        DataError
            If the data lack the index; closes may be missing only where a session is still to come.
        """
        if self.benchmark is None:
            return None
        if self.coming is None:
            return benchmark_levels(self.panel, self.benchmark, self.span)
        bars = self.panel.indices.get(self.benchmark)
        if bars is None:
            known = ", ".join(sorted(self.panel.indices)) or "none"
            raise DataError(f"benchmark {self.benchmark}: the data have no such index; known: {known}")
        closes, span = bars["close"], self.span
        levels: NDArray[np.float64] = np.append(
            closes[max(span.start - 1, 0)], closes[span.start : span.stop + 1]
        )
        return levels

    @property
    def cash_fen(self) -> int:
        """What the account begins with."""
        return round(self.broker.cash * 100)


def row_of(panel: MarketPanel, session: date) -> int:
    """Row of a session.

    Raises
    ------
    CalendarError
        If the day is no session, or lies past the calendar.
    DataError
        If the data do not hold it.
    """
    day = np.datetime64(session, "D")
    calendar: Calendar = panel.calendar
    if day > calendar.last:
        raise CalendarError(
            f"{session}: the {calendar.name} calendar ends {iso(calendar.last)}; "
            "a newer exchange_calendars may know the sessions after it"
        )
    if not calendar.is_session(day):
        later = calendar.sessions[calendar.sessions > day]
        hint = f"; the next is {iso(later[0])}" if len(later) else ""
        raise CalendarError(f"{session} is no trading session{hint}")
    i = int(np.searchsorted(panel.dates, day))
    if i == len(panel.dates) or panel.dates[i] != day:
        raise DataError(
            f"{session}: the data cover {iso(panel.dates[0])}..{iso(panel.dates[-1])}; bring them up to date"
        )
    return i

"""The span of a run: which rows of a panel it covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from engine.errors import DataError
from engine.market.calendar import DAY, Calendar, iso
from engine.market.panel import MarketPanel


class SpanConfig(BaseModel):
    """The ``span`` section: calendar days, both inclusive; by default all sessions with a known universe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: date | None = None
    end: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> SpanConfig:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}")
        return self


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of a run: sessions ``start``..``stop``; the clock starts at the decision session before them.

    Where the data have no decision session before `start`, ``clock_start`` equals ``start`` and the first
    fills are a session later.
    """

    clock_start: int
    start: int
    stop: int

    @property
    def sessions(self) -> int:
        """Sessions of the span."""
        return self.stop - self.start + 1


def resolve_span(panel: MarketPanel, config: SpanConfig, key: str = "span") -> Span:
    """Find the rows of a span, or say why there are none; `key` is what messages call it.

    Raises
    ------
    DataError
        If the span reaches past the data, holds no session, or has a session with an unknown universe.
    """
    first, last = panel.dates[0], panel.dates[-1]
    called = "the span" if key == "span" else key
    covers = f"the data cover {iso(first)}..{iso(last)}"
    known = np.flatnonzero(panel.universe_known)
    if not len(known):
        raise DataError("the universe is unknown on every session; check data.membership and data.universe")
    start = np.datetime64(config.start, "D") if config.start else panel.dates[known[0]]
    end = np.datetime64(config.end, "D") if config.end else last
    if start < first and _sessions_within(panel.calendar, start, first - DAY):
        raise DataError(
            f"{key}.start {start} lies before the data: {covers}; set {key}.start to {iso(first)} or later"
        )
    if end > last and _sessions_within(panel.calendar, last + DAY, end):
        raise DataError(
            f"{key}.end {end} lies after the data: {covers}; set {key}.end to {iso(last)} or earlier"
        )
    lo = int(np.searchsorted(panel.dates, start))
    hi = int(np.searchsorted(panel.dates, end, side="right")) - 1
    if lo > hi:
        raise DataError(f"{called} {start}..{end} holds no session; {covers}")
    unknown = np.flatnonzero(~panel.universe_known[lo : hi + 1])
    if len(unknown):
        raise DataError(
            f"the universe is unknown on {len(unknown)} sessions of {called}, "
            f"first {iso(panel.dates[lo + unknown[0]])}; membership is known from "
            f"{iso(panel.dates[known[0]])}: set {key}.start to that day or later"
        )
    decides = lo > 0 and bool(panel.universe_known[lo - 1])
    return Span(lo - 1 if decides else lo, lo, hi)


def _sessions_within(calendar: Calendar, start: np.datetime64, end: np.datetime64) -> bool:
    """Whether a session lies between two days; past the calendar every weekday might be one."""
    if np.any((calendar.sessions >= start) & (calendar.sessions <= end)):
        return True
    if end <= calendar.last and start >= calendar.first:
        return False
    lo = max(start, calendar.last + DAY) if end > calendar.last else start
    hi = min(end, calendar.first - DAY) if start < calendar.first else end
    return bool(np.busday_count(lo, hi + DAY) > 0)

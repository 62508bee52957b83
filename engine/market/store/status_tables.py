"""What a store holds beside daily bars: macro series, texts, minute bars; what is missing of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.market.store.folder import StoreReader
from engine.market.store.minutes import SESSION_BARS
from engine.market.store.rows import codes_of, day_numbers, numbers, records
from engine.market.store.schema import Kind

#: a series whose usual step has passed twice, and a holiday on top, is late
_HOLIDAY_DAYS = 12
#: a period further from the one before than this share of the usual step is not the next one
_SKIPPED = 1.6
_SHORTEST_GAP_DAYS = 20


@dataclass(frozen=True, slots=True)
class MacroStatus:
    """One macro series.

    Parameters
    ----------
    series : str
    periods, restated : int
        Periods it has a figure of; figures that came again with another value.
    first, last : date
        Periods.
    known_to : date
        Day from which the last figure was known.
    missing : int
        Periods left out between them, by its usual step.
    stale : bool
        The next figure should have been out by now.
    """

    series: str
    periods: int
    restated: int
    first: date
    last: date
    known_to: date
    missing: int
    stale: bool


@dataclass(frozen=True, slots=True)
class TextsStatus:
    """Texts of one kind: how many, about how many stocks, and when the first and last were published."""

    kind: str
    count: int
    symbols: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class MinutesStatus:
    """Minute bars.

    Parameters
    ----------
    symbols, sessions : int
        Names, and sessions of names.
    incomplete : int
        Of these, sessions with fewer than 240 bars.
    missing : int
        Sessions between a name's first and last on which it traded, without minute bars.
    first, last : date
    """

    symbols: int
    sessions: int
    incomplete: int
    missing: int
    first: date
    last: date


def macro_status(reader: StoreReader, today: date) -> tuple[MacroStatus, ...]:
    """Look over the macro series, by name."""
    series: dict[str, list[dict[str, Any]]] = {}
    for row in records(reader.rows(Kind.MACRO, columns=("series", "visible_date", "period_end"))):
        series.setdefault(row["series"], []).append(row)
    out = []
    for name, rows in sorted(series.items()):
        periods = sorted({row["period_end"] for row in rows})
        days = np.array(periods, dtype="datetime64[D]").astype(np.int64)
        steps = np.diff(days)
        usual = float(np.median(steps)) if len(steps) else 0.0
        wide = steps[(steps > _SKIPPED * usual) & (steps > _SHORTEST_GAP_DAYS)]
        known_to: date = max(row["visible_date"] for row in rows)
        late = timedelta(days=2 * usual + _HOLIDAY_DAYS)
        out.append(
            MacroStatus(
                name,
                len(periods),
                len(rows) - len(periods),
                periods[0],
                periods[-1],
                known_to,
                int(np.round(wide / usual - 1.0).sum()) if usual else 0,
                bool(usual) and today - known_to > late,
            )
        )
    return tuple(out)


def texts_status(reader: StoreReader) -> tuple[TextsStatus, ...]:
    """Look over the texts, by kind."""
    rows = reader.rows(Kind.TEXTS, columns=("symbol", "kind", "published_at"))
    out = []
    for kind in sorted(pc.unique(rows["kind"]).to_pylist()):
        mine = rows.filter(pc.equal(rows["kind"], kind))
        ends = pc.min_max(mine["published_at"]).as_py()
        symbols = pc.count_distinct(mine["symbol"].cast(pa.string())).as_py()
        out.append(TextsStatus(kind, len(mine), symbols, ends["min"], ends["max"]))
    return tuple(out)


def minutes_status(reader: StoreReader) -> MinutesStatus | None:
    """Look over the minute bars."""
    rows = reader.rows(Kind.MINUTE_BARS, columns=("symbol", "session"))
    if not len(rows):
        return None
    symbols = np.array(sorted(pc.unique(rows["symbol"]).to_pylist()), dtype=np.str_)
    keys = (codes_of(rows["symbol"], symbols).astype(np.int64) << 32) + day_numbers(rows["session"])
    found, counts = np.unique(keys, return_counts=True)
    column, day = found >> 32, found & 0xFFFFFFFF
    first, last = (np.datetime64(int(d), "D").astype(object) for d in (day.min(), day.max()))
    bars = reader.rows(
        Kind.BARS, symbols=symbols.tolist(), first=first, last=last, columns=("symbol", "session", "volume")
    )
    bars = bars.filter(pa.array(numbers(bars["volume"]) > 0.0))
    daily_column = codes_of(bars["symbol"], symbols).astype(np.int64)
    daily_day = day_numbers(bars["session"])
    starts, ends = (np.searchsorted(column, np.arange(len(symbols)), side=side) for side in ("left", "right"))
    within = (daily_day >= day[starts][daily_column]) & (daily_day <= day[ends - 1][daily_column])
    missing = within & ~np.isin((daily_column << 32) + daily_day, found)
    return MinutesStatus(
        len(symbols), len(found), int((counts < SESSION_BARS[0]).sum()), int(missing.sum()), first, last
    )

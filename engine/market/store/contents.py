"""What every row of a table must be, whoever wrote it: texts, macro figures, minute bars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import DataError
from engine.market.grid import Bools
from engine.market.macro import series_name
from engine.market.phases import minute_ends
from engine.market.store.dated import EARLIEST_DAYS
from engine.market.store.rows import numbers, records
from engine.market.store.schema import MINUTE_VALUES, Kind, TextKind
from engine.market.store.texts import text_id

_MINUTE_MS, _DAY_MINUTES = 60_000, 1440


def wrong_contents(kind: Kind, table: Any) -> Iterator[str]:
    """Yield what is wrong with the rows of a segment; the first row of each kind of fault is named."""
    rules = {Kind.TEXTS: _texts, Kind.MACRO: _macro, Kind.MINUTE_BARS: _minutes}
    if kind in rules and len(table):
        yield from rules[kind](table)


def _texts(table: Any) -> Iterator[str]:
    kinds = set(TextKind)
    seen: set[str] = set()
    for row in records(table):
        published: datetime | None = row["published_at"]
        label = f"{row['title'][:40]!r}"
        if published is None:
            fault = f"{label} does not say when it was published"
        elif published.date() != row["day"]:
            fault = f"{label}, published at {published}, stands under {row['day']}"
        elif row["first_seen"] is None or published > row["first_seen"]:
            fault = f"{label}, published at {published}, was seen before"
        elif text_id(row["source"], published, row["title"]) != row["id"]:
            fault = f"{label} has the id of another text"
        elif row["kind"] not in kinds:
            fault = f"{label} is of the kind {row['kind']!r}, which there is not"
        else:
            continue
        # one of each kind is enough to know
        what = fault.removeprefix(label).split(" ")[1]
        if what not in seen:
            seen.add(what)
            yield fault


def _macro(table: Any) -> Iterator[str]:
    for name in sorted(set(table["series"].cast(pa.string()).to_pylist())):
        try:
            series_name(name, "a series")
        except DataError as problem:
            yield str(problem)
    if not np.isfinite(numbers(table["value"])).all():
        yield "a figure is no finite number"
    visible, period = (
        np.asarray(table[name].cast(pa.int32()).to_numpy()) for name in ("visible_date", "period_end")
    )
    early = period > visible + EARLIEST_DAYS
    if early.any():
        row = table.slice(int(np.argmax(early)), 1).to_pylist()[0]
        what = f"{row['series']} for {row['period_end']}"
        yield f"{what} is known from {row['visible_date']}, long before that was over"


def _minutes(table: Any) -> Iterator[str]:
    ended = np.asarray(table["ended_at"].cast(pa.int64()).to_numpy(), dtype=np.int64) // _MINUTE_MS
    days = np.asarray(table["session"].cast(pa.int32()).to_numpy(), dtype=np.int64)
    v = {name: numbers(table[name]) for name in MINUTE_VALUES}
    faults: dict[str, Bools] = {
        "stands under another session": ended // _DAY_MINUTES != days,
        "ends when no minute of a session does": ~np.isin(ended % _DAY_MINUTES, minute_ends()),
        "has a price that is not above zero": ~np.logical_and.reduce([v[n] > 0.0 for n in MINUTE_VALUES[:4]]),
        "has a volume that is not zero or above": ~(v["volume"] >= 0.0),
    }
    for what, rows in faults.items():
        if rows.any():
            row = table.slice(int(np.argmax(rows)), 1).to_pylist()[0]
            yield f"the bar of {row['symbol']} at {row['ended_at']} {what}"

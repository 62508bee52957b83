"""Stores cut out of the bundled sample: as they were on the evening of a session, and grown day by day."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphaloom.sample import sample_paths
from engine.market.config import data_config
from engine.market.sources.tables import TableSource
from engine.market.store import Kind, MarketStore
from engine.market.store.fill import fill
from engine.rules.limits import limit_percent

UNIVERSE = "sse50"


def whole_store(folder: Path, first: date, last: date) -> MarketStore:
    """A store with all tables of the sample, and its bars from `first` to `last`."""
    paths = sample_paths()
    paths.pop("universe")
    source = TableSource(data_config(**paths, source="file"), "sample")
    store = MarketStore(folder)
    fill(
        store,
        source,
        clock=lambda: datetime(2024, 1, 2, 18),
        first=first,
        last=last,
        universes=[UNIVERSE],
        limit_percent=limit_percent,
    )
    return store


def cut(
    whole: MarketStore, folder: Path, last: date, without: Collection[tuple[str, date]] = ()
) -> MarketStore:
    """A copy of a store that ends with a session; `without` names rows that it lacks."""
    shutil.copytree(whole.folder, folder)
    store = MarketStore(folder)
    missing = {(symbol, np.datetime64(day, "D")) for symbol, day in without}
    with store.writing(lambda: datetime.combine(last, time(18))) as writer:
        for kind, day in ((Kind.BARS, "session"), (Kind.INDEX_BARS, "session")):
            rows = writer.rows(kind)
            rows = rows.filter(pc.less_equal(rows[day], last))
            if kind is Kind.BARS and missing:
                symbols = rows["symbol"].cast("string").to_pylist()
                days = rows["session"].to_pylist()
                keep = [(s, np.datetime64(d, "D")) not in missing for s, d in zip(symbols, days, strict=True)]
                rows = rows.filter(keep)
            writer.replace(kind, rows)
        writer.commit("cut")
    return store


def edited(whole: MarketStore, folder: Path, edit: Callable[[Any], Any]) -> MarketStore:
    """A copy of a store whose bars were changed, as a frame of symbol, session and values."""
    shutil.copytree(whole.folder, folder)
    store = MarketStore(folder)
    with store.writing(lambda: datetime(2024, 1, 2, 18)) as writer:
        rows = writer.rows(Kind.BARS)
        frame = rows.to_pandas()
        frame["symbol"] = frame["symbol"].astype(str)
        changed = pa.Table.from_pandas(edit(frame), preserve_index=False)
        writer.replace(Kind.BARS, changed.cast(rows.schema))
        writer.commit("edited")
    return store


def suspended(frame: Any, symbol: str, *days: str) -> Any:
    """Bars without those of a stock on some days."""
    out = (frame["symbol"] == symbol) & frame["session"].astype(str).isin(days)
    assert out.sum() == len(days)
    return frame[~out]


def opening_at_the_limit(frame: Any, symbol: str, day: str) -> Any:
    """Bars in which a stock opens at its upper limit, and falls back to where it closed."""
    row = (frame["symbol"] == symbol) & (frame["session"].astype(str) == day)
    assert row.sum() == 1
    limit = (frame.loc[row, "preclose"] * 110 + 0.5 + 1e-6).astype(int) / 100
    frame.loc[row, "open"] = frame.loc[row, "high"] = limit
    return frame

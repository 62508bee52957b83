"""Hand-made deliveries for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.market import data_config
from engine.market.calendar import xshg
from engine.market.codes import shipped_code_changes
from engine.market.sources.delivery import DailyBars
from engine.market.sources.tables import TableSource
from engine.market.store import ArrivalRules, MarketStore, Reason
from engine.market.store.fill import fill
from engine.market.store.intake import Taken, take_bars
from engine.rules.limits import limit_percent

NAN = float("nan")
NOW = datetime(2024, 1, 2, 18)
SESSIONS = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-12-29"))


def clock() -> datetime:
    return NOW


def walk(sessions: int = 30, symbol: str = "600519.SH", *, seed: int = 1, first: int = 0) -> DailyBars:
    """A random walk on the tick within ±3 %, with one ex-date on its twelfth session."""
    rng = np.random.default_rng(seed)
    close, preclose, factor = np.empty(sessions), np.empty(sessions), np.empty(sessions)
    price, held = 20.0, 1.0
    for t in range(sessions):
        preclose[t] = price
        if t == 11:
            preclose[t] = round(price * 0.95, 2)
            held *= price / preclose[t]
        price = round(preclose[t] * (1 + rng.uniform(-0.03, 0.03)), 2)
        close[t], factor[t] = price, held
    volume = rng.integers(10_000, 99_999, sessions) * 100.0
    low, high = np.minimum(preclose, close), np.maximum(preclose, close)
    return DailyBars(
        np.array([symbol]),
        np.zeros(sessions, dtype=np.intp),
        SESSIONS[first : first + sessions].copy(),
        {
            "open": preclose.copy(), "high": high, "low": low, "close": close, "preclose": preclose,
            "volume": volume, "amount": volume * (low + high) / 2, "adj_factor": factor,
        },
    )  # fmt: skip


def changed(bars: DailyBars, row: int, **cells: float) -> DailyBars:
    """The same bars but for some cells of one row."""
    values = {name: column.copy() for name, column in bars.values.items()}
    for name, cell in cells.items():
        values.setdefault(name, np.full(len(bars), NAN))[row] = cell
    return DailyBars(bars.symbols, bars.column, bars.session, values)


def without(bars: DailyBars, *columns: str) -> DailyBars:
    values = {name: column for name, column in bars.values.items() if name not in columns}
    return DailyBars(bars.symbols, bars.column, bars.session, values)


def take(
    store: MarketStore,
    bars: DailyBars,
    *,
    source: str = "test",
    now: datetime = NOW,
    accepted: Iterable[Reason] = (),
) -> Taken:
    rules = ArrivalRules(xshg(), now, limit_percent, frozenset(accepted))
    with store.writing(lambda: now) as writer:
        taken = take_bars(writer, bars, source=source, rules=rules, changes=shipped_code_changes())
        writer.commit(source)
    return taken


def stored(store: MarketStore) -> pd.DataFrame:
    """All stored bars with their factor, by symbol and date."""
    from engine.market.store import Kind
    from engine.market.store.intake import stored_bars

    reader = store.reader()
    bars = stored_bars(reader, np.array(reader.coverage().symbols, dtype=np.str_))
    assert len(bars) == sum(s.rows for s in reader.manifest.of(Kind.BARS))
    frame = pd.DataFrame({"symbol": bars.symbols[bars.column], "date": bars.session, **bars.values})
    return frame.reset_index(drop=True)


def import_files(store: MarketStore, *, universe: str | None = None, **paths: Any) -> Taken:
    """What ``alphaloom data import-csv`` does with files named like the keys of the data section."""
    source = TableSource(data_config(source="file", **paths), "files")
    universes = [universe] if universe else []
    return fill(store, source, clock=clock, universes=universes, limit_percent=limit_percent)


def csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path

"""The market store at full size: how large it is, how fast a panel is read, what a daily step costs.

    python benchmarks/bench_store.py --json out.json

A seeded synthetic market (prices on the tick, suspensions) is written to a temporary folder, as a store that
was imported year by year. Each panel is read in a process of its own, so that its peak memory counts;
cpu_seconds is the processors' time, which a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.market.calendar import xshg
from engine.market.codes import CodeChanges
from engine.market.sources.delivery import DailyBars
from engine.market.store import ArrivalRules, Kind, MarketStore
from engine.market.store.intake import take_bars
from engine.market.store.rows import bars_table, days, words
from engine.rules.limits import limit_percent

_SEED = 20240102
_CLOCK = datetime(2026, 1, 5, 18)


def synthetic(sessions: np.ndarray, names: int, close: np.ndarray, rng: np.random.Generator) -> DailyBars:
    """Bars of some sessions; `close` (names,) is where prices start, and is moved on."""
    T = len(sessions)
    before = np.empty((T, names))
    after = np.empty((T, names))
    for t in range(T):
        move = np.clip(rng.standard_t(4, names) * 0.012, -0.09, 0.09)
        before[t] = close
        close[:] = np.maximum(np.floor(close * (1 + move) * 100 + 0.5) / 100, 1.0)
        # half of what the limit allows at the lowest prices
        np.clip(close, np.ceil(before[t] * 91) / 100, np.floor(before[t] * 109) / 100, out=close)
        after[t] = close
    traded = rng.random((T, names)) > 0.005
    volume = np.where(traded, np.round(np.exp(rng.normal(15, 1, (T, names)))), 0.0)
    flat = {
        "open": before, "high": np.maximum(before, after), "low": np.minimum(before, after), "close": after,
        "preclose": before, "volume": volume, "amount": np.round(volume * (before + after) / 2, 2),
        "turnover": volume / 1e9, "trading": traded.astype(float), "is_st": np.zeros((T, names)),
    }  # fmt: skip
    symbols = np.array([f"{600000 + n}.SH" for n in range(names)])
    return DailyBars(
        symbols,
        np.repeat(np.arange(names), T),
        np.tile(sessions, names),
        {name: values.T.ravel() for name, values in flat.items()},
    )


def build(folder: Path, names: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the store but for its last session; returns that session and the closes before it."""
    sessions = xshg().sessions
    sessions = sessions[: np.searchsorted(sessions, np.datetime64("2026-01-01"))][-count:]
    rng = np.random.default_rng(_SEED)
    close = np.round(rng.uniform(5, 60, names), 2)
    years = sessions.astype("datetime64[Y]")
    with MarketStore(folder).writing(lambda: _CLOCK) as writer:
        for year in np.unique(years):
            mine = sessions[(years == year) & (sessions < sessions[-1])]
            bars = synthetic(mine, names, close, rng)
            writer.add(Kind.BARS, bars_table(bars))
            if year == years[0]:
                every = np.arange(names)
                first = np.full(names, mine[0])
                cells = {"symbol": words(bars.symbols, every), "session": days(first)}
                ones, source = pa.array(np.ones(names)), pa.array(["bench"] * names)
                writer.add(Kind.FACTORS, pa.table({**cells, "adj_factor": ones, "source": source}))
            writer.commit("bench")
    return sessions[-1:], close


def daily_step(folder: Path, session: np.ndarray, close: np.ndarray) -> dict[str, float]:
    """Take one session of the whole market in: judged and stored."""
    store, rng = MarketStore(folder), np.random.default_rng(_SEED + 1)
    bars = synthetic(session, len(close), close.copy(), rng)
    before = set(store.reader().manifest.segments)
    clock = time.perf_counter()
    with store.writing(lambda: _CLOCK) as writer:
        rules = ArrivalRules(xshg(), _CLOCK, limit_percent)
        taken = take_bars(writer, bars, source="bench", rules=rules, changes=CodeChanges.none())
        writer.commit("bench")
    seconds = time.perf_counter() - clock
    new = [s for s in store.reader().manifest.segments if s not in before and s.kind is Kind.BARS]
    assert taken.added[Kind.BARS] == len(close), taken
    return {
        "seconds": round(seconds, 3),
        "partitions_touched": len({s.partition for s in new}),
        "megabytes_written": round(sum(s.bytes for s in new) / 1e6, 3),
    }


def read(folder: str, names: int, start: str | None) -> dict[str, object]:
    """Read a panel here, and say how long it took and what it took."""
    store = MarketStore(Path(folder))
    universe = "all" if names == 0 else [f"{600000 + n * 97}.SH" for n in range(names)]
    xshg()  # the calendar is made once in a process
    clock, cpu = time.perf_counter(), time.process_time()
    panel = store.panel(universe, start).panel
    return {
        "shape": list(panel.shape),
        "seconds": round(time.perf_counter() - clock, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3),
        "fields": len(panel.fields),
    }


def in_process(folder: Path, names: int, start: str | None) -> dict[str, object]:
    """Run `read` in a fresh process."""
    command = [sys.executable, __file__, "--read", str(folder), "--names", str(names), "--start", start or ""]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--keep", type=Path, help="build the store here, and leave it")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--start", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        print(json.dumps(read(asked.read, asked.names, asked.start or None)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary) / "store"
        clock = time.perf_counter()
        session, close = build(folder, asked.names, asked.sessions)
        built = time.perf_counter() - clock
        segments = MarketStore(folder).reader().manifest.segments
        found = {
            "machine": platform.platform(),
            "names": asked.names,
            "sessions": asked.sessions,
            "build_seconds": round(built, 1),
            "rows": sum(s.rows for s in segments if s.kind is Kind.BARS),
            "megabytes": round(sum(s.bytes for s in segments) / 1e6, 1),
            "daily_step": daily_step(folder, session, close),
            "fifty_names_five_years": in_process(folder, 50, "2021-01-01"),
            "everything": in_process(folder, 0, None),
        }
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()

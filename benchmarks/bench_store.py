"""The market store at full size: how large it is, how fast a panel is read, what imports cost.

    python benchmarks/bench_store.py --store FOLDER --json out.json
    python benchmarks/bench_store.py --store FOLDER --only panel --runs 5

A seeded synthetic market (prices on the tick, suspensions, a dividend a year) is written to a store, or read
from the folder of an earlier run. Every figure is taken in a process of its own; `cpu` is user + system time
of all threads, which other jobs disturb less than `wall`. "first ever" begins with an empty cache of compiled
code. "memory" writes once to as much fresh memory as the largest panel has: no panel can be there sooner, and
on a virtual machine that may take seconds the first time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from store_market import Walk, last_sessions, write_qlib, write_store

from engine.market.calendar import xshg
from engine.market.codes import CodeChanges
from engine.market.sources.delivery import DailyBars
from engine.market.store import ArrivalRules, Kind, MarketStore
from engine.market.store.intake import take_bars
from engine.market.store.rows import bars_of
from engine.rules.limits import limit_percent

_SEED = 20240102
_CLOCK = datetime(2026, 1, 5, 18)
_FEW = 50
_PARTS = ("size", "memory", "panel", "step", "qlib")
Row = dict[str, Any]


def build(folder: Path, names: int, count: int) -> None:
    """Write the store but for its last session."""
    with MarketStore(folder).writing(lambda: _CLOCK) as writer:
        write_store(writer, last_sessions(count)[:-1], Walk.begin(names, _SEED))


def measured(work: Any) -> Row:
    """Run something here."""
    before, clock = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = work() or {}
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall": round(time.perf_counter() - clock, 3),
        "user": round(after.ru_utime - before.ru_utime, 3),
        "system": round(after.ru_stime - before.ru_stime, 3),
        "peak_gb": round(after.ru_maxrss * 1024 / 1e9, 3),
        **found,
    }


def read_panel(folder: Path, every: int, start: str) -> Row:
    """Read a panel of all names, or of every n-th."""
    xshg()  # the calendar is made once in a process
    universe = "all" if every == 1 else [f"{600000 + n * every}.SH" for n in range(_FEW)]
    panel = MarketStore(folder).panel(universe, start or None).panel
    return {"what": f"{panel.shape[1]:,} × {panel.shape[0]:,}, {len(panel.fields)} fields"}


def touch_memory(cells: int) -> Row:
    """Write once to fresh memory."""
    np.empty(cells).fill(1.0)
    return {"what": f"{cells * 8 / 1e9:.2f} GB"}


def daily_step(folder: Path) -> Row:
    """Take the next session of the whole market in: judged and stored."""
    store = MarketStore(folder)
    before = store.reader().manifest
    last = max(s.last for s in before.of(Kind.BARS))
    known = np.array(store.reader().coverage().symbols)
    there = store.reader().rows(Kind.BARS, first=date.fromisoformat(last))
    close = bars_of(there, known).values["close"].copy()
    walk = Walk(close, np.ones(len(close)), np.random.default_rng(_SEED + 1))
    session = xshg().sessions[np.searchsorted(xshg().sessions, np.datetime64(last)) + 1 :][:1]
    told = walk.bars(session, ex_dates=False)
    # no ex-date: the stored factors stay in force
    values = {name: cells for name, cells in told.values.items() if name != "adj_factor"}
    bars = DailyBars(told.symbols, told.column, told.session, values)

    def step() -> Row:
        with store.writing(lambda: _CLOCK) as writer:
            rules = ArrivalRules(xshg(), _CLOCK, limit_percent)
            taken = take_bars(writer, bars, source="bench", rules=rules, changes=CodeChanges.none())
            writer.commit("bench")
        new = [s for s in store.reader().manifest.of(Kind.BARS) if s not in before.of(Kind.BARS)]
        assert taken.added[Kind.BARS] == len(close), taken
        megabytes = sum(s.bytes for s in new) / 1e6
        return {"what": f"{len({s.partition for s in new})} partition touched, {megabytes:.2f} MB written"}

    return measured(step)


def import_qlib(folder: Path, names: int, sessions: int) -> Row:
    """Run `alphaloom data import-qlib` on a folder that is written first."""
    write_qlib(folder / "qlib", Walk.begin(names, _SEED).bars(last_sessions(sessions)))
    command = [sys.executable, "-m", "alphaloom", "data", "import-qlib", str(folder / "qlib")]
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, "--store", str(folder / "store")], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = sum(s.rows for s in MarketStore(folder / "store").reader().manifest.of(Kind.BARS))
    return {
        "what": f"{names:,} names × {sessions:,} sessions, {rows:,} bars stored",
        "wall": round(time.perf_counter() - clock, 3),
        "user": round(after.ru_utime - before.ru_utime, 3),
        "system": round(after.ru_stime - before.ru_stime, 3),
        "peak_gb": round(after.ru_maxrss * 1024 / 1e9, 3),
    }


def in_process(part: str, *given: object, cache: Path | None = None) -> Row:
    """Take a figure in a fresh process."""
    environment = {**os.environ, **({} if cache is None else {"NUMBA_CACHE_DIR": str(cache)})}
    command = [sys.executable, __file__, "--part", part, *map(str, given)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    row: Row = json.loads(done.stdout)
    return row


def run_part(part: str, given: list[str]) -> Row:
    """Take a figure here."""
    match part:
        case "panel":
            return measured(lambda: read_panel(Path(given[0]), int(given[1]), given[2]))
        case "memory":
            return measured(lambda: touch_memory(int(given[0])))
        case "step":
            return daily_step(Path(given[0]))
        case _:
            return import_qlib(Path(given[0]), int(given[1]), int(given[2]))


def rows_of(asked: argparse.Namespace, folder: Path) -> list[Row]:
    """Take the figures that are asked for."""
    rows: list[Row] = []

    def add(figure: str, row: Row) -> None:
        rows.append({"figure": figure, **row, "load": round(os.getloadavg()[0], 1)})
        print(line(rows[-1]), flush=True)

    segments = MarketStore(folder).reader().manifest.segments
    bars = [s for s in segments if s.kind is Kind.BARS]
    names, sessions = asked.names, asked.sessions
    if "size" in asked.only:
        megabytes = sum(s.bytes for s in segments) / 1e6
        add("store", {"what": f"{sum(s.rows for s in bars):,} bars, {megabytes:,.0f} MB"})
    for run in range(asked.runs):
        again = f" {run + 1}" if asked.runs > 1 else ""
        if "memory" in asked.only:
            add(f"memory{again}", in_process("memory", 15 * names * sessions))
        if "panel" in asked.only:
            add(f"panel, all{again}", in_process("panel", folder, 1, ""))
            add(f"panel, {_FEW} from 2021{again}", in_process("panel", folder, names // _FEW, "2021-01-01"))
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        place = Path(temporary)
        if "panel" in asked.only:
            add("panel, all, first ever", in_process("panel", folder, 1, "", cache=place / "cache"))
        if "step" in asked.only:
            # files are never changed once they are written: links do for a copy
            shutil.copytree(
                folder, place / "step", copy_function=os.link, ignore=shutil.ignore_patterns("*.lock")
            )
            add("daily step", in_process("step", place / "step"))
        if "qlib" in asked.only:
            add("import-qlib", in_process("qlib", place, asked.qlib_names, sessions))
    return rows


_COLUMNS = {"figure": 30, "wall": 8, "cpu": 8, "user": 8, "system": 8, "peak_gb": 8, "load": 6}


def line(row: Row) -> str:
    """Return a row of the table; times are seconds."""
    cells = {**row, "cpu": round(row["user"] + row["system"], 2) if "user" in row else ""}
    return " ".join(f"{cells.get(name, '')!s:<{width}}" for name, width in _COLUMNS.items()) + row["what"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--qlib-names", type=int, default=300, help="names of the Qlib folder")
    parser.add_argument("--runs", type=int, default=3, help="how often panels are read")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS, help="figures to take")
    parser.add_argument("--store", type=Path, help="build the store here and leave it, or use what is here")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.part and min(asked.names // _FEW, asked.sessions - 1) < 2:
        parser.error(f"at least {2 * _FEW} names and 3 sessions")
    if asked.part:
        print(json.dumps(run_part(asked.part[0], asked.part[1:])))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.store or Path(temporary) / "store").absolute()
        if not MarketStore(folder).exists:
            clock = time.perf_counter()
            build(folder, asked.names, asked.sessions)
            print(f"built {folder} in {time.perf_counter() - clock:.0f} s")
        print(" ".join(f"{name:<{width}}" for name, width in _COLUMNS.items()))
        rows = rows_of(asked, folder)
    if asked.json:
        found = {"machine": platform.platform(), "processors": os.cpu_count(), "figures": rows}
        asked.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

"""What every runner shares: read the panel, time the run, say what it cost. Needs numpy alone."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: Terms that every engine is given as far as it can express them.
CASH = 10_000_000.0
COMMISSION = 0.00025
MINIMUM = 5.0
STAMP_DUTY = 0.001
RISK_DEGREE = 0.95
LOT = 100

#: No engine repeats for longer than this; at least one repeat is always timed.
_BUDGET_S = 600.0


class Folder:
    """A panel on disk; arrays are read when they are asked for. `silent` asks for a run nobody listens to."""

    def __init__(self, path: Path, silent: bool = False) -> None:
        self.path, self.silent = path, silent
        size = json.loads((path / "size.json").read_text(encoding="utf-8"))
        self.topk: int = size["topk"]
        self.n_drop: int = size["n_drop"]

    def array(self, name: str) -> np.ndarray:
        return np.load(self.path / f"{name}.npy")


def measure(
    load: Callable[[Folder], Any],
    run: Callable[[Any], int],
    *,
    prepare: Callable[[Folder], None] | None = None,
) -> None:
    """Run a peer from the command line and print one JSON object.

    `prepare` writes what the peer wants to find on disk, in a process of its own; `load` brings it into
    memory; only `run`, which returns the number of fills, is timed, after one run to warm up. The fastest of
    the timed runs counts: what else the machine does only ever adds.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--silent", action="store_true")
    options = parser.parse_args()
    folder = Folder(options.folder, options.silent)
    if options.prepare:
        if prepare is not None:
            prepare(folder)
        return
    state = load(folder)
    started = time.perf_counter()
    fills = run(state)
    seconds: list[float] = []
    while len(seconds) < options.repeat and (not seconds or time.perf_counter() - started < _BUDGET_S):
        gc.collect()
        clock = time.perf_counter()
        again = run(state)
        seconds.append(time.perf_counter() - clock)
        if again != fills:
            raise SystemExit(f"{sys.argv[0]}: {fills} fills, then {again}: the run is not repeatable")
    if len(seconds) < options.repeat:
        print(f"{Path(sys.argv[0]).name}: {len(seconds)} repeats within {_BUDGET_S:.0f} s", file=sys.stderr)
    print(json.dumps({"fills": fills, "seconds": min(seconds), "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    # not ru_maxrss where it can be helped: after fork and exec it remembers the parent's
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource  # absent on Windows, which has nothing like it

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)

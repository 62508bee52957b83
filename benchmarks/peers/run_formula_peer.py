"""What every formula runner shares: read the fields, time the evaluation, say what it cost.

It needs numpy alone.

    PYTHON run_formula_ENGINE.py FOLDER --dtype float64 --repeat 3 [--answers FILE]

FOLDER holds one (T, N) array for each field, ``close.npy`` and so on. With ``--answers`` nothing is timed:
the values go into an .npz file, to be compared with those of other engines.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FIELDS = ("open", "high", "low", "close", "volume")
#: a formula and its values, one after the other; who takes them may forget them at once
Results = Iterator[tuple[str, np.ndarray]]
#: rows that are evaluated beforehand, so that compilers and caches are not timed
_WARM = 300


def arguments() -> argparse.ArgumentParser:
    """Return a parser of what every runner is told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--answers", type=Path)
    return parser


def fields(folder: Path, dtype: str) -> dict[str, np.ndarray]:
    """Read the fields."""
    return {name: np.ascontiguousarray(np.load(folder / f"{name}.npy"), dtype=dtype) for name in FIELDS}


def run_peer(
    prepare: Callable[[dict[str, np.ndarray]], Any], evaluate: Callable[[Any], Mapping[str, Any]]
) -> None:
    """Run an engine on the eighteen formulas from the command line and print one JSON object.

    `prepare` turns fields into what the engine wants to have in memory, and compiles; only `evaluate` is
    timed. It returns a function for each formula, which is called once.
    """
    options = arguments().parse_args()
    given = fields(options.folder, options.dtype)
    if options.answers:
        named = evaluate(prepare(given))
        np.savez(options.answers, **{name: np.asarray(make()) for name, make in named.items()})
        return

    def all_of(state: Any) -> None:
        for make in evaluate(state).values():
            make()

    all_of(prepare({name: np.ascontiguousarray(values[:_WARM]) for name, values in given.items()}))
    state = prepare(given)
    print(json.dumps(timed(lambda: all_of(state), options.repeat)))


def timed(
    run: Callable[[], None], repeat: int, prepare: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """Return the fewest seconds of the processor that a run took, and the memory it took at most, in MB.

    What is to be prepared for every run takes no time, but memory.
    """
    gc.collect()
    _trim()
    before, high = _memory("VmRSS"), _reset_peak()
    seconds = []
    extra = 0.0
    for i in range(repeat):
        prepare()
        clock = time.process_time()
        run()
        seconds.append(time.process_time() - clock)
        if i == 0:
            extra = max(0.0, _memory("VmHWM") - (before if high else _memory("VmRSS")))
        gc.collect()
    return {"seconds": min(seconds), "peak_mb": extra}


def _trim() -> None:
    # what was freed beforehand and kept for later would be taken again unseen
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _memory(key: str) -> float:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) / 1024
    return float("nan")

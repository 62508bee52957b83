"""Time batches of formulas on one synthetic market, this engine beside others.

    python benchmarks/bench_formula.py --sizes 300x1250,2000x2500 --dtype float64,float32 --json
    python benchmarks/bench_formula.py --sets eighteen --peer bottleneck=PATH/python --peer pandas=PATH/python

Every engine gets the same unadjusted fields and runs in a process of its own, on one thread. Seconds are of
the processor and of the evaluation alone, from fields in memory to values: compiling and reading are not
timed, and the fastest of some runs counts. Before it is timed, a peer's values are compared with ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench_panels import Size, make_panel  # noqa: E402

NOTES = """
sets
  eighteen      ts_mean(close, 20), ts_std(returns, 20), ts_rank(close, 10), ts_argmax(close, 20),
                decay_linear(delta(close, 1), 10), rank(close), zscore(returns), ts_corr(close, volume, 20),
                and nos. 1, 2, 3, 4, 6, 12, 13, 40, 44, 101 of Alpha101; the only set that peers are given
  alpha158      the library of that name; `saved` is the share of operations that common parts save
  alpha101      the same; without the formulas that ask for fields the market lacks
  last_session  alpha158 for the newest session alone, as a share of all sessions and of its look-back
  next_session  the same for a session whose predecessor was evaluated: the mean of up to 60 in a row
  In float32 without the formulas that need larger numbers; `formulas` says how many there are.

engines
  alphaloom   evaluate_stream; each panel of values is dropped before the next is asked for; for one session
              evaluate_last and SessionStream
  bottleneck  bottleneck and numpy, by hand; each panel is dropped, ranks that several formulas need are not
  pandas      wide frames; the same
  kunquant    its compiler's C++ for the whole set, which needs g++; writes all panels into arrays it is given

  Peers run under interpreters of their own, which need nothing but the peer:
    python3.11 -m venv /tmp/bn && /tmp/bn/bin/pip install bottleneck
    python3.11 -m venv /tmp/kq && /tmp/kq/bin/pip install KunQuant

No name is ever suspended, for missing values are treated differently everywhere. Where equal values are
broken otherwise, or rounding decides ranks (Alpha101 no. 13), values differ: `apart` is the largest mean
absolute difference of a formula, in standard deviations of ours, on a market of 48 x 300; above 0.15 the peer
computes something else, and fails.

peak_mb is what the first timed run adds to the memory of a process that holds its fields; on Linux alone.
"""

PEERS = ("bottleneck", "pandas", "kunquant")
SETS = ("eighteen", "alpha158", "alpha101", "last_session", "next_session")
OURS = "alphaloom"
#: A peer may not be farther from ours, nor know fewer of our values.
APART, KNOWN = 0.15, 0.95
_SMALL = "48x300"
_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR")


@dataclass(frozen=True)
class Measurement:
    """What an engine took for a set. `ratio` is its seconds over ours; what does not apply is None."""

    engine: str
    set: str
    stocks: int
    sessions: int
    dtype: str
    seconds: float
    peak_mb: float
    #: peak_mb in panels of the size and type of one result
    panels: float
    ratio: float | None = None
    apart: float | None = None
    formulas: int | None = None
    saved: float | None = None
    share_of_look_back: float | None = None
    share_of_all_sessions: float | None = None

    def line(self) -> str:
        """Return one JSON object, without what does not apply."""
        return json.dumps({key: value for key, value in asdict(self).items() if value is not None})


class RunError(Exception):
    """An engine was asked for and did not finish, or computed something else."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    peers = dict(options.peer) if "eighteen" in options.sets else {}
    failed = False
    done: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="bench_formula_") as made:
        apart: dict[str, float] = {}
        if peers:
            folder = _market(Size.parse(_SMALL), Path(made) / "small", options.seed)
            for engine, python in peers.items():
                try:
                    apart[engine] = _compared(engine, python, folder)
                except RunError as problem:
                    print(f"{engine}: failed: {problem}", file=sys.stderr)
                    failed = True
        for size in options.sizes:
            folder = _market(size, Path(made) / "market", options.seed)
            for dtype in options.dtype:
                for what in options.sets:
                    engines = {OURS: sys.executable}
                    if what == "eighteen":
                        engines |= {engine: python for engine, python in peers.items() if engine in apart}
                    ours: float | None = None
                    for engine, python in engines.items():
                        try:
                            measured = _measured(
                                engine,
                                python,
                                folder,
                                what,
                                size,
                                dtype,
                                options.repeat,
                                ours,
                                apart.get(engine),
                            )
                        except RunError as problem:
                            print(f"{engine} {what} {size} {dtype}: failed: {problem}", file=sys.stderr)
                            failed = True
                            continue
                        ours = measured.seconds if engine == OURS else ours
                        done.append(measured)
                        if options.json:
                            print(measured.line(), flush=True)
    if not options.json:
        print(_table(done))
    return int(failed)


def _market(size: Size, folder: Path, seed: int) -> Path:
    make_panel(size, seed=seed, events=False).write(folder)
    _run(OURS, sys.executable, folder, "--prepare")
    return folder


def _measured(
    engine: str,
    python: str,
    folder: Path,
    what: str,
    size: Size,
    dtype: str,
    repeat: int,
    ours: float | None,
    apart: float | None,
) -> Measurement:
    flags = ["--set", what] if engine == OURS else []
    said = _run(engine, python, folder, "--dtype", dtype, "--repeat", str(repeat), *flags)
    try:
        answer: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError):
        raise RunError(f"it answered {said[-80:]!r}, not one JSON object") from None
    panel_mb = size.stocks * size.sessions * np.dtype(dtype).itemsize / 2**20
    return Measurement(
        engine,
        what,
        size.stocks,
        size.sessions,
        dtype,
        round(answer["seconds"], 4),
        round(answer["peak_mb"], 1),
        round(answer["peak_mb"] / panel_mb, 1),
        ratio=None if ours is None else round(answer["seconds"] / ours, 2),
        apart=None if apart is None else float(f"{apart:.2g}"),
        formulas=answer.get("formulas"),
        **{
            key: round(answer[key], 4)
            for key in ("saved", "share_of_look_back", "share_of_all_sessions")
            if key in answer
        },
    )


def _compared(engine: str, python: str, folder: Path) -> float:
    """Return how far a peer's values are from ours at most; refuse one that computes something else."""
    if not (folder / f"{OURS}.npz").exists():
        _run(OURS, sys.executable, folder, "--answers", str(folder / f"{OURS}.npz"))
    _run(engine, python, folder, "--answers", str(folder / f"{engine}.npz"))
    with np.load(folder / f"{OURS}.npz") as ours, np.load(folder / f"{engine}.npz") as theirs:
        return max(distance(name, ours[name], theirs[name]) for name in ours.files)


def distance(name: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the mean absolute difference in standard deviations of ours, where both have a value.

    Raises
    ------
    RunError
        If that is more than `APART`, or less than `KNOWN` of our values are known to the other.
    """
    known = np.isfinite(ours)
    both = known & np.isfinite(theirs)
    if both.sum() < KNOWN * known.sum():
        raise RunError(f"{name}: it knows {both.sum() / known.sum():.0%} of our values")
    apart = float(np.abs(ours - theirs)[both].mean() / ours[both].std())
    if not apart <= APART:
        raise RunError(f"{name}: its values are {apart:.2g} standard deviations from ours")
    return apart


def _run(engine: str, python: str, folder: Path, *flags: str) -> str:
    command = [python, str(HERE / "peers" / f"run_formula_{engine}.py"), str(folder), *flags]
    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}}
    try:
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    except OSError as problem:
        raise RunError(str(problem)) from None
    except subprocess.CalledProcessError as problem:
        last = (problem.stderr.strip() or "no message").splitlines()[-1]
        raise RunError(f"{last} (exit code {problem.returncode})") from None
    return ran.stdout


def _table(done: list[Measurement]) -> str:
    """Align the measurements."""
    rows = [("engine", "set", "size", "dtype", "seconds", "peak MB", "panels", "× ours", "besides")]
    for m in done:
        besides = {
            "formulas": m.formulas,
            "saved": m.saved,
            "of look-back": m.share_of_look_back,
            "of all sessions": m.share_of_all_sessions,
            "apart": m.apart,
        }
        rows.append(
            (
                m.engine,
                m.set,
                f"{m.stocks}×{m.sessions}",
                m.dtype,
                f"{m.seconds:.3f}",
                f"{m.peak_mb:.0f}",
                f"{m.panels:.1f}",
                "–" if m.ratio is None else f"{m.ratio:.1f}",
                ", ".join(f"{key} {value:g}" for key, value in besides.items() if value is not None),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 4 <= i < 8 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=NOTES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default="300x1250",
        help="stocks x sessions, comma-separated (default: 300x1250)",
    )
    parser.add_argument(
        "--dtype", type=_dtypes, default="float64", help="float64, float32 or both (default: float64)"
    )
    parser.add_argument(
        "--sets", type=_sets, default=",".join(SETS), help=f"of {', '.join(SETS)} (default: all)"
    )
    parser.add_argument(
        "--repeat", type=_count, default=3, help="timed runs; the fastest counts (default: 3)"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the market (default: 7)")
    parser.add_argument(
        "--peer",
        type=_peer,
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help=f"the interpreter of {', '.join(PEERS)}",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[Size]:
    try:
        return [Size.parse(part) for part in text.split(",")]
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _dtypes(text: str) -> list[str]:
    return _of(("float64", "float32"), text)


def _sets(text: str) -> list[str]:
    return _of(SETS, text)


def _of(known: Sequence[str], text: str) -> list[str]:
    for name in text.split(","):
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
    return text.split(",")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs; at least 1")
    return int(text)


def _peer(text: str) -> tuple[str, str]:
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(PEERS)} =/path/to/python")
    return name, python


if __name__ == "__main__":
    sys.exit(main())

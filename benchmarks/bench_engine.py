"""Time Top-k/Drop-n on one synthetic market, this engine beside others.

    python benchmarks/bench_engine.py --sizes 50x750,300x1250 --engines alphaloom,numpy,backtrader

Every engine gets the same prices and scores, cash, k and n, and runs in a process of its own. The clock runs
from a panel in memory to the engine's result (fills and account values; no report), after one run to warm up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench_panels import Size, make_panel  # noqa: E402

NOTES = """
engines
  numpy       the bare loop: selection, commission with a minimum, stamp duty, lots, money; no market rule
  alphaloom   backtest() with the house strategy, every rule on, on a panel built beforehand; an analyzer
              hears of every order, unless --silent
  backtrader  one PandasData per stock, its own broker and defaults; above 300x1250 only with --slow
  vectorbt    the bare loop sizes, Portfolio.from_orders books: no minimum fee, no market rule
  rqalpha     6.x, its rules and broker, on a data source in memory
  pyqlib      0.9.7, TopkDropoutStrategy on a provider dumped to disk and, once warm, cached in memory

  The last three run under interpreters of their own, which need nothing but the peer:
    python3.11 -m venv /tmp/rq && /tmp/rq/bin/pip install rqalpha
    python benchmarks/bench_engine.py --engines alphaloom,numpy --peer rqalpha=/tmp/rq/bin/python

sizes
  k is a sixth of the stocks, 50 at most, and n a tenth of k, 1 at least; 50x750 has k 10, n 2

peak_mb is the highest resident memory of the process, with everything it imports and holds.
"""

#: Peers that need an interpreter of their own.
PEERS = ("vectorbt", "rqalpha", "pyqlib")
ENGINES = ("alphaloom", "numpy", "backtrader", *PEERS)
_PLAIN_BACKTRADER_CELLS = 300 * 1250


class Measurement(NamedTuple):
    engine: str
    stocks: int
    sessions: int
    fills: int
    seconds: float
    peak_mb: float


class RunError(Exception):
    """An engine was asked for and did not finish."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    done: list[Measurement] = []
    failed = False
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="bench_engine_") as folder:
            make_panel(size, seed=options.seed).write(Path(folder))
            for engine in options.engines:
                why = _why_skipped(engine, size, options)
                if why is not None:
                    print(f"{engine} {size}: skipped: {why}", file=sys.stderr)
                    continue
                python = options.interpreters.get(engine, sys.executable)
                try:
                    measured = _measure(engine, size, folder, python, options)
                except RunError as problem:
                    print(f"{engine} {size}: failed: {problem}", file=sys.stderr)
                    failed = True
                    continue
                done.append(measured)
                if options.json:
                    print(json.dumps(measured._asdict()), flush=True)
    if not options.json:
        print(_markdown(done, options.sizes) if options.markdown else _table(done))
    return int(failed)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=NOTES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default="50x750,300x1250",
        help="stocks x sessions, comma-separated (default: 50x750,300x1250)",
    )
    parser.add_argument(
        "--engines",
        type=_engines,
        default="alphaloom,numpy,backtrader",
        help=f"of {', '.join(ENGINES)} (default: alphaloom,numpy,backtrader)",
    )
    parser.add_argument("--repeat", type=int, default=3, help="timed runs; the fastest counts (default: 3)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the market (default: 7)")
    parser.add_argument("--silent", action="store_true", help="run alphaloom without the listening analyzer")
    parser.add_argument("--slow", action="store_true", help="run backtrader at any size")
    parser.add_argument(
        "--peer",
        type=_peer,
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help=f"the interpreter of {', '.join(PEERS)}; adds it to the engines",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--markdown", action="store_true", help="the table of the README")
    options = parser.parse_args(arguments)
    options.interpreters = dict(options.peer)
    options.engines = list(dict.fromkeys([*options.engines, *options.interpreters]))
    return options


def _sizes(text: str) -> list[Size]:
    try:
        return [Size.parse(part) for part in text.split(",")]
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _engines(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in ENGINES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(ENGINES)}")
    return names


def _peer(text: str) -> tuple[str, str]:
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(PEERS)} =/path/to/python")
    return name, python


def _why_skipped(engine: str, size: Size, options: argparse.Namespace) -> str | None:
    if engine == "backtrader" and size.stocks * size.sessions > _PLAIN_BACKTRADER_CELLS and not options.slow:
        return "it takes minutes to hours; ask with --slow"
    if engine in PEERS and engine not in options.interpreters:
        return f"no interpreter; give --peer {engine}=/path/to/python"
    return None


def _measure(engine: str, size: Size, folder: str, python: str, options: argparse.Namespace) -> Measurement:
    """Let an engine prepare what it wants on disk, then time it, each in a process of its own."""
    command = [python, str(HERE / "peers" / f"run_{engine}.py"), folder]
    silent = ["--silent"] if options.silent and engine == "alphaloom" else []
    try:
        for flags in (["--prepare"], ["--repeat", str(options.repeat), *silent]):
            ran = subprocess.run([*command, *flags], check=True, capture_output=True, text=True)
        answer = json.loads(ran.stdout.strip().splitlines()[-1])
    except OSError as problem:
        raise RunError(str(problem)) from None
    except subprocess.CalledProcessError as problem:
        last = (problem.stderr.strip() or "no message").splitlines()[-1]
        raise RunError(f"{last} (exit code {problem.returncode})") from None
    seconds, peak_mb = round(answer["seconds"], 4), round(answer["peak_mb"], 1)
    return Measurement(engine, size.stocks, size.sessions, answer["fills"], seconds, peak_mb)


def _table(done: list[Measurement]) -> str:
    """Align the measurements; the last column is time against the bare loop on the same market."""
    bare = {(m.stocks, m.sessions): m.seconds for m in done if m.engine == "numpy"}
    rows = [("engine", "size", "fills", "seconds", "peak MB", "× numpy")]
    for m in done:
        loop = bare.get((m.stocks, m.sessions))
        ratio = f"{m.seconds / loop:.1f}" if loop else "–"
        size = f"{m.stocks}×{m.sessions}"
        rows.append((m.engine, size, f"{m.fills:,}", f"{m.seconds:.3f}", f"{m.peak_mb:.0f}", ratio))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _markdown(done: list[Measurement], sizes: list[Size]) -> str:
    """Engines down, sizes across: seconds, how many times the bare loop's, peak memory."""
    bare = {(m.stocks, m.sessions): m.seconds for m in done if m.engine == "numpy"}
    cells = {}
    for m in done:
        loop = bare.get((m.stocks, m.sessions))
        times = "" if loop is None else f" ({m.seconds / loop:.3g}×)"
        cells[m.engine, m.stocks, m.sessions] = f"{m.seconds:.2g} s{times}, {m.peak_mb:.0f} MB"
    lines = [
        "| engine | " + " | ".join(f"{size}, k {size.topk}, n {size.n_drop}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for engine in dict.fromkeys(m.engine for m in done):
        row = [cells.get((engine, size.stocks, size.sessions), "–") for size in sizes]
        lines.append(f"| {engine} | " + " | ".join(row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

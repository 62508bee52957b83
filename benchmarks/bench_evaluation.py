"""Time the judge of alphas: beside the formulas themselves, beside alphalens, and on thousands of formulas.

    python benchmarks/bench_evaluation.py
    python benchmarks/bench_evaluation.py --peer alphalens=PATH/python
    python benchmarks/bench_evaluation.py --library 10000 --threads 2

The first judges the formulas of the library alpha158 on a synthetic market of 300 x 1250 with every
measure, and times it in turns with evaluating the same formulas. The second hands some of them to
alphalens-reloaded as well, says how far the answers differ, and fails beyond 1e-9. The third judges random
formulas on the bundled SSE 50 sample into a store, stops halfway, goes on, and says what was computed twice.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE / "peers")]
# random formulas are the tests'
sys.path.append(str(HERE.parent / "tests" / "alpha_sources" / "formula"))

from bench_panels import Size, make_panel  # noqa: E402
from bench_peer import _peak_mb  # noqa: E402

from alpha_sources.evaluation import Evaluation, judge  # noqa: E402
from alpha_sources.evaluation.labels import fills_of  # noqa: E402
from alpha_sources.formula import Formula, evaluate, evaluate_stream  # noqa: E402
from alpha_sources.libraries import load_library  # noqa: E402
from alphaloom import load_panel  # noqa: E402
from engine.market import MarketPanel  # noqa: E402

NOTES = """
peers
  alphalens  alphalens-reloaded, in an environment of its own:
    python3.11 -m venv /tmp/al && /tmp/al/bin/pip install alphalens-reloaded
  It is given the same values, rounded to 10 digits, of the same tradable names, and the next session's
  adjusted opens as prices; it computes forward returns, rank IC, quantile means, turnover and rank
  autocorrelation at four horizons. Ours is everything `judge` does, at 20 horizons.
"""
PEERS = ("alphalens",)
HORIZONS = (1, 5, 10, 20)
TOLERANCE = 1e-9
#: kinds with so many equal values that alphalens finds no quantiles
_TIED = ("IMAX", "IMIN", "IMXD", "CNT", "RANK", "KUP", "KLOW", "KMID2", "KSFT2", "RSV")
_MOST_TIMES, _LEAST_GAIN = 2.0, 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.library:
        return _library(options.library, options.threads)
    panel = synthetic_market(options.size)
    failed = _beside_formulas(panel, options)
    for python in dict(options.peer).values():
        failed |= _beside_alphalens(panel, python, options.alphas)
    return int(failed)


def synthetic_market(size: Size) -> MarketPanel:
    """The engine benchmark's market, with turnover, industries and an index besides."""
    import pandas as pd

    made = make_panel(size)
    random = np.random.default_rng(0)
    T, N = made.close.shape
    shares = np.exp(random.normal(21.0, 1.0, N))
    columns = {
        name: getattr(made, name).ravel() for name in ("open", "high", "low", "close", "volume", "amount")
    }
    columns["turnover"] = (made.volume / shares).ravel()
    dates = np.repeat(made.dates.astype("datetime64[s]"), N)
    symbols = pd.Categorical.from_codes(np.tile(np.arange(N), T), categories=made.symbols)
    panel = load_panel(pd.DataFrame({"date": dates, "symbol": symbols, **columns}))
    industries = np.array([f"industry {n % 28}" for n in range(N)])
    return replace(
        panel,
        instruments=replace(panel.instruments, industries=industries),
        indices={"000300.SH": {"close": 3000.0 * np.cumprod(1.0 + random.normal(0.0, 0.012, T))}},
    )


def _beside_formulas(panel: MarketPanel, options: argparse.Namespace) -> bool:
    """Evaluate and judge the same formulas in turns; the fastest of each counts."""
    view = panel.view(len(panel.dates) - 1)
    formulas = alpha158()
    evaluated, judged = [], []
    for _ in range(options.repeat + 1):
        clock = time.perf_counter()
        for _formula, _values in evaluate_stream(formulas.values(), view):
            pass
        evaluated.append(time.perf_counter() - clock)
        clock = time.perf_counter()
        judge(formulas, view)
        judged.append(time.perf_counter() - clock)
    # the first of each compiles
    alone, both = min(evaluated[1:]), min(judged[1:])
    measures = both - alone
    print(
        f"{len(formulas)} alphas on {options.size}: evaluated {alone:.2f} s; judged {both:.2f} s, of which "
        f"measures {measures:.2f} s = {measures / alone:.2f}x the evaluation (at most {_MOST_TIMES:g}x); "
        f"peak {_peak_mb():.0f} MB"
    )
    return measures > _MOST_TIMES * alone


def alpha158() -> dict[str, Formula]:
    """Formulas by name."""
    return {entry.name: entry.parsed for entry in load_library("alpha158") if entry.computable}


def _beside_alphalens(panel: MarketPanel, python: str, count: int) -> bool:
    view = panel.view(len(panel.dates) - 1)
    formulas = alpha158()
    names = [name for name in formulas if not name.startswith(_TIED)]
    names = names[:: max(1, len(names) // count)][:count]
    fills = fills_of(view)
    values = evaluate([formulas[name] for name in names], view)
    values = rounded(np.where(fills.eligible, values, np.nan))
    given = dict(zip(names, values, strict=True))
    judge(given, view)
    seconds = []
    for _ in range(3):
        clock = time.perf_counter()
        ours = judge(given, view)
        seconds.append(time.perf_counter() - clock)
    with tempfile.TemporaryDirectory(prefix="bench_evaluation_") as made:
        folder = Path(made)
        # the fill of a decision in session t is the open of t + 1
        np.save(folder / "alphas.npy", values[:, :-1])
        np.save(folder / "prices.npy", fills.prices[1:])
        # alphalens guesses a calendar, and mistakes one horizon for another across holidays
        np.save(folder / "dates.npy", np.busday_offset("2018-01-01", np.arange(len(view) - 1)))
        horizons = ",".join(map(str, HORIZONS))
        command = [python, str(HERE / "peers" / "run_alphalens.py"), made, "--horizons", horizons]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        theirs = sum(json.loads(ran.stdout.strip().splitlines()[-1])["seconds_per_alpha"])
        with np.load(folder / "alphalens.npz") as answers:
            apart = differences(ours, names, dict(answers))
    gain = theirs / min(seconds)
    print(
        f"{len(names)} alphas: alphalens {theirs:.2f} s, judge {min(seconds):.2f} s, {gain:.0f}x faster "
        f"(at least {_LEAST_GAIN:g}x); largest differences: "
        + ", ".join(f"{what} {size:.1e}" for what, size in apart.items())
    )
    return gain < _LEAST_GAIN or max(apart.values()) > TOLERANCE


def rounded(values: np.ndarray) -> np.ndarray:
    """To 10 significant digits: values that only rounding tells apart fall on either side of a quantile."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(digits), 9.0 - digits, 0.0)
    return np.round(values * scale) / scale


def differences(ours: Evaluation, names: list[str], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """Largest differences wherever alphalens has an answer."""
    apart = {"IC": 0.0, "quantile means": 0.0, "autocorrelation": 0.0}

    def compare(what: str, mine: Any, other: np.ndarray) -> None:
        known = ~np.isnan(other)
        if not known.any():
            raise SystemExit(f"alphalens has no {what} at all")
        difference = np.abs(np.asarray(mine)[known] - other[known])
        apart[what] = max(apart[what], np.inf if np.isnan(difference).any() else float(difference.max()))

    quantiles = [f"quantile_{q}" for q in range(1, 6)]
    for a, name in enumerate(names):
        detail = ours[name]
        for i, horizon in enumerate(HORIZONS):
            compare("IC", detail.rank_ics[horizon][:-1], theirs["rank_ic"][a, :, i])
        compare("quantile means", detail.series[quantiles][:-1], theirs["quantiles"][a, :, 0])
        compare("autocorrelation", detail.series["rank_autocorrelation"][:-1], theirs["autocorrelation"][a])
    return apart


def _library(count: int, threads: int) -> int:
    """Judge random formulas on the sample, interrupted once; count what is computed twice."""
    from formula_generator import random_formulas

    panel = load_panel("sse50")
    view = panel.view(len(panel.dates) - 1)
    clock = time.perf_counter()
    formulas = [f for f in random_formulas(count, seed=1) if _readable(f, view.field_names)]
    print(f"{len(formulas)} formulas made in {time.perf_counter() - clock:.0f} s", flush=True)
    started = _peak_mb()

    def stop(done: int, reused: int) -> None:
        if done >= len(formulas) // 2:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory(prefix="bench_evaluation_") as store:
        clock = time.perf_counter()
        told: list[tuple[int, int]] = []
        try:
            judge(formulas, view, store=store, threads=threads, keep_series=False, progress=stop)
        except KeyboardInterrupt:
            print(f"interrupted halfway after {time.perf_counter() - clock:.0f} s", flush=True)
        judged = judge(
            formulas,
            view,
            store=store,
            threads=threads,
            keep_series=False,
            progress=lambda *said: told.append(said),
        )
        seconds = time.perf_counter() - clock
        size = sum(file.stat().st_size for file in Path(store).iterdir())
    reused = told[-1][1]
    status = judged.frame["status"].value_counts().to_dict()
    print(
        f"{len(judged)} formulas in {seconds:.0f} s with {threads} threads, "
        f"{1000 * seconds / len(judged):.1f} ms "
        f"each; {reused} came from the store after the interruption; peak {_peak_mb():.0f} MB "
        f"({started:.0f} MB before), store {size / 2**20:.0f} MB; {status}"
    )
    return int(reused < len(formulas) // 2)


def _readable(formula: Any, fields: Sequence[str]) -> bool:
    return set(_plain(formula.fields)) <= {*fields, "returns"}


def _plain(fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        if name not in ("industry", "board", "index_close", "index_return"):
            yield name.removeprefix("raw_").removeprefix("adj_")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=NOTES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", type=_size, default="300x1250", help="stocks x sessions (default: 300x1250)"
    )
    parser.add_argument("--repeat", type=int, default=3, help="timed runs; the fastest counts (default: 3)")
    parser.add_argument("--alphas", type=int, default=4, help="alphas that a peer is given (default: 4)")
    parser.add_argument(
        "--peer", type=_peer, action="append", default=[], metavar="NAME=PYTHON", help="its interpreter"
    )
    parser.add_argument("--library", type=int, default=0, metavar="N", help="judge N random formulas instead")
    parser.add_argument("--threads", type=int, default=2, help="of --library (default: 2)")
    return parser.parse_args(arguments)


def _size(text: str) -> Size:
    try:
        return Size.parse(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _peer(text: str) -> tuple[str, str]:
    name, _, python = text.partition("=")
    if name not in PEERS or not python:
        raise argparse.ArgumentTypeError(f"{text!r} is not {PEERS[0]}=/path/to/python")
    return name, python


if __name__ == "__main__":
    sys.exit(main())

"""The README's table of results: every configuration on the bundled data, next to random scores.

    python benchmarks/results_table.py [--seeds 50] [--write]

``--write`` puts the table between the markers in README.md.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np

from alphaloom import AlphaProvider, Result, backtest, load_panel
from engine.errors import AlphaloomError

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ("quickstart", "reversal", "equal_weight", "buy_and_hold")


class RandomScores(AlphaProvider):
    """White noise: what Top-k/Drop-n earns on no opinion at all."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def scores(self, view, snapshot):
        rng = np.random.default_rng([self.seed, view.t])
        return rng.standard_normal(len(view.symbols))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=50, help="portfolios of random scores")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    try:
        text = table(options.seeds)
    except AlphaloomError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print(text)
    if options.write:
        write(text)
    return 0


def table(seeds: int) -> str:
    panel = load_panel("sse50")
    results = [backtest(name, panel=panel) for name in CONFIGS]
    nulls = [backtest("quickstart", panel=panel, provider=RandomScores(seed)) for seed in range(seeds)]
    index = results[0].metrics["benchmark_total_return"]
    with_dividends = results[0].benchmark_with_dividends
    lines = [
        "| configuration | total return | excess | Sharpe | max drawdown | turnover a year | fees | slip |",
        "|---|---|---|---|---|---|---|---|",
        *(row(result.metrics["name"], result) for result in results),
        random_row(nulls),
        f"| SSE 50, price index | {index:+.1%} | | | | | | |",
    ]
    if with_dividends is not None:
        grown = with_dividends[-1] / with_dividends[0] - 1
        lines.append(f"| SSE 50, dividends reinvested (estimate) | {grown:+.1%} | | | | | | |")
    return "\n".join(lines).replace("-", "−").replace("|−−−", "|---")


def row(name: str, result: Result) -> str:
    m = result.metrics
    cash = result.levels[0]
    return (
        f"| `{name}` | {m['total_return']:+.1%} | {m['excess_return']:+.1%} | {m['sharpe']:.2f} | "
        f"{m['max_drawdown']:.1%} | {m['turnover_annual']:.1f}× | {m['cost_total'] / cash:.1%} | "
        f"{m['slippage_total'] / cash:.1%} |"
    )


def random_row(nulls: list[Result]) -> str:
    def spread(key: str, style: str, scale: float = 1.0) -> str:
        low, middle, high = np.percentile([r.metrics[key] * scale for r in nulls], [5, 50, 95])
        return f"{middle:{style}} ({low:{style}} .. {high:{style}})"

    per_cash = 1 / nulls[0].levels[0]
    return (
        f"| {len(nulls)} random portfolios, median (5 % .. 95 %) | {spread('total_return', '+.1%')} | "
        f"{spread('excess_return', '+.1%')} | {spread('sharpe', '.2f')} | {spread('max_drawdown', '.1%')} | "
        f"{np.median([r.metrics['turnover_annual'] for r in nulls]):.1f}× | "
        f"{np.median([r.metrics['cost_total'] for r in nulls]) * per_cash:.1%} | "
        f"{np.median([r.metrics['slippage_total'] for r in nulls]) * per_cash:.1%} |"
    )


def write(text: str) -> None:
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = re.sub(r"(<!-- results -->\n).*?(<!-- /results -->)", rf"\g<1>{text}\n\g<2>", old, flags=re.DOTALL)
    readme.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

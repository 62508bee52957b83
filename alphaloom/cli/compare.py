"""``alphaloom compare``: finished runs side by side, on one page and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alphaloom.compare import Comparison

_SHORT = (
    "total_return", "excess_return", "annual_return", "annual_volatility", "sharpe", "max_drawdown",
    "information_ratio", "turnover_annual", "cost_total",
)  # fmt: skip


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Two or more run folders.", metavar="RUN RUN...")],
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file. Default: compare-TIME.html here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Compare finished runs over the sessions they have in common."""
    from datetime import datetime

    from alphaloom.compare import compare as compare_runs
    from alphaloom.compare import report_links
    from alphaloom.whole_file import check_new_file, write_whole

    page = out or Path(f"compare-{datetime.now():%Y%m%d-%H%M%S}.html")
    check_new_file(page, force=force)
    comparison = compare_runs(runs)
    write_whole(page, comparison.html(report_links(comparison, page)))
    _print(comparison, page)


def _print(comparison: Comparison, page: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.columns import print_columns
    from engine.report.matrix import best_of
    from engine.report.measures import BY_KEY
    from engine.report.section import Row
    from engine.report.values import plain, printed

    console = Console(highlight=False)
    found = comparison.measures()
    rows, strong = [["", *comparison.labels]], set()
    for measure in (BY_KEY[key] for key in _SHORT if key in found[0]):
        values = [one[measure.key] for one in found]
        best = best_of(Row(measure.label, values, measure.format, measure.better))
        strong |= {(len(rows), column) for column, top in enumerate(best, start=1) if top}
        cells = [printed(plain(value, measure.format), measure.format) for value in values]
        rows.append([measure.label, *cells])
    first, last = comparison.dates[0], comparison.dates[-1]
    console.print(f"{len(comparison.dates)} common sessions, {first:%Y-%m-%d} .. {last:%Y-%m-%d}")
    print_columns(console, rows, strong=strong)
    console.print(f"report  {escape(str(page))}", soft_wrap=True)

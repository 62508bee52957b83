"""``alphaloom sweep``: a back-test for every point of a grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from alphaloom.sweep import Sweep

_TOP = 10
_SHORT = ("sharpe", "annual_return", "max_drawdown", "turnover_annual")


def sweep(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or the name of a shipped configuration.", show_default=True)
    ] = "quickstart",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="KEY=V,V,...",
            help="Values of a key, like --grid strategy.params.topk=10,13,20; all combinations are run.",
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key at every point."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes. Default: one per processor.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder; new, empty, or that of the same sweep, to go on with it."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Run a back-test for every point of a grid, and compare them.

    Stopped by Ctrl-C, it goes on where it was when run again with the same --out.
    """
    import os

    from rich.console import Console

    from alphaloom.cli.output import default_run_folder
    from alphaloom.config import load_config
    from alphaloom.sweep import parse_grid
    from alphaloom.sweep import sweep as run
    from alphaloom.sweep.grid import short_names
    from alphaloom.sweep.results import failures
    from engine.errors import AlphaloomError

    values = parse_grid(grid or [])
    name = load_config(config, sets=sets or [], environ=os.environ).name
    folder = out or default_run_folder(f"{name}-sweep")
    try:
        with _bar(Console(stderr=True), name, quiet) as bar:
            found = run(
                config, values, sets=sets or [], environ=os.environ, out=folder, jobs=jobs, on_point=bar
            )
    except KeyboardInterrupt:
        typer.echo(f"stopped; the points that are done are kept: go on with --out {folder}", err=True)
        raise
    _print(found, folder)
    if found.failed:
        names = short_names(list(found.grid))
        raise AlphaloomError(
            f"{len(found.failed)} of {len(found.points)} points failed: {failures(found.failed, names)}"
        )


@contextmanager
def _bar(console: Console, name: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if quiet or not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{escape(name)}: checking", total=None)
        yield lambda done, total: progress.update(task, description=escape(name), completed=done, total=total)


def _print(found: Sweep, folder: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.columns import print_columns
    from alphaloom.sweep.grid import short_names, shown
    from engine.report.measures import BY_KEY
    from engine.report.values import plain, printed

    console = Console(highlight=False)
    names = short_names(list(found.grid))
    measures = [BY_KEY[key] for key in _SHORT]
    rows = [["point", *(names[key] for key in found.grid), *(measure.label for measure in measures)]]
    for point in found.ranked()[:_TOP]:
        numbers = [(plain((point.metrics or {})[m.key], m.format), m.format) for m in measures]
        rows.append([point.id, *map(shown, point.values.values()), *(printed(*one) for one in numbers)])
    if found.done:
        print_columns(console, rows)
    if len(found.done) > _TOP:
        console.print(f"  and {len(found.done) - _TOP} more in {escape(str(folder / 'sweep.csv'))}")
    console.print(found.sentence(), soft_wrap=True)
    console.print(f"report  {escape(str(folder / 'sweep.html'))}", soft_wrap=True)

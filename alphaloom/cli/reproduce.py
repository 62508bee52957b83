"""``alphaloom reproduce``: the paper's experiment, honestly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


def reproduce(
    config: Annotated[
        str, typer.Option("--config", help="A YAML file with spans, or a shipped configuration.")
    ] = "paper_sse50",
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key; as often as needed."),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option("--methods", metavar="NAME,NAME,...", help="Rows of the table. Default: all."),
    ] = None,
    null: Annotated[int, typer.Option("--null", min=0, help="Random portfolios.")] = 200,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="Random seeds of each method. Default: 3.")
    ] = None,
    shuffles: Annotated[
        int, typer.Option("--shuffles", min=0, help="Deals of shuffled labels for each method that learns.")
    ] = 5,
    full: Annotated[
        bool, typer.Option("--full", help="Ten seeds, learned anew every month; an hour of two cores.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Work folder; new, empty, or that of the same experiment."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run the paper's experiment beside baselines and chance, and write one page.

    What is done is kept as soon as it is done: stopped at any point, it goes
    on where it was when run again. The answer may be no.
    """
    import os
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.output import print_labelled
    from alphaloom.config import load_config
    from alphaloom.reproduce import Experiment
    from alphaloom.reproduce import reproduce as run
    from alphaloom.reproduce.run import work_folder

    settings = load_config(config, sets=sets or [], environ=os.environ)
    names = None if methods is None else tuple(part.strip() for part in methods.split(",") if part.strip())
    experiment = Experiment.of(settings, methods=names, null=null, full=full, seeds=seeds, shuffles=shuffles)
    folder = out or work_folder(experiment)
    try:
        with _rows(Console(stderr=True), quiet) as on_progress:
            found = run(experiment, at=datetime.now(UTC), out=folder, jobs=jobs, on_progress=on_progress)
    except KeyboardInterrupt:
        typer.echo(f"stopped; what is done is kept in {folder}: run it again to go on", err=True)
        raise
    console = Console(highlight=False)
    console.print(found.markdown, markup=False, soft_wrap=True, end="")
    if found.opening is not None:
        style = "bold red" if found.opening.excess else "dim"
        print_labelled(console, "test", found.opening.sentence(), style)
    console.print(f"page  {escape(str(found.folder / 'index.html'))}", soft_wrap=True)


@contextmanager
def _rows(console: Console, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a bar for each row of the experiment, on a terminal."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}

        def advance(line: str, done: int, total: int) -> None:
            if line not in bars:
                bars[line] = progress.add_task(escape(line), total=total)
            progress.update(bars[line], completed=done, total=total)

        yield advance

"""``alphaloom backtest``: run a configuration, print a summary, write the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.result import Result


def backtest(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or the name of a shipped configuration.", show_default=True)
    ] = "quickstart",
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a key, like --set strategy.params.topk=20; as often as needed.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Run folder; new or empty. Default: runs/NAME-TIME.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Learn anew, also what was learned before; keep nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Run a back-test and write its report.

    Without arguments it runs the quickstart on the bundled SSE 50 data.
    """
    import os

    from rich.console import Console

    from alphaloom.api import backtest as run
    from alphaloom.cli.output import default_run_folder, progress
    from alphaloom.config import load_config
    from engine.run_folder import check_writable

    settings = load_config(config, sets=sets or [], environ=os.environ)
    folder = out or default_run_folder(settings.name)
    check_writable(folder)
    with progress(Console(stderr=True), settings.name, quiet) as on_session:
        result = run(settings, on_session=on_session, keep=not fresh)
    result.save(folder)
    _print(result, folder)


def _print(result: Result, folder: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.output import print_labelled
    from engine.summary import summary_rows

    console = Console(highlight=False)
    rows = summary_rows(result)
    width = max(len(label) for label, _ in rows)
    console.print(f"[bold]{escape(result.metrics['name'])}[/bold]", soft_wrap=True)
    for label, value in rows:
        console.print(f"  [dim]{escape(label):<{width}}[/dim]  {escape(value)}", soft_wrap=True)
    for warning in result.warnings:
        print_labelled(console, "note", warning)
    console.print(f"report  {escape(str(folder / 'report.html'))}", soft_wrap=True)

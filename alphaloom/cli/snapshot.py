"""``alphaloom snapshot``: look at what providers have learned."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

snapshot_app = typer.Typer(help="Look at what providers have learned.", no_args_is_help=True)

Name = Annotated[
    str,
    typer.Argument(
        metavar="SNAPSHOT", help="Its folder, a run folder, or the beginning of a hash that was kept."
    ),
]
Day = Annotated[
    datetime | None,
    typer.Option(
        "--date", formats=["%Y-%m-%d"], help="Of a run folder: in force on that day. Default: the last."
    ),
]


@snapshot_app.callback()
def snapshot() -> None:
    """Look at what providers have learned."""


@snapshot_app.command()
def show(name: Name, day: Day = None) -> None:
    """Print what a snapshot holds: of the woven provider, its alphas and their weights."""
    from rich.console import Console
    from rich.markup import escape

    from alpha_sources.woven.words import about, alphas_table, is_woven
    from alphaloom.cli.columns import print_columns
    from alphaloom.snapshots import describe, find_snapshot

    found = find_snapshot(name, None if day is None else day.date())
    console = Console(highlight=False)
    woven = is_woven(found)
    for label, text in about(found) if woven else describe(found):
        console.print(f"[dim]{label:<12}[/dim]  {escape(text)}", soft_wrap=True)
    if woven:
        console.print()
        print_columns(console, alphas_table(found))


@snapshot_app.command()
def diff(
    before: Name,
    after: Annotated[
        str | None, typer.Argument(metavar="[SNAPSHOT]", help="Another; without it its parent.")
    ] = None,
    day: Day = None,
) -> None:
    """Print in what two snapshots differ; exit code 0 if in nothing, else 1."""
    from rich.console import Console
    from rich.markup import escape

    from alpha_sources.woven.words import changes, is_woven
    from alphaloom.snapshots import differences, find_snapshot, parent_of

    wanted = None if day is None else day.date()
    second = find_snapshot(after if after is not None else before, wanted)
    first = find_snapshot(before, wanted) if after is not None else parent_of(second, before)
    console = Console(highlight=False)
    if first == second:
        console.print("the same")
        return
    console.print(f"[dim]{first.as_of} {first.hash[:12]} -> {second.as_of} {second.hash[:12]}[/dim]")
    told = changes if is_woven(first) and is_woven(second) else differences
    for line in told(first, second):
        console.print(escape(line), soft_wrap=True)
    raise typer.Exit(1)

"""``alphaloom refresh``: let a configuration's provider learn, without trading."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def refresh(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or the name of a shipped configuration.", show_default=True)
    ] = "woven_sse50",
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key; as often as needed."),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date", formats=["%Y-%m-%d"], help="Learn at the close of this day. Default: the data's last."
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            help="Walk there from this day on, by the rule alpha.refresh. Default: that session alone.",
        ),
    ] = None,
    follow: Annotated[
        str | None, typer.Option("--from", metavar="SNAPSHOT", help="What the first refresh follows.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the snapshots.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Learn anew, also what was learned before; keep nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Let the provider of a configuration learn, and keep what it learned.

    A walk that was interrupted goes on where it was; a back-test of the same
    configuration plays what was learned without learning it again.
    """
    import os

    from rich.console import Console

    from alpha_sources.signal import Refresh
    from alpha_sources.snapshot import Snapshot
    from alphaloom.cli.output import progress
    from alphaloom.config import load_config
    from alphaloom.refreshing import refresh as run
    from alphaloom.snapshots import find_snapshot
    from engine.errors import OutputError

    if out is not None and out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder")
    settings = load_config(config, sets=sets or [], environ=os.environ)
    console = Console(highlight=False)

    def tell(made: Refresh, in_force: Snapshot | None) -> None:
        what = "nothing learned" if in_force is None else in_force.hash[:12]
        how = "found" if made.found else "kept" if in_force and in_force.as_of != made.session else "learned"
        console.print(f"{made.session}  {what}  [dim]{how}[/dim]", soft_wrap=True)

    with progress(Console(stderr=True), settings.name, quiet) as on_session:
        learned = run(
            settings,
            day=None if day is None else day.date(),
            since=None if since is None else since.date(),
            previous=None if follow is None else find_snapshot(follow),
            keep=not fresh,
            out=out,
            on_refresh=tell,
            on_session=on_session,
        )
    if not learned:
        console.print("the provider has nothing to learn")
    else:
        console.print(
            f"[dim]look at it:[/dim]  alphaloom snapshot show {learned[-1].hash[:12]}", soft_wrap=True
        )

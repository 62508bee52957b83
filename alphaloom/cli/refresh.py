"""``alphaloom refresh``: let a configuration's provider learn, without trading."""

from __future__ import annotations

from datetime import UTC, datetime
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
            help="Walk there from this day on, by the rule alpha.refresh; a back-test walks from the session "
            "before its span. Default: that session alone.",
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
    from rich.markup import escape

    from alpha_sources.signal import Refresh
    from alpha_sources.snapshot import Snapshot
    from alpha_sources.woven.words import failed
    from alphaloom.api import refresh_store
    from alphaloom.cli.output import print_labelled, progress
    from alphaloom.config import load_config
    from alphaloom.refreshing import refresh as run
    from alphaloom.snapshots import find_snapshot
    from engine.errors import OutputError

    if out is not None and out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder")
    settings = load_config(config, sets=sets or [], environ=os.environ)
    console = Console(highlight=False)

    def warn(note: str) -> None:
        print_labelled(console, "note", note)

    def tell(made: Refresh, in_force: Snapshot | None) -> None:
        what = "nothing learned" if in_force is None else in_force.hash[:12]
        if in_force is not None and failed(in_force):
            how = "failed"
        elif made.found:
            how = "found"
        else:
            how = "kept" if in_force and in_force.as_of != made.session else "learned"
        console.print(f"{made.session}  {what}  [dim]{how}[/dim]", soft_wrap=True)

    with progress(Console(stderr=True), settings.name, quiet) as on_session:
        learned = run(
            settings,
            day=None if day is None else day.date(),
            since=None if since is None else since.date(),
            previous=None if follow is None else find_snapshot(follow),
            keep=not fresh,
            out=out,
            at=datetime.now(UTC),
            on_refresh=tell,
            on_session=on_session,
            on_note=warn,
        )
    if not learned:
        console.print("the provider has nothing to learn")
        return
    last = learned[-1].hash
    if out is not None:
        console.print(
            f"[dim]look at it:[/dim]  alphaloom snapshot show {escape(str(out / last))}", soft_wrap=True
        )
    elif (refresh_store().folder / last).is_dir():  # what nobody keeps cannot be looked at
        console.print(f"[dim]look at it:[/dim]  alphaloom snapshot show {last[:12]}", soft_wrap=True)

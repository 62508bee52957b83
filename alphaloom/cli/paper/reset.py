"""``alphaloom paper reset``: archive an epoch and begin another."""

from __future__ import annotations

from typing import Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, Sets, day_of, ledger_url


def reset(
    config: Annotated[
        str | None, typer.Argument(help="The configuration from now on. Default: as it was.")
    ] = None,
    db: Db = None,
    account: Account = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First session of the new epoch.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")] = "",
    sets: Sets = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Begin an account anew: what it did is archived, and can still be exported and verified."""
    import os
    from datetime import UTC, datetime

    from alphaloom.config import load_config
    from alphaloom.paper.accounts import reset as run
    from engine.errors import ConfigError

    if sets and config is None:
        raise ConfigError("--set needs the configuration that it changes: alphaloom paper reset CONFIG")
    settings = None if config is None else load_config(config, sets=sets or [], environ=os.environ)
    if not yes and not typer.confirm("Archive the open epoch and begin another?"):
        typer.echo("nothing was changed")
        return
    name, number = run(
        ledger_url(db),
        account,
        settings,
        start=None if start is None else day_of(start, "--from"),
        at=datetime.now(UTC),
        reason=reason,
    )
    typer.echo(f"account {name}: epoch {number - 1} is archived, epoch {number} begins")

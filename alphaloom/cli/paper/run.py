"""``alphaloom paper run``: the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, Sets, day_of, ledger_url

if TYPE_CHECKING:
    from alphaloom.paper.daemon import Outfit


def run(
    config: Annotated[
        str, typer.Argument(help="A YAML file, or a shipped configuration; its data.source is store.")
    ],
    db: Db = None,
    account: Account = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First session of a new account. Default: the first that can still be planned.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Log, rotated. Default: logs/ in ALPHALOOM_HOME."),
    ] = None,
    sets: Sets = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not log to the terminal.")] = False,
) -> None:
    """Trade an account session by session as they come, until it is stopped by Ctrl-C or SIGTERM.

    Whatever ends it, started again it goes on where the account stands. The
    account is made where there is none. One daemon runs an account.
    """
    import os

    from alphaloom.config import load_config
    from alphaloom.home import home
    from alphaloom.paper.configured import account_name
    from alphaloom.paper.daemon import run_daemon

    settings = load_config(config, sets=sets or [], environ=os.environ)
    name, url = account_name(settings) if account is None else account, ledger_url(db)
    file = log or home() / "logs" / f"paper-{name}.log"

    def tell(outfit: Outfit) -> None:
        typer.echo(f"account {outfit.account} runs; its first session is {outfit.first}; log {file}")

    day = None if start is None else day_of(start, "--from")
    run_daemon(settings, url, name, start=day, log_file=file, verbose=not quiet, on_start=tell)

"""``alphaloom paper init``: make an account."""

from __future__ import annotations

from typing import Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, Sets, day_of, ledger_url


def init(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped configuration.")],
    db: Db = None,
    account: Account = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DATE", help="First session. Default: the configuration's span.start."
        ),
    ] = None,
    sets: Sets = None,
) -> None:
    """Make a paper account, and its ledger where there is none.

    Doing it again with the same configuration changes nothing; another
    configuration is refused: see `alphaloom paper reset`.
    """
    import os
    from datetime import UTC, datetime

    from alphaloom.config import load_config
    from alphaloom.paper.accounts import open_account
    from alphaloom.paper.configured import account_name
    from live.ledger import Ledger

    settings = load_config(config, sets=sets or [], environ=os.environ)
    name, url = account_name(settings) if account is None else account, ledger_url(db)
    day = None if start is None else day_of(start, "--from")
    made, first = open_account(settings, url, name, start=day, at=datetime.now(UTC))
    done = "opened" if made else "is there already, unchanged"
    with Ledger.open(url, read_only=True) as ledger:
        # a URL may hold a password; the ledger's name does not
        typer.echo(f"account {name} {done}; first session {first}; ledger {ledger.name}")

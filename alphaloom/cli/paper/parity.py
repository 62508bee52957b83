"""``alphaloom paper parity``: a session beside its back-test."""

from __future__ import annotations

from typing import Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, day_of, ledger_url, print_differences


def parity(
    session: Annotated[str, typer.Option("--session", metavar="DATE", help="A settled session.")],
    db: Db = None,
    account: Account = None,
) -> None:
    """Back-test a settled session on the data as they are now, and say where it differs and why.

    The ledger is only read.
    """
    from rich.console import Console

    from alphaloom.paper.parity import parity_of

    console = Console(highlight=False)
    differences = parity_of(ledger_url(db), account, day_of(session, "--session"))
    print_differences(console, differences)
    if not differences:
        console.print(f"{session}  [green]equal[/] to its back-test, fill by fill")

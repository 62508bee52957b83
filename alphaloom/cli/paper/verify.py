"""``alphaloom paper verify``: prove a ledger."""

from __future__ import annotations

import typer

from alphaloom.cli.paper.options import Account, Db, ledger_url


def verify(db: Db = None, account: Account = None) -> None:
    """Replay all events of a ledger and compare every row with what they make it.

    Exit code 0: sound; 1: not sound, the first row at fault is named; 2: there
    is no ledger, or it is empty.
    """
    from rich.console import Console
    from rich.markup import escape

    from live.ledger import Ledger

    console = Console(highlight=False)
    with Ledger.open(ledger_url(db), read_only=True) as ledger:
        found = ledger.verify(account)
    for finding in found.findings:
        console.print(f"[bold red]fault[/]  {escape(str(finding))}", soft_wrap=True)
    if not found.sound:
        console.print("the ledger is [bold red]not sound[/]; restore a backup of it")
        raise typer.Exit(1)
    console.print(
        f"[green]sound[/]: {found.accounts} account{'s' * (found.accounts != 1)}, "
        f"{found.epochs} epoch{'s' * (found.epochs != 1)}, {found.events} events"
    )

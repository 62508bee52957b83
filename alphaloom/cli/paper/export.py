"""``alphaloom paper export``: an account as a back-test's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphaloom.cli.paper.options import Account, Db, ledger_url


def export(
    out: Annotated[Path, typer.Option("--out", help="Folder; new or empty.")],
    db: Db = None,
    account: Account = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", min=1, help="An archived epoch. Default: the open one.")
    ] = None,
) -> None:
    """Write equity, fills, orders, positions and events as Parquet, columns as in a back-test's folder."""
    from live.ledger import Ledger

    with Ledger.open(ledger_url(db), read_only=True) as ledger:
        folder = ledger.export(out, account, epoch)
    typer.echo(f"written  {folder}")

"""``alphaloom data``: look at market data before trusting it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(help="Check market data.", no_args_is_help=True)


@data_app.callback()
def data() -> None:
    """Check market data."""


@data_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A long Parquet or CSV file of daily bars.")],
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the data section, like --set units=lots."),
    ] = None,
) -> None:
    """Check a file of daily bars against the rules a back-test relies on.

    Prints what is wrong with places and counts. Exit code 0 when there are only warnings, 2 on errors.
    """
    from alphaloom.config import load_config
    from engine.market import check_file

    keys = [item if item.startswith("data.") else f"data.{item}" for item in sets or []]
    settings = load_config({"data": {"source": "file", "path": str(file)}}, sets=keys)
    report = check_file(settings.data)
    typer.echo(str(report))
    if not report.ok:
        raise typer.Exit(2)

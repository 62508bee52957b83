"""``alphaloom data``: check market data, and keep them in a store of one's own."""

from __future__ import annotations

import typer

from alphaloom.cli.data.check import check, data_section
from alphaloom.cli.data.export import export
from alphaloom.cli.data.imports import import_csv, import_qlib
from alphaloom.cli.data.status import status
from alphaloom.cli.data.sync import sync
from alphaloom.cli.data.verify import verify

__all__ = ["data_app", "data_section"]

data_app = typer.Typer(help="Check market data, and keep them in a store.", no_args_is_help=True)
data_app.command()(check)
data_app.command("import-csv")(import_csv)
data_app.command("import-qlib")(import_qlib)
data_app.command()(sync)
data_app.command()(status)
data_app.command()(verify)
data_app.command()(export)


@data_app.callback()
def data() -> None:
    """Check market data, and keep them in a store."""

"""The typer application and its global options."""

from __future__ import annotations

from typing import Annotated

import typer

import alphaloom
from alphaloom.cli.backtest import backtest
from alphaloom.cli.data import data_app

app = typer.Typer(
    name="alphaloom",
    help="Back-test and paper-trade A-share strategies on LLM-written alphas.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(backtest)
app.add_typer(data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"alphaloom {alphaloom.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Back-test and paper-trade A-share strategies on LLM-written alphas."""

"""The typer application and its global options."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import alphaloom
from alphaloom.cli.agents import agents_app
from alphaloom.cli.backtest import backtest
from alphaloom.cli.check_provider import check_provider
from alphaloom.cli.compare import compare
from alphaloom.cli.data import data_app
from alphaloom.cli.evaluate import evaluate
from alphaloom.cli.formula import formula_app
from alphaloom.cli.libraries import library_app
from alphaloom.cli.new import new_app
from alphaloom.cli.paper import paper_app
from alphaloom.cli.providers import providers, strategies
from alphaloom.cli.refresh import refresh
from alphaloom.cli.reproduce import reproduce
from alphaloom.cli.rules import rules_app
from alphaloom.cli.seed import seed_app
from alphaloom.cli.snapshot import snapshot_app
from alphaloom.cli.sweep import sweep


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Aborted.", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    name="alphaloom",
    cls=_Commands,
    help="Back-test and paper-trade A-share strategies on LLM-written alphas.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(backtest)
app.command()(check_provider)
app.command()(compare)
app.command()(sweep)
# a formula may begin with a minus: it is no option, and there are no short ones that it could be taken for
app.command(context_settings={"ignore_unknown_options": True})(evaluate)
app.command()(refresh)
app.command()(reproduce)
app.command()(providers)
app.command()(strategies)
app.add_typer(agents_app, name="agents")
app.add_typer(data_app, name="data")
app.add_typer(formula_app, name="formula")
app.add_typer(library_app, name="library")
app.add_typer(new_app, name="new")
app.add_typer(paper_app, name="paper")
app.add_typer(rules_app, name="rules")
app.add_typer(seed_app, name="seed")
app.add_typer(snapshot_app, name="snapshot")


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

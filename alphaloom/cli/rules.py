"""``alphaloom rules``: what the rule tables say."""

from __future__ import annotations

from typing import Annotated

import typer

rules_app = typer.Typer(help="Look up the market's rules by date.", no_args_is_help=True)


@rules_app.callback()
def rules() -> None:
    """Look up the market's rules by date."""


@rules_app.command()
def show(
    symbol: Annotated[str, typer.Argument(help="A stock, like 688981.SH, SH688981 or 688981.")],
    day: Annotated[str, typer.Argument(help="A day, like 2023-08-28.", metavar="DATE")],
) -> None:
    """Print every rule in force for a stock on a day, with the notice it comes from."""
    from rich.console import Console
    from rich.table import Table

    from engine.market.board import parse_symbol
    from engine.market.calendar import to_session
    from engine.rules.explain import explain

    house = parse_symbol(symbol)
    session = to_session(day)
    table = Table(title=f"{house} on {session}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("Rule", "Value", "Since", "Source"):
        table.add_column(
            heading, no_wrap=heading in ("Rule", "Since"), style="dim" if heading == "Source" else ""
        )
    for row in explain(house, session.astype(object)):
        table.add_row(*row)
    Console(highlight=False).print(table)

"""``alphaloom formula``: read, look up and compute formulas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alpha_sources.formula import Formula
    from alphaloom.formula_values import Values

formula_app = typer.Typer(help="Explain, look up and compute formulas.", no_args_is_help=True)
#: a formula may begin with a minus
_FORMULA = {"ignore_unknown_options": True}

Text = Annotated[str, typer.Argument(metavar="FORMULA", help='Such as "rank(-delta(close, 5))".')]
Dialect = Annotated[
    str, typer.Option("--dialect", help="Its spelling: alphaloom, alpha101, gtja191 or qlib.")
]


@formula_app.callback()
def formula() -> None:
    """Explain, look up and compute formulas."""


@formula_app.command(context_settings=_FORMULA)
def explain(
    text: Text,
    dialect: Dialect = "alphaloom",
    strict: Annotated[bool, typer.Option("--strict", help="Refuse mixed units.")] = False,
) -> None:
    """Take a formula apart: its tree, fields, units, look-back and normal form."""
    from rich.console import Console

    from alpha_sources.formula import explain as explained
    from alpha_sources.formula import parse

    console = Console(highlight=False)
    for line in explained(parse(text, dialect, strict=strict)).split("\n"):
        title = line and not line.startswith(" ")
        console.print(line, style="bold" if title else "", markup=False, soft_wrap=True)


@formula_app.command("list")
def list_operators(
    operator: Annotated[
        str | None, typer.Argument(metavar="[OPERATOR]", help="One of them, in full.")
    ] = None,
    family: Annotated[
        str | None, typer.Option("--family", help='Of one family, like "time series" or technical.')
    ] = None,
    fields: Annotated[bool, typer.Option("--fields", help="The fields instead, with their units.")] = False,
) -> None:
    """List the operators by family, the fields, or all about one operator."""
    from rich.console import Console
    from rich.table import Table

    from alpha_sources.formula import reference

    console = Console(highlight=False)
    if operator is not None:
        for label, said in reference.described(reference.find_operator(operator)):
            console.print(f"[dim]{label:<9}[/dim]  ", end="")
            console.print(said, markup=False, soft_wrap=True)
        return
    groups = [("fields", reference.field_rows())] if fields else reference.operator_rows(family)
    # one width for all, so that the families line up
    widest = max(len(row[0]) for _, rows in groups for row in rows)
    for title, rows in groups:
        console.print(title, style="bold")
        table = Table.grid(padding=(0, 2), pad_edge=True)
        table.add_column(no_wrap=True, min_width=widest)
        for row in rows:
            table.add_row(*map(_plain, row))
        if console.is_terminal:
            console.print(table)
        else:
            for row in rows:
                console.print("  " + "  ".join(row), markup=False, soft_wrap=True)


@formula_app.command("eval", context_settings=_FORMULA)
def evaluate(
    text: Text,
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FILE|NAME", help="Daily bars, a configuration that names them, or sse50."
        ),
    ] = Path("sse50"),
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the data section; as often as needed."),
    ] = None,
    dialect: Dialect = "alphaloom",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="A stock; as often as needed. Default: the members.")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="Session to end at. Default: the last.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="So many sessions up to it.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write date, symbol, score to a .csv or .parquet file.")
    ] = None,
) -> None:
    """Compute a formula on market data; the last session of the bundled ones by default."""
    from alpha_sources.formula import parse
    from alphaloom.cli.data import data_section
    from alphaloom.formula_values import check_table, formula_values, write_table
    from engine.market import load_market

    if out is not None:
        check_table(out)
    config = data_section(data, [item if item.startswith("data.") else f"data.{item}" for item in sets or []])
    panel = load_market(config).panel
    read = parse(text, dialect, panel.fields)
    values = formula_values(read, panel, date=date, last=last, symbols=symbol or ())
    if out is not None:
        write_table(out, values)
    _print(read, values, out)


def _print(read: Formula, values: Values, out: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape

    from alphaloom.cli.columns import print_columns
    from alphaloom.cli.output import print_labelled

    notes = Console(stderr=True, highlight=False)
    for note in (*read.notes, *read.warnings):
        print_labelled(notes, "note", note)
    console = Console(highlight=False)
    if out is not None:
        console.print(f"values  {escape(str(out))}", soft_wrap=True)
    else:
        print_columns(console, values.rows())


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)

"""``alphaloom data check``: look at market data before trusting it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.market import DataConfig, ValidationReport


def check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|NAME",
            help="Daily bars (.parquet, .csv), a .yaml or shipped configuration that names them, or sse50.",
        ),
    ],
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the data section; as often as needed."),
    ] = None,
) -> None:
    """Check daily bars against the rules a back-test relies on.

    Prints what is wrong, where and how often. Exit code 0: a back-test takes
    the file, perhaps with warnings; 2: it does not.

    What the data section of a configuration says of a file is said by --set:

    --set columns.open=开盘 --set columns.close=收盘 --set units=lots

    --set universe=sse50 --set membership=members.csv
    """
    from engine.errors import DataError
    from engine.market import InvalidDataError, load_market

    config = data_section(file, [item if item.startswith("data.") else f"data.{item}" for item in sets or []])
    try:
        market = load_market(config)
    except InvalidDataError as refused:
        _print(refused.report)
        raise DataError(f"{config.path} would be refused by a back-test") from None
    dates, symbols = market.panel.dates, market.panel.symbols
    typer.echo(f"{config.path}: {len(symbols)} symbols, {len(dates)} sessions {dates[0]}..{dates[-1]}")
    _print(market.report)


def data_section(file: Path, sets: list[str]) -> DataConfig:
    """The data section meant by a file of bars, a configuration, or the name of the sample."""
    import os

    from alphaloom.config import load_config
    from alphaloom.shipped import shipped_config, shipped_names
    from engine.errors import DataError

    name, environ = str(file), os.environ
    if file.suffix.lower() in (".yaml", ".yml"):
        return load_config(file, sets=sets, environ=environ).resolved_data()
    if file.is_file():
        base = {"data": {"source": "file", "path": name}}
        said = load_config(base, sets=sets, environ=environ).data
        return said.model_copy(update={"source": "file", "path": file})
    if name == "sse50":
        return load_config({"data": {"source": "sample"}}, sets=sets, environ=environ).resolved_data()
    if shipped_config(name) is not None:
        return load_config(name, sets=sets, environ=environ).resolved_data()
    shipped = "" if file.suffix else f", nor a shipped configuration ({', '.join(shipped_names())})"
    raise DataError(f"{file}: no such file{shipped}")


def _print(report: ValidationReport) -> None:
    from rich.console import Console

    from alphaloom.cli.output import print_labelled

    console = Console(highlight=False)
    console.print(str(report).splitlines()[0])
    for label, style, findings in (("error", "red", report.errors), ("warning", "yellow", report.warnings)):
        for finding in findings:
            print_labelled(console, label, str(finding), style, width=7)

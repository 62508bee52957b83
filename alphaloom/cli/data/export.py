"""``alphaloom data export``: a table of the store as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alphaloom.cli.data.place import StoreOption, day, store_at


class _Table(StrEnum):
    BARS = "bars"
    ACTIONS = "actions"
    INDEX_BARS = "index_bars"
    INSTRUMENTS = "instruments"
    MEMBERSHIP = "membership"
    FUNDAMENTALS = "fundamentals"
    SPELLS = "spells"
    TEXTS = "texts"
    MACRO = "macro"
    MINUTE_BARS = "minute_bars"
    SESSIONS = "sessions"
    QUARANTINE = "quarantine"


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new file, .parquet or .csv.")],
    table: Annotated[_Table, typer.Option("--table", help="What to write.")] = _Table.BARS,
    universe: Annotated[
        str | None, typer.Option("--universe", metavar="INDEX", help="Only names that ever were its members.")
    ] = None,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this name; as often as needed.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="First day of bars.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day of bars.")] = None,
    store: StoreOption = None,
) -> None:
    """Write a table of the market store as a file that data.source: file takes."""
    from engine.market import parse_symbol
    from engine.market.store import Kind
    from engine.market.store.export import export as write

    names = [parse_symbol(symbol) for symbol in symbols] if symbols else None
    rows = write(
        store_at(store),
        Kind(table.value),
        out,
        symbols=names,
        universe=universe,
        first=day(start),
        last=day(end),
    )
    typer.echo(f"{out}: {rows:,} rows")

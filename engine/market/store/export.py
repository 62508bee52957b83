"""Writing a store's tables as the files that ``data.source: file`` reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from engine.errors import DataError, OutputError
from engine.market.store.folder import MarketStore, StoreReader
from engine.market.store.intake import factor_in_force
from engine.market.store.members import member_spells
from engine.market.store.rows import bars_of, bars_table
from engine.market.store.schema import Kind
from engine.market.store.segments import in_order

_BLOCK = 500
#: columns by the names that files have them under
_RENAMES = {Kind.BARS: {"session": "date"}, Kind.INDEX_BARS: {"session": "date"}}
#: tables of several segments whose rows are written in the order of their key
_BY_KEY = frozenset({Kind.TEXTS, Kind.MACRO, Kind.MINUTE_BARS, Kind.SESSIONS})
SUFFIXES = (".parquet", ".csv")


def export(
    store: MarketStore,
    kind: Kind,
    path: Path,
    *,
    symbols: list[str] | None = None,
    universe: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> int:
    """Write a table to a new file and return its rows; bars bring their adjustment factor along.

    Parameters
    ----------
    store : MarketStore
    kind : Kind
    path : Path
        ``.parquet`` or ``.csv``.
    symbols : list of str, optional
        Only these names.
    universe : str, optional
        Of bars: only names that ever were members of this index. Of membership: the index.
    first, last : date, optional
        Only these days, inclusive, of bars, index bars, minute bars and texts.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.
    DataError
        If there is nothing to write.
    StoreError
        If there is no store, or it is damaged.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: files are written as .parquet or .csv; choose one of the two")
    if path.exists():
        raise OutputError(f"{path} exists; name another file, or remove it first")
    partial = path.with_name(f".{path.name}.partial")
    try:
        rows = store.read(
            lambda reader: _written(partial, path, _tables(reader, kind, symbols, universe, first, last))
        )
        if not rows:
            raise DataError(
                f"{store.folder} holds no {kind} to export; alphaloom data status says what it holds"
            )
        partial.replace(path)
    except OSError as problem:
        raise OutputError(f"{path} cannot be written: {problem.strerror or problem}") from None
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _written(partial: Path, path: Path, tables: Iterator[Any]) -> int:
    writer, rows = None, 0
    try:
        for table in tables:
            if not len(table):
                continue
            if path.suffix.lower() == ".csv":
                writer = writer or arrow_csv.CSVWriter(partial, table.schema)
                writer.write_table(table)
            else:
                writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd")
                writer.write_table(table)
            rows += len(table)
    finally:
        if writer is not None:
            writer.close()
    return rows


def _tables(
    reader: StoreReader,
    kind: Kind,
    symbols: list[str] | None,
    universe: str | None,
    first: date | None,
    last: date | None,
) -> Iterator[Any]:
    if universe is not None:
        members = sorted({spell.symbol for spell in member_spells(reader, universe)})
        if not members:
            raise DataError(f"{reader.folder} does not know the members of {universe}; import them first")
        if kind is not Kind.MEMBERSHIP:
            symbols = members if symbols is None else sorted(set(symbols) & set(members))
    if kind is not Kind.BARS:
        yield _plain(kind, _one(reader, kind, symbols, universe, first, last))
        return
    names = list(reader.coverage(symbols, first, last).symbols)
    extras: set[str] = set()
    for segment in reader.manifest.of(Kind.BARS):
        with reader.open(segment) as file:
            extras |= set(file.schema_arrow.names)
    for at in range(0, len(names), _BLOCK):
        part = np.array(names[at : at + _BLOCK], dtype=np.str_)
        bars = bars_of(reader.rows(kind, symbols=part.tolist(), first=first, last=last), part)
        factor = factor_in_force(bars, reader.rows(Kind.FACTORS, symbols=part.tolist()))
        table = bars_table(bars)
        for name in sorted(extras - set(table.column_names)):
            table = table.append_column(name, pa.nulls(len(table), pa.float64()))
        table = table.append_column("adj_factor", pa.array(factor, pa.float64()))
        yield _plain(kind, table)


def _one(
    reader: StoreReader,
    kind: Kind,
    symbols: list[str] | None,
    universe: str | None,
    first: date | None,
    last: date | None,
) -> Any:
    if kind is Kind.TEXTS and symbols is not None:
        # those about the market have no symbol to look for
        table = reader.rows(kind, first=first, last=last)
        return in_order(kind, table.filter(pc.is_in(table["symbol"].cast(pa.string()), pa.array(symbols))))
    table = reader.rows(kind, symbols=symbols, first=first, last=last)
    if kind in _BY_KEY:
        table = in_order(kind, table)
    if kind is Kind.MEMBERSHIP and universe is not None:
        table = table.filter(pc.equal(table["universe"], universe))
    return _wide(table) if kind is Kind.FUNDAMENTALS else table


def _wide(table: Any) -> Any:
    """One column for each figure, as files of fundamentals have them."""
    keys = ["symbol", "visible_date", "period_end"]
    # without a period a figure is read as one of the day it was known
    period = pc.coalesce(table["period_end"], table["visible_date"])
    table = table.set_column(table.column_names.index("period_end"), "period_end", period)
    plain = table.select([*keys, "figure", "value"]).to_pandas()
    plain = plain.astype(dict.fromkeys((*keys, "figure"), "str"))
    wide = plain.set_index([*keys, "figure"])["value"].unstack("figure").reset_index()
    return pa.Table.from_pandas(wide, preserve_index=False)


def _plain(kind: Kind, table: Any) -> Any:
    """Texts as texts, our file names of columns, columns that nobody filled left out."""
    renames = _RENAMES.get(kind, {})
    cells = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_floating(column.type):
            # a number that nobody knows is an empty cell, in every kind of file
            column = pc.if_else(pc.is_nan(column), None, column)
        cells[renames.get(name, name)] = column
    return pa.table(cells)

"""Segments: Parquet files of one table and partition, sorted by key, written once and never changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.market.store.files import StoreError, sha256, write_whole
from engine.market.store.manifest import Segment
from engine.market.store.schema import BAR_VALUES, INDEX_VALUES, SCHEMAS, Kind

#: rows are sorted by symbol: groups this small let a few names be read without the rest of the market
_GROUP_ROWS = 2048
#: columns of numbers that are nearly all different
_MANIFOLD = {*BAR_VALUES, *INDEX_VALUES} - {"trading", "is_st"}
#: a segment up to so many times as large as what is added is merged with it: a daily step stays small, the
#: number of files grows with the logarithm of the rows
_MERGED_UP_TO = 4


def partitions(kind: Kind, table: Any) -> list[tuple[str, Any]]:
    """Cut a table by the year of its days."""
    day = SCHEMAS[kind].day
    if not len(table):
        return []
    if day is None:
        return [("all", table)]
    years = pc.year(table[day])
    return [(str(year), table.filter(pc.equal(years, year))) for year in sorted(pc.unique(years).to_pylist())]


def together(kind: Kind, tables: Sequence[Any]) -> Any:
    """Concatenate tables that may differ in their extra columns; missing values are null."""
    if not tables:
        return SCHEMAS[kind].columns.empty_table()
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables, promote_options="default")


def in_order(kind: Kind, table: Any) -> Any:
    """Sort by the table's key, columns in the schema's order with extras by name behind."""
    schema = SCHEMAS[kind]
    names = list(schema.columns.names)
    extras = sorted(set(table.column_names) - set(names))
    if extras and not schema.extras:
        raise ValueError(f"{kind} has no column {', '.join(extras)}")
    # words as texts: they sort as texts do, and Parquet then gives each group of rows a vocabulary of its own
    fields = [pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in schema.columns]
    target = pa.schema([*fields, *((name, pa.float64()) for name in extras)])
    plain = table.select(target.names).cast(target)
    return plain.sort_by([(name, "ascending") for name in schema.key])


def write_segment(folder: Path, kind: Kind, partition: str, table: Any) -> Segment:
    """Write rows as a new file, named by its content.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    table = in_order(kind, table)
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=_GROUP_ROWS,
        compression="lz4",
        # prices and volumes hardly repeat: a vocabulary of them costs a third of the time they are read in
        use_dictionary=[name for name in table.column_names if name not in _MANIFOLD],
        write_statistics=list(SCHEMAS[kind].key),
        # so that whoever reads a part of the file notices a flipped bit in it
        write_page_checksum=True,
    )
    data = sink.getvalue()
    checksum = sha256(data)
    path = f"{kind}/{partition}/{checksum[:16]}.parquet"
    write_whole(folder / path, data)
    first, last = day_span(kind, table)
    return Segment(path, kind, partition, len(table), len(data), checksum, first, last)


def day_span(kind: Kind, table: Any) -> tuple[str, str]:
    """First and last day of a table's rows as ISO text; empty where it is not cut by days."""
    day = SCHEMAS[kind].day
    if day is None or not len(table):
        return "", ""
    ends = pc.min_max(table[day]).as_py()
    return ends["min"].isoformat(), ends["max"].isoformat()


def to_merge(there: Sequence[Segment], rows: int) -> list[Segment]:
    """Segments of a partition that are rewritten together with `rows` new ones, smallest first."""
    chosen = []
    for segment in sorted(there, key=lambda s: (s.rows, s.path)):
        if segment.rows > _MERGED_UP_TO * rows:
            break
        chosen.append(segment)
        rows += segment.rows
    return chosen


def open_segment(folder: Path, segment: Segment, footer: Any = None) -> Any:
    """Open a segment for reading; `footer` is its metadata, where they were read before.

    Raises
    ------
    FileNotFoundError
        If it is not there: perhaps a writer has replaced it since the manifest was read.
    StoreError
        If it is shorter or longer than it was written, or is no Parquet file.
    """
    path = folder / segment.path
    size = path.stat().st_size
    if size != segment.bytes:
        raise damaged(path, f"it has {size:,} bytes of {segment.bytes:,}")
    try:
        return pq.ParquetFile(
            path,
            metadata=footer,
            read_dictionary=words_of(segment.kind),
            page_checksum_verification=True,
        )
    except (pa.ArrowException, OSError) as problem:
        if isinstance(problem, FileNotFoundError):
            raise
        raise damaged(path, str(problem).splitlines()[0]) from problem


def read_segment(folder: Path, segment: Segment, columns: Sequence[str] | None = None) -> Any:
    """Read rows of a segment; see :func:`open_segment` for the errors."""
    with open_segment(folder, segment) as file:
        names = None if columns is None else [c for c in columns if c in file.schema_arrow.names]
        try:
            return file.read(columns=names)
        except (pa.ArrowException, OSError) as problem:
            raise damaged(folder / segment.path, str(problem).splitlines()[0]) from problem


def damaged(path: Path, why: str) -> StoreError:
    """Say that a segment cannot be used, and what now."""
    return StoreError(
        f"{path} is damaged: {why}; restore it from a backup, or run alphaloom data verify --repair, which "
        "sets it aside, and import or sync again"
    )


def words_of(kind: Kind) -> list[str]:
    """Columns that are read as words of a vocabulary."""
    return [f.name for f in SCHEMAS[kind].columns if pa.types.is_dictionary(f.type)]

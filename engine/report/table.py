"""Tables and small heat maps as cells: the first page for the template, all rows for `static/tables.js`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.errors import ShapeError
from engine.report.chart import check_heat
from engine.report.section import Column, Format, HeatMap, Table
from engine.report.values import WORDS, Plain, numbers, plains, printed

_WIDEST: Final = 30
"""Columns of text wider than so many characters wrap."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed cell; `side` is `up`, `down` or empty and `tint` how strongly it is coloured, 0 to 1."""

    text: str
    side: str = ""
    tint: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """One heading: `kind` is the CSS class of the column, `width` its least width in characters."""

    title: str
    kind: str
    width: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table ready for the page."""

    data: dict[str, Any]
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    total: int
    page: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A small heat map ready for the page; the last `totals` columns are set apart."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    first_total: int


def sheet(table: Table) -> Sheet:
    """Return a table with its first page printed.

    Raises
    ------
    ShapeError
        If its columns differ in length.
    ValueError
        If a page has no rows.
    """
    lengths = {len(column.values) for column in table.columns}
    if len(lengths) > 1:
        sizes = ", ".join(f"{column.title!r} {len(column.values)}" for column in table.columns)
        raise ShapeError(f"table {table.title!r}: columns differ in length: {sizes}")
    if table.page < 1:
        raise ValueError(f"table {table.title!r}: a page of {table.page} rows; it must be at least 1")
    total = lengths.pop() if lengths else 0
    for column in table.columns:
        _check_links(table, column)
    values = [plains(column.values, column.format) for column in table.columns]
    scales = [
        _scale(column_values) if column.tint else 0.0
        for column, column_values in zip(table.columns, values, strict=True)
    ]
    first = [
        [
            _cell(column_values[row], column.format, scale, link=column.links[row] if column.links else "")
            for column, column_values, scale in zip(table.columns, values, scales, strict=True)
        ]
        for row in range(min(total, table.page))
    ]
    heads = [
        _head(column, column_values) for column, column_values in zip(table.columns, values, strict=True)
    ]
    data = {
        "title": table.title,
        "page": table.page,
        "total": total,
        "columns": [
            {"title": head.title, "kind": head.kind, "format": column.format.value, "scale": scale}
            | _packed(column_values)
            | ({"links": list(column.links)} if column.links else {})
            for head, column, column_values, scale in zip(heads, table.columns, values, scales, strict=True)
        ],
    }
    return Sheet(data, heads, first, total, table.page)


def grid(heat: HeatMap) -> Grid | None:
    """Return a heat map as printed cells, or None where it is too large to read as numbers."""
    check_heat(heat)
    if len(heat.columns) > 24 or len(heat.rows) > 60:
        return None
    first_total = len(heat.columns) - heat.totals
    values = [numbers(row) for row in heat.values]
    scale = _scale([value for row in values for value in row[:first_total]])
    total_scale = _scale([value for row in values for value in row[first_total:]])
    rows = []
    for label, row in zip(heat.rows, values, strict=True):
        cells = [
            _cell(value, heat.format, scale if position < first_total else total_scale, blank="")
            for position, value in enumerate(row)
        ]
        rows.append((label, cells))
    return Grid(heat.columns, rows, first_total)


def _scale(values: Sequence[Plain]) -> float:
    """Return the size that gets the full tint: the 95th percentile, so that no outlier pales the rest."""
    sizes = [abs(value) for value in values if isinstance(value, int | float) and value]
    return float(f"{np.percentile(sizes, 95):.6g}") if sizes else 0.0


def _cell(value: Plain, format: Format, scale: float, blank: str | None = None, link: str = "") -> Cell:
    if value is None and blank is not None:
        return Cell(blank)
    text = printed(value, format)
    if not scale or not isinstance(value, int | float) or not value:
        return Cell(text, link=link)
    return Cell(text, "up" if value > 0 else "down", f"{min(1.0, abs(value) / scale):.2f}", link)


def _check_links(table: Table, column: Column) -> None:
    if column.links is None:
        return
    if len(column.links) != len(column.values):
        raise ShapeError(
            f"table {table.title!r}: column {column.title!r} has {len(column.links)} links "
            f"for {len(column.values)} values"
        )
    for link in column.links:
        if ":" in link.split("/")[0] or link.startswith(("/", "\\")):
            raise ValueError(f"table {table.title!r}: the link {link!r} is no path relative to the page")


def _head(column: Column, values: Sequence[Plain]) -> Head:
    """Measure a column over all its rows, so that it keeps its width from page to page."""
    if column.format in WORDS:
        width = max((_width(str(value)) for value in set(values) if value is not None), default=1)
    else:
        sizes = [value for value in values if isinstance(value, int | float)]
        ends = [min(sizes), max(sizes)] if sizes else []
        width = max((len(printed(value, column.format)) for value in ends), default=1)
    if column.format is Format.DATE:
        kind = "date"
    elif column.format is Format.TEXT:
        kind = "text wrap" if width > _WIDEST else "text"
    else:
        kind = "number"
    return Head(column.title, kind, min(width, _WIDEST))


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _packed(values: list[Plain]) -> dict[str, Any]:
    """Return the values, or where they repeat the distinct ones and an index into them, which is shorter."""
    distinct = dict.fromkeys(values)
    texts = any(isinstance(value, str) for value in distinct)
    if not texts or len(distinct) * 2 > len(values):
        return {"values": values}
    place = {value: position for position, value in enumerate(distinct)}
    return {"distinct": list(distinct), "index": [place[value] for value in values]}

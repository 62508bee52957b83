"""Tables in files: CSV and XLSX."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Any

from alpha_sources.seed.documents.cleaning import clean, one_line
from alpha_sources.seed.documents.dating import from_metadata
from alpha_sources.seed.documents.decoding import decode
from alpha_sources.seed.documents.document import Page, Table
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.packed import check_packed
from alpha_sources.seed.documents.parts import Parts
from alpha_sources.seed.documents.sniffing import table_dialect
from alpha_sources.seed.documents.tabular import as_pages, as_table

_LONGEST_CELL = 2_000
_NO_VALUE = re.compile(rb"(?:</f>|<f\b[^>]*/>)\s*(?:<v\s*/>|<v></v>|</c>)")


def read_csv(data: bytes, limits: Limits) -> Parts:
    """Return a table of values separated by commas, tabs, semicolons or bars.

    Raises
    ------
    DocumentError
        If it is no text or larger than the limits.
    """
    decoded = decode(data)
    text = clean(decoded.text)
    limits.check("characters", len(text), "characters")
    delimiter = table_dialect(text) or _frequent(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        table = as_table("table", _counted(reader, limits))
    except csv.Error as error:
        raise DocumentError(f"line {reader.line_num}: {error}; save it as CSV anew") from None
    if table is None:
        raise DocumentError("it is a table without a value: remove it")
    notes = () if decoded.encoding.startswith("utf") else (f"its text is {decoded.encoding}",)
    return Parts(as_pages(table, 1), one_line(table.caption), tables=(table,), notes=notes)


def read_workbook(data: bytes, limits: Limits) -> Parts:
    """Return the sheets of an XLSX file: values as they were last computed, no formulas, macros or links.

    Raises
    ------
    DocumentError
        If it is damaged, packs more than the limits allow, or openpyxl is not installed.
    """
    openpyxl = needed("openpyxl", "an XLSX file")
    check_packed(data, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which are not read
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl raises whatever a damaged part makes it stumble over
        raise DocumentError("it is a damaged XLSX file: save it again") from None
    try:
        sheets = list(book.worksheets)
        limits.check("pages", len(sheets), "sheets")
        pages: list[Page] = []
        tables: list[Table] = []
        count = _Count(limits)
        for sheet in sheets:
            sheet.reset_dimensions()  # the size that a file claims for its sheet may be anything
            table = as_table(one_line(sheet.title, 60), count.over(_cells(sheet)))
            if table is not None:
                tables.append(table)
                pages += as_pages(table, len(pages) + 1)
        said = book.properties
        dates = from_metadata((key, getattr(said, key, None)) for key in ("created", "modified"))
        title = one_line(said.title or "")
    except DocumentError:
        raise
    except Exception:  # as above: rows are read only now
        raise DocumentError("it is a damaged XLSX file: save it again") from None
    finally:
        book.close()
    limits.check("characters", sum(len(page.text) for page in pages), "characters of text")
    missing = _uncomputed(data)
    notes = (f"{missing} formulas have no computed value: open and save it",) if missing else ()
    return Parts(tuple(pages), title, dates, tuple(tables), notes)


class _Count:
    """Cells and rows so far, against the limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cells = self._rows = 0

    def over(self, rows: Iterable[Iterable[str]]) -> Iterator[tuple[str, ...]]:
        for row in rows:
            cells = tuple(cell[:_LONGEST_CELL] for cell in row)
            self._rows += 1
            self._cells += sum(map(bool, cells))
            self._limits.check("cells", self._rows, "rows")
            self._limits.check("cells", self._cells, "cells")
            if any(cells):
                yield cells


def _counted(rows: Iterable[Iterable[str]], limits: Limits) -> Iterator[tuple[str, ...]]:
    return _Count(limits).over(rows)


def _cells(sheet: Any) -> Iterator[tuple[str, ...]]:
    for row in sheet.iter_rows(values_only=True):
        cells = [_written(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        yield tuple(cells)


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format(value, ".15g")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))


def _frequent(text: str) -> str:
    head = text[:10_000]
    return max(",\t;|", key=head.count)


def _uncomputed(data: bytes) -> int:
    """Return the number of formulas without a value, whose cells are read as empty."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return sum(len(_NO_VALUE.findall(archive.read(name))) for name in sheets)

"""Matrices as printed cells, with the best of each row marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import ShapeError
from engine.report.section import Matrix, Row
from engine.report.values import WORDS, Plain, plains, printed


@dataclass(frozen=True, slots=True)
class Line:
    """One row, printed: (text, whether it is the best) per column; `words` where they are no numbers."""

    title: str
    cells: Sequence[tuple[str, bool]]
    words: bool


@dataclass(frozen=True, slots=True)
class Printed:
    """A matrix ready for the page."""

    columns: Sequence[str]
    rows: Sequence[Line]


def printed_matrix(matrix: Matrix) -> Printed:
    """Return a matrix as cells.

    Raises
    ------
    ShapeError
        If a row has not one value per column.
    """
    return Printed(matrix.columns, [_line(matrix, row) for row in matrix.rows])


def best_of(row: Row) -> list[bool]:
    """Which values are the best of a row: none where nothing is better, or all known values are equal."""
    values = [v if isinstance(v, int | float) else None for v in plains(row.values, row.format)]
    known = [value for value in values if value is not None]
    if row.better is None or len(set(known)) < 2:
        return [False] * len(values)
    best = max(known) if row.better == "high" else min(known)
    return [value == best for value in values]


def _line(matrix: Matrix, row: Row) -> Line:
    if len(row.values) != len(matrix.columns):
        raise ShapeError(
            f"matrix {matrix.title!r}: row {row.title!r} has {len(row.values)} values "
            f"for {len(matrix.columns)} columns"
        )
    values: list[Plain] = plains(row.values, row.format)
    texts = [printed(value, row.format) for value in values]
    return Line(row.title, list(zip(texts, best_of(row), strict=True)), row.format in WORDS)

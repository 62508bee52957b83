"""Columns of text that never wrap: a pipe gets whole lines, a narrow terminal folds them itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def print_columns(
    console: Console, rows: Sequence[Sequence[str]], *, strong: Collection[tuple[int, int]] = ()
) -> None:
    """Print rows of text, the first column to the left, the others to the right.

    Parameters
    ----------
    rows : sequence of rows
        The headings first.
    strong : collection of (row, column)
        Cells to emphasise.
    """
    from rich.cells import cell_len
    from rich.text import Text

    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for y, row in enumerate(rows):
        line = Text("  ")
        for x, (text, width) in enumerate(zip(row, widths, strict=True)):
            blank = " " * (width - cell_len(text))
            style = "bold" if (y, x) in strong else "dim" if y == 0 else ""
            line.append(blank if x else "")
            line.append(text, style)
            line.append("  " if x else blank + "  ")
        line.rstrip()
        console.print(line, soft_wrap=True)

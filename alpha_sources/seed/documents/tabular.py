"""Rows of cells as a table with a header, and tables as pages of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alpha_sources.seed.documents.document import Page, Table

#: A page of a table is about as long as this, so that few chunks cut one.
_PAGE_CHARACTERS = 1_500
_HEADER_SEARCH = 20


def as_table(name: str, rows: Iterable[Sequence[str]]) -> Table | None:
    """Return rows as a table, or None if they have no cell that holds anything.

    The header is the first row with at least two filled cells, what stands above it the caption: a statement
    begins with its title and its unit. Empty rows and columns are left out.

    Parameters
    ----------
    name : str
    rows : iterable of sequence of str
    """
    filled = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    filled = [row for row in filled if any(row)]
    if not filled:
        return None
    width = max(len(row) for row in filled)
    padded = [row + ("",) * (width - len(row)) for row in filled]
    kept = [at for at in range(width) if any(row[at] for row in padded)]
    padded = [tuple(row[at] for at in kept) for row in padded]
    first = next(
        (at for at, row in enumerate(padded[:_HEADER_SEARCH]) if sum(map(bool, row)) >= min(2, len(kept))), 0
    )
    caption = " ".join(cell for row in padded[:first] for cell in row if cell)
    return Table(name, caption, padded[first], tuple(padded[first + 1 :]))


def as_text(table: Table) -> str:
    """Return a table as lines of cells between bars, the header first."""
    lines = [_line(table.header), _rule(table.header), *map(_line, table.rows)]
    return "\n".join([table.caption, *lines] if table.caption else lines)


def as_pages(table: Table, first: int) -> tuple[Page, ...]:
    """Return a table as pages of some rows each, every one with the caption and the header.

    Parameters
    ----------
    table : Table
    first : int
        Number of the first page.
    """
    pages: list[Page] = []
    at = 0
    while at < len(table.rows) or not pages:
        start, length = at, 0
        while at < len(table.rows) and (at == start or length < _PAGE_CHARACTERS):
            length += len(_line(table.rows[at]))
            at += 1
        part = Table(table.name, table.caption, table.header, table.rows[start:at])
        label = f"{table.name}, rows {start + 1}-{at}" if at else table.name
        pages.append(Page(first + len(pages), as_text(part), label=label))
    return tuple(pages)


def _line(cells: Sequence[str]) -> str:
    # a bar inside a cell would look like the border of one
    return "| " + " | ".join(cell.replace("|", "¦") for cell in cells) + " |"


def _rule(cells: Sequence[str]) -> str:
    return "|" + " --- |" * len(cells)

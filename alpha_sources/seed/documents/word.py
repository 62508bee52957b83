"""DOCX files: paragraphs and tables in their order, and the images that lie in the file itself."""

from __future__ import annotations

import io
from typing import Any

from alpha_sources.seed.documents.cleaning import clean, one_line
from alpha_sources.seed.documents.dating import from_metadata
from alpha_sources.seed.documents.document import Image, Page, Table
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.packed import check_packed
from alpha_sources.seed.documents.parts import Album, Parts
from alpha_sources.seed.documents.pictures import read_embedded
from alpha_sources.seed.documents.tabular import as_table, as_text

_RENDERED = ".//w:lastRenderedPageBreak"
#: Every box is written twice, the second time for old programs.
_BOXES = './/w:txbxContent[not(ancestor::*[local-name()="Fallback"])]'
_EXPLICIT = ".//w:br[@w:type='page']"


def read_docx(data: bytes, limits: Limits) -> Parts:
    """Return the pages of a DOCX file, as Word last broke them, else as its author did.

    Links and linked images are not followed; macros, embedded objects and deleted text are left out.

    Raises
    ------
    DocumentError
        If it is damaged, packs more than the limits allow, or python-docx is not installed.
    """
    docx = needed("docx", "a DOCX file")
    check_packed(data, limits)
    try:
        return _read(docx.Document(io.BytesIO(data)), limits)
    except DocumentError:
        raise
    except Exception:  # python-docx raises whatever a damaged part makes it stumble over
        raise DocumentError("it is a damaged DOCX file: save it again") from None


def _read(file: Any, limits: Limits) -> Parts:
    body = file.element.body
    breaks = _RENDERED if body.xpath(_RENDERED) else _EXPLICIT
    album = Album(limits)
    pages: list[Page] = []
    tables: list[Table] = []
    notes: list[str] = []
    blocks: list[str] = []
    images: list[Image] = []

    def turn() -> None:
        pages.append(Page(len(pages) + 1, clean("\n\n".join(blocks)), tuple(images)))
        limits.check("pages", len(pages), "pages")
        blocks.clear()
        images.clear()

    for item in file.iter_inner_content():
        element = item._element
        if element.tag.endswith("}tbl"):
            table = as_table(f"table {len(tables) + 1}", _rows(item))
            if table is not None:
                tables.append(table)
                blocks.append(as_text(table))
        else:
            before, after = _split(item.text, element, breaks)
            blocks.append(before)
            for more in after:
                turn()
                blocks.append(more)
        images += _images(file.part, element, album, len(pages) + 1, limits, notes)
        if element.tag.endswith("}tbl"):
            for _ in element.xpath(breaks):
                turn()
    turn()
    limits.check("characters", sum(len(page.text) for page in pages), "characters of text")
    charts = sum("/chart" in part.partname for part in file.part.package.iter_parts())
    if charts:
        notes.append(f"{charts} drawn charts cannot be seen in a DOCX file: print it to PDF for these")
    boxes = len(body.xpath(_BOXES))
    if boxes:
        notes.append(f"{boxes} text boxes were left out: print it to PDF for these")
    said = file.core_properties
    dates = from_metadata((key, getattr(said, key)) for key in ("created", "modified"))
    return Parts(tuple(pages), one_line(said.title or ""), dates, tuple(tables), (*notes, *album.notes()))


def _split(text: str, element: Any, breaks: str) -> tuple[str, list[str]]:
    """Return a paragraph's text before and after the page breaks in it.

    python-docx writes an explicit break as nothing and a rendered one as nothing, so that the place inside
    the paragraph is found by counting the characters of the runs before it.
    """
    marks = element.xpath(breaks)
    if not marks:
        return text, []
    pieces, start = [], 0
    for mark in marks:
        run = mark.getparent()
        before = "".join(each.text for each in element.iter(run.tag) if _precedes(each, run, element))
        before += "".join(_text_of(each) for each in mark.itersiblings(preceding=True))
        at = min(max(start, len(before)), len(text))
        pieces.append(text[start:at])
        start = at
    pieces.append(text[start:])
    return pieces[0], pieces[1:]


def _precedes(one: Any, other: Any, top: Any) -> bool:
    for each in top.iter(other.tag):
        if each is other:
            return False
        if each is one:
            return True
    return False


def _text_of(element: Any) -> str:
    return element.text or "" if element.tag.endswith("}t") else ""


def _rows(table: Any) -> list[list[str]]:
    rows = []
    for row in table.rows:
        cells: list[str] = []
        seen: set[int] = set()
        for cell in row.cells:
            # a merged cell is handed out once for every column it spans
            cells.append("" if id(cell._tc) in seen else clean(cell.text))
            seen.add(id(cell._tc))
        rows.append(cells)
    return rows


def _images(
    part: Any, element: Any, album: Album, page: int, limits: Limits, notes: list[str]
) -> tuple[Image, ...]:
    found: list[Image] = []
    for key in element.xpath(".//a:blip/@r:embed"):
        relation = part.rels.get(key)
        if relation is None or relation.is_external:
            continue
        if album.is_full:
            album.leave_out()
            continue
        try:
            found += album.add((read_embedded(relation.target_part.blob, f"page {page}", limits),))
        except DocumentError as error:
            notes.append(f"an image on page {page} was left out: {error}")
    return tuple(found)

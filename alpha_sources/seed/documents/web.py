"""HTML pages: what a reader sees of the main text. Nothing is run or fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from alpha_sources.seed.documents.cleaning import clean, one_line
from alpha_sources.seed.documents.dating import read_date
from alpha_sources.seed.documents.decoding import decode
from alpha_sources.seed.documents.document import DateSource, Page, Publication, Table
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.parts import Parts
from alpha_sources.seed.documents.tabular import as_table, as_text


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{2,20})", re.IGNORECASE)
_INVISIBLE = _words(
    """
    script style noscript template iframe object embed svg canvas form button select input textarea nav
    header footer aside head audio video dialog
    """
)
_BLOCKS = _words(
    """
    p div section article main ul ol dl blockquote pre figure figcaption h1 h2 h3 h4 h5 h6 hr table
    address details summary
    """
)
_LINES = _words("br li tr dt dd")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])"
)
_DATE_NAMES = _words(
    """
    article:published_time article:modified_time og:updated_time datepublished datemodified date pubdate
    publishdate publish_date dc.date dc.date.issued dcterms.date dcterms.issued
    citation_publication_date citation_date citation_online_date
    """
)
_LEAST_MAIN = 200
#: As browsers do, no deeper; also what a stack of Python's holds.
_DEEPEST = 400


def read_html(data: bytes, limits: Limits) -> Parts:
    """Return the main text of an HTML page as one page, with its tables.

    Scripts, styles, forms, navigation and hidden elements are left out.

    Raises
    ------
    DocumentError
        If it is no HTML, longer than the limits, or lxml is not installed.
    """
    html = needed("lxml.html", "an HTML page")
    charset = _CHARSET.search(data[:4096])
    decoded = decode(data, charset.group(1).decode() if charset else None)
    # an XML declaration of another encoding would make lxml refuse a decoded text
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", clean(decoded.text))
    limits.check("characters", len(text), "characters of markup")
    try:
        parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
        root = html.document_fromstring(text, parser=parser)
    except Exception:  # lxml has one error per version for a page without any element
        raise DocumentError("it is no HTML page: save it as text") from None
    tables: list[Table] = []
    body = _written(_main(root), tables)
    title = next((each.text_content() for each in root.iter("title")), "") or _meta(root, "og:title")
    notes = () if decoded.encoding.startswith("utf") else (f"its text is {decoded.encoding}",)
    return Parts((Page(1, body),), one_line(title), _dates(root), tuple(tables), notes)


def _main(root: Any) -> Any:
    body = root.find("body")
    whole = body if body is not None else root
    for name in ("article", "main"):
        found = list(whole.iter(name))
        if len(found) == 1 and len(found[0].text_content()) >= _LEAST_MAIN:
            return found[0]
    return whole


def _is_hidden(element: Any) -> bool:
    if element.tag in _INVISIBLE or element.get("hidden") is not None:
        return True
    return element.get("aria-hidden") == "true" or bool(_HIDING.search((element.get("style") or "").lower()))


def _written(top: Any, tables: list[Table]) -> str:
    """Return the text of an element, block by block; `tables` gets the tables met."""
    out: list[str] = []
    _walk(top, out.append, tables, 0)
    return clean("\n".join(line.strip() for line in "".join(out).split("\n")))


def _walk(
    element: Any, put: Callable[[str], None], tables: list[Table] | None, depth: int, is_kept: bool = False
) -> None:
    tag = element.tag
    if not isinstance(tag, str) or _is_hidden(element) or depth > _DEEPEST:
        return
    if tag == "table" and tables is not None and element.find(".//table") is None:
        table = as_table(f"table {len(tables) + 1}", _rows(element, depth))
        if table is not None and len(table.header) > 1:
            tables.append(table)
            put(f"\n\n{as_text(table)}\n\n")
            return
    edge = "\n\n" if tag in _BLOCKS else "\n" if tag in _LINES else ""
    put(edge)
    if tag == "li":
        put("- ")
    is_kept = is_kept or tag == "pre"
    put(_flowed(element.text, is_kept))
    for child in element:
        _walk(child, put, tables, depth + 1, is_kept)
        put(_flowed(child.tail, is_kept))
    put(edge)


def _flowed(text: str | None, is_kept: bool) -> str:
    return (text or "") if is_kept else re.sub(r"\s+", " ", text or "")


def _rows(table: Any, depth: int) -> list[list[str]]:
    rows = []
    for row in table.iter("tr"):
        cells = []
        for cell in row:
            if cell.tag in ("td", "th"):
                out: list[str] = []
                _walk(cell, out.append, None, depth + 1)
                cells.append("".join(out))
        rows.append(cells)
    return rows


def _meta(root: Any, name: str) -> str:
    for each in root.iter("meta"):
        if name in (each.get("property"), each.get("name")):
            return each.get("content") or ""
    return ""


def _dates(root: Any) -> tuple[Publication, ...]:
    found = []
    for each in root.iter("meta"):
        for name in (each.get("property"), each.get("name"), each.get("itemprop")):
            day = read_date(each.get("content") or "") if (name or "").lower() in _DATE_NAMES else None
            if day:
                found.append(Publication(day, DateSource.PAGE_HEAD, f"{name} {day.isoformat()}"))
    return tuple(found)

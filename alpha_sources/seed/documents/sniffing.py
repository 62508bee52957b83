"""The kind of a file, by its content. A name is believed only among kinds of text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import PurePath

from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.kinds import SUFFIXES, TEXTS, Kind
from alpha_sources.seed.documents.packed import packed_kind
from alpha_sources.seed.documents.signatures import image_format, media_format, unreadable

_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|article|div)[\s>]", re.IGNORECASE)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 65_536
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TEXT_PER_CONTROL = 500
_TABLE_ROWS, _TABLE_COLUMNS = 3, 3


def sniff(data: bytes, name: str) -> Kind:
    """Return what a file is.

    Parameters
    ----------
    data : bytes
        All of it, or of a sound or film its beginning; for those, audio is returned: only opening tells
        whether there are pictures.
    name : str
        Its ending tells Markdown and tables from plain text.

    Raises
    ------
    DocumentError
        If it is of no kind that is read; with the remedy, where there is one.
    """
    head = data[:4096]
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return packed_kind(data)
    if image_format(head):
        return Kind.IMAGE
    if media_format(head):
        return Kind.AUDIO
    other = unreadable(data)
    if other:
        raise DocumentError(f"it is {other}")
    if not _is_text(data[:_SAMPLE]):
        raise DocumentError(
            "it is of no kind that is read: save it as PDF, DOCX, XLSX, CSV, text or an image"
        )
    return _kind_of_text(head, data[:_SAMPLE], PurePath(name).suffix.lower())


def is_misnamed(kind: Kind, name: str) -> bool:
    """Tell whether a file's name promises another kind than it is."""
    promised = SUFFIXES.get(PurePath(name).suffix.lower())
    if promised is None or promised is kind:
        return False
    media = {Kind.AUDIO, Kind.VIDEO}  # .mp4 and .webm hold either
    return not {promised, kind} <= media and not {promised, kind} <= TEXTS


def table_dialect(text: str) -> str | None:
    """Return the delimiter of a text that is a table throughout its beginning, or None."""
    lines = text.splitlines()[:50]
    for delimiter in ("\t", ",", ";", "|"):
        try:
            rows = [row for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row]
        except csv.Error:
            continue
        widths = {len(row) for row in rows[:-1]}  # the last may be cut
        if len(rows) >= _TABLE_ROWS and len(widths) == 1 and min(widths) >= _TABLE_COLUMNS:
            return delimiter
    return None


def _is_text(sample: bytes) -> bool:
    if sample.startswith(_WIDE_MARKS):
        return True
    # a slip or two of an export does not make a text a binary file
    return len(_CONTROL.findall(sample)) <= max(1, len(sample) // _TEXT_PER_CONTROL)


def _kind_of_text(head: bytes, sample: bytes, suffix: str) -> Kind:
    if head.startswith(_WIDE_MARKS):
        head = head.replace(b"\x00", b"")
    promised = SUFFIXES.get(suffix)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if promised not in (Kind.MARKDOWN, Kind.CSV) and _begins_as_html(start):
        return Kind.HTML
    if promised in (Kind.MARKDOWN, Kind.CSV):
        return promised
    # exports named .xls are often such tables
    if promised is not Kind.TEXT and table_dialect(sample.decode("latin-1")):
        return Kind.CSV
    return Kind.TEXT


def _begins_as_html(start: bytes) -> bool:
    return start.startswith((b"<", b"\xef\xbb\xbf<")) and bool(_MARKUP.search(start))

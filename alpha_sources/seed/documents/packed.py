"""Office files are zip archives: what is in them, before anything is unpacked."""

from __future__ import annotations

import io
import zlib
from zipfile import BadZipFile, ZipFile, ZipInfo

from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.kinds import Kind
from alpha_sources.seed.documents.limits import Limits

_MAIN_PARTS = {"word/document.xml": Kind.DOCX, "xl/workbook.xml": Kind.XLSX}
_BAD_ZIP = (BadZipFile, NotImplementedError, ValueError, OSError, EOFError, RuntimeError, zlib.error)
_MOST_PARTS = 10_000
#: A small text packs a thousandfold without being a bomb; the ratio counts from this size on.
_RATIO_FROM = 4 * 2**20
_BLOCK = 2**20
_MARKUP_ENDINGS = (".xml", ".rels", ".vml")
_DECLARATION = b"<!DOCTYPE"
_DECLARATIONS = (
    _DECLARATION,
    _DECLARATION.decode().encode("utf-16-le"),
    _DECLARATION.decode().encode("utf-16-be"),
)


def packed_kind(data: bytes) -> Kind:
    """Return which Office file a zip archive is.

    Raises
    ------
    DocumentError
        If it is none, or is damaged.
    """
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except _BAD_ZIP:
        raise DocumentError("it is damaged: its list of parts cannot be read; fetch it again") from None
    for part, kind in _MAIN_PARTS.items():
        if part in names:
            return kind
    raise DocumentError("it is a zip archive but no DOCX or XLSX: unpack it, or save it as one of these")


def check_packed(data: bytes, limits: Limits) -> None:
    """Refuse an Office file that would fill the memory, or whose XML declares entities.

    The sizes are those that the archive declares; no reader unpacks more than these. The parts are then
    unpacked once, block by block, to see that they are whole and have no document type declaration: the
    standard (ECMA-376, part 2) forbids one, and every attack by entities needs one.

    Raises
    ------
    DocumentError
        With the reason.
    """
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS:
                raise DocumentError(f"it has {len(parts):,} parts, as no document has: it was refused unread")
            unpacked = sum(part.file_size for part in parts)
            limits.check("unpacked_bytes", unpacked, "bytes when unpacked")
            if unpacked > max(_RATIO_FROM, limits.unpacked_ratio * len(data)):
                limits.check("unpacked_ratio", unpacked / len(data), "times its size when unpacked")
            for part in parts:
                if part.flag_bits & 1:
                    raise DocumentError("it is encrypted: save it without a password")
                _check_part(archive, part)
    except _BAD_ZIP:
        raise DocumentError("it is damaged: a part cannot be unpacked; fetch it again") from None


def _check_part(archive: ZipFile, part: ZipInfo) -> None:
    if not part.filename.lower().endswith(_MARKUP_ENDINGS):
        return
    with archive.open(part) as file:
        tail = b""
        while block := file.read(_BLOCK):
            seen = tail + block
            if any(each in seen for each in _DECLARATIONS):
                raise DocumentError(
                    f"its part {part.filename[:80]} has a document type declaration, which no Office "
                    "program writes: it was refused"
                )
            tail = seen[-32:]

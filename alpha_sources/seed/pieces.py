"""A document cut to what one question shows: text through the mask, pictures, and the way back to a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from alpha_sources.llm import Attachment, DataKind, Envelope, fence
from alpha_sources.seed.documents import Chunk, Document, Kind, chunk_document
from alpha_sources.seed.grounding import find_passage
from alpha_sources.seed.settings import FactorySettings

_KINDS = {
    Kind.CSV: DataKind.TABLE,
    Kind.XLSX: DataKind.TABLE,
    Kind.AUDIO: DataKind.TRANSCRIPT,
    Kind.VIDEO: DataKind.TRANSCRIPT,
}
_NO_TEXT = "(There is no text. What is to be read stands in the attached pictures.)"


class TextMask(Protocol):
    """Replaces names, codes and dates by stable aliases; see `alpha_sources.masking`."""

    @property
    def hash(self) -> str:
        """Of everything that decides what it replaces."""

    def apply(self, text: str, dated: date | None = None) -> str:
        """Return the text as a model may see it; `dated` is when it was written."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a document.

    Parameters
    ----------
    document : Document
    chunk : Chunk
        As it stands in the document.
    text : str
        As the model sees it.
    images : tuple of Attachment
    masked : bool
    """

    document: Document
    chunk: Chunk
    text: str
    images: tuple[Attachment, ...]
    masked: bool

    @property
    def place(self) -> str:
        """In words: the document and its pages."""
        first, last = self.chunk.pages[0], self.chunk.pages[-1]
        pages = f"page {first}" if first == last else f"pages {first}-{last}"
        return f"{self.document.name}, {pages}"

    def envelope(self) -> Envelope:
        """Return what a prompt shows; a masked document has no name."""
        source = self.place
        if self.masked:
            source = f"document {self.document.hash[:8]}{source.removeprefix(self.document.name)}"
        kind = _KINDS.get(self.document.kind, DataKind.DOCUMENT)
        return fence(self.text or _NO_TEXT, source=source, kind=kind)


def pieces_of(
    document: Document, settings: FactorySettings, *, vision: bool, mask: TextMask | None
) -> tuple[tuple[Piece, ...], tuple[str, ...]]:
    """Cut a document.

    Parameters
    ----------
    document : Document
        Heard already, if it is a recording.
    settings : FactorySettings
    vision : bool
        Whether pictures can be shown. Behind a mask they never are: they cannot be masked.
    mask : TextMask or None

    Returns
    -------
    pieces : tuple of Piece
    notes : tuple of str
        What is not shown.
    """
    number = len(document.images)
    shown = vision and mask is None and settings.images > 0
    notes = []
    if number and not shown:
        why = "behind a mask" if mask else "to this profile (vision: false)" if not vision else "(images: 0)"
        notes.append(f"{number} {'picture' if number == 1 else 'pictures'} not shown {why}")
    left = list(document.pages) if shown else []
    pieces = []
    for chunk in chunk_document(document, size=settings.chunk_characters, overlap=settings.chunk_overlap):
        mine = [page for page in left if page.number in chunk.pages]
        left = [page for page in left if page not in mine]
        images = [image for page in mine for image in page.images]
        if len(images) > settings.images:
            notes.append(
                f"{len(images) - settings.images} further pictures of pages {chunk.pages[0]}-"
                f"{chunk.pages[-1]} not shown (images)"
            )
        text = mask.apply(chunk.text, document.published) if mask else chunk.text
        attached = tuple(Attachment(i.media_type, i.data) for i in images[: settings.images])
        pieces.append(Piece(document, chunk, text, attached, mask is not None))
    # pages without text
    rest = [(page.number, image) for page in left for image in page.images]
    for start in range(0, len(rest), max(settings.images, 1)):
        group = rest[start : start + settings.images]
        pages = tuple(dict.fromkeys(page for page, _ in group))
        chunk = Chunk(document.hash, len(pieces) + 1, pages, "", 0, 0)
        attached = tuple(Attachment(image.media_type, image.data) for _, image in group)
        pieces.append(Piece(document, chunk, "", attached, False))
    return tuple(pieces), tuple(notes)


def parts_of(pieces: Sequence[Piece], characters: int, images: int) -> Iterator[tuple[Piece, ...]]:
    """Yield pieces put together to what one question may show."""
    part: list[Piece] = []
    for piece in pieces:
        full = sum(len(each.text) for each in part) + len(piece.text) > characters
        if part and (full or sum(len(each.images) for each in part) + len(piece.images) > images):
            yield tuple(part)
            part = []
        part.append(piece)
    if part:
        yield tuple(part)


def place_of(passage: str, part: Sequence[Piece]) -> tuple[Piece, int | None, bool]:
    """Find a passage in what a question showed.

    Returns
    -------
    piece : Piece
        In which it stands; the first if it stands in none.
    page : int or None
        Its page, where that is sure: behind a mask only if the piece is of one page.
    found : bool
    """
    for piece in part:
        found = find_passage(passage, piece.text)
        if found is None:
            continue
        pages = piece.chunk.pages
        if len(pages) == 1:
            return piece, pages[0], True
        if piece.masked:
            return piece, None, True
        return piece, page_at(piece.document, piece.chunk.start + found.start), True
    pages = part[0].chunk.pages
    return part[0], pages[0] if len(part) == 1 and len(pages) == 1 else None, False


def page_at(document: Document, offset: int) -> int | None:
    """Return the number of the page at an offset in a document's text."""
    end = 0
    for page in document.pages:
        end += len(page.text) + 2
        if offset < end:
            return page.number
    return None

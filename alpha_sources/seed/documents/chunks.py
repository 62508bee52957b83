"""A document's text in pieces that fit into a prompt, each knowing where it stood."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from alpha_sources.seed.documents.document import PAGE_BREAK, Document
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.language import HAN

DEFAULT_SIZE = 2_000
DEFAULT_OVERLAP = 200
_WIDE = f"[{HAN}\u3040-\u30ff\u3000-\u303f\uff00-\uffef]"
#: Where a text may be cut, best first; the cut is at the end of the match.
_CUTS = (
    re.compile(r"\n[ \t]*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？；…]+[”’」』）】\"']*|[.!?][\"'”’)\]]*(?=\s)"),
    re.compile(r"[，、：,;:](?=\s|" + _WIDE + ")"),
    # between words, and between any two Chinese characters, but not before a mark that closes
    re.compile(r"\s(?=\S)|" + _WIDE + r"(?=[^\s，。、；：！？）】」』”’…])|[^\s](?=[" + HAN + "])"),
)
_PARAGRAPH, _SENTENCE, _WORD = 0, 2, 4


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document's text.

    Parameters
    ----------
    document : str
        Hash of the document.
    number : int
        From 1, in the order of the text.
    pages : tuple of int
        Numbers of the pages it stands on.
    text : str
        ``document.text[start:end]``.
    start, end : int
        Offsets in the document's text, in characters.
    """

    document: str
    number: int
    pages: tuple[int, ...]
    text: str
    start: int
    end: int


def chunk_document(
    document: Document, *, size: int = DEFAULT_SIZE, overlap: int = DEFAULT_OVERLAP
) -> tuple[Chunk, ...]:
    """Return a document's text in chunks with the pages they stand on.

    Parameters
    ----------
    document : Document
    size : int
        Most characters of a chunk.
    overlap : int
        Characters, at most, that a chunk repeats of the one before it: whole paragraphs if one begins there,
        else whole sentences, else whole words.

    Raises
    ------
    DocumentError
        If size is below 20, or overlap is not within 0 and half the size.
    """
    starts = [0]
    for page in document.pages:
        starts.append(starts[-1] + len(page.text) + len(PAGE_BREAK))
    numbers = [page.number for page in document.pages]
    chunks = []
    for number, (start, end) in enumerate(spans(document.text, size=size, overlap=overlap), 1):
        first = bisect_right(starts, start) - 1
        last = bisect_left(starts, end) - 1
        pages = tuple(numbers[first : last + 1])
        chunks.append(Chunk(document.hash, number, pages, document.text[start:end], start, end))
    return tuple(chunks)


def spans(text: str, *, size: int, overlap: int) -> tuple[tuple[int, int], ...]:
    """Return where chunks of a text begin and end.

    Every character but white space lies in at least one. A cut is made after a paragraph, a line, a sentence
    or a clause in the second half of a chunk, else between words or between Chinese characters; a run of
    characters without any of these is cut only if it is longer than a chunk.

    Parameters
    ----------
    text : str
    size, overlap : int
        As in `chunk_document`.

    Raises
    ------
    DocumentError
        As `chunk_document`.
    """
    if size < 20 or not 0 <= overlap <= size // 2:
        raise DocumentError(
            f"chunks of {size} characters with {overlap} repeated: the size must be at least 20, the overlap "
            "at least 0 and at most half the size"
        )
    found: list[tuple[int, int]] = []
    start = _skip(text, 0)
    reached = 0
    while start < len(text):
        end = _end(text, start, max(reached, start), size)
        stop = start + len(text[start:end].rstrip())
        found.append((start, stop))
        reached = end
        if not text[end:].strip():
            break
        start = _skip(text, _next_start(text, start, end, overlap))
    return tuple(found)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _end(text: str, start: int, reached: int, size: int) -> int:
    most = start + size
    if most >= len(text):
        return len(text)
    least = max(start + size // 2, reached)
    for rank in range(_WORD):
        cut = _last_cut(text, least, most, rank)
        if cut is not None:
            return cut
    cut = _last_cut(text, reached, most, _WORD)
    if cut is not None:
        return cut
    while most > reached + 1 and unicodedata.combining(text[most]):  # an accent stays with its letter
        most -= 1
    return most


def _last_cut(text: str, after: int, most: int, rank: int) -> int | None:
    """Return the last cut of a rank in (after, most], or None."""
    # two characters more, since what follows decides whether a mark ends a sentence
    found = None
    for match in _CUTS[rank].finditer(text, max(0, after - 1), min(len(text), most + 2)):
        if after < match.end() <= most and _may_cut(text, match.end()):
            found = match.end()
    return found


def _may_cut(text: str, at: int) -> bool:
    return at >= len(text) or not (unicodedata.combining(text[at]) or text[at] in "\u200d\ufe0e\ufe0f")


def _next_start(text: str, start: int, end: int, overlap: int) -> int:
    """Return where the next chunk begins: at the first border within the overlap."""
    least = max(start + 1, end - overlap)
    if least >= end:
        return end
    for rank in (_PARAGRAPH, _SENTENCE - 1, _SENTENCE, _WORD):
        for match in _CUTS[rank].finditer(text, max(0, least - 1), end):
            at = _skip(text, match.end())
            if least <= at < end and _may_cut(text, at):
                return at
    return end

"""Text as it is kept: one kind of line end, nothing invisible that breaks a store."""

from __future__ import annotations

import re
import unicodedata

#: Controls but tab and line feed, zero-width marks of joined files, and halves of surrogate pairs.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_HALVES = re.compile("[\ud800-\udfff]")
#: PDF files write Chinese characters as the radicals that look like them.
_RADICALS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
_TRAILING = re.compile(r"[ \t\u3000\xa0]+(?=\n|\Z)")
_GAPS = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Return a text with line feeds alone as line ends and at most one empty line in a row.

    Control characters are dropped, a form feed becomes an empty line, halves of surrogate pairs become
    U+FFFD, Kangxi radicals become the characters they look like.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")
    text = _HALVES.sub("\ufffd", _CONTROLS.sub("", text)).translate(_RADICALS)
    return _GAPS.sub("\n\n", _TRAILING.sub("", text)).strip("\n")


def one_line(text: str, most: int = 200) -> str:
    """Return a title on one line, cut after `most` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"

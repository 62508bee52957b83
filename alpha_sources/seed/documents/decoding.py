"""From bytes to text: the encodings that Chinese and English files come in."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from alpha_sources.seed.documents.errors import DocumentError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMON_SHARE = 0.9
#: GB18030 or Windows-1252 read as UTF-8 give hardly one right character.
_RIGHT_PER_WRONG = 9
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_DECLARED = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "iso-8859-1": "cp1252"}
_KNOWN = frozenset({"utf-8", "gb18030", "big5", "big5hkscs", "cp1252", "utf-16", "shift_jis", "euc_kr"})


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and the encoding its bytes were in."""

    text: str
    encoding: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Return the text that bytes stand for.

    A byte order mark decides; then UTF-8, if the bytes are that; then what the file declares; then UTF-8 with
    a few wrong bytes, which become U+FFFD; then GB18030, if nearly all characters it gives are common ones;
    then Windows-1252.

    Parameters
    ----------
    data : bytes
    declared : str or None
        What the file itself says.

    Raises
    ------
    DocumentError
        If it is text in none of them.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = _strict(data[len(mark) :], encoding)
            if text is None:
                raise DocumentError(f"it begins as {encoding} but is not; save it as UTF-8")
            return Decoded(text, encoding)
    for encoding in ("utf-8", *_asked_for(declared)):
        text = _strict(data, encoding)
        if text is not None:
            return Decoded(text, encoding)
    text = _nearly_utf8(data)
    if text is not None:
        return Decoded(text, "damaged UTF-8")
    text = _strict(data, "gb18030")
    if text is not None and _is_common(text):
        return Decoded(text, "gb18030")
    text = _strict(data, "cp1252")
    if text is None:
        raise DocumentError("its text is neither UTF-8 nor GB18030; save it as UTF-8")
    return Decoded(text, "cp1252")


def _asked_for(declared: str | None) -> tuple[str, ...]:
    if not declared:
        return ()
    name = declared.strip().lower()
    try:
        found = codecs.lookup(_DECLARED.get(name, name)).name
    except (LookupError, ValueError):
        return ()
    return (found,) if found in _KNOWN else ()


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _nearly_utf8(data: bytes) -> str | None:
    """Return a text whose bytes beyond ASCII are UTF-8 but for one character in ten."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(_BEYOND_ASCII.findall(text)) - wrong
    return text if right >= _RIGHT_PER_WRONG * wrong else None


def _is_common(text: str) -> bool:
    """Tell Chinese from other bytes that happen to be GB18030: its characters are mostly in GB2312."""
    beyond = "".join(_BEYOND_ASCII.findall(text[:200_000]))
    common = beyond.encode("gb2312", "ignore").decode("gb2312")
    return len(common) >= _COMMON_SHARE * len(beyond)

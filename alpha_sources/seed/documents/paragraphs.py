"""Lines of a printed page put together into paragraphs."""

from __future__ import annotations

import re

from alpha_sources.seed.documents.language import HAN

_FULL = 0.75
_SENTENCE_END = re.compile(r"[.!?。！？；:：…][\"'”’）)\]]*$")
_ITEM = re.compile(r"\s*(?:[-•·●▪■◆]|\(?\d{1,3}[.)、）]|[一二三四五六七八九十]+、|\[\d+\]|#)")
_WIDE_EDGE = re.compile(f"[{HAN}\u3000-\u303f\uff00-\uffef]")
_LEAST_LINES = 3


def join_lines(text: str) -> str:
    """Return the text of a page with the lines of a paragraph joined.

    A line goes on in the next if it is nearly as long as the page's lines are, does not end a sentence, and
    the next does not begin an item. Chinese lines are joined without a space. A line that is full and ends a
    sentence is joined too; a shorter one ends its paragraph. Tables and formulas, whose lines are short, stay
    as they are.

    Parameters
    ----------
    text : str
        One line per printed line.
    """
    lines = text.split("\n")
    widths = sorted(_width(line) for line in lines if line.strip())
    if len(widths) < _LEAST_LINES:
        return text
    usual = widths[int(0.9 * (len(widths) - 1))]
    out: list[str] = []
    goes_on = False
    for line in lines:
        line = line.strip()
        if goes_on and line and not _ITEM.match(line):
            out[-1] = _joined(out[-1], line)
        else:
            out.append(line)
        is_full = _width(line) >= _FULL * usual
        if not is_full and line and _SENTENCE_END.search(line):
            out.append("")
        goes_on = is_full and bool(line)
    return "\n".join(out)


def _joined(left: str, right: str) -> str:
    if _WIDE_EDGE.match(left[-1]) or _WIDE_EDGE.match(right[0]):
        return left + right
    return f"{left} {right}"


def _width(line: str) -> int:
    """Return the width in columns: a Chinese character takes two, as it takes two bytes in GBK."""
    return len(line.encode("gbk", "replace"))

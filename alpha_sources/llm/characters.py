"""Text as a person sees it: without characters that hide, reorder or smuggle."""

from __future__ import annotations

import re

# Listed rather than taken from unicodedata, whose answers change with the version of Python: a cassette that
# was recorded on one must be found on another.
_INVISIBLE = (
    (0x00, 0x08),  # controls, but for tab and line feed
    (0x0E, 0x1F),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0xAD, 0xAD),  # soft hyphen
    (0x34F, 0x34F),  # combining grapheme joiner
    (0x61C, 0x61C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),  # Mongolian selectors and vowel separator
    (0x200B, 0x200F),  # zero width, and marks of direction
    (0x202A, 0x202E),  # embedding and override of direction
    (0x2060, 0x206F),  # word joiner, isolates, invisible operators
    (0x3164, 0x3164),
    (0xD800, 0xF8FF),  # surrogates and private use
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFC),
    (0xFFFE, 0xFFFF),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),  # tags, which spell ASCII unseen, and more selectors
    (0xF0000, 0x10FFFF),
)
_DROPPED = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _INVISIBLE) + "]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_RUNS = re.compile(r"\s+")


def visible(text: str) -> str:
    """Return `text` with plain line ends and spaces, and nothing in it that cannot be seen.

    Control, bidirectional, zero-width, tag, private-use and surrogate characters are dropped. Letters are
    left as they are: Chinese punctuation, full-width forms and quotations stay exact.
    """
    return _DROPPED.sub("", _SPACES.sub(" ", _LINE_ENDS.sub("\n", text)))


def one_line(text: str, most: int) -> str:
    """Return visible text on one line, cut to `most` characters."""
    line = _RUNS.sub(" ", visible(text)).strip()
    return line if len(line) <= most else f"{line[: most - 3]}..."

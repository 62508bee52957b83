"""Spellings of a text made alike, so that one pattern finds them; and where each character stood."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from alpha_sources.llm.characters import visible

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_QUOTES = "\u2018\u2019\u02bc\u2032"
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
# of a text set in columns, or cut from a page: a name goes on after a space or a line end
_GAPS = re.compile(f"(?<=[{_IDEOGRAPHS}])\\s{{1,3}}(?=[{_IDEOGRAPHS}])")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as patterns read it.

    Parameters
    ----------
    text : str
        With full-width forms narrow, all digits ASCII, dashes and apostrophes plain, and neither characters
        that cannot be seen nor white space between ideographs.
    at : tuple of int
        Of each of its characters, the position in the original.
    """

    text: str
    at: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters `start` .. `end` (exclusive) stand in the original."""
        return self.at[start], self.at[end - 1] + 1


def fold(text: str) -> Folded:
    """Return the text as patterns read it."""
    kept = [(_folded(each), i) for i, each in enumerate(text)]
    kept = [(each, i) for each, i in kept if each]
    joined = "".join(each for each, _ in kept)
    gaps = {i for gap in _GAPS.finditer(joined) for i in range(*gap.span())}
    if gaps:
        kept = [pair for n, pair in enumerate(kept) if n not in gaps]
        joined = "".join(each for each, _ in kept)
    return Folded(joined, tuple(i for _, i in kept))


@lru_cache(maxsize=65_536)
def _folded(char: str) -> str:
    """One character for one, or none for what cannot be seen."""
    if char.isascii():
        return char if char.isprintable() or char.isspace() else ""
    seen = visible(char)
    if not seen or seen.isspace():
        return " " if seen else ""
    if char in _DASHES:
        return "-"
    if char in _QUOTES:
        return "'"
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    if unicodedata.category(char) == "No":
        return " "  # a circled or raised digit is no part of the number beside it
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 else char

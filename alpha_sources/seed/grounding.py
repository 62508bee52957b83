"""Whether a passage that a model quotes really stands in the text it was shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher

#: A quotation of fewer characters, white space aside, proves nothing.
SHORTEST = 6
#: Part of a quotation that must stand in one place of the text, in order.
LEAST = 0.85
_LONGEST = 1_000
_ALIKE = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "×": "*"})
_SOFT = "\u00ad"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a passage stands.

    Parameters
    ----------
    start : int
        Offset in the text, in characters.
    likeness : float
        1 if it stands there word for word, else the part of it that does.
    """

    start: int
    likeness: float


def find_passage(passage: str, text: str) -> Found | None:
    """Look for a passage in a text; None if it is not there.

    White space, case, widths of characters and kinds of quotation marks and dashes are the same to it. Where
    it is not found whole, the place with which it has most in common counts from 85 % on: models leave words
    out, but they must not make sentences up.

    Parameters
    ----------
    passage, text : str
    """
    wanted, _ = _plain(passage[:_LONGEST])
    plain, places = _plain(text)
    if len(wanted) < SHORTEST or len(plain) < SHORTEST:
        return None
    at = plain.find(wanted)
    if at >= 0:
        return Found(places[at], 1.0)
    longest = SequenceMatcher(None, plain, wanted, autojunk=False).find_longest_match()
    if longest.size < SHORTEST:
        return None
    start = max(0, longest.a - longest.b - len(wanted) // 8)
    window = plain[start : start + len(wanted) + len(wanted) // 4]
    matched = SequenceMatcher(None, window, wanted, autojunk=False).get_matching_blocks()
    # single letters in common are chance
    share = sum(block.size for block in matched if block.size >= 3) / len(wanted)
    if share < LEAST:
        return None
    return Found(places[start + matched[0].a], share)


def _plain(text: str) -> tuple[str, list[int]]:
    """Return text without what does not count, and where each of its characters stood."""
    out: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character.isspace() or character == _SOFT:
            continue
        plain = unicodedata.normalize("NFKC", character).casefold().translate(_ALIKE)
        out.append(plain)
        places += [place] * len(plain)
    return "".join(out), places

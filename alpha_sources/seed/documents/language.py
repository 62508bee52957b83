"""Chinese or English, by counting."""

from __future__ import annotations

import re
from enum import StrEnum

#: Han characters: the unified ideographs, their extension A, compatibility ideographs, and the later planes.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
#: A Chinese word has about one and a half characters in running text.
_CHARACTERS_PER_WORD = 1.5
_CHIEFLY = 0.8


class Language(StrEnum):
    """What a text is written in."""

    ZH = "zh"
    EN = "en"
    MIXED = "mixed"
    #: no words of either, as in a chart
    NONE = "none"


def language_of(text: str) -> Language:
    """Return the language of a text by the share of its words.

    Parameters
    ----------
    text : str

    Returns
    -------
    Language
        ``zh`` or ``en`` from four words in five on, else ``mixed``. Any Latin word counts as English,
        but not one in capitals.
    """
    han = len(_HAN.findall(text)) / _CHARACTERS_PER_WORD
    words = _LATIN.findall(text)
    # PE, ROE and SH stand in Chinese texts as in English ones
    latin = sum(not word.isupper() for word in words) or (0 if han else len(words))
    if not han and not latin:
        return Language.NONE
    share = han / (han + latin)
    if share >= _CHIEFLY:
        return Language.ZH
    return Language.EN if share <= 1 - _CHIEFLY else Language.MIXED

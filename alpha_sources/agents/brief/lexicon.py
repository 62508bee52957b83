"""Sentiment by counting words: a rule that anybody can follow, for when no model is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

import yaml

from alpha_sources.agents.brief.errors import BriefError

#: Characters before a Chinese word, and words before an English one, in which a negation is looked for.
_BEFORE_CHINESE, _BEFORE_ENGLISH = 3, 2
_WORD = re.compile(r"[a-z][a-z'’-]*")
_CLAUSE = re.compile(r"[,.;:!?，。；：！？、\n]")


@dataclass(frozen=True)
class Lexicon:
    """Words for and against.

    Parameters
    ----------
    name : str
        With its version.
    chinese, english : mapping of str to int
        1 or −1 by word.
    chinese_negations : tuple of str
    english_negations : frozenset of str
    """

    name: str
    chinese: dict[str, int]
    english: dict[str, int]
    chinese_negations: tuple[str, ...]
    english_negations: frozenset[str]

    @classmethod
    def load(cls, version: int = 1) -> Lexicon:
        """Read a list of this package.

        Raises
        ------
        BriefError
            If a word stands on both sides.
        """
        name = f"lexicon.v{version}"
        text = files("alpha_sources.agents.brief.texts").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        whole = yaml.safe_load(text)
        sides = []
        for language in ("chinese", "english"):
            words = whole[language]
            both = set(words["positive"]) & set(words["negative"])
            if both:
                raise BriefError(f"{name}: {min(both)!r} stands on both sides")
            sides.append({**dict.fromkeys(words["positive"], 1), **dict.fromkeys(words["negative"], -1)})
        return cls(
            name=name,
            chinese=sides[0],
            english=sides[1],
            chinese_negations=tuple(whole["chinese"]["negations"]),
            english_negations=frozenset(whole["english"]["negations"]),
        )

    def score(self, text: str) -> float:
        """Score a text.

        Returns
        -------
        float in (−1, 1)
            (p − n) / (p + n + 1), p and n the words for and against; 0 where there are none. Of overlapping
            Chinese words the longest counts. A negation up to three characters, or two English words, before
            a word in the same clause turns it round.
        """
        found = [
            value
            for clause in _CLAUSE.split(text.lower())
            for value in (*self._in_chinese(clause), *self._in_english(clause))
        ]
        positive, negative = found.count(1), found.count(-1)
        return (positive - negative) / (positive + negative + 1)

    def _in_chinese(self, clause: str) -> list[int]:
        found = []
        for match in self._pattern().finditer(clause):
            before = clause[max(0, match.start() - _BEFORE_CHINESE) : match.start()]
            turned = any(negation in before for negation in self.chinese_negations)
            found.append(-self.chinese[match.group()] if turned else self.chinese[match.group()])
        return found

    def _pattern(self) -> re.Pattern[str]:
        # re keeps compiled patterns
        return re.compile("|".join(sorted(map(re.escape, self.chinese), key=len, reverse=True)))

    def _in_english(self, clause: str) -> list[int]:
        words = [word.replace("’", "'") for word in _WORD.findall(clause)]
        found = []
        for i, word in enumerate(words):
            value = self.english.get(word)
            if value is not None:
                turned = not self.english_negations.isdisjoint(words[max(0, i - _BEFORE_ENGLISH) : i])
                found.append(-value if turned else value)
        return found

"""Names of stocks and indices: how a name may be written, and one pattern for thousands of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from alpha_sources.masking.folding import fold
from alpha_sources.masking.rules import Rule

_SEPARATORS = re.compile(r"[\s-]+")
#: what the exchanges put before a short name: special treatment, ex-dates, first days
_PREFIX = re.compile(r"^(?:s?\*?st|xd|xr|dr|n|c)\s?(?=[\u3400-\u9fff])")
#: what they put behind it: shares with unequal votes, no profit yet, A and B
_SUFFIX = re.compile(r"(?<=[\u3400-\u9fff])-?(?:uw|u|w|a|b)$")
_COMPANY = re.compile(
    r"(?:,?\s+(?:co|company|ltd|limited|inc|incorporated|corp|corporation|plc|holdings?|group)\.?)+$|"
    r"(?:股份)?有限(?:责任)?公司$"
)
_LETTER = re.compile(r"[a-z0-9]")
_END = ""


def spellings(name: str) -> tuple[str, ...]:
    """Return how a name is written: folded, in lower case, with and without what is put around it.

    Nothing is left of what is too short to be a name: an ideograph, or two letters.
    """
    whole = " ".join(fold(name).text.lower().split())
    bare = _SUFFIX.sub("", _PREFIX.sub("", whole))
    every = (whole, _PREFIX.sub("", whole), bare, _COMPANY.sub("", whole).strip())
    return tuple(dict.fromkeys(each for each in every if _is_a_name(each)))


def names_rule(aliases: Mapping[str, str], names: Mapping[str, Iterable[str]]) -> Rule | None:
    """Return the rule that finds names, the longest first.

    Parameters
    ----------
    aliases : mapping of str to str
        By symbol; of two symbols with one name the first counts.
    names : mapping of str to names
        By symbol.

    Returns
    -------
    Rule or None
        None without a name.
    """
    meant: dict[str, str] = {}
    tree: dict[str, Any] = {}
    for symbol, alias in aliases.items():
        for name in names.get(symbol, ()):
            for spelling in spellings(name):
                meant.setdefault(_key(spelling), alias)
                node = tree
                for part in _parts(spelling):
                    node = node.setdefault(part, {})
                # a name in letters ends where the word does
                node[_END] = "(?![a-z0-9])" if _LETTER.match(spelling[-1]) else ""
    if not tree:
        return None
    words = {first: node for first, node in tree.items() if _LETTER.match(first)}
    others = {first: node for first, node in tree.items() if first not in words}
    patterns = [f"(?<![a-z0-9]){_pattern(words)}"] if words else []
    patterns += [_pattern(others)] if others else []
    return Rule("|".join(patterns), lambda match, _: meant.get(_key(match[0])), "".join(others))


def _is_a_name(text: str) -> bool:
    letters = _key(text)
    return not letters.isdigit() and len(letters) >= (3 if letters.isascii() else 2)


def _key(text: str) -> str:
    return _SEPARATORS.sub("", text).lower()


def _parts(name: str) -> Iterator[str]:
    """The characters of a name; one space for what may be a space, a hyphen, a line end or nothing."""
    for n, word in enumerate(_SEPARATORS.split(name)):
        if n:
            yield " "
        yield from word


def _pattern(node: Mapping[str, Any]) -> str:
    """A tree of characters as a pattern that tries longer names first."""
    alternatives = [
        (r"[\s-]{0,2}" if part == " " else re.escape(part)) + _pattern(below)
        for part, below in node.items()
        if part != _END
    ]
    if _END in node:
        alternatives.append(node[_END])
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"

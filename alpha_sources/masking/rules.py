"""`Rule`: a pattern, and the alias for what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from alpha_sources.masking.folding import fold

#: a match, and when the text was written, if that is known
Read = Callable[[re.Match[str], date | None], str | None]

_GROUP = re.compile(r"\(\?P([<=])(\w+)([>)])")
#: an alias never runs into a word or a number
_JOINS_BEFORE = re.compile(r"[A-Za-z0-9_]$")
_JOINS_AFTER = re.compile(r"[A-Za-z0-9_]|[-+.,:/]\d")


@dataclass(frozen=True)
class Rule:
    """What to look for in folded text, upper and lower case alike.

    A match begins with a digit, an apostrophe, the first letter of a word, or one of `leads`: at other places
    of a text nothing is tried.

    Parameters
    ----------
    pattern : str
    read : callable
        The alias for a match in a text of a date, or None if it is none after all (there is no 31 February).
    leads : str
    """

    pattern: str
    read: Read
    leads: str = ""

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern, re.IGNORECASE)


@dataclass(frozen=True)
class Rules:
    """Rules in the order in which they are tried at each place of a text.

    Parameters
    ----------
    rules : tuple of Rule
    """

    rules: tuple[Rule, ...]

    @cached_property
    def _any(self) -> re.Pattern[str]:
        # names of groups are made to differ, so that all patterns fit into one
        each = [
            _GROUP.sub(lambda g, n=n: f"(?P{g[1]}{g[2]}_{n}{g[3]}", rule.pattern)  # type: ignore[misc]
            for n, rule in enumerate(self.rules)
        ]
        leads = re.escape("".join(sorted({char for rule in self.rules for char in rule.leads})))
        begin = f"(?=[0-9'{leads}]|(?<![a-z])[a-z])"
        return re.compile(f"{begin}(?:{'|'.join(f'(?:{one})' for one in each)})", re.IGNORECASE)

    def replace(self, text: str, dated: date | None) -> str:
        """Return the text with an alias for everything that a rule finds."""
        folded = fold(text)
        out: list[str] = []
        done = 0
        for start, end, alias in self._found(folded.text, dated):
            begin, stop = folded.span(start, end)
            before, after = text[done:begin], folded.text[end : end + 2]
            out.append(before)
            joins = _JOINS_BEFORE.search(before or (out[-2] if len(out) > 1 else ""))
            out.append(f"{' ' if joins else ''}{alias}{' ' if _JOINS_AFTER.match(after) else ''}")
            done = stop
        return "".join([*out, text[done:]])

    def _found(self, text: str, dated: date | None) -> Iterator[tuple[int, int, str]]:
        place = 0
        while match := self._any.search(text, place):
            start = match.start()
            found = self._first(text, start, dated)
            if found is None:
                place = start + 1
                continue
            end, alias = found
            if alias != text[start:end]:  # an alias stays as it is
                yield start, end, alias
            place = end

    def _first(self, text: str, start: int, dated: date | None) -> tuple[int, str] | None:
        for rule in self.rules:
            match = rule.regex.match(text, start)
            alias = rule.read(match, dated) if match and match.end() > start else None
            if match and alias is not None:
                return match.end(), alias
        return None


def either(patterns: Sequence[str]) -> str:
    """Return a pattern that matches any of several."""
    return f"(?:{'|'.join(patterns)})"

"""What is said of a formula that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from engine.errors import AlphaloomError

#: A long formula is shown as the part around the fault: a message must be short enough to send back.
EXCERPT = 72
_NAME_LENGTH = 40


class FormulaError(AlphaloomError):
    """A formula cannot be read, or would not mean anything.

    Parameters
    ----------
    reason : str
        What is wrong, in one sentence.
    text : str
        The formula.
    position : int
        Index of the character at fault.
    hint : str
        What to write instead.
    """

    def __init__(self, reason: str, text: str = "", position: int = 0, hint: str = "") -> None:
        self.reason = reason
        self.text = text
        self.position = max(0, min(position, len(text)))
        self.hint = hint
        super().__init__(self.render())

    def __reduce__(self) -> tuple[Any, ...]:
        return FormulaError, (self.reason, self.text, self.position, self.hint)

    def render(self) -> str:
        """Return the reason, the line with a caret under the fault, and the hint."""
        lines = [f"{self.reason} (character {self.position + 1})" if self.text else self.reason]
        if self.text:
            excerpt, column = _excerpt(self.text, self.position)
            lines += [f"  {excerpt}", "  " + " " * column + "^"]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean ...?`` with the nearest known name, or an empty string."""
    # the length of what is compared bounds the time: a name may be as long as a formula
    matches = get_close_matches(name[:_NAME_LENGTH].lower(), sorted(known), n=1, cutoff=0.6)
    return f"did you mean {matches[0]}?" if matches else ""


def shown(name: str) -> str:
    """Quote a name, shortened if it is long."""
    return f"'{name}'" if len(name) <= _NAME_LENGTH else f"'{name[: _NAME_LENGTH - 3]}...'"


def _excerpt(text: str, position: int) -> tuple[str, int]:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    column = position - start
    if len(line) > EXCERPT:
        left = max(0, min(column - EXCERPT // 2, len(line) - EXCERPT))
        line, column = line[left : left + EXCERPT], column - left
        if left:
            line = "..." + line[3:]
    # what cannot be printed must not be: it would move the caret, or worse
    printable = "".join(c if c.isprintable() else "·" for c in line)
    return printable, column + sum(_is_wide(c) for c in printable[:column])


def _is_wide(character: str) -> bool:
    from unicodedata import east_asian_width

    return east_asian_width(character) in "WF"

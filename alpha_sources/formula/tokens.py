"""From characters to tokens: an allow-list of characters, everything else is refused."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from alpha_sources.formula.errors import FormulaError, shown
from alpha_sources.formula.limits import MAX_DIGITS, MAX_LENGTH


class TokenKind(StrEnum):
    """What a token is."""

    NUMBER = "number"
    NAME = "name"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a formula and where it stands; names are in lower case, `written` is as written."""

    kind: TokenKind
    text: str
    position: int
    written: str = ""


#: Full-width and typographic forms as Chinese input methods and language models write them.
_PLAIN = {
    **{chr(0xFEE0 + ord(c)): c for c in "()+-*/<>=?:,.!&|^0123456789_$"},
    "　": " ", "、": ",", "×": "*", "∗": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=",
    **dict.fromkeys("−–‐‑", "-"),
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>\*\*|\./|\.\*|<=|>=|==|!=|<>|&&|\|\||[-+*/^<>=!&|?:(),.])",
    re.ASCII,
)

#: a number together with the letters that follow it
_WORD = re.compile(r"[\d.]+(?:[eE][+-]?\d+)?[A-Za-z0-9_]*", re.ASCII)

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text, and what was read otherwise than written."""

    items: tuple[Token, ...]
    notes: tuple[str, ...]


def tokenize(text: str) -> Tokens:
    """Split a formula into tokens.

    Raises
    ------
    FormulaError
        At the first character that no formula has, and for text too long or empty.
    """
    if len(text) > MAX_LENGTH:
        reason = f"the formula has {len(text):,} characters, more than {MAX_LENGTH:,}"
        raise FormulaError(reason, text, MAX_LENGTH, "split it into several")
    plain, origin, replaced = _plain(text)
    items: list[Token] = []
    at = 0
    while at < len(plain):
        match = _TOKEN.match(plain, at)
        if match is None:
            raise _unknown_character(text, origin[at])
        if match.lastgroup != "space":
            items.append(_token(match, text, origin))
        at = match.end()
    if not items:
        raise FormulaError("the formula is empty", text, 0, "write one such as: close / delay(close, 5) - 1")
    items.append(Token(TokenKind.END, "end of the formula", len(text)))
    return Tokens(tuple(items), replaced)


def _plain(text: str) -> tuple[str, list[int], tuple[str, ...]]:
    """Text with plain punctuation, the place of each of its characters in the original, and a note."""
    if text.isascii():
        return text, list(range(len(text))), ()
    pieces: list[str] = []
    origin: list[int] = []
    replaced: dict[str, None] = {}
    for i, character in enumerate(text):
        plain = _PLAIN.get(character, character)
        if plain != character:
            replaced[character] = None
        pieces.append(plain)
        origin.extend([i] * len(plain))
    listed = " ".join(c for c in replaced if c.strip())
    note = f"full-width or typographic characters read as plain ones: {listed or 'spaces'}"
    return "".join(pieces), origin, (note,) if replaced else ()


def _token(match: re.Match[str], text: str, origin: list[int]) -> Token:
    position = origin[match.start()]
    written = match.group()
    if match.lastgroup == "number":
        if len(written) > MAX_DIGITS:
            raise FormulaError(f"a number of {len(written)} characters", text, position, "round it")
        word = _WORD.match(match.string, match.start())
        if word is not None and word.end() > match.end():
            reason = f"{shown(word.group())} is no number, and a name cannot begin with a digit"
            hint = "write numbers as 1000, 0.5 or 1e-3, and an operator before a name"
            raise FormulaError(reason, text, position, hint)
        return Token(TokenKind.NUMBER, written, position, written)
    if match.lastgroup == "name":
        # 'close' and '$close' are one name
        return Token(TokenKind.NAME, written.lstrip("$").lower(), position, written)
    return Token(TokenKind.SYMBOL, written, position, written)


def _unknown_character(text: str, position: int) -> FormulaError:
    character = text[position]
    code = f"U+{ord(character):04X}"
    if unicodedata.category(character) in _REFUSED_CATEGORIES:
        name = unicodedata.name(character, "control character")
        reason = f"an invisible or control character, {code} {name}"
        return FormulaError(reason, text, position, "delete it")
    hint = {
        "[": "there is no indexing: use delay(x, n)",
        "{": "there are no sets",
        "%": "there is no remainder: write percentages as numbers",
        "'": "there are no texts in formulas",
        '"': "there are no texts in formulas",
        ";": "a formula is one expression",
        "@": "there are no decorators",
        "~": "write ! or not",
        "$": "a field is $close or close",
    }.get(character, "formulas are written in ASCII letters, digits and + - * / ** < > = ! & | ? : ( ) ,")
    return FormulaError(f"no formula has the character {character} ({code})", text, position, hint)

"""Formulas that stand in a document as such: found by pattern, read by the parser, without any model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from alpha_sources.formula import Formula, FormulaError, parse
from alpha_sources.formula.dialects import DIALECTS, dialect_of
from alpha_sources.formula.fields import CATALOGUE, FIELD_ALIASES, index_field
from alpha_sources.formula.nodes import FIELD
from alpha_sources.llm.characters import one_line, visible

#: A longer line is looked at by sentences, of which no more is looked at either.
_LONGEST_LINE = 1_000
_SENTENCE = re.compile(r".{1,1000}?(?:[.;!?](?=\s)|[。；！？]|$)|.{1,1000}")
#: Characters given to the parser for one line: an endless row of brackets must not take for ever.
_MOST_TRIED = 16_000
#: The same for a document.
_MOST_TRIED_IN_ALL = 2_000_000
_MOST_FOUND = 2_000
_MOST_REFUSED = 200
#: Places at which a part of a sentence may begin, and as many at which it may end.
_MOST_PLACES = 40
_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "–": "-", "·": "*", "≥": ">", "≤": "<"})
_FORMULA_RUN = re.compile(r"[A-Za-z0-9_$.,:;()+\-*/^<>=!?&| \t\[\]%]{4,}")
_CODE = re.compile(r"`+([^`\n]{3,})`+")
_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\(")
_CALL = re.compile(r"\$?[A-Za-z_]\w*\s*\(")
_TOKEN = re.compile(r"\$?[A-Za-z_]\w*|\d[\w.]*|\.\d+|[()\-]")
_NAME = re.compile(r"(?<![\w$.])\$?[A-Za-z_]\w*")
_LABEL = re.compile(
    r"^\s*(?:[-*•>#|]+\s*|\(?\d{1,3}[.)、]\s+)*(?P<name>[^\W\d][^=:：]{0,79}?)\s*(?::=|[=:：])\s*(?P<rest>.+)$"
)
_BULLET = re.compile(r"^\s*(?:[-*•>#|]+\s*|\(?\d{1,3}[.)、]\s+)+")
_END = re.compile(r"[\s.,;:|]+$")
_MATHS = re.compile(r"[-+*/^<>?]|\w\s*\(")
#: Words side by side, as sentences have them and formulas have not.
_PROSE = re.compile(r"[A-Za-z_]\w*\s+[A-Za-z_]\w*")
_OTHERS = re.compile(r"indclass|sector|subindustry|adv\d+|self")


@dataclass(frozen=True, slots=True)
class FoundFormula:
    """A formula in a text.

    Parameters
    ----------
    text : str
        As it stands there.
    dialect : str
        The first that reads it.
    name : str
        What stands before it, as in ``Reversal = -delta(close, 5)``; empty if nothing does.
    line : str
        The line it stands in.
    start : int
        Offset of the line in the text.
    """

    text: str
    dialect: str
    name: str
    line: str
    start: int


class _Words:
    """What a word may be in a formula, in any dialect."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.own = fields
        self.fields = {*CATALOGUE, *FIELD_ALIASES, *(name.lower() for name in fields)}
        self.operators: set[str] = set()
        for dialect in DIALECTS.values():
            self.operators |= dialect.names() | {name.partition(".")[0] for name in dialect.fields}

    def is_field(self, word: str) -> bool:
        plain = word.lower().lstrip("$")
        return plain in self.fields or index_field(plain) is not None

    def is_known(self, word: str) -> bool:
        plain = word.lower().lstrip("$")
        return plain in self.operators or self.is_field(word) or _OTHERS.fullmatch(plain) is not None

    def may_be_formula(self, text: str) -> bool:
        """Tell whether a text has a sign, a field, and no word that no formula has."""
        names = _NAME.findall(text)
        return (
            _MATHS.search(text) is not None
            and any(map(self.is_field, names))
            and all(map(self.is_known, names))
        )

    def is_meant_as_formula(self, text: str) -> bool:
        """Tell whether a text is one for people who write formulas, whatever the parser makes of it."""
        return (
            _FORMULA_RUN.fullmatch(text) is not None
            and _PROSE.search(text) is None
            and any(map(self.is_field, _NAME.findall(text)))
            and ("$" in text or any(map(self._is_operator, _CALLED.findall(text))))
        )

    def _is_operator(self, word: str) -> bool:
        return word.lower() in self.operators


class _Patience:
    """How many characters the parser may still be given."""

    def __init__(self) -> None:
        self.left = _MOST_TRIED

    def read(self, text: str, words: _Words) -> tuple[str, str, Formula] | None:
        """Return (text, dialect, formula) if an operator is applied to a field, else None."""
        if len(text) < 4 or not words.may_be_formula(text):
            return None
        # a dollar sign is Qlib's own way of naming a field
        order = ("qlib",) if "$" in text else ("alphaloom", "alpha101", "gtja191", "qlib")
        for dialect in order:
            self.left -= len(text)
            if self.left < 0:
                return None
            try:
                formula = parse(text, dialect_of(dialect).name, words.own)
            except FormulaError:
                continue
            bare = formula.root.op == FIELD or formula.term.op == FIELD
            return None if bare else (text, dialect, formula)
        return None


def find_formulas(text: str, fields: tuple[str, ...] = ()) -> tuple[FoundFormula, ...]:
    """Return the formulas that stand in a text, each once, in their order.

    A line that is a formula, whole or behind a name and a colon or an equals sign; code between backquotes;
    and inside a sentence the longest parts with a call, such as ``rank(close)`` or
    ``Ref($close,5)/$close-1``. What counts is that the parser reads it in one of its dialects, and that it
    applies an operator to a field: a word that happens to be a field is none.

    Parameters
    ----------
    text : str
    fields : tuple of str
        Fields of the data that are not in the catalogue.
    """
    words = _Words(fields)
    found: list[FoundFormula] = []
    seen: set[str] = set()
    tried = 0
    for start, line in _lines(text):
        if len(line) >= 4 and len(found) < _MOST_FOUND and tried < _MOST_TRIED_IN_ALL:
            patience = _Patience()
            for name, written, dialect, formula in _in_line(_plain(line), words, patience):
                if formula.canonical not in seen:
                    seen.add(formula.canonical)
                    found.append(FoundFormula(written, dialect, name, visible(line).strip(), start))
            tried += _MOST_TRIED - patience.left
    return tuple(found)


def find_refused(text: str, fields: tuple[str, ...] = ()) -> tuple[FoundFormula, ...]:
    """Return what stands in a text as a formula, and is none that the parser takes, each once.

    A line, what stands behind a name and a colon or an equals sign, and code between backquotes, if it is
    written in a formula's characters alone, names a field, and calls one of our operators or writes ``$`` as
    Qlib does. The dialect is the one in which it is to be read.

    Parameters
    ----------
    text : str
    fields : tuple of str
        Fields of the data that are not in the catalogue.
    """
    words = _Words(fields)
    found: dict[str, FoundFormula] = {}
    tried = 0
    for start, line in _lines(text):
        for name, written in _candidates(_plain(line)):
            if len(found) >= _MOST_REFUSED or tried >= _MOST_TRIED_IN_ALL:
                return tuple(found.values())
            if len(written) < 4 or written in found or not words.is_meant_as_formula(written):
                continue
            tried += len(written)
            dialects = ("qlib",) if "$" in written else ("alphaloom", "alpha101", "gtja191", "qlib")
            if not any(_takes(written, dialect, words.own) for dialect in dialects):
                line_there = visible(line).strip()
                found[written] = FoundFormula(written, dialects[0], name, line_there, start)
    return tuple(found.values())


def _candidates(plain: str) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of what a line holds as a whole."""
    codes = [found[1] for found in _CODE.finditer(plain)]
    for text in codes or [plain]:
        label = _LABEL.match(text)
        if label:
            yield _name(label["name"]), _END.sub("", label["rest"].strip())
        else:
            yield "", _END.sub("", _BULLET.sub("", text).strip())


def _takes(text: str, dialect: str, fields: tuple[str, ...]) -> bool:
    try:
        parse(text, dialect_of(dialect).name, fields)
    except FormulaError:
        return False
    return True


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, line); a paragraph that was joined to one long line comes by sentences."""
    start = 0
    for line in text.split("\n"):
        if len(line) <= _LONGEST_LINE:
            yield start, line
        else:
            yield from ((start + found.start(), found.group()) for found in _SENTENCE.finditer(line))
        start += len(line) + 1


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SIGNS)


def _in_line(plain: str, words: _Words, patience: _Patience) -> Iterator[tuple[str, str, str, Formula]]:
    """Yield (name, text, dialect, formula) of what a line holds: as a whole, else its parts."""
    if not _MATHS.search(plain) or not any(map(words.is_field, _NAME.findall(plain))):
        return
    codes = [found[1] for found in _CODE.finditer(plain)]
    for code in codes:
        yield from _whole(code, words, patience)
    if codes:
        plain = _CODE.sub(" ; ", plain)
    elif whole := list(_whole(plain, words, patience)):
        yield from whole
        return
    label = _LABEL.match(plain)
    for run in _FORMULA_RUN.finditer(plain):
        for segment in _segments(run.group(), words):
            for text, dialect, formula in _parts(segment, words, patience):
                named = label and label["rest"].strip().startswith(text[:8])
                yield _name(label["name"]) if label and named else "", text, dialect, formula


def _whole(text: str, words: _Words, patience: _Patience) -> Iterator[tuple[str, str, str, Formula]]:
    label = _LABEL.match(text)
    # a name first: "alpha = close / open" also reads as a comparison in some dialects
    if label and (read := patience.read(_END.sub("", label["rest"].strip()), words)):
        yield _name(label["name"]), *read
    elif read := patience.read(_END.sub("", _BULLET.sub("", text).strip()), words):
        yield "", *read


def _name(text: str) -> str:
    return one_line(text, 80).strip(" *_`#|")


def _segments(run: str, words: _Words) -> Iterator[str]:
    """Yield what lies between words that no formula has, where there is a call or a ``$field`` in it."""
    start = 0
    for name in _NAME.finditer(run):
        if not words.is_known(name.group()):
            yield from _worth(run[start : name.start()])
            start = name.end()
    yield from _worth(run[start:])


def _worth(segment: str) -> Iterator[str]:
    if _CALL.search(segment) or "$" in segment:
        yield segment


def _parts(segment: str, words: _Words, patience: _Patience) -> Iterator[tuple[str, str, Formula]]:
    """Yield the formulas of a segment: the longest, and those before and behind it."""
    longest = _longest_part(segment, words, patience)
    if longest is None:
        return
    before, _, behind = segment.partition(longest[0])
    yield from _parts(before, words, patience)
    yield longest
    yield from _parts(behind, words, patience)


def _longest_part(segment: str, words: _Words, patience: _Patience) -> tuple[str, str, Formula] | None:
    """Return the longest part of a segment that is a formula with a call or a ``$field``."""
    tokens = list(_TOKEN.finditer(segment))
    depth, deep = [], 0
    for token in tokens:
        deep += (token.group() == "(") - (token.group() == ")")
        depth.append(deep)
    begins = [i for i, token in enumerate(tokens) if token.group() != ")"][:_MOST_PLACES]
    ends = [i for i, token in enumerate(tokens) if _may_end(token.group(), words)][-_MOST_PLACES:]
    spans = sorted(
        (
            (tokens[i].start(), tokens[j].end())
            for i in begins
            for j in ends
            # brackets tell most wrong cuts before the parser is asked
            if j >= i and depth[j] == depth[i] - (tokens[i].group() == "(")
        ),
        key=lambda span: (span[0] - span[1], span[0]),
    )
    for start, end in spans:
        part = segment[start:end]
        if patience.left < 0:
            return None
        if (_CALL.search(part) or "$" in part) and (read := patience.read(part, words)):
            return read
    return None


def _may_end(token: str, words: _Words) -> bool:
    return token == ")" or token[0].isdigit() or words.is_field(token)

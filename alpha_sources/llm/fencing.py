"""The fence: what others wrote reaches a prompt only as data, between delimiters it cannot write itself.

Nothing of this makes a model obey. What holds is the other side: an answer is checked against a schema in
which everything is bounded (`alpha_sources.llm.answer_schema`), and models have no tools.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from alpha_sources.llm.characters import one_line, visible

_LONGEST_SOURCE = 160
_TAG_DIGITS = 16
# three of anything that looks like an angle bracket
_BRACKETS = re.compile("(?=([<＜﹤‹〈⟨«《≪⋘>＞﹥›〉⟩»》≫⋙]{3}))")
# Servers of open models turn these into what ends a message, also inside one. Breaking each after its first
# character leaves it readable.
_TEMPLATE = re.compile(
    r"<(?=[|｜])|[|｜](?=>)|<(?=/?(?:s|bos|eos|pad|unk|sop|mask|tool_call|tool_response|think)>)"
    r"|<(?=(?:start|end)_of_turn>)|<(?=</?SYS>>)|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|gMASK|sMASK)\])",
    re.IGNORECASE,
)


class DataKind(StrEnum):
    """What fenced text is."""

    DOCUMENT = "document"
    NEWS = "news"
    METADATA = "metadata"
    OCR = "ocr"
    TABLE = "table"
    TRANSCRIPT = "transcript"
    CHECKS = "checks"  # what was found wrong with an answer, which quotes it


@dataclass(frozen=True, slots=True)
class Envelope:
    """Fenced text; made by `fence` alone.

    Parameters
    ----------
    text : str
        The data between its delimiters.
    tag : str
        Of the delimiters: follows from what is between them.
    """

    text: str
    tag: str


def fence(text: str, *, source: str, kind: DataKind, most: int = 200_000) -> Envelope:
    """Put text into an envelope.

    Parameters
    ----------
    text : str
        As it was read. What cannot be seen is taken out, what looks like a delimiter or a marker of a chat
        template is broken with a backslash.
    source : str
        Where it was read: a file and page, an address. It is no more trusted than the text.
    kind : DataKind
    most : int
        Characters kept; how many there were is said.

    Returns
    -------
    Envelope
        The same for the same text and source, so that a recorded reply is found again.
    """
    seen = visible(text)
    kept = broken(seen[:most])
    label = broken(one_line(source, _LONGEST_SOURCE)).replace('"', "'")
    size = f"{len(seen)} characters"
    if len(seen) > most:
        size = f"the first {most} of {len(seen)} characters"
    tag = hashlib.sha256(f"{kind}\n{label}\n{size}\n{kept}".encode()).hexdigest()[:_TAG_DIGITS]
    head = f'<<<DATA {tag} kind="{kind}" source="{label}" size="{size}">>>'
    return Envelope(f"{head}\n{kept}\n<<<END {tag}>>>", tag)


def broken(text: str) -> str:
    """Return text with a backslash in whatever looks like a delimiter or a marker of a chat template."""
    text = _TEMPLATE.sub(lambda found: found.group() + "\\", text)
    out, last = [], 0
    for found in _BRACKETS.finditer(text):
        out += [text[last : found.start() + 1], "\\"]
        last = found.start() + 1
    return "".join(out) + text[last:]

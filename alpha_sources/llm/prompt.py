"""Prompts are text files with a version and a hash; what is filled in is checked on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files

from alpha_sources.llm.characters import visible
from alpha_sources.llm.errors import PromptError
from alpha_sources.llm.fencing import Envelope

_SECTION = re.compile(r"^\[(system|user)\][ \t]*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{(data:)?([a-z][a-z0-9_]*)\}\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TEXTS = "alpha_sources.llm.texts"

Value = str | int | float | Envelope | Sequence[Envelope]


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt that is ready to be sent.

    Parameters
    ----------
    name : str
        Of the prompt, with its version: ``propose.v2``.
    hash : str
        Sha256 of the texts it was made from, without what was filled in: for snapshots and seed files.
    messages : tuple of Message
    """

    name: str
    hash: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Prompt:
    """A prompt text with placeholders.

    A text has a part ``[system]``, a part ``[user]``, or both, each headed by a line of its own. ``{{name}}``
    is filled with words of ours, ``{{data:name}}`` with one or more envelopes of what others wrote, and only
    in the part ``[user]``.

    Parameters
    ----------
    name : str
        With its version.
    text : str
    """

    name: str
    text: str

    @classmethod
    def load(cls, package: str, name: str, version: int) -> Prompt:
        """Read ``NAME.vVERSION.txt`` from the data of a package.

        Raises
        ------
        PromptError
            If there is no such file, or it is no prompt.
        """
        if not _NAME.fullmatch(name):
            raise PromptError(f"a prompt's name is made of small letters, digits and _, not {name!r}")
        full = f"{name}.v{version}"
        try:
            text = files(package).joinpath(f"{full}.txt").read_text(encoding="utf-8")
        except (OSError, ModuleNotFoundError, UnicodeDecodeError) as problem:
            raise PromptError(
                f"there is no prompt {full} in {package} ({type(problem).__name__}); name a file {full}.txt"
            ) from None
        return cls.of(full, text)

    @classmethod
    def of(cls, name: str, text: str) -> Prompt:
        """Make a prompt from a text.

        Raises
        ------
        PromptError
            If it has no parts, text before them, a part twice, a broken placeholder, or data in the part
            ``[system]``.
        """
        prompt = cls(name, text.replace("\r\n", "\n"))
        for role, body in prompt._parts:
            rest = _PLACEHOLDER.sub("", body)
            if "{{" in rest or "}}" in rest:
                raise PromptError(f"prompt {name}: a placeholder is {{{{name}}}} or {{{{data:name}}}}")
            if role is Role.SYSTEM and any(data for data, _ in _PLACEHOLDER.findall(body)):
                raise PromptError(f"prompt {name}: data belongs into the part [user], not [system]")
        return prompt

    @cached_property
    def _parts(self) -> tuple[tuple[Role, str], ...]:
        pieces = _SECTION.split(self.text)
        if len(pieces) < 3:
            raise PromptError(f"prompt {self.name}: it needs a line [system] or [user] before its text")
        if pieces[0].strip():
            raise PromptError(f"prompt {self.name}: there is text before the first part")
        names = pieces[1::2]
        if len(set(names)) < len(names):
            raise PromptError(f"prompt {self.name}: a part stands twice")
        return tuple((Role(role), body.strip()) for role, body in zip(names, pieces[2::2], strict=True))

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names to be filled in, sorted."""
        return tuple(sorted({name for _, body in self._parts for _, name in _PLACEHOLDER.findall(body)}))

    @cached_property
    def hash(self) -> str:
        """Sha256 of the text, and of the rules for data where it takes any."""
        digest = hashlib.sha256(self.text.encode())
        if self._takes_data:
            digest.update(Prompt.load(_TEXTS, "fence", 1).text.encode())
        return digest.hexdigest()

    @property
    def _takes_data(self) -> bool:
        return any(data for _, body in self._parts for data, _ in _PLACEHOLDER.findall(body))

    def render(self, **values: Value) -> Rendered:
        """Fill the placeholders, each with what it takes, and all of them.

        Parameters
        ----------
        **values
            Words and numbers of ours for ``{{name}}``; envelopes for ``{{data:name}}``.

        Returns
        -------
        Rendered
            Where data is in it, the rules for data stand at the end of the system message.

        Raises
        ------
        PromptError
            If a value is missing, too many, or of the wrong kind.
        """
        known = set(self.placeholders)
        if missing := sorted(known - values.keys()):
            raise PromptError(f"prompt {self.name}: nothing is given for {{{{{missing[0]}}}}}")
        if unused := sorted(values.keys() - known):
            raise PromptError(f"prompt {self.name}: it has no placeholder {{{{{unused[0]}}}}}")

        def filled(found: re.Match[str]) -> str:
            return self._filled(found[2], values[found[2]], data=bool(found[1]))

        # one pass: what is filled in is not looked at again
        texts = {role: _PLACEHOLDER.sub(filled, body) for role, body in self._parts}
        if self._takes_data:
            rules = Prompt.load(_TEXTS, "fence", 1)._parts[0][1]
            texts[Role.SYSTEM] = "\n\n".join(part for part in (texts.get(Role.SYSTEM, ""), rules) if part)
        messages = [Message(role, texts[role]) for role in (Role.SYSTEM, Role.USER) if texts.get(role)]
        return Rendered(self.name, self.hash, tuple(messages))

    def _filled(self, name: str, value: Value, *, data: bool) -> str:
        where = f"prompt {self.name}: {{{{{'data:' if data else ''}{name}}}}}"
        if data:
            envelopes = [value] if isinstance(value, Envelope) else value
            if isinstance(envelopes, str | int | float) or not all(
                isinstance(one, Envelope) for one in envelopes
            ):
                raise PromptError(f"{where} takes envelopes, not text; see alpha_sources.llm.fence()")
            if not envelopes:
                raise PromptError(f"{where} is given no envelope at all")
            return "\n\n".join(one.text for one in envelopes)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise PromptError(f"{where} takes words of ours; what others wrote goes to {{{{data:...}}}}")
        text = (
            value if isinstance(value, str) else f"{value:.12g}" if isinstance(value, float) else str(value)
        )
        if visible(text) != text or "<<<" in text:
            raise PromptError(f"{where} holds hidden characters or a delimiter of data: fence it")
        return text

"""`Request`: what is asked, and the key under which its reply is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from alpha_sources.llm.attachment import Attachment
from alpha_sources.llm.prompt import Message
from engine.hashing import hash_json


class Task(StrEnum):
    """What a server is asked to do."""

    CHAT = "chat"
    TRANSCRIPTION = "transcription"


@dataclass(frozen=True)
class Request:
    """All that determines a reply, apart from chance.

    How the server is held to the schema, its address and the key are no part of it: a reply is found again
    whichever way it was asked for.

    Parameters
    ----------
    task : Task
    model : str
    parameters : mapping
        Temperature, seed, room for the reply and further fields, as plain values.
    messages : tuple of Message
    schema : mapping or None
        Of the answer.
    attachments : tuple of Attachment
        Images, which go with the first message of the user; or one sound.
    label : str
        Name of the prompt, for messages; no part of the key.
    """

    task: Task
    model: str
    parameters: Mapping[str, Any]
    messages: tuple[Message, ...] = ()
    schema: Mapping[str, Any] | None = None
    attachments: tuple[Attachment, ...] = ()
    label: str = field(default="", compare=False)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values; attachments by what stands for them, not their bytes."""
        return {
            "task": self.task.value,
            "model": self.model,
            "parameters": dict(self.parameters),
            "messages": [{"role": one.role.value, "text": one.text} for one in self.messages],
            "schema": self.schema,
            "attachments": [one.plain() for one in self.attachments],
        }

    @cached_property
    def parts(self) -> dict[str, str]:
        """The hash of each part, by which a missing reply is explained."""
        plain = self.plain()
        return {name: hash_json(plain[name]) for name in PARTS}

    @cached_property
    def key(self) -> str:
        """Sha256 over all parts."""
        return hash_json({"task": self.task.value, **self.parts})


#: Names of the parts a key is made of.
PARTS = ("model", "parameters", "messages", "schema", "attachments")

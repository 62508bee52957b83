"""The requests of a conversation: what is asked first, and what after an answer that was none. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

from alpha_sources.llm.answer_reading import Faults
from alpha_sources.llm.attachment import Attachment
from alpha_sources.llm.characters import visible
from alpha_sources.llm.config import Profile
from alpha_sources.llm.errors import AttachmentError
from alpha_sources.llm.fencing import DataKind, broken, fence
from alpha_sources.llm.prompt import Message, Prompt, Role
from alpha_sources.llm.request import Request, Task
from engine.errors import ConfigError

_TEXTS = "alpha_sources.llm.texts"
_LONGEST_ECHO = 8000
_LANGUAGE = re.compile("[a-z]{2,3}")
_LONGEST_SOUND_S = 24 * 3600.0


def parameters_of(profile: Profile, room: int) -> dict[str, Any]:
    """Return what is asked besides the messages; what is left to the server is left out."""
    given: dict[str, Any] = {"max_tokens": room}
    if profile.temperature is not None:
        given["temperature"] = profile.temperature
    if profile.seed is not None:
        given["seed"] = profile.seed
    if profile.extra:
        given["extra"] = dict(profile.extra)
    return given


def repaired(
    messages: tuple[Message, ...], content: str, faults: Faults, *, model: str, number: int, most: int
) -> tuple[Message, ...]:
    """Return the question again, with the last reply and what is wrong with it.

    Only the last reply: the conversation does not grow with each repair. What is wrong quotes the reply, and
    a reply may quote a document: it stands behind the fence. The number keeps a model that says the same
    again from being answered by the cassette.
    """
    envelope = fence("\n".join(faults.lines), source=f"checks of the reply of {model}", kind=DataKind.CHECKS)
    complaint = Prompt.load(_TEXTS, "repair", 1).render(faults=envelope, number=number, most=most)
    # a reply may hold markers that a document put into its mouth
    echo = broken(visible(content)[:_LONGEST_ECHO]).strip() or "(nothing)"
    return (
        *with_rules(messages, complaint.messages),
        Message(Role.ASSISTANT, echo),
        *(one for one in complaint.messages if one.role is Role.USER),
    )


def with_rules(messages: tuple[Message, ...], complaint: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages with the rules for data, which a question without data did not need."""
    (rules,) = (one.text for one in complaint if one.role is Role.SYSTEM)
    system = next((one for one in messages if one.role is Role.SYSTEM), None)
    if system is None:
        return (Message(Role.SYSTEM, rules), *messages)
    if rules in system.text:
        return messages
    told = Message(Role.SYSTEM, f"{system.text}\n\n{rules}")
    return tuple(told if one is system else one for one in messages)


def transcription_request(
    sound: Attachment, seconds: float, language: str | None, name: str, profile: Profile
) -> Request:
    """Return the request for a transcript.

    Raises
    ------
    AttachmentError
        If it is no sound, or its length no number of seconds in a day.
    ConfigError
        If the profile has no model for it, or the language is none.
    """
    if sound.is_image:
        raise AttachmentError(
            f"an attachment of type {sound.media_type} is an image: there is nothing to hear"
        )
    if not 0 < seconds <= _LONGEST_SOUND_S or math.isnan(seconds):
        raise AttachmentError(f"a sound lasts more than 0 and at most a day, not {seconds} s")
    if profile.transcription_model is None:
        raise ConfigError(f"profile {name!r} has no transcription_model; set it, or name another profile")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise ConfigError(f"a language is two or three small letters such as zh, not {language!r}")
    parameters: dict[str, Any] = {"seconds": round(float(seconds), 3)}
    if language:
        parameters["language"] = language
    return Request(
        Task.TRANSCRIPTION,
        profile.transcription_model,
        parameters,
        attachments=(sound,),
        label="transcription",
    )

"""What goes over the wire for a request, as arguments of the openai client."""

from __future__ import annotations

from typing import Any

from alpha_sources.llm.config import Profile, ReplyFormat
from alpha_sources.llm.prompt import Message, Prompt, Role
from alpha_sources.llm.request import Request
from engine.hashing import canonical_json

_TEXTS = "alpha_sources.llm.texts"
#: What a server that knows less is asked for next.
NEXT_FORMAT = {ReplyFormat.JSON_SCHEMA: ReplyFormat.JSON_OBJECT, ReplyFormat.JSON_OBJECT: ReplyFormat.TEXT}


def schema_in_words(request: Request, form: ReplyFormat) -> str:
    """Return what a server is told that does not enforce the schema; empty for one that does."""
    if request.schema is None or form is ReplyFormat.JSON_SCHEMA:
        return ""
    prompt = Prompt.load(_TEXTS, "schema", 1)
    return prompt.render(schema=canonical_json(request.schema)).messages[0].text


def chat_arguments(request: Request, profile: Profile, form: ReplyFormat, sample: int) -> dict[str, Any]:
    """Return the arguments of ``chat.completions.create``.

    Parameters
    ----------
    request : Request
    profile : Profile
    form : ReplyFormat
        What the server is held to.
    sample : int
        Added to the seed, where there is one: a server that honours seeds would say the same again.
    """
    given = dict(request.parameters)
    arguments: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request, schema_in_words(request, form)),
        profile.max_tokens_parameter: given.pop("max_tokens"),
    }
    if "seed" in given:
        arguments["seed"] = given.pop("seed") + sample
    if "temperature" in given:
        arguments["temperature"] = given.pop("temperature")
    if extra := given.pop("extra", None):
        arguments["extra_body"] = extra
    if request.schema is not None and form is ReplyFormat.JSON_SCHEMA:
        described = {"name": "answer", "strict": True, "schema": request.schema}
        arguments["response_format"] = {"type": "json_schema", "json_schema": described}
    elif request.schema is not None and form is ReplyFormat.JSON_OBJECT:
        arguments["response_format"] = {"type": "json_object"}
    return arguments


def transcription_arguments(request: Request) -> dict[str, Any]:
    """Return the arguments of ``audio.transcriptions.create``."""
    (sound,) = request.attachments
    arguments: dict[str, Any] = {
        "model": request.model,
        "file": (sound.file_name, sound.data, sound.media_type),
        "response_format": "json",
    }
    if language := request.parameters.get("language"):
        arguments["language"] = language
    return arguments


def _messages(request: Request, words: str) -> list[dict[str, Any]]:
    turns = list(request.messages)
    if words and turns and turns[0].role is Role.SYSTEM:
        turns[0] = Message(Role.SYSTEM, f"{turns[0].text}\n\n{words}")
    elif words:
        turns.insert(0, Message(Role.SYSTEM, words))
    out: list[dict[str, Any]] = []
    images = list(request.attachments)
    for turn in turns:
        content: Any = turn.text
        if images and turn.role is Role.USER:
            pictures = [{"type": "image_url", "image_url": {"url": one.data_url()}} for one in images]
            content, images = [{"type": "text", "text": turn.text}, *pictures], []
        out.append({"role": turn.role.value, "content": content})
    return out

"""`Reply`: what a server said, read from the body of its response."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from alpha_sources.llm.answer_reading import safe_json
from alpha_sources.llm.characters import one_line

_MOST_TOKENS = 10**9
#: How servers say that a filter before the model declined, as code, type or message of an error, November
#: 2026: OpenAI, Azure, DashScope, DeepSeek.
_FILTERED = ("content_policy_violation", "content_filter", "data_inspection_failed", "content exists risk")


class Finish(StrEnum):
    """Why a reply ends."""

    DONE = "done"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counts them; `cached` are those of the input it had already."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Parameters
    ----------
    content : str
        Empty where it refused, or called a tool that it does not have.
    finish : Finish
    refusal : str
        Its words, on one line; empty where it gave none.
    usage : Usage or None
        None where the server does not say.
    """

    content: str
    finish: Finish = Finish.DONE
    refusal: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A body that is no reply.

    Parameters
    ----------
    words : str
        What is wrong, on one line.
    status : int or None
        An HTTP status that the body itself names: some servers report errors with status 200.
    error : str
        The server's own words; empty where it gave none.
    filtered : bool
        Whether a filter before the model declined the question.
    """

    words: str
    status: int | None = None
    error: str = ""
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A reply as it came: the body, and what it took."""

    body: str
    format: str
    seconds: float
    attempts: int


def read_chat(body: str) -> Reply | Fault:
    """Read the body of a chat completion; an error of a filter before the model is a refusal."""
    value = _object(body)
    if isinstance(value, Fault):
        return Reply("", Finish.REFUSED, value.error) if value.filtered else value
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return Fault("the reply holds no choices")
    choice, message = choices[0], choices[0].get("message")
    if not isinstance(message, dict):
        return Fault("the reply holds no message")
    content, refusal = message.get("content"), message.get("refusal")
    reason = choice.get("finish_reason")
    if content is not None and not isinstance(content, str):
        return Fault(f"the reply's content is no text but a {type(content).__name__}")
    finish = Finish.DONE
    if (isinstance(refusal, str) and refusal) or reason == "content_filter":
        finish = Finish.REFUSED
    elif reason == "length":
        finish = Finish.TRUNCATED
    words = one_line(refusal, 200) if isinstance(refusal, str) else ""
    return Reply(content or "", finish, words, _usage(value.get("usage")))


def read_transcript(body: str) -> Reply | Fault:
    """Read the body of a transcription."""
    value = _object(body)
    if isinstance(value, Fault):
        return value
    text = value.get("text")
    if not isinstance(text, str):
        return Fault("the reply holds no text")
    return Reply(text, usage=_usage(value.get("usage")))


def error_words(body: Any) -> str:
    """Return what an error body says, on one line; empty if nothing."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error.get("code") or ""
    return one_line(str(error or ""), 300)


def _object(body: str) -> dict[str, Any] | Fault:
    try:
        value = safe_json(body)
    except ValueError:
        return Fault(f"the reply is no JSON: it begins with {one_line(body[:80], 40)!r}")
    if not isinstance(value, dict):
        return Fault(f"the reply is no JSON object but a {type(value).__name__}")
    if value.get("error"):
        error, words = value["error"], error_words(value)
        return Fault(f"the reply is an error: {words}", _status(error), words, _filtered(error))
    return value


def _filtered(error: Any) -> bool:
    said = error if isinstance(error, dict) else {"message": error}
    texts = [str(said.get(key, "")).lower() for key in ("code", "type", "message")]
    return any(word in text for word in _FILTERED for text in texts)


def _status(error: Any) -> int | None:
    code = error.get("code") if isinstance(error, dict) else None
    text = str(code)
    return int(text) if text.isascii() and text.isdigit() and 400 <= int(text[:4]) <= 599 else None


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    given = _count(value.get("prompt_tokens", value.get("input_tokens")))
    made = _count(value.get("completion_tokens", value.get("output_tokens")))
    if given is None or made is None:
        return None
    details = value.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(given, made, min(cached or 0, given))


def _count(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if good else None

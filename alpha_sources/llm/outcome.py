"""What a response means for the call: a reply, try again, try another format, or give up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alpha_sources.llm.answer_reading import safe_json
from alpha_sources.llm.backoff import retry_after_s
from alpha_sources.llm.config import Profile, ReplyFormat
from alpha_sources.llm.errors import LlmError, NoServiceError, RefusedKeyError, RefusedRequestError
from alpha_sources.llm.reply import Finish, Reply, error_words, read_chat, read_transcript
from alpha_sources.llm.request import Task
from alpha_sources.llm.transport import Lost, Response
from alpha_sources.llm.wire import NEXT_FORMAT

_TRANSIENT = frozenset({408, 409, 425, 429})
_NO_MONEY = ("insufficient_quota", "insufficient balance", "billing_hard_limit")
_NO_MODEL = ("model_not_found", "model not exist", "invalid_model")
_ABOUT_FORMAT = (
    "response_format",
    "json_schema",
    "json_object",
    "json schema",
    "structured output",
    "guided",
)


@dataclass(frozen=True, slots=True)
class Good:
    """A reply; `body` is what it was read from.

    Parameters
    ----------
    reply : Reply
    body : str
    paid : bool
        Whether it may have been charged for: what a filter turned away with an error was not.
    """

    reply: Reply
    body: str
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Again:
    """It may go better next time.

    Parameters
    ----------
    words : str
        What went wrong.
    asked_s : float or None
        How long the server asks to wait.
    paid : bool
        Whether it may have been charged for.
    answered : bool
        Whether the server considers the request done: a repeated one must not bear the same idempotency key.
    """

    words: str
    asked_s: float | None = None
    paid: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class OtherFormat:
    """The server does not know the format of the reply that was asked for; `words` are its own."""

    words: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will not go better."""

    error: LlmError


Outcome = Good | Again | OtherFormat | GiveUp


def outcome(
    task: Task, response: Response | Lost, profile: Profile, form: ReplyFormat | None, now: datetime
) -> Outcome:
    """Say what a response means.

    Parameters
    ----------
    task : Task
    response : Response or Lost
    profile : Profile
    form : ReplyFormat or None
        What the server was held to; None without a schema.
    now : datetime
        For a ``Retry-After`` that is a date.
    """
    if isinstance(response, Lost):
        return Again(response.words, paid=response.sent)
    asked = retry_after_s(response.headers, now)
    if 400 <= response.status < 500 and task is Task.CHAT:
        declined = read_chat(response.body)
        if isinstance(declined, Reply) and declined.finish is Finish.REFUSED:
            return Good(declined, response.body, paid=False)
    if response.status >= 400:
        return _refused(response.status, _words(response.body), response.body, asked, profile, form)
    read = (read_chat if task is Task.CHAT else read_transcript)(response.body)
    if isinstance(read, Reply):
        return Good(read, response.body)
    if read.status is not None:
        return _refused(read.status, read.words, response.body, asked, profile, form)
    return Again(read.words, asked, paid=True, answered=True)


def _refused(
    status: int, words: str, body: str, asked: float | None, profile: Profile, form: ReplyFormat | None
) -> Outcome:
    said, known_by = f"status {status}: {words or 'no reason given'}", body[:20_000].lower()
    if status in (401, 403):
        where = profile.key_variable
        remedy = (
            f"set the environment variable {where} to a valid key" if where else "it wants a key: name its"
        )
        remedy = remedy if where else f"{remedy} environment variable in key_variable"
        return GiveUp(RefusedKeyError(f"{profile.host} does not accept the key ({said}); {remedy}"))
    if status == 402 or any(word in known_by for word in _NO_MONEY):
        return GiveUp(NoServiceError(f"{profile.host} has no credit left for this key ({said})"))
    if status in _TRANSIENT or (status >= 500 and status != 501):
        return Again(said, asked)
    if form in NEXT_FORMAT and any(word in known_by for word in _ABOUT_FORMAT):
        return OtherFormat(said)
    refused = f"{profile.host} refused the request ({said})"
    if status in (404, 405) or any(word in known_by for word in _NO_MODEL):
        return GiveUp(NoServiceError(f"{refused}; check base_url and model ({profile.model})"))
    return GiveUp(RefusedRequestError(refused))


def _words(body: str) -> str:
    try:
        return error_words(safe_json(body))
    except ValueError:
        return error_words(body)

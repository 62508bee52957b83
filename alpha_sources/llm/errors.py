"""What can go wrong between a question and its answer. No message ever holds a key."""

from __future__ import annotations

from engine.errors import AlphaloomError


class LlmError(AlphaloomError):
    """A language model cannot be asked, or gave no answer."""


class OfflineError(LlmError):
    """The mode is ``offline``: no model is asked."""


class MissingKeyError(LlmError):
    """The environment variable that holds the key is not set."""


class RefusedKeyError(LlmError):
    """The server does not accept the key."""


class RefusedRequestError(LlmError):
    """The server understood the request and will not answer it, however often it is sent."""


class NoServiceError(RefusedRequestError):
    """The server refuses every request: no credit, no such address or no such model."""


class ServerError(LlmError):
    """The server gave no reply that can be read, at every attempt."""


class BudgetError(LlmError):
    """The next call could exceed the budget; it was not made."""


class CassetteMissError(LlmError):
    """The cassette holds no reply to a request, and nothing else may be asked."""


class RefusalError(LlmError):
    """The model, or a filter before it, declined to answer."""


class TruncatedError(LlmError):
    """The reply does not fit into the most tokens a reply may have."""


class AnswerError(LlmError):
    """The model did not answer in the form asked for, repairs included."""


class PromptError(LlmError):
    """A prompt file cannot be read, or what is filled in does not fit its placeholders."""


class AnswerModelError(LlmError):
    """A pydantic model would let a model say anything: something in it has no bounds."""


class AttachmentError(LlmError):
    """What is attached is no image or sound that can be sent, or the profile cannot take it."""

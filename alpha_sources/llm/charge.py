"""What a call costs: at most, before it is made, and in fact, afterwards."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import Decimal

from alpha_sources.llm.config import Prices, Profile
from alpha_sources.llm.reply import Usage
from alpha_sources.llm.request import Request, Task

_MILLION = Decimal(1_000_000)
#: Marks that a chat template puts around a message, and around a conversation
_TOKENS_A_MESSAGE = 16
_TOKENS_A_REQUEST = 64


@dataclass(frozen=True, slots=True)
class Charge:
    """Calls, tokens and money, in the currency of the prices."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    money: Decimal = Decimal(0)

    @property
    def tokens(self) -> int:
        """Of prompt and reply together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Charge) -> Charge:
        return Charge(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.money + other.money,
        )

    def __sub__(self, other: Charge) -> Charge:
        return Charge(
            self.calls - other.calls,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.money - other.money,
        )


def most(request: Request, profile: Profile, wrapping: str = "") -> Charge:
    """Return the most a call can cost.

    Parameters
    ----------
    request : Request
    profile : Profile
    wrapping : str
        What is sent besides the messages, such as the schema written out.

    Notes
    -----
    No tokenizer that works on bytes, as all in use do, makes more tokens of a text than it has bytes in
    UTF-8. The real number is about a quarter of it for English and a half for Chinese; the difference is
    given back when the server says how many there were.
    """
    if request.task is Task.TRANSCRIPTION:
        seconds = float(request.parameters["seconds"])
        return _transcription(seconds, profile.prices)
    texts = [one.text for one in request.messages]
    if request.schema is not None:
        texts.append(json.dumps(request.schema, ensure_ascii=False))
    tokens = sum(len(text.encode()) for text in (*texts, wrapping))
    tokens += _TOKENS_A_REQUEST + _TOKENS_A_MESSAGE * (len(request.messages) + 1)
    tokens += len(request.attachments) * (profile.tokens_per_image or 0)
    usage = Usage(tokens, int(request.parameters["max_tokens"]))
    return Charge(1, usage.input_tokens, usage.output_tokens, price(usage, profile.prices))


def actual(request: Request, usage: Usage, profile: Profile) -> Charge:
    """Return what a call cost by the server's own count."""
    if request.task is Task.TRANSCRIPTION:
        sound = _transcription(float(request.parameters["seconds"]), profile.prices)
        return Charge(1, usage.input_tokens, usage.output_tokens, sound.money)
    return Charge(1, usage.input_tokens, usage.output_tokens, price(usage, profile.prices))


def price(usage: Usage, prices: Prices | None) -> Decimal:
    """Return the money for some tokens; nothing without prices."""
    if prices is None:
        return Decimal(0)
    cached = prices.cached_input_per_million
    cached = prices.input_per_million if cached is None else cached
    fresh = usage.input_tokens - usage.cached_tokens
    total = fresh * prices.input_per_million + usage.cached_tokens * cached
    return (total + usage.output_tokens * prices.output_per_million) / _MILLION


def _transcription(seconds: float, prices: Prices | None) -> Charge:
    # begun seconds are paid
    money = Decimal(0) if prices is None else math.ceil(seconds) * prices.audio_per_minute / 60
    return Charge(1, money=money)

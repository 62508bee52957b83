"""The ``llm`` section of a run configuration: which models, at what price, within which budget."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")

#: Fields of a profile that its answers depend on.
_DETERMINING = (
    "model", "transcription_model", "vision", "max_tokens", "max_tokens_limit", "temperature", "seed",
    "extra", "knowledge_cutoff",
)  # fmt: skip

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Mode(StrEnum):
    """Where replies come from."""

    OFFLINE = "offline"  # nowhere: asking is an error
    RECORD = "record"  # the cassette, else the server; what the server says is kept
    REPLAY = "replay"  # the cassette alone: no key, no network
    LIVE = "live"  # the server alone: nothing is kept


class ReplyFormat(StrEnum):
    """What a server can be held to."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    TEXT = "text"


class _Part(BaseModel):
    # an error must never print what somebody wrote by mistake: it may be a key
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Prices(_Part):
    """What a provider charges.

    Parameters
    ----------
    currency : str
        Three letters, as in ISO 4217.
    input_per_million, output_per_million : Decimal
        For a million tokens of the prompt, and of the reply.
    cached_input_per_million : Decimal or None
        For prompt tokens that the server had in its cache; None charges them in full.
    audio_per_minute : Decimal
        For a minute of sound that is transcribed.
    """

    currency: Currency = "USD"
    input_per_million: Price
    output_per_million: Price
    cached_input_per_million: Price | None = None
    audio_per_minute: Price = Decimal(0)


class Retries(_Part):
    """How patient the door is with a server that fails.

    Parameters
    ----------
    attempts : int
        Calls made for one reply, the first included.
    base_s, cap_s : float
        The wait before attempt n + 1 is drawn between a half and the whole of min(cap, base × 2^(n − 1)).
    max_wait_s : float
        A server that asks (``Retry-After``) for a longer wait than this is given up at once.
    """

    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    base_s: Seconds = 1.0
    cap_s: Seconds = 30.0
    max_wait_s: Seconds = 120.0


class Profile(_Part):
    """One model behind one address.

    Parameters
    ----------
    base_url : str
        Of a server that speaks OpenAI's protocol, such as ``https://api.deepseek.com/v1``.
    model : str
        Its name there.
    key_variable : str or None
        Environment variable that holds the key; None for a server that wants none.
    format : {"json_schema", "json_object", "text"}
        The strictest form of reply the server can be held to. One that rejects it is asked for the next.
    vision : bool
        Whether images may be sent.
    tokens_per_image : int or None
        The most tokens the server counts for an image; needed with `vision`, for the budget.
    transcription_model : str or None
        Model of ``audio/transcriptions``, if the server has it.
    prices : Prices or None
        None where nobody pays, or knows.
    max_tokens, max_tokens_limit : int
        Room for a reply, and how far it is doubled after a reply that did not fit.
    max_tokens_parameter : {"max_tokens", "max_completion_tokens"}
        What the server calls it.
    temperature : float or None
        None leaves it to the server; so does `seed`.
    seed : int or None
        Sample n is asked with seed + n.
    extra : mapping
        Further fields of the request body, such as ``{"enable_thinking": false}``.
    connect_timeout_s, timeout_s : float
        For the connection, and for the whole of a reply.
    concurrency : int
        Calls under way at once.
    knowledge_cutoff : date or None
        What the model may have read ends here; a test span before it is contaminated.
    """

    base_url: str
    model: Annotated[str, Field(min_length=1, max_length=200)]
    key_variable: str | None = "OPENAI_API_KEY"
    format: ReplyFormat = ReplyFormat.JSON_SCHEMA
    vision: bool = False
    tokens_per_image: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    transcription_model: str | None = None
    prices: Prices | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    max_tokens_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 16_384
    max_tokens_parameter: Annotated[str, Field(pattern="^max_(completion_)?tokens$")] = "max_tokens"
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    connect_timeout_s: Seconds = 10.0
    timeout_s: Seconds = 120.0
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    knowledge_cutoff: date | None = None

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("must be an address such as https://api.openai.com/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "must be an address alone, without user, password or query (not shown here: they may be "
                "secret); name the variable that holds the key in key_variable"
            )
        return value.rstrip("/")

    @field_validator("key_variable")
    @classmethod
    def _is_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError(
                "must be the name of an environment variable in capitals, such as OPENAI_API_KEY (what was "
                "written is not shown here: it may be a key)"
            )
        return value

    @field_validator("extra")
    @classmethod
    def _adds_only(cls, value: dict[str, Any]) -> dict[str, Any]:
        ours = {
            "model",
            "messages",
            "response_format",
            "stream",
            "n",
            "tools",
            "tool_choice",
            "functions",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "seed",
        }
        for key in sorted(ours & value.keys()):
            raise ValueError(f"must not hold {key}: the door sets it, and gives models no tools")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Profile:
        if self.vision and self.tokens_per_image is None:
            raise ValueError("vision needs tokens_per_image, the most tokens the server counts for an image")
        if self.max_tokens > self.max_tokens_limit:
            raise ValueError(
                f"max_tokens_limit must be at least max_tokens ({self.max_tokens}), not "
                f"{self.max_tokens_limit}"
            )
        return self

    @property
    def host(self) -> str:
        """Where the server is: what messages call it."""
        return urlsplit(self.base_url).netloc


class BudgetConfig(_Part):
    """What a run may spend; None is without limit, 0 is nothing at all.

    Parameters
    ----------
    calls : int or None
        Requests sent, repeated ones included.
    tokens : int or None
        Of prompts and replies together.
    money : Decimal or None
        In the currency of the profiles' prices.
    """

    calls: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    money: Price | None = None


class LlmConfig(_Part):
    """Which language models may be asked, and how.

    Parameters
    ----------
    mode : {"offline", "record", "replay", "live"}
    profile : str or None
        The one that is asked where no other is named; None takes the only one.
    profiles : mapping of str to Profile
    cassette : Path or None
        Where replies are recorded.
    budget : BudgetConfig
    retries : Retries
    repairs : int
        How often a model is told what is wrong with its answer and asked again.
    """

    mode: Mode = Mode.OFFLINE
    profile: str | None = None
    profiles: dict[str, Profile] = Field(default_factory=dict)
    cassette: Path | None = None
    budget: BudgetConfig = BudgetConfig()
    retries: Retries = Retries()
    repairs: Annotated[int, Field(ge=0, le=10)] = 2

    @model_validator(mode="after")
    def _fits_together(self) -> LlmConfig:
        if self.mode is not Mode.OFFLINE and not self.profiles:
            raise ValueError(f"mode {self.mode} needs a profile; describe one under llm.profiles")
        if self.profile is not None and self.profile not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise ValueError(f"there is no profile {self.profile!r} under llm.profiles ({known})")
        currencies = {p.prices.currency for p in self.profiles.values() if p.prices}
        if len(currencies) > 1:
            raise ValueError(f"prices are in {' and '.join(sorted(currencies))}; state them in one currency")
        if self.budget.money is not None:
            unpriced = sorted(name for name, profile in self.profiles.items() if profile.prices is None)
            if unpriced:
                raise ValueError(f"budget.money needs prices, and profile {unpriced[0]!r} has none")
        return self

    def identity(self) -> dict[str, Any] | None:
        """Return what determines the answers, as plain values; None offline, where there are none.

        It is that of what a reply is found by on the cassette, and the cassette's name. Mode, address, key,
        prices, budget and patience change nothing but whether an answer is had, and at what cost.
        """
        if self.mode is Mode.OFFLINE:
            return None
        plain = self.model_dump(mode="json")
        recorded = self.cassette is not None and self.mode is not Mode.LIVE
        return {
            "profile": self.profile,
            "repairs": self.repairs,
            "cassette": self.cassette.name if recorded and self.cassette else None,
            "profiles": {
                name: {key: profile[key] for key in _DETERMINING}
                for name, profile in plain["profiles"].items()
            },
        }

    @property
    def currency(self) -> str | None:
        """Of all prices; None without any."""
        return next((p.prices.currency for p in self.profiles.values() if p.prices), None)

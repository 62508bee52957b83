"""The ``notify`` section of a run configuration. It holds no secrets: addresses come from the environment."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from live.notify.message import Kind, Level


class ChannelConfig(BaseModel):
    """Where messages go.

    Parameters
    ----------
    name : str
        What the log and the ledger call it.
    url_env : str
        Name of the environment variable with its address, as apprise writes it: ``mailtos://…``,
        ``tgram://…``, ``wecombot://…``, ``dingtalk://…``, ``jsons://…``.
    kinds : sequence of str
        Kinds of messages it takes; all, where empty.
    level : str
        Least level it takes: ``info``, ``warning``, ``error``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    url_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    kinds: tuple[Kind, ...] = ()
    level: Level = Level.INFO


class NotifyConfig(BaseModel):
    """Telling people what happens; off by default.

    Parameters
    ----------
    enabled : bool
    channels : sequence of ChannelConfig
    repeat_after_s : float
        The same message is not sent again before so many seconds have passed.
    most_per_hour : int
        Messages that a channel gets in an hour at most.
    deadline_s : float
        For one message on one channel.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False
    channels: tuple[ChannelConfig, ...] = ()
    repeat_after_s: float = Field(3600.0, ge=0, allow_inf_nan=False)
    most_per_hour: int = Field(60, ge=1)
    deadline_s: float = Field(20.0, gt=0, le=300)

    @field_validator("channels")
    @classmethod
    def _have_names_of_their_own(cls, channels: tuple[ChannelConfig, ...]) -> tuple[ChannelConfig, ...]:
        names = [channel.name for channel in channels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two channels are named {twice[0]!r}")
        return channels

    @model_validator(mode="after")
    def _somewhere_to_go(self) -> NotifyConfig:
        if self.enabled and not self.channels:
            raise ValueError("enabled, but there are no channels; name one, or set enabled: false")
        return self

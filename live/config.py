"""The ``live`` section of a run configuration: when the daemon does what, and how patiently."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_EARLIEST_SYNC, _LATEST_SYNC = time(15, 30), time(23, 0)


class LiveConfig(BaseModel):
    """How the daemon runs; nothing of it changes what is decided.

    Parameters
    ----------
    sync_at : time
        When the prices of a session are asked for, on the exchanges' clock.
    retry_minutes : float
        After how long a sync, or a task that failed, is tried again.
    refresh_minutes : float
        How long a refresh of the provider may take; then it is stopped, and what was learned before stays.
    arm_minutes : float
        How long before orders are sent the plan is made ready for it.
    quotes_after_s : float
        Seconds after the auction at which quotes are asked for: vendors take a moment to show the open.
    quotes_retry_s : float
        After how many seconds quotes that were not trusted are asked for again.
    heartbeat_s : float
        How often the daemon says that it lives.
    sync_tables : sequence of str
        What is kept up to date besides prices: ``texts``, ``macro``, ``minutes``, ``fundamentals``, and
        ``ratios``, the columns ``pe_ttm`` and ``pb_mrq`` of the prices.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sync_at: time = time(16, 0)
    retry_minutes: float = Field(15.0, ge=1, le=240)
    refresh_minutes: float = Field(60.0, gt=0, le=600)
    arm_minutes: float = Field(5.0, ge=1, le=60)
    quotes_after_s: float = Field(5.0, ge=0, le=240)
    quotes_retry_s: float = Field(10.0, ge=1, le=120)
    heartbeat_s: float = Field(30.0, ge=1, le=600)
    sync_tables: tuple[Literal["ratios", "texts", "macro", "minutes", "fundamentals"], ...] = ()

    @field_validator("sync_at")
    @classmethod
    def _after_the_close(cls, value: time) -> time:
        if not _EARLIEST_SYNC <= value <= _LATEST_SYNC or value.tzinfo is not None:
            raise ValueError(
                f"must lie between {_EARLIEST_SYNC:%H:%M} and {_LATEST_SYNC:%H:%M}, on the exchanges' clock"
            )
        return value

"""The ``alpha`` section of a run configuration."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alpha_sources.refresh import RefreshRule


class AlphaConfig(BaseModel):
    """Where scores come from, and when the provider learns anew.

    Parameters
    ----------
    provider : str
        ``package.module:Class``, ``path/to/file.py:Class`` or a short name.
    params : mapping
        Keyword arguments of the provider.
    refresh : str
        ``never``, ``once``, ``every N``, ``week_end``, ``month_end`` or ``quarter_end``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = "reversal"
    params: dict[str, Any] = Field(default_factory=dict)
    refresh: str = "never"

    @field_validator("refresh", mode="before")
    @classmethod
    def _is_a_rule(cls, value: Any) -> str:
        return str(RefreshRule.parse(value))

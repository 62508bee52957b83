"""The ``strategy`` section of a run configuration."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StrategyConfig(BaseModel):
    """Which strategy trades, and its parameters.

    Parameters
    ----------
    name : str
        ``topk_dropn``, ``equal_weight``, ``buy_and_hold``, another short name, ``package.module:Class`` or
        ``path/to/file.py:Class``; any ``backtrader.Strategy``.
    params : mapping
        Its parameters; unknown ones are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "topk_dropn"
    params: dict[str, Any] = Field(default_factory=dict)

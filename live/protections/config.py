"""The ``protections`` section of a run configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.errors import DataError
from engine.market.board import parse_symbol


class ProtectionsConfig(BaseModel):
    """Limits that no order of a paper account passes; all off by default.

    Parameters
    ----------
    max_weight : float or None
        Largest share of the account that a position may have after a buy.
    daily_loss_stop : float or None
        Loss since the last settled close, as a share of the account, from which nothing is bought.
    turnover_cap : float or None
        Largest turnover of a session, ``(buys + sales) / 2`` over the account's value at the last close.
        Sales count, and are never cut: buys get what they leave.
    stale_data_stop : int or None
        Sessions that the data may lack at their end; if they lack more, nothing is bought.
    block_list : sequence of str
        Stocks that are never bought.
    block_sales : bool
        Do not sell them either.
    kill_switch : Path or None
        As long as this file exists, no order is sent. What it says is given as the reason.
    kill_switch_sales : bool
        Send sales all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_weight: float | None = Field(None, gt=0, le=1)
    daily_loss_stop: float | None = Field(None, gt=0, lt=1)
    turnover_cap: float | None = Field(None, ge=0, le=10)
    stale_data_stop: int | None = Field(None, ge=0)
    block_list: tuple[str, ...] = ()
    block_sales: bool = False
    kill_switch: Path | None = None
    kill_switch_sales: bool = False

    @field_validator("block_list")
    @classmethod
    def _are_symbols(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(parse_symbol(name) for name in names))
        except DataError as problem:
            raise ValueError(str(problem)) from None

    @model_validator(mode="after")
    def _nothing_without_effect(self) -> ProtectionsConfig:
        if self.block_sales and not self.block_list:
            raise ValueError("block_sales has no effect without a block_list")
        if self.kill_switch_sales and self.kill_switch is None:
            raise ValueError("kill_switch_sales has no effect without a kill_switch")
        return self

    @property
    def any(self) -> bool:
        """Whether anything is protected at all."""
        return self != ProtectionsConfig()

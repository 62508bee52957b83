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
        Loss as a share of the account from which nothing is bought: since the last settled close, or in the
        session that ended there.
    turnover_cap : float or None
        Largest turnover of a session, ``(buys + sales) / 2`` over the account's value at the last close.
        Sales count, and are never cut: buys get what they leave.
    stale_data_stop : int or None
        Sessions by which what is decided on may lag behind, as after refreshes that failed; if it lags more,
        nothing is bought.
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

    @field_validator("max_weight", "daily_loss_stop", "turnover_cap", "stale_data_stop", mode="before")
    @classmethod
    def _is_a_number(cls, value: object) -> object:
        if isinstance(value, bool):  # it would count as 0 or 1
            raise ValueError("must be a number; leave it out, or write null, for no limit")
        return value

    @field_validator("kill_switch")
    @classmethod
    def _names_a_file(cls, path: Path | None) -> Path | None:
        # a folder is always there, and a name with a NUL never
        if path is not None and not (path.name.strip() and str(path).isprintable()):
            raise ValueError("names no file")
        try:
            return path if path is None else path.expanduser()
        except RuntimeError:
            raise ValueError(f"{path} is in nobody's home folder") from None

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

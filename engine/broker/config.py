"""The ``broker`` section of a run configuration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.broker.ex_date import RightsPolicy
from engine.broker.match import FillAt, Terms
from engine.broker.qlib import QlibTerms
from engine.rules.fees import AShareFees, PlainFees
from engine.rules.lots import LotRule


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AShareFeesConfig(_Section):
    """Commission of the house; stamp duty and transfer fee follow the dated tables."""

    commission: float = Field(0.00025, ge=0, le=0.003)
    minimum: float = Field(5.0, ge=0)


class PlainFeesConfig(_Section):
    """One rate a side and a minimum an order, on every date."""

    buy: float = Field(ge=0, lt=1)
    sell: float = Field(ge=0, lt=1)
    minimum: float = Field(0.0, ge=0)


class FillConfig(_Section):
    """Fill price by side."""

    sell: FillAt = FillAt.OPEN
    buy: FillAt = FillAt.OPEN


class BrokerConfig(_Section):
    """How orders are filled and what they cost.

    Parameters
    ----------
    cash : float
        Starting cash, CNY.
    fill : str or mapping
        ``open``, ``vwap`` or ``close`` of the next session, or ``{sell: open, buy: vwap}``.
    fees : mapping
        ``{commission, minimum}`` under the dated A-share rules, or ``{buy, sell, minimum}`` flat.
    compat : str
        ``qlib`` matches as Qlib's exchange does, for comparison; needs flat fees and no slippage.
    limit_threshold : float or None
        Under ``compat: qlib``, the close-to-close change from which a stock cannot be traded (0.095).
    sizing : str
        ``at_fill``: money becomes shares at the fill price; ``at_decision``: at the last close.
    slippage_bps : float
        Against the trader, before rounding to the tick.
    participation : float or None
        Largest share of the mean volume of the 20 sessions up to the decision that one order may take.
    order_sessions : int
        Sessions an order lives: what caps, limits or suspensions leave open is tried again in the next.
    lot : int or None
        Shares in a lot; None takes the board's rule.
    dividend_tax : bool
        Withhold the tax on cash dividends at the sale, by holding period (needs a table of actions).
    rights : str
        ``subscribe``, ``lapse`` or ``sell_at_reference``.
    """

    cash: float = Field(10_000_000.0, gt=0)
    fill: FillConfig = FillConfig()
    fees: AShareFeesConfig | PlainFeesConfig = AShareFeesConfig()
    compat: Literal["none", "qlib"] = "none"
    limit_threshold: float | None = Field(None, gt=0, lt=1)
    sizing: Literal["at_fill", "at_decision"] = "at_fill"
    slippage_bps: float = Field(5.0, ge=0, lt=10_000)
    participation: float | None = Field(None, gt=0, le=1)
    order_sessions: int = Field(1, ge=1)
    lot: int | None = Field(None, ge=1)
    dividend_tax: bool = False
    rights: RightsPolicy = RightsPolicy.SUBSCRIBE

    @field_validator("fill", mode="before")
    @classmethod
    def _same_both_sides(cls, value: Any) -> Any:
        return {"sell": value, "buy": value} if isinstance(value, str) else value

    @field_validator("fees", mode="before")
    @classmethod
    def _which_fees(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        plain = {"buy", "sell"} & value.keys()
        if plain and "commission" in value:
            raise ValueError("give either {commission, minimum} or {buy, sell, minimum}, not both")
        return PlainFeesConfig(**value) if plain else AShareFeesConfig(**value)

    @model_validator(mode="after")
    def _qlib_is_of_a_piece(self) -> BrokerConfig:
        if self.compat == "none":
            if self.limit_threshold is not None:
                raise ValueError("limit_threshold belongs to compat: qlib; the house rules know the limits")
            return self
        needs = {
            "fees: {buy, sell, minimum}": isinstance(self.fees, PlainFeesConfig),
            "slippage_bps: 0": self.slippage_bps == 0,
            "fill: open or close": FillAt.VWAP not in (self.fill.sell, self.fill.buy),
            "no participation": self.participation is None,
            "no lot of its own": self.lot is None,
            "order_sessions: 1": self.order_sessions == 1,
            "sizing: at_fill": self.sizing == "at_fill",
            "no dividend_tax": not self.dividend_tax,
        }
        missing = [need for need, met in needs.items() if not met]
        if missing:
            raise ValueError(f"compat qlib needs {', '.join(missing)}")
        return self

    def qlib_terms(self) -> QlibTerms:
        """The terms of ``compat: qlib``."""
        fees = self.fees
        assert isinstance(fees, PlainFeesConfig), "checked when the section was made"
        return QlibTerms(
            buy=fees.buy,
            sell=fees.sell,
            minimum_fen=fees.minimum * 100,
            sell_at=self.fill.sell,
            buy_at=self.fill.buy,
            limit_threshold=0.095 if self.limit_threshold is None else self.limit_threshold,
        )

    def terms(self) -> Terms:
        """The matching terms that this configuration stands for."""
        fees = self.fees
        return Terms(
            fees=PlainFees(fees.buy, fees.sell, fees.minimum)
            if isinstance(fees, PlainFeesConfig)
            else AShareFees(fees.commission, fees.minimum),
            sell_at=self.fill.sell,
            buy_at=self.fill.buy,
            slippage_milli_bps=round(self.slippage_bps * 1000),
            lot=None if self.lot is None else LotRule(self.lot, self.lot),
            dividend_tax=self.dividend_tax,
        )

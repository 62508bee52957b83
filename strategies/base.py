"""What the strategies of the house share: one decision a session, on a schedule, never after the last."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from alpha_sources.refresh import Recurrence, RefreshRule
from engine.broker.shell import AShareBroker
from engine.errors import ConfigError
from engine.field_errors import what_is_wrong
from engine.market.panel import MarketPanel


class Settings(BaseModel):
    """Parameters every strategy of the house has; ``rebalance`` says on which sessions it decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rebalance: str = "every_session"

    @field_validator("rebalance", mode="before")
    @classmethod
    def _is_a_schedule(cls, value: Any) -> str:
        RefreshRule.parse(value, "strategy.params.rebalance")
        return str(value)


def parameters(model: type[Settings], *, signal: bool = False) -> tuple[tuple[str, Any], ...]:
    """Return a settings model as backtrader's ``params``; `signal` for a strategy that reads scores."""
    fields = tuple((name, field.default) for name, field in model.model_fields.items())
    return (("signal", None), *fields) if signal else fields


class PanelStrategy(bt.Strategy):
    """Decides at closes, on light data objects; subclasses write `decide`.

    ``settings`` names the pydantic model of its parameters; ``self.config`` holds them, checked. Nothing is
    remembered between sessions: everything follows from the account, the calendar and the signal.
    """

    settings: type[Settings] = Settings
    broker: AShareBroker

    def __init__(self) -> None:
        values = {name: getattr(self.p, name) for name in self.settings.model_fields}
        self.config: Any = check_settings(self.settings, values)
        self._rule = RefreshRule.parse(self.config.rebalance)

    @property
    def panel(self) -> MarketPanel:
        """The panel of the run."""
        return self.broker.panel

    def next(self) -> None:
        """Decide, if today is a day for it and there is a session left to trade in."""
        row = self.broker.row
        if not self.broker.is_last_session and self.is_due(row):
            self.decide(row)

    def is_due(self, row: int) -> bool:
        """Whether the schedule names the session of `row`; it counts from the first of the run."""
        elapsed = row - self.broker.origin
        if elapsed and self._rule.recurrence is Recurrence.EVERY:
            elapsed = elapsed % self._rule.sessions or self._rule.sessions
        return self._rule.is_due(self.panel.dates[row], elapsed or None, self.panel.calendar)

    def decide(self, row: int) -> None:
        """Send orders for the next session, knowing the market up to the close of `row`."""
        raise ConfigError(f"{type(self).__name__} does not say what to decide; write its decide(self, row)")

    def held_columns(self) -> list[int]:
        """Columns of the names held, ascending."""
        return sorted(self.broker.held_columns)

    def members(self, row: int) -> NDArray[np.intp]:
        """Columns of the universe's members that have a price at the close of `row`."""
        priced = ~np.isnan(self.panel.field("close")[row])
        return np.flatnonzero(self.panel.universe[row] & priced)


def check_settings(model: type[Settings], values: dict[str, Any]) -> Settings:
    """Validate a strategy's parameters; errors name ``strategy.params.<key>``."""
    try:
        return model(**values)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(("strategy.params", *(str(part) for part in first["loc"])))
        raise ConfigError(f"{key}: {what_is_wrong(first)}") from None

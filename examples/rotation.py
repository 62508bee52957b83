"""A rotation of one's own: the strongest stocks while the index is above its average, else cash.

alphaloom backtest examples/rotation.yaml
"""

import numpy as np
from pydantic import Field

from engine.broker.orders import Basket, Side
from strategies.base import PanelStrategy, Settings, parameters


class RotationSettings(Settings):
    """What ``strategy.params`` may say; bounds are checked before anything runs."""

    rebalance: str = "monthly"
    index: str = "000016.SH"
    trend: int = Field(120, ge=2)  # sessions of the index's average
    momentum: int = Field(60, ge=1)  # sessions over which strength is measured
    names: int = Field(5, ge=1)


class Rotation(PanelStrategy):
    """Holds the `names` strongest members in equal parts, and nothing in a falling market."""

    settings = RotationSettings
    params = parameters(RotationSettings)

    def decide(self, row):
        """Sell what is no longer wanted, buy what is new."""
        wanted = self.strongest(self.panel.view(row))  # a view: the market as it is known at this close
        held = self.held_columns()
        each = int(self.broker.equity_fen * 0.95 / self.config.names)
        sells = self.broker.requests([c for c in held if c not in wanted], Side.SELL, target_fen=0)
        buys = self.broker.requests([c for c in wanted if c not in held], Side.BUY, value_fen=each)
        self.broker.send(self, Basket(sells + buys))

    def strongest(self, view):
        """Columns of the names to hold."""
        index, close = view.index(self.config.index), view.adjusted("close")
        if index[-1] < index[-self.config.trend :].mean() or len(close) <= self.config.momentum:
            return []
        strength = close[-1] / close[-1 - self.config.momentum]
        strength = np.where(view.universe[-1], strength, np.nan)
        ranked = np.argsort(-strength, kind="stable")[: self.config.names]  # NaN comes last
        return [int(column) for column in ranked if np.isfinite(strength[column])]

"""`ReversalProvider`: the shortest provider that makes sense; start from here when writing your own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_sources.provider import AlphaProvider
from alpha_sources.snapshot import Snapshot
from engine.errors import ConfigError
from engine.market.view import MarketView


class ReversalProvider(AlphaProvider):
    """What fell most over the last `lookback` sessions scores best.

    A suspended stock keeps its score, since its price stands still; one without a price `lookback` sessions
    ago has none (NaN).
    """

    def __init__(self, lookback: int = 20) -> None:
        if lookback < 1:
            raise ConfigError(f"lookback must be at least 1 session, not {lookback}")
        self.lookback = self.history = lookback

    def scores(self, view: MarketView, snapshot: Snapshot | None) -> NDArray[Any]:
        """Minus the return of the adjusted close, (N,)."""
        close = view.adjusted("close")  # (t+1, N); the last row is the session being decided
        if len(close) <= self.lookback:
            return np.full(len(view.symbols), np.nan)
        past_return: NDArray[np.float64] = close[-1] / close[-1 - self.lookback] - 1.0
        return -past_return

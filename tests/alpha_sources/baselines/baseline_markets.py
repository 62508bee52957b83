"""Markets of which it is known what foretells returns."""

from __future__ import annotations

import numpy as np

from engine.market.calendar import xshg
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel


def market(sessions: int = 240, names: int = 30, echo: float = 0.0, seed: int = 0) -> MarketPanel:
    """Prices that open where they closed; each return is `echo` times the one before, and noise.

    Labels run from open to open, which here is from close to close: on this market the return of a session
    foretells the label of that session, and nothing else does.
    """
    random = np.random.default_rng(seed)
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64("2022-01-04")))
    symbols = np.array([f"{600000 + n:06d}.SH" for n in range(names)])
    shape = (sessions, names)
    returns = np.zeros(shape)
    for t in range(1, sessions):
        returns[t] = echo * returns[t - 1] + random.normal(0, 0.01, names)
    close = 20 * np.exp(np.cumsum(returns, axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 0.003, shape)))
    low = np.minimum(opened, close) * (1 - np.abs(random.normal(0, 0.003, shape)))
    vwap = (high + low + close) / 3
    volume = np.exp(random.normal(14, 0.5, shape)).round()
    ones = np.ones(shape)
    universe = np.ones(shape, dtype=bool)
    universe[: sessions // 2, -1] = False  # one comes late, one goes
    universe[sessions // 2 :, -2] = False
    return MarketPanel(
        dates=calendar.sessions[first : first + sessions].copy(),
        symbols=symbols,
        fields={
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "amount": volume * vwap,
            "vwap": vwap,
            "turnover": volume / 1e8,
            "adj_factor": ones.copy(),
            "share_factor": ones.copy(),
            "trading": ones.copy(),
        },
        universe=universe,
        universe_known=np.ones(sessions, dtype=bool),
        instruments=Instruments.from_symbols(symbols),
        listed=np.full(names, np.datetime64("2001-01-02"), dtype="datetime64[D]"),
        calendar=calendar,
    )

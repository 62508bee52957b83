"""A market of random walks: prices, volumes and sizes that mean nothing."""

from __future__ import annotations

import numpy as np

from engine.market.calendar import xshg
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel


def random_market(sessions: int, names: int = 2, seed: int = 0) -> MarketPanel:
    random = np.random.default_rng(seed)
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64("2023-01-03")))
    symbols = np.array([f"{600000 + n:06d}.SH" for n in range(names)])
    shape = (sessions, names)
    close = np.exp(random.uniform(1, 5, names) + random.normal(0, 0.02, shape).cumsum(axis=0))
    ones = np.ones(shape)
    return MarketPanel(
        dates=calendar.sessions[first : first + sessions].copy(),
        symbols=symbols,
        fields={
            "close": close,
            "high": close * 1.01,
            "volume": np.exp(random.normal(12, 1, shape)).round(),
            "market_cap": close * np.exp(random.uniform(18, 23, names)),
            "adj_factor": ones.copy(),
            "share_factor": ones.copy(),
            "trading": ones.copy(),
        },
        universe=np.ones(shape, dtype=bool),
        universe_known=np.ones(sessions, dtype=bool),
        instruments=Instruments.from_symbols(symbols),
        listed=np.full(names, "NaT", dtype="datetime64[D]"),
        calendar=calendar,
    )

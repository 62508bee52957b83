"""Small panels made by hand on real sessions of the Shanghai exchange."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.market.calendar import xshg
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel

SYMBOLS = ("000001.SZ", "300750.SZ", "600000.SH", "600519.SH", "688981.SH")


def make_panel(
    sessions: int = 60,
    start: str = "2023-01-03",
    symbols: tuple[str, ...] = SYMBOLS,
    seed: int = 0,
    close: np.ndarray | None = None,
    universe: np.ndarray | None = None,
) -> MarketPanel:
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64(start)))
    dates = calendar.sessions[first : first + sessions].copy()
    shape = (sessions, len(symbols))
    random = np.random.default_rng(seed)
    if close is None:
        close = 10.0 * np.exp(np.cumsum(random.normal(0, 0.02, shape), axis=0))
    # one cash dividend each, so that adjusted and raw returns differ
    factor = np.ones(shape)
    factor[sessions // 2 :] = 1.05
    names = np.array(symbols, dtype=np.str_)
    return MarketPanel(
        dates=dates,
        symbols=names,
        fields={"close": close, "adj_factor": factor},
        universe=np.ones(shape, dtype=bool) if universe is None else universe,
        universe_known=np.ones(sessions, dtype=bool),
        instruments=Instruments.from_symbols(names),
        listed=np.full(len(symbols), np.datetime64("2001-01-02"), dtype="datetime64[D]"),
        calendar=calendar,
    )


@pytest.fixture(name="make_panel", scope="session")  # so that hypothesis may use it
def _make_panel() -> Callable[..., MarketPanel]:
    return make_panel


@pytest.fixture
def panel() -> MarketPanel:
    return make_panel()

"""Small markets with everything that a formula may meet, and cuts of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.market.calendar import Calendar, data_calendar, xshg
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel

INDUSTRIES = ("banks", "food", "", "chips", "banks", "food", "chips", "banks", "chips", "", "food", "banks")


def market(sessions: int = 300, names: int = 12, seed: int = 0) -> MarketPanel:
    """Bonus issues, dividends, suspensions, a late listing, an early end, members that change."""
    random = np.random.default_rng(seed)
    shape = (sessions, names)
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64("2020-01-02")))
    steps = random.normal(0, 0.02, shape)
    halted = random.random(shape) < 0.02
    halted[20:34, 3] = True
    steps[halted] = 0.0
    adjusted = 10.0 * np.exp(np.cumsum(steps, axis=0))
    shares, adjustment = np.ones(shape), np.ones(shape)
    for name in range(names):
        for session in random.choice(np.arange(5, sessions), 3, replace=False):
            shares[session:, name] *= 1.5
            adjustment[session:, name] *= 1.5 * 1.02
    close = adjusted / adjustment
    gap = np.where(halted, 0.0, 1.0)
    opened = close * np.exp(gap * random.normal(0, 0.01, shape))
    high = np.maximum(opened, close) * np.exp(gap * np.abs(random.normal(0, 0.01, shape)))
    low = np.minimum(opened, close) * np.exp(-gap * np.abs(random.normal(0, 0.01, shape)))
    volume = np.round(1e6 * shares * np.exp(random.normal(0, 0.5, shape))) * gap
    returns = np.full(shape, np.nan)
    returns[1:] = adjusted[1:] / adjusted[:-1] - 1
    fields = {
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "preclose": close / (1 + np.nan_to_num(returns)),
        "vwap": (high + low + close) / 3,
        "volume": volume,
        "amount": volume * close,
        "turnover": volume / (1e8 * shares),
        "returns": returns,
        "market_cap": close * 1e8 * shares,
        "pe_ttm": np.round(np.exp(random.normal(3, 0.1, shape)), 1),
        "pb_mrq": np.round(np.exp(random.normal(1, 0.1, shape)), 1),
        "bvps_mrq": np.repeat(5.0 + np.arange(names)[None] / 7, sessions, axis=0) / shares,
        "trading": gap,
        "is_st": np.where(np.arange(names) == 5, 1.0, 0.0) * np.ones(shape),
        "adj_factor": adjustment,
        "share_factor": shares,
    }
    for values in fields.values():
        values[: sessions // 10, 7] = np.nan
        values[-sessions // 10 :, 8] = np.nan
    universe = np.isfinite(close) & (random.random(shape) < 0.9)
    symbols = np.array([f"{600000 + i}.SH" for i in range(names)])
    industries = np.array((INDUSTRIES * (names // len(INDUSTRIES) + 1))[:names])
    level = 3000.0 * np.exp(np.cumsum(random.normal(0, 0.01, sessions)))
    return MarketPanel(
        dates=calendar.sessions[first : first + sessions].copy(),
        symbols=symbols,
        fields=fields,
        universe=universe,
        universe_known=np.ones(sessions, dtype=bool),
        instruments=replace(Instruments.from_symbols(symbols), industries=industries),
        listed=np.full(names, np.datetime64("2001-01-02"), dtype="datetime64[D]"),
        calendar=calendar,
        indices={"000300.SH": {"close": level, "open": level * 1.001}},
    )


def beginning_at(panel: MarketPanel, row: int, calendar: Calendar | None = None) -> MarketPanel:
    """The same market, known from a later session on."""
    return replace(
        panel,
        dates=panel.dates[row:].copy(),
        fields={name: values[row:].copy() for name, values in panel.fields.items()},
        universe=panel.universe[row:].copy(),
        universe_known=panel.universe_known[row:].copy(),
        indices={s: {n: v[row:].copy() for n, v in bars.items()} for s, bars in panel.indices.items()},
        calendar=calendar or panel.calendar,
    )


def beginning_at_with_own_calendar(panel: MarketPanel, row: int) -> MarketPanel:
    """The same, by someone whose calendar begins with the data."""
    return beginning_at(panel, row, data_calendar(panel.dates[row:]))


def with_noise_after(panel: MarketPanel, row: int, seed: int = 1) -> MarketPanel:
    """The same market up to a session, and another one afterwards."""
    random = np.random.default_rng(seed)

    def noisy(values: np.ndarray) -> np.ndarray:
        changed = values.copy()
        changed[row + 1 :] = np.exp(random.normal(0, 3, changed[row + 1 :].shape))
        return changed

    universe = panel.universe.copy()
    universe[row + 1 :] = random.random(universe[row + 1 :].shape) < 0.5
    return replace(
        panel,
        fields={name: noisy(values) for name, values in panel.fields.items()},
        universe=universe,
        indices={s: {n: noisy(v) for n, v in bars.items()} for s, bars in panel.indices.items()},
    )

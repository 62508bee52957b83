"""Small markets for tests of evaluation, and a second implementation of its measures in plain pandas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from engine.market.calendar import xshg
from engine.market.instruments import Instruments
from engine.market.panel import MarketPanel

INDEX = "000300.SH"


def market(sessions: int = 120, names: int = 30, seed: int = 0, *, dirt: bool = True) -> MarketPanel:
    """Prices on the tick; `dirt` is suspensions, sealed limits, changing members, an early end, no size."""
    random = np.random.default_rng(seed)
    shape = (sessions, names)
    calendar = xshg()
    first = int(np.searchsorted(calendar.sessions, np.datetime64("2021-11-01")))
    close = np.empty(shape)
    opened, preclose = np.empty(shape), np.empty(shape)
    before = np.round(random.uniform(5, 80, names), 2)
    trading = np.ones(shape)
    for t in range(sessions):
        preclose[t] = before
        halted = random.random(names) < (0.03 if dirt else 0.0)
        up, down = np.round(before * 1.1, 2), np.round(before * 0.9, 2)
        opened[t] = np.clip(np.round(before * np.exp(random.normal(0, 0.01, names)), 2), down, up)
        if dirt:
            opened[t] = np.where(random.random(names) < 0.02, up, opened[t])
        close[t] = np.clip(np.round(opened[t] * np.exp(random.normal(0, 0.02, names)), 2), down, up)
        opened[t] = np.where(halted, before, opened[t])
        close[t] = np.where(halted, before, close[t])
        trading[t] = ~halted
        before = close[t]
    factor = np.ones(shape)
    factor[sessions // 2 :, ::3] = 1.03
    fields = {
        "open": opened,
        "close": close,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "preclose": preclose,
        "trading": trading,
        "is_st": np.zeros(shape),
        "adj_factor": factor,
        "volume": np.round(random.lognormal(12, 0.5, shape)) * trading,
        "market_cap": close * random.lognormal(20, 1, names),
    }
    universe = np.ones(shape, dtype=bool)
    if dirt:
        universe &= random.random(shape) < 0.95
        fields["market_cap"][:, 5] = np.nan
        for name in fields:
            fields[name][sessions * 2 // 3 :, 7] = np.nan
    symbols = np.array([f"{600000 + i}.SH" for i in range(names)])
    industries = np.array([f"sector {i % 4}" if i % 7 else "" for i in range(names)])
    level = 3000.0 * np.exp(np.cumsum(random.normal(0, 0.012, sessions)))
    return MarketPanel(
        dates=calendar.sessions[first : first + sessions].copy(),
        symbols=symbols,
        fields=fields,
        universe=universe,
        universe_known=np.ones(sessions, dtype=bool),
        instruments=replace(Instruments.from_symbols(symbols), industries=industries),
        listed=np.full(names, np.datetime64("2001-01-02"), dtype="datetime64[D]"),
        calendar=calendar,
        indices={INDEX: {"close": level}},
    )


def last_view(panel: MarketPanel):
    return panel.view(len(panel.dates) - 1)


def alphas(panel: MarketPanel, seed: int = 1) -> dict[str, np.ndarray]:
    """Noise, something slow, something with ties, something with holes, something foresighted."""
    random = np.random.default_rng(seed)
    shape = panel.shape
    noise = random.normal(size=shape)
    slow = np.cumsum(random.normal(size=shape), axis=0)
    holes = np.where(random.random(shape) < 0.3, np.nan, noise)
    few_holes = np.where(random.random(shape) < 0.02, np.nan, slow)
    opened = panel.field("open") * panel.field("adj_factor")
    future = np.full(shape, np.nan)
    future[:-2] = opened[2:] / opened[1:-1] - 1
    tails = np.exp(3 * noise)
    return {
        "noise": noise,
        "slow": slow,
        "ties": np.round(noise),
        "holes": holes,
        "few_holes": few_holes,
        "foresight": np.nan_to_num(future) + 0.03 * noise,
        "tails": tails,
        "signed_tails": tails * np.sign(random.normal(size=shape)),
    }


class Reference:
    """The measures of one alpha, session by session, with pandas and scipy."""

    def __init__(
        self, panel: MarketPanel, values: np.ndarray, quantiles: int = 5, min_names: int = 10
    ) -> None:
        self.panel, self.quantiles = panel, quantiles
        opened = panel.field("open") * panel.field("adj_factor")
        close = panel.field("close") * panel.field("adj_factor")
        frame = pd.DataFrame(opened).where(~np.isnan(opened), pd.DataFrame(close).ffill())
        self.prices = frame.to_numpy()
        self.values = pd.DataFrame(np.where(self.eligible(), values, np.nan))
        enough = self.values.notna().sum(axis=1) >= max(min_names, quantiles)
        self.values = self.values.where(enough, np.nan)
        self.min_names = min_names

    def eligible(self) -> np.ndarray:
        panel = self.panel
        out = np.zeros(panel.shape, dtype=bool)
        for t in range(len(out) - 1):
            for n in range(panel.shape[1]):
                opened, before = panel.field("open")[t + 1, n], panel.field("preclose")[t + 1, n]
                if not panel.universe[t, n] or np.isnan(opened) or not panel.field("trading")[t + 1, n]:
                    continue
                limit = (round(before * 100) * 110 + 50) // 100
                out[t, n] = round(opened * 100) < limit
        return out

    def labels(self, horizon: int) -> pd.DataFrame:
        out = np.full(self.prices.shape, np.nan)
        last = len(out) - 1 - horizon
        out[:last] = self.prices[1 + horizon :] / self.prices[1 : last + 1] - 1
        return pd.DataFrame(np.where(self.eligible(), out, np.nan))

    def ic(self, horizon: int, method: str) -> np.ndarray:
        labels = self.labels(horizon)
        out = np.full(len(labels), np.nan)
        for t in range(len(out)):
            pair = pd.concat([self.values.loc[t], labels.loc[t]], axis=1, keys=["x", "y"]).dropna()
            if pair["x"].nunique() > 1:
                measure = stats.spearmanr if method == "rank_ic" else stats.pearsonr
                out[t] = measure(pair["x"], pair["y"])[0]
        return out

    def quantile(self) -> pd.DataFrame:
        """Quantiles as ``pandas.qcut`` cuts them, from 1."""

        def cut(row: pd.Series) -> pd.Series:
            if row.notna().sum() < 2:
                return row * np.nan
            return pd.qcut(row, self.quantiles, labels=False, duplicates="raise") + 1

        return self.values.apply(cut, axis=1)

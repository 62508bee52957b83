"""The eighteen formulas on wide pandas frames, in the idiom of the Alpha101 code that is passed around.

Rolling argmax has no method: it is a function of numpy for each window, as there. The weights of decay_linear
are laid over shifted frames, which is several times faster than a function for each window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from run_formula_peer import run_peer

Frame = pd.DataFrame


def rank(x: Frame) -> Frame:
    return x.rank(axis=1, pct=True)


def ts_rank(x: Frame, n: int) -> Frame:
    return x.rolling(n).rank(pct=True)


def ts_argmax(x: Frame, n: int) -> Frame:
    # the latest of equals, counted from the newest
    return x.rolling(n).apply(lambda window: np.argmax(window[::-1]), raw=True)


def decay_linear(x: Frame, n: int) -> Frame:
    total = x * n
    for lag in range(1, n):
        total = total + x.shift(lag) * (n - lag)
    return total / (n * (n + 1) / 2)


def evaluate(f: dict[str, Frame]) -> dict[str, Callable[[], Frame]]:
    open_, high, low, close, volume = (f[name] for name in ("open", "high", "low", "close", "volume"))
    returns = close.pct_change(fill_method=None)
    shared: dict[str, Frame] = {}

    def once(name: str, make: Callable[[], Frame]) -> Frame:
        if name not in shared:
            shared[name] = make()
        return shared[name]

    def rank_volume() -> Frame:
        return once("volume", lambda: rank(volume))

    def rank_close() -> Frame:
        return once("close", lambda: rank(close))

    def std_returns() -> Frame:
        return once("std", lambda: returns.rolling(20).std())

    formulas: dict[str, Any] = {
        "ts_mean": lambda: close.rolling(20).mean(),
        "ts_std": std_returns,
        "ts_rank": lambda: ts_rank(close, 10),
        "ts_argmax": lambda: ts_argmax(close, 20),
        "decay_linear": lambda: decay_linear(close.diff(1), 10),
        "rank": rank_close,
        "zscore": lambda: returns.sub(returns.mean(axis=1), axis=0).div(returns.std(axis=1), axis=0),
        "ts_corr": lambda: close.rolling(20).corr(volume),
        "alpha001": lambda: rank(ts_argmax(close.where(returns >= 0, std_returns()) ** 2, 5)) - 0.5,
        "alpha002": lambda: -rank(np.log(volume).diff(2)).rolling(6).corr(rank((close - open_) / open_)),
        "alpha003": lambda: -rank(open_).rolling(10).corr(rank_volume()),
        "alpha004": lambda: -ts_rank(rank(low), 9),
        "alpha006": lambda: -open_.rolling(10).corr(volume),
        "alpha012": lambda: np.sign(volume.diff(1)) * -close.diff(1),
        "alpha013": lambda: -rank(rank_close().rolling(5).cov(rank_volume())),
        "alpha040": lambda: -rank(high.rolling(10).std()) * high.rolling(10).corr(volume),
        "alpha044": lambda: -high.rolling(5).corr(rank_volume()),
        "alpha101": lambda: (close - open_) / ((high - low) + 0.001),
    }
    return formulas


if __name__ == "__main__":
    run_peer(lambda given: {name: pd.DataFrame(values) for name, values in given.items()}, evaluate)

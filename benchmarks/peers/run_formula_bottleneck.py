"""The eighteen formulas with bottleneck and numpy, panel by panel, as one would write them by hand.

Conventions of ours where bottleneck has others: deviations with ddof 1, ranks in (0, 1], weights that sum to
1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import bottleneck as bn
import numpy as np
from run_formula_peer import run_peer

Array = np.ndarray


def delay(x: Array, n: int) -> Array:
    out = np.empty_like(x)
    out[:n] = np.nan
    out[n:] = x[:-n]
    return out


def delta(x: Array, n: int) -> Array:
    return x - delay(x, n)


def rank(x: Array) -> Array:
    return bn.nanrankdata(x, axis=1) / np.sum(~np.isnan(x), axis=1, keepdims=True)


def zscore(x: Array) -> Array:
    mean = bn.nanmean(x, axis=1)[:, None]
    return (x - mean) / bn.nanstd(x, axis=1, ddof=1)[:, None]


def mean(x: Array, n: int) -> Array:
    return bn.move_mean(x, n, axis=0)


def std(x: Array, n: int) -> Array:
    return bn.move_std(x, n, axis=0, ddof=1)


def ts_rank(x: Array, n: int) -> Array:
    # from -1 and 1 to the mean rank over n
    return ((bn.move_rank(x, n, axis=0) + 1.0) * (0.5 * (n - 1)) + 1.0) / n


def ts_argmax(x: Array, n: int) -> Array:
    return bn.move_argmax(x, n, axis=0)


def decay_linear(x: Array, n: int) -> Array:
    total = x * (n / (n * (n + 1) / 2))
    for lag in range(1, n):
        total[lag:] += x[:-lag] * ((n - lag) / (n * (n + 1) / 2))
    total[: n - 1] = np.nan
    return total


def cov(x: Array, y: Array, n: int) -> Array:
    return (mean(x * y, n) - mean(x, n) * mean(y, n)) * (n / (n - 1))


def corr(x: Array, y: Array, n: int) -> Array:
    return cov(x, y, n) / (std(x, n) * std(y, n))


def evaluate(f: dict[str, Array]) -> dict[str, Callable[[], Array]]:
    open_, high, low, close, volume = (f[name] for name in ("open", "high", "low", "close", "volume"))
    returns = close / delay(close, 1) - 1.0
    shared: dict[str, Array] = {}

    def once(name: str, make: Callable[[], Array]) -> Array:
        if name not in shared:
            shared[name] = make()
        return shared[name]

    rank_close, rank_volume = (
        partial(once, "close", lambda: rank(close)),
        partial(once, "volume", lambda: rank(volume)),
    )
    formulas: dict[str, Any] = {
        "ts_mean": lambda: mean(close, 20),
        "ts_std": lambda: once("std", lambda: std(returns, 20)),
        "ts_rank": lambda: ts_rank(close, 10),
        "ts_argmax": lambda: ts_argmax(close, 20),
        "decay_linear": lambda: decay_linear(delta(close, 1), 10),
        "rank": rank_close,
        "zscore": lambda: zscore(returns),
        "ts_corr": lambda: corr(close, volume, 20),
        "alpha001": lambda: (
            rank(ts_argmax(np.where(returns < 0, once("std", lambda: std(returns, 20)), close) ** 2, 5)) - 0.5
        ),
        "alpha002": lambda: -corr(rank(delta(np.log(volume), 2)), rank((close - open_) / open_), 6),
        "alpha003": lambda: -corr(rank(open_), rank_volume(), 10),
        "alpha004": lambda: -ts_rank(rank(low), 9),
        "alpha006": lambda: -corr(open_, volume, 10),
        "alpha012": lambda: np.sign(delta(volume, 1)) * -delta(close, 1),
        "alpha013": lambda: -rank(cov(rank_close(), rank_volume(), 5)),
        "alpha040": lambda: -rank(std(high, 10)) * corr(high, volume, 10),
        "alpha044": lambda: -corr(high, rank_volume(), 5),
        "alpha101": lambda: (close - open_) / ((high - low) + 0.001),
    }
    return formulas


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        run_peer(lambda given: given, evaluate)

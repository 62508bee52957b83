"""Alphaloom through its public API: a panel in memory to a Result, every rule on, nothing tuned.

An analyzer listens to every order, so that each fill is told as a backtrader Order. The house strategy itself
does not listen; ``--silent`` measures it alone.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
from bench_peer import CASH, COMMISSION, MINIMUM, RISK_DEGREE, Folder, measure

# this checkout, whatever else is installed
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alphaloom import AlphaProvider, backtest, load_panel

_PICKLE = "alphaloom.pickle"


class Matrix(AlphaProvider):
    """Scores that are known beforehand; row t is known at the close of session t."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def scores(self, view: Any, snapshot: Any) -> np.ndarray:
        return self.matrix[view.t]


_TRADED = frozenset({bt.Order.Partial, bt.Order.Completed})


class FillCounter(bt.Analyzer):
    """Hears of every order and counts those that were filled."""

    def start(self) -> None:
        self.fills = 0

    def notify_order(self, order: Any) -> None:
        self.fills += order.status in _TRADED

    def get_analysis(self) -> dict[str, int]:
        return {"fills": self.fills}


def panel_of(folder: Folder) -> Any:
    """Build the market the way a user's frame becomes one."""
    import pandas as pd

    dates, symbols = folder.array("dates"), folder.array("symbols")
    columns = {
        name: folder.array(name).ravel() for name in ("open", "high", "low", "close", "volume", "amount")
    }
    date = np.repeat(dates.astype("datetime64[s]"), len(symbols))
    symbol = pd.Categorical.from_codes(np.tile(np.arange(len(symbols)), len(dates)), categories=symbols)
    return load_panel(pd.DataFrame({"date": date, "symbol": symbol, **columns}))


def config_of(topk: int, n_drop: int) -> dict[str, Any]:
    return {
        "name": "benchmark",
        "benchmark": None,
        "strategy": {
            "name": "topk_dropn",
            "params": {"topk": topk, "n_drop": n_drop, "risk_degree": RISK_DEGREE},
        },
        "broker": {"cash": CASH, "fees": {"commission": COMMISSION, "minimum": MINIMUM}},
    }


def prepare(folder: Folder) -> None:
    with (folder.path / _PICKLE).open("wb") as out:
        pickle.dump(panel_of(folder), out, protocol=pickle.HIGHEST_PROTOCOL)


def load(folder: Folder) -> tuple[Any, ...]:
    with (folder.path / _PICKLE).open("rb") as stored:
        panel = pickle.load(stored)
    analyzers = [] if folder.silent else [(FillCounter, {})]
    return config_of(folder.topk, folder.n_drop), panel, Matrix(folder.array("scores")), analyzers


def run(state: tuple[Any, ...]) -> int:
    config, panel, provider, analyzers = state
    result = backtest(config, panel=panel, provider=provider, analyzers=analyzers)
    fills: int = result.metrics["fills"]
    for counter in result.analyzers:
        if counter.fills != fills:
            raise SystemExit(f"{fills} fills, of which {counter.fills} were told")
    return fills


if __name__ == "__main__":
    measure(load, run, prepare=prepare)

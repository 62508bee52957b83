"""The eighteen formulas with KunQuant, compiled for this processor before the clock runs.

Its own Alpha101 where it has the conventions of ours; where it counts argmax from the oldest value of a
window, or takes raw ranks, the difference is made up in the graph. Results go into arrays that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from KunQuant.Driver import KunCompilerConfig
from KunQuant.jit import cfake
from KunQuant.Op import Builder, ConstantOp, Input, Output, Rank
from KunQuant.ops import (
    BackRef,
    DecayLinear,
    DiffWithWeightedSum,
    Div,
    Log,
    MulConst,
    Select,
    Sign,
    Sqrt,
    TsArgMax,
    TsRank,
    WindowedAvg,
    WindowedCorrelation,
    WindowedCovariance,
    WindowedStddev,
)
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function
from run_formula_peer import FIELDS, run_peer


def delta(x: Any, n: int) -> Any:
    return x - BackRef(x, n)


def ts_rank(x: Any, n: int) -> Any:
    return MulConst(TsRank(x, n), 1.0 / n)


def ts_argmax(x: Any, n: int) -> Any:
    # 1 for the oldest of n to n for the newest
    return ConstantOp(float(n)) - TsArgMax(x, n)


def zscore(x: Any, weight: Any, stocks: int) -> Any:
    distance = DiffWithWeightedSum(x, weight)
    square = distance * distance
    variance = square - DiffWithWeightedSum(square, weight)
    return Div(distance, Sqrt(MulConst(variance, stocks / (stocks - 1.0))))


def corr(x: Any, y: Any, n: int) -> Any:
    return WindowedCorrelation(x, n, y)


def compiled(dtype: str, stocks: int) -> Any:
    builder = Builder()
    with builder:
        open_, high, low, close, volume = (Input(name) for name in FIELDS)
        weight = Input("weight")
        returns = Div(close, BackRef(close, 1)) - 1.0
        std_returns = WindowedStddev(returns, 20)
        chosen = Select(returns < 0.0, std_returns, close)
        formulas = {
            "ts_mean": WindowedAvg(close, 20),
            "ts_std": std_returns,
            "ts_rank": ts_rank(close, 10),
            "ts_argmax": ts_argmax(close, 20),
            "decay_linear": DecayLinear(delta(close, 1), 10),
            "rank": Rank(close),
            "zscore": zscore(returns, weight, stocks),
            "ts_corr": corr(close, volume, 20),
            "alpha001": Rank(ts_argmax(chosen * chosen, 5)) - 0.5,
            "alpha002": -1.0 * corr(Rank(delta(Log(volume), 2)), Rank(Div(close - open_, open_)), 6),
            "alpha003": -1.0 * corr(Rank(open_), Rank(volume), 10),
            "alpha004": -1.0 * ts_rank(Rank(low), 9),
            "alpha006": -1.0 * corr(open_, volume, 10),
            "alpha012": Sign(delta(volume, 1)) * (-1.0 * delta(close, 1)),
            "alpha013": -1.0 * Rank(WindowedCovariance(Rank(close), 5, Rank(volume))),
            "alpha040": -1.0 * Rank(WindowedStddev(high, 10)) * corr(high, volume, 10),
            "alpha044": -1.0 * corr(high, Rank(volume), 5),
            "alpha101": Div(close - open_, (high - low) + 0.001),
        }
        for name, value in formulas.items():
            Output(value, name)
    config = KunCompilerConfig(
        dtype={"float64": "double", "float32": "float"}[dtype], input_layout="TS", output_layout="TS"
    )
    return cfake.compileit(
        [("eighteen", Function(builder.ops), config)], "formula_benchmark", cfake.CppCompilerConfig()
    )


class Prepared:
    """A compiled module, its inputs and the arrays for its results."""

    def __init__(self, given: dict[str, np.ndarray]) -> None:
        some = given["close"]
        self.library = compiled(str(some.dtype), some.shape[1])
        self.module = self.library.getModule("eighteen")
        self.executor = KunRunner.createSingleThreadExecutor()
        self.given = {**given, "weight": np.full_like(some, 1.0 / some.shape[1])}
        self.results = {name: np.empty_like(some) for name in self.module.getOutputNames()}
        self.sessions = len(some)


def evaluate(state: Prepared) -> dict[str, Callable[[], np.ndarray]]:
    made = KunRunner.runGraph(state.executor, state.module, state.given, 0, state.sessions, state.results)
    return {name: (lambda values=values: values) for name, values in made.items()}


if __name__ == "__main__":
    run_peer(Prepared, evaluate)

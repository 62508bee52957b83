"""pyqlib: TopkDropoutStrategy on a local provider dumped from the panel, dealt at the open.

The provider is read from disk in the first run and from qlib's memory cache afterwards. Costs are one rate a
side with one minimum, the limit is 9.5 % from close to close.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import qlib
from bench_peer import CASH, COMMISSION, MINIMUM, RISK_DEGREE, STAMP_DUTY, Folder, measure
from qlib.backtest import backtest
from qlib.contrib.strategy import TopkDropoutStrategy

_PROVIDER = "qlib"


def prepare(folder: Folder) -> None:
    """Write qlib's own layout: a calendar, the instruments, and float32 series behind their first row."""
    root = folder.path / _PROVIDER
    (root / "calendars").mkdir(parents=True)
    (root / "instruments").mkdir()
    sessions = folder.array("dates").astype("datetime64[D]")
    # a step ends where the next begins: the last session needs one after it
    dates = [*sessions.astype(str).tolist(), str(sessions[-1] + 1)]
    names = _names(folder)
    (root / "calendars" / "day.txt").write_text("\n".join(dates) + "\n", encoding="utf-8")
    lines = [f"{name}\t{dates[0]}\t{dates[-2]}\n" for name in names]
    (root / "instruments" / "all.txt").write_text("".join(lines), encoding="utf-8")
    fields = _fields(folder)
    for column, name in enumerate(names):
        target = root / "features" / name.lower()
        target.mkdir(parents=True)
        for field, values in fields.items():
            np.concatenate([[0.0], values[:, column]]).astype("<f4").tofile(target / f"{field}.day.bin")


def _fields(folder: Folder) -> dict[str, np.ndarray]:
    """Suspended sessions are NaN, as qlib wants them; its change is against the last close there was."""
    suspended = folder.array("volume") == 0
    out = {name: folder.array(name) for name in ("open", "high", "low", "close", "volume")}
    change = np.zeros_like(out["close"])
    change[1:] = out["close"][1:] / out["close"][:-1] - 1.0
    out |= {"change": change, "factor": np.ones_like(change)}
    return {name: np.where(suspended, np.nan, values) for name, values in out.items()}


def _names(folder: Folder) -> list[str]:
    return [symbol[-2:] + symbol[:6] for symbol in folder.array("symbols").tolist()]


def load(folder: Folder) -> dict[str, Any]:
    qlib.init(provider_uri=str(folder.path / _PROVIDER), region="cn", kernels=1, logging_level=40)
    dates = pd.DatetimeIndex(folder.array("dates"))
    scores = pd.DataFrame(folder.array("scores"), dates, _names(folder)).stack()
    scores.index.names = ["datetime", "instrument"]
    return {
        "signal": scores,
        "topk": folder.topk,
        "n_drop": folder.n_drop,
        "span": (dates[1], dates[-1]),
        "benchmark": pd.Series(0.0, dates),
    }


def run(market: dict[str, Any]) -> int:
    strategy = TopkDropoutStrategy(
        signal=market["signal"], topk=market["topk"], n_drop=market["n_drop"], risk_degree=RISK_DEGREE
    )
    _, indicators = backtest(
        start_time=market["span"][0],
        end_time=market["span"][1],
        strategy=strategy,
        executor={
            "class": "SimulatorExecutor",
            "module_path": "qlib.backtest.executor",
            "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": True},
        },
        benchmark=market["benchmark"],
        account=CASH,
        exchange_kwargs={
            "freq": "day",
            "deal_price": "open",
            "limit_threshold": 0.095,
            "open_cost": COMMISSION,
            "close_cost": COMMISSION + STAMP_DUTY,
            "min_cost": MINIMUM,
        },
    )
    _, details = indicators["1day"]
    history = details.order_indicator_his
    return sum(int((np.abs(one.get_index_data("deal_amount").data) > 0).sum()) for one in history.values())


if __name__ == "__main__":
    measure(load, run, prepare=prepare)

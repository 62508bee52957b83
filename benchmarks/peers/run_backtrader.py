"""backtrader as it comes: one PandasData per stock, its own broker, its default observers.

Orders go out at the close and fill at the next open, sized at the close; its broker has a percentage
commission, no minimum and no stamp duty. Held names and selection are the bare loop's.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
from bench_loop import choose
from bench_peer import CASH, COMMISSION, LOT, RISK_DEGREE, Folder, measure


class TopkDropn(bt.Strategy):
    params = (("scores", None), ("topk", 0), ("n_drop", 0))

    def __init__(self) -> None:
        self.fills = 0

    def notify_order(self, order: bt.Order) -> None:
        self.fills += order.status == order.Completed

    def next(self) -> None:
        held = [column for column, data in enumerate(self.datas) if self.getposition(data).size]
        sells, candidates = choose(self.p.scores[len(self) - 1], held, self.p.topk, self.p.n_drop)
        money = self.broker.getcash()
        for column in sells:
            data = self.datas[column]
            shares = self.getposition(data).size
            self.sell(data, size=shares)
            money += shares * data.close[0] * (1.0 - COMMISSION)
        buys = candidates[: self.p.topk - len(held) + len(sells)]
        for column in buys:
            data = self.datas[column]
            shares = money * RISK_DEGREE / len(buys) / data.close[0] // LOT * LOT
            if shares:
                self.buy(data, size=shares)


def load(folder: Folder) -> tuple[list[pd.DataFrame], dict[str, Any]]:
    dates = pd.DatetimeIndex(folder.array("dates"))
    fields = {name: folder.array(name) for name in ("open", "high", "low", "close", "volume")}
    frames = [
        pd.DataFrame({name: values[:, n] for name, values in fields.items()}, index=dates)
        for n in range(fields["open"].shape[1])
    ]
    return frames, {"scores": folder.array("scores"), "topk": folder.topk, "n_drop": folder.n_drop}


def run(state: tuple[list[pd.DataFrame], dict[str, Any]]) -> int:
    frames, params = state
    cerebro = bt.Cerebro()
    for n, frame in enumerate(frames):
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=str(n))
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION)
    cerebro.addstrategy(TopkDropn, **params)
    (strategy,) = cerebro.run()
    return int(np.int64(strategy.fills))


if __name__ == "__main__":
    measure(load, run)

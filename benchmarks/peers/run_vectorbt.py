"""vectorbt: the bare loop chooses and sizes, Portfolio.from_orders books; no minimum fee, no market rule.

Sizes in shares depend on the cash at the fill, which from_orders cannot split among the buys of a session:
the loop's shares are handed over, and its time counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt
from bench_loop import in_fen, run_loop
from bench_peer import CASH, COMMISSION, STAMP_DUTY, Folder, measure


def load(folder: Folder) -> dict[str, Any]:
    dates, symbols = pd.DatetimeIndex(folder.array("dates")), folder.array("symbols")
    return {
        "open": pd.DataFrame(folder.array("open"), dates, symbols),
        "close": pd.DataFrame(folder.array("close"), dates, symbols),
        "scores": folder.array("scores"),
        "portfolio": (folder.topk, folder.n_drop),
    }


def run(market: dict[str, Any]) -> int:
    opens, closes = market["open"], market["close"]
    trades, _ = run_loop(
        in_fen(opens.to_numpy()), in_fen(closes.to_numpy()), market["scores"], *market["portfolio"]
    )
    size = np.full(opens.shape, np.nan)
    for trade in trades:
        size[trade.row, trade.column] = trade.shares
    portfolio = vbt.Portfolio.from_orders(
        closes,
        size=size,
        price=opens,
        fees=np.where(size < 0, COMMISSION + STAMP_DUTY, COMMISSION),
        init_cash=CASH,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
        freq="1D",
    )
    portfolio.value()
    return int(portfolio.orders.count())


if __name__ == "__main__":
    measure(load, run)

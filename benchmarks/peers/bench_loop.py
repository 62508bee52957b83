"""Top-k/Drop-n as a bare loop over arrays: the least that has to be done, and what others are measured by.

It knows a commission with a minimum, a stamp duty, lots, and the money, in whole fen. It knows no limits, no
suspensions, no T+1, no slippage, no ex-dates, no orders and no reports.
"""

from __future__ import annotations

from typing import NamedTuple

import bench_peer as peer
import numpy as np

_PPM = 1_000_000


class Trade(NamedTuple):
    """One fill; `shares` are negative for a sale."""

    row: int
    column: int
    shares: int
    price_fen: int


class Costs(NamedTuple):
    """Rates in parts per million of the amount, the minimum in fen."""

    commission: int = round(peer.COMMISSION * _PPM)
    minimum: int = round(peer.MINIMUM * 100)
    stamp_duty: int = round(peer.STAMP_DUTY * _PPM)

    def buy(self, amount: int) -> int:
        """Fee of a purchase, rounded half up to a fen."""
        return max(self.minimum, (amount * self.commission + _PPM // 2) // _PPM)

    def sell(self, amount: int) -> int:
        """Fee of a sale and its duty, each rounded half up to a fen."""
        return self.buy(amount) + (amount * self.stamp_duty + _PPM // 2) // _PPM


COSTS = Costs()


def choose(scores: np.ndarray, held: list[int], topk: int, n_drop: int) -> tuple[list[int], list[int]]:
    """Return the columns to sell and the candidates to buy, best first. Scores have no ties and no NaN.

    Of the names held and the best ``n + k − held`` others together, those held among the lowest n are sold.
    """
    mine = set(held)
    best = _highest(scores, topk + n_drop)
    candidates = [column for column in best if column not in mine][: n_drop + topk - len(held)]
    together = np.array(held + candidates)
    lowest = together[np.argsort(scores[together])[:n_drop]].tolist()
    return [column for column in lowest if column in mine], candidates


def _highest(scores: np.ndarray, count: int) -> list[int]:
    if count >= len(scores):
        return np.argsort(-scores).tolist()
    best = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    return best[np.argsort(-scores[best])].tolist()


def run_loop(
    opens: np.ndarray, closes: np.ndarray, scores: np.ndarray, topk: int, n_drop: int, costs: Costs = COSTS
) -> tuple[list[Trade], list[int]]:
    """Trade every session at its open on the scores of the one before.

    Parameters
    ----------
    opens, closes : (T, N) int array
        Prices in fen.
    scores : (T, N) float array

    Returns
    -------
    (list of Trade, list of int)
        The fills, and the account's value in fen at each close.
    """
    cash, shares_of = round(peer.CASH * 100), {}
    trades: list[Trade] = []
    values = [cash]
    for row in range(1, len(opens)):
        sells, candidates = choose(scores[row - 1], list(shares_of), topk, n_drop)
        price_of = opens[row]
        for column in sells:
            price, shares = price_of.item(column), shares_of.pop(column)
            cash += price * shares - costs.sell(price * shares)
            trades.append(Trade(row, column, -shares, price))
        buys = candidates[: topk - len(shares_of)]
        each = int(cash * peer.RISK_DEGREE) // max(1, len(buys))
        for column in buys:
            price = price_of.item(column)
            shares = each // price // peer.LOT * peer.LOT
            if shares:
                cash -= price * shares + costs.buy(price * shares)
                shares_of[column] = shares
                trades.append(Trade(row, column, shares, price))
        held = np.fromiter(shares_of.values(), np.int64, len(shares_of))
        values.append(cash + int(held @ closes[row, list(shares_of)]))
    return trades, values


def in_fen(prices: np.ndarray) -> np.ndarray:
    """CNY on the tick to whole fen."""
    return np.rint(prices * 100).astype(np.int64)

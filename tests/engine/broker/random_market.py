"""Random small markets whose every price, limit and ex-date is known apart from the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pandas as pd

from engine.market import MarketPanel, panel_from_frames
from engine.market.calendar import xshg

#: symbol, limit in percent on and after 2023-04-03, least buy, step of a buy
BOARDS = {
    "000001.SZ": (10, 100, 100),
    "300750.SZ": (20, 100, 100),
    "600000.SH": (10, 100, 100),
    "600519.SH": (5, 100, 100),  # under special treatment throughout
    "688981.SH": (20, 200, 1),
    "830799.BJ": (30, 100, 1),
}
SYMBOLS = tuple(BOARDS)
#: most shares in one order, by the first digits of the code; 1,000,000 elsewhere
ORDER_CAPS = {"688": 100_000, "300": 300_000}
ST_DAILY_CAP = 500_000
SPECIAL_TREATMENT = "600519.SH"
#: sessions after a listing without a limit: STAR five, all others do not list within these markets
NEWCOMER, FREE_SESSIONS = "688981.SH", 5


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@dataclass(frozen=True)
class Terms:
    """One corporate action in exact numbers; money in fen a share."""

    cash: Fraction
    bonus: Fraction
    rights: Fraction
    rights_price: Fraction

    def reference(self, previous: int) -> int:
        total = previous - self.cash + self.rights * self.rights_price
        return half_up(total / (1 + self.bonus + self.rights))


@dataclass(frozen=True)
class Bar:
    """One session of one stock, in fen."""

    open: int
    high: int
    low: int
    close: int
    previous_close: int
    reference: int
    limits: tuple[int, int] | None
    volume: int
    amount: int
    trading: bool
    action: Terms | None = None
    steps: bool = False
    """Whether the vendor's factor steps here."""


@dataclass
class RandomMarket:
    """A panel and the bars it was made from, by (symbol, row)."""

    panel: MarketPanel
    bars: dict[tuple[str, int], Bar]
    with_table: bool
    last_row: dict[str, int] = field(default_factory=dict)


def random_market(seed: int, *, sessions: int = 12, with_table: bool = True) -> RandomMarket:
    """Build a market from a seed: sealed limits, suspensions, ex-dates, a listing and a delisting."""
    random = np.random.default_rng(seed)
    dates = xshg().between(np.datetime64("2023-08-21"), np.datetime64("2023-12-29"))[:sessions]
    bars: dict[tuple[str, int], Bar] = {}
    first = dict.fromkeys(SYMBOLS, 0)
    last = dict.fromkeys(SYMBOLS, sessions - 1)
    if random.random() < 0.5:
        first[NEWCOMER] = int(random.integers(1, sessions - 4))
    if random.random() < 0.5:
        last["600000.SH"] = int(random.integers(3, sessions - 1))
    for symbol in SYMBOLS:
        close = int(random.integers(300, 6_000))
        waiting: Terms | None = None
        for row in range(first[symbol], last[symbol] + 1):
            free = symbol == NEWCOMER and first[symbol] > 0 and row < first[symbol] + FREE_SESSIONS
            begins = row == first[symbol]
            action = _terms(random, close) if not begins and random.random() < 0.12 else None
            # a name's first and last row are traded: they say where its rows begin and end
            trades = begins or row == last[symbol] or random.random() > 0.15
            if action and not with_table and not trades:
                waiting = waiting or action  # the vendor's factor shows it when trading resumes
                action = None
            if waiting and trades and not with_table:
                action, waiting = waiting, None
            reference = action.reference(close) if action else close
            bar = _bar(random, symbol, close, reference, free, trades, action)
            bars[symbol, row] = bar
            close = bar.close
    return RandomMarket(_panel(bars, dates, with_table), bars, with_table, last)


def _terms(random: np.random.Generator, close: int) -> Terms:
    kind = random.integers(0, 4)
    tenth = Fraction(int(random.integers(1, 60)), 10)  # of a fen: 0.145 CNY and the like
    cash = tenth * int(random.integers(1, 4)) if kind in (0, 3) else Fraction(0)
    bonus = Fraction(int(random.integers(1, 50)), 100) if kind in (1, 3) else Fraction(0)
    rights = Fraction(int(random.integers(10, 31)), 100) if kind == 2 else Fraction(0)
    price = Fraction(int(close * random.uniform(0.3, 0.8))) if kind == 2 else Fraction(0)
    return Terms(cash, bonus, rights, price)


def _bar(
    random: np.random.Generator,
    symbol: str,
    previous: int,
    reference: int,
    free: bool,
    trades: bool,
    action: Terms | None,
) -> Bar:
    percent = BOARDS[symbol][0]
    down, up = (floor((reference * (100 + sign * percent) + 50) / 100) for sign in (-1, 1))
    limits = None if free else (down, up)
    if not trades:
        flat = reference
        return Bar(flat, flat, flat, flat, previous, reference, limits, 0, 0, False, action, bool(action))
    if free:
        down, up = max(1, reference // 2), reference * 2
    mood = random.integers(0, 6)
    if mood == 0:
        prices = [up] * 4
    elif mood == 1:
        prices = [down] * 4
    else:
        prices = [int(p) for p in random.integers(down, up + 1, 4)]
        if mood == 2:
            prices[0] = up
        elif mood == 3:
            prices[0] = down
    start, end, high, low = prices[0], prices[1], max(prices), min(prices)
    volume = int(random.integers(1, 400)) * 100
    # vendors round the amount to a yuan or a fen
    amount = floor(volume * (low + (high - low) * random.random()))
    if random.random() < 0.5:
        amount = max(100, amount // 100 * 100)
    return Bar(start, high, low, end, previous, reference, limits, volume, amount, True, action, bool(action))


def _panel(bars: dict[tuple[str, int], Bar], dates: np.ndarray, with_table: bool) -> MarketPanel:
    rows: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    factor = dict.fromkeys(SYMBOLS, 1.0)
    for (symbol, row), bar in sorted(bars.items()):
        if bar.action is not None:
            factor[symbol] *= bar.previous_close / bar.reference
            actions.append(
                {
                    "symbol": symbol,
                    "ex_date": pd.Timestamp(dates[row]),
                    "cash_per_share": float(bar.action.cash / 100),
                    "bonus_ratio": float(bar.action.bonus),
                    "rights_ratio": float(bar.action.rights),
                    "rights_price": float(bar.action.rights_price / 100),
                }
            )
        if not bar.trading:
            continue
        rows.append(
            {
                "date": pd.Timestamp(dates[row]),
                "symbol": symbol,
                "open": bar.open / 100,
                "high": bar.high / 100,
                "low": bar.low / 100,
                "close": bar.close / 100,
                "preclose": bar.reference / 100,
                "volume": float(bar.volume),
                "amount": bar.amount / 100,
                "adj_factor": factor[symbol],
                "is_st": float(symbol == SPECIAL_TREATMENT),
            }
        )
    table = pd.DataFrame(actions) if with_table and actions else None
    return panel_from_frames(pd.DataFrame(rows), actions=table).panel

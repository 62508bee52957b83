"""Daily bars of indices."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from engine.market.calendar import Dates
from engine.market.grid import Floats
from engine.market.sources.akshare.daily import in_shares
from engine.market.sources.answers import Answer, plain_days, rows, within
from engine.market.store.rows import table_of
from engine.market.store.schema import INDEX_VALUES, Kind

EASTMONEY_INDEX = ("date", "open", "close", "high", "low", "volume", "amount")
SINA_INDEX = ("date", "open", "high", "low", "close", "volume")
#: the last column is the volume, whatever akshare calls it
TENCENT_INDEX = ("date", "open", "close", "high", "low", "amount")
#: range of the mean price of a share of an index, CNY
_CHEAPEST, _DEAREST = 1.0, 99.0


def eastmoney_index_bars(answer: Answer, symbol: str, first: date | None, last: date | None) -> Any:
    """Read ``stock_zh_index_daily_em``: volume in lots of 100 shares, turned into shares."""
    answer.has_exactly(EASTMONEY_INDEX)
    volume, amount = answer.numbers("volume"), answer.numbers("amount")
    # no low and high for a mean price of shares: a range that holds for every index of A-shares
    bounds = np.full(len(volume), _CHEAPEST), np.full(len(volume), _DEAREST)
    return _table(answer, symbol, in_shares(volume, amount, *bounds, units=(100.0, 1.0)), first, last)


def sina_index_bars(answer: Answer, symbol: str, first: date | None, last: date | None) -> Any:
    """Read ``stock_zh_index_daily``: volume in shares."""
    answer.has_exactly(SINA_INDEX)
    return _table(answer, symbol, answer.numbers("volume"), first, last)


def tencent_index_bars(answer: Answer, symbol: str, first: date | None, last: date | None) -> Any:
    """Read ``stock_zh_index_daily_tx``; volumes are left out: nothing tells their unit."""
    answer.has_exactly(TENCENT_INDEX)
    return _table(answer, symbol, np.full(len(answer), np.nan), first, last)


def _table(answer: Answer, symbol: str, volume: Floats, first: date | None, last: date | None) -> Any:
    prices = {name: answer.numbers(name, mostly=True) for name in INDEX_VALUES[:4]}
    answer.is_bars(*(prices[name] for name in ("open", "high", "low", "close")))
    session: Dates = answer.days("date")
    kept = within(session, first, last)
    columns = [(name, values[kept].tolist()) for name, values in (*prices.items(), ("volume", volume))]
    days = plain_days(session[kept])
    return table_of(Kind.INDEX_BARS, rows(("symbol", [symbol] * len(days)), ("session", days), *columns))

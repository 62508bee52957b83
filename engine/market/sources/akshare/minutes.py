"""Bars of a minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from engine.market.sources.akshare.daily import in_shares
from engine.market.sources.answers import Answer, rows
from engine.market.store.rows import table_of
from engine.market.store.schema import Kind

EASTMONEY_MINUTES = ("时间", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "均价")


def eastmoney_minute_bars(answer: Answer, symbol: str) -> Any:
    """Read ``stock_zh_a_hist_min_em`` of one minute: stamped at the end, volume in lots, amount in CNY.

    Of most minutes the open comes as 0: it is not known. The first bar of a session, at 09:30, is the opening
    auction. A minute in which nothing was traded is flat at the last price, with volume 0.
    """
    answer.has_exactly(EASTMONEY_MINUTES)
    o, c, h, low = (answer.numbers(name) for name in ("开盘", "收盘", "最高", "最低"))
    if len(answer) and (np.isnan(c).mean() >= 0.5 or (c <= 0.0).mean() >= 0.5):
        answer.refuse("收盘 has no prices")
    o = np.where(o > 0.0, o, np.nan)
    answer.is_bars(o, h, low, c)
    amount, lots = answer.numbers("成交额"), answer.numbers("成交量", mostly=True)
    volume = in_shares(lots, amount, low, h, units=(100.0, 1.0))
    ended = pd.to_datetime(answer.frame["时间"], errors="coerce")
    if ended.isna().any():
        answer.refuse("时间 is missing or no time in a row")
    stamps = [moment.to_pydatetime() for moment in ended]
    columns = (
        ("symbol", [symbol] * len(stamps)), ("session", [moment.date() for moment in stamps]),
        ("ended_at", stamps),
        ("open", o.tolist()), ("high", h.tolist()), ("low", low.tolist()), ("close", c.tolist()),
        ("volume", volume.tolist()), ("amount", amount.tolist()),
    )  # fmt: skip
    return table_of(Kind.MINUTE_BARS, rows(*columns))

"""Minutes of a market, as Eastmoney tells those of the last five sessions.

They are made up so that they make the day's bar: the price goes from the open by the high and the low to
the close, and volumes lie so that amount ÷ volume is the day's. As in the recorded answer there are 241 a
session, stamped at their end, in lots, and of most the open comes as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from vendors.market import Market
from vendors.server import Answer, Request

_SESSIONS = 5


def routes(market: Market, request: Request) -> Answer | None:
    """What push2his says of a stock's minutes; None for other questions."""
    if not request.path.endswith("/stock/trends2/get"):
        return None
    place, _, code = request.query["secid"].partition(".")
    rows = market.rows(f"{code}.{'SH' if place == '1' else 'SZ'}")
    if rows is None:
        return Answer.of_json({"rc": 102, "rt": 17, "svr": 183641822, "lt": 1, "full": 0, "data": None})
    last = rows.tail(min(_SESSIONS, int(request.query["ndays"]))).to_dict("records")
    lines = [line for row in last for line in trends(row, opens=row is last[-1])]
    data = {"code": code, "market": int(place), "type": 2, "status": 0, "trends": lines}
    return Answer.of_json({"rc": 0, "rt": 10, "svr": 183641822, "lt": 1, "full": 0, "data": data})


def trends(row: Mapping[str, Any], *, opens: bool) -> list[str]:
    """The lines of one session."""
    frame = minutes(row)
    return [
        f"{one.ended_at:%Y-%m-%d %H:%M},{one.open if opens else 0.0:.2f},{one.close:.2f},{one.high:.2f},"
        f"{one.low:.2f},{one.lots},{one.amount:.2f},{row['amount'] / row['volume']:.3f}"
        for one in frame.itertuples()
    ]


def minutes(row: Mapping[str, Any]) -> pd.DataFrame:
    """The minutes of a day's bar: ended_at, open, high, low, close, lots, amount (CNY)."""
    day = pd.Timestamp(row["date"])
    morning = pd.date_range(day + pd.Timedelta(hours=9, minutes=30), periods=121, freq="min")
    afternoon = pd.date_range(day + pd.Timedelta(hours=13, minutes=1), periods=120, freq="min")
    ended = morning.append(afternoon)
    turns = np.array([row["open"], row["open"], row["high"], row["low"], row["close"]])
    close = np.round(np.interp(np.arange(241), [0, 1, 80, 160, 240], turns), 2)
    before = np.concatenate([close[:1], close[:-1]])
    high, low, middle = np.maximum(before, close), np.minimum(before, close), (before + close) / 2
    mean = row["amount"] / row["volume"]
    dear = middle > mean
    share = (mean - middle[~dear].mean()) / (middle[dear].mean() - middle[~dear].mean())
    weight = np.where(dear, share / dear.sum(), (1.0 - share) / (~dear).sum())
    ends = np.round(
        np.cumsum(np.clip(weight, 0.0, None)) / np.clip(weight, 0.0, None).sum() * row["volume"] / 100
    )
    lots = np.diff(ends, prepend=0.0).astype(int)
    return pd.DataFrame(
        {
            "ended_at": ended, "open": before, "high": high, "low": low, "close": close, "lots": lots,
            "amount": np.clip(lots * 100 * middle, 0.0, None),
        }
    )  # fmt: skip

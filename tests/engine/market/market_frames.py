"""Hand-made frames for the tests of engine.market."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.market.calendar import xshg

NAN = float("nan")

#: 3 January 2023 and the sessions after it: 3..6, 9..13, 16..20, 30 January, ...
SESSIONS = xshg().between(np.datetime64("2023-01-03"), np.datetime64("2023-03-31"))


def day(t: int) -> str:
    return str(SESSIONS[t])


def bars(
    closes: Sequence[float], symbol: str = "600519.SH", *, first: int = 0, **columns: Any
) -> pd.DataFrame:
    """One row per session from `first` on; NaN closes are suspended. Every bar is flat unless overridden."""
    close = np.array(closes, dtype=float)
    volume = np.where(np.isnan(close), 0.0, 1000.0)
    frame = pd.DataFrame(
        {
            "date": SESSIONS[first : first + len(close)].astype("datetime64[s]"),
            "symbol": symbol,
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "volume": volume,
            "amount": np.nan_to_num(close) * volume,
        }
    )
    return frame.assign(**columns)


def together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(list(frames), ignore_index=True)


def without(frame: pd.DataFrame, *sessions: int) -> pd.DataFrame:
    """Drop the rows of some sessions."""
    dropped = SESSIONS[list(sessions)].astype("datetime64[s]")
    return frame[~frame["date"].isin(dropped)].reset_index(drop=True)


def members(*rows: tuple[str, int, int | None]) -> pd.DataFrame:
    """Membership from (symbol, row of the first session in, row of the first session out or None)."""
    return pd.DataFrame(
        [(symbol, day(start), "" if end is None else day(end)) for symbol, start, end in rows],
        columns=["symbol", "in_date", "out_date"],
    )


def action(ex: int | str, symbol: str = "600519.SH", **terms: float) -> pd.DataFrame:
    """One corporate action on the session of row `ex`, or on a day."""
    row = {"cash_per_share": 0.0, "bonus_ratio": 0.0, "rights_ratio": 0.0, "rights_price": 0.0} | terms
    return pd.DataFrame([{"symbol": symbol, "ex_date": day(ex) if isinstance(ex, int) else ex} | row])

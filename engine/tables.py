"""The journal of a run as data frames: fills, orders, positions, equity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from engine.broker.orders import Fill, Refusal
from engine.broker.shell import Journal
from engine.market.panel import MarketPanel
from engine.metrics import Array
from engine.rules.table import date_of
from engine.span import Span

_MONEY = ("amount_cny", "commission", "stamp_duty", "transfer_fee")


def fills_frame(panel: MarketPanel, journal: Journal) -> pd.DataFrame:
    """One row per fill, in the order of matching; money in CNY, whole fen."""
    fills = [(row, event) for row, event in journal.trades if isinstance(event, Fill)]
    return pd.DataFrame(
        _trade_columns(panel, fills) | {"order_id": _text([e.request.order_id for _, e in fills])}
    )


def orders_frame(panel: MarketPanel, journal: Journal) -> pd.DataFrame:
    """One row per order, filled or not, with the session of its decision, its status and the reason."""
    trades = journal.trades
    events = [event for _, event in trades]
    columns = _trade_columns(panel, trades)
    columns["order_id"] = _text([e.request.order_id for e in events])
    columns["decided_on"] = pd.to_datetime([date_of(e.request.decided_day) for e in events]).as_unit("ms")
    columns["shares_requested"] = np.array([e.requested for e in events], dtype=np.int64)
    columns["shares_filled"] = columns["shares"]
    columns["status"] = _text([status_of(e) for e in events])
    columns["reason"] = _text([e.reason.value if e.reason else None for e in events])
    return pd.DataFrame(columns)


def status_of(event: Fill | Refusal) -> str:
    """``filled``, ``partial``, ``rejected``, ``cancelled`` or ``expired``."""
    if isinstance(event, Fill):
        return "partial" if event.shares < event.requested else "filled"
    return {"cancelled": "cancelled", "end_of_run": "expired"}.get(event.reason.value, "rejected")


def events_frame(panel: MarketPanel, journal: Journal) -> pd.DataFrame:
    """What moved cash and shares besides trades: ex-dates and dividend tax withheld at sales.

    With the fills it explains every change of cash to the fen: ``cash_cny`` is signed, ``rounding_cny`` is
    the value an ex-date left over and is no cash.
    """
    rows: list[tuple[Any, ...]] = [
        (row, e.symbol, "ex_date", e.cash_fen - e.rights_cost_fen, e.shares_before, e.shares_after,
         e.rounding_fen, e.terms)
        for row, e in journal.ex_dates
    ]  # fmt: skip
    rows += [
        (row, e.request.symbol, "dividend_tax", -e.tax_fen, 0, 0, 0, e.request.order_id)
        for row, e in journal.trades
        if isinstance(e, Fill) and e.tax_fen
    ]
    rows.sort(key=lambda event: event[0])
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
    return pd.DataFrame(
        {
            "date": _dates(panel, columns[0]),
            "symbol": _text(columns[1]),
            "kind": _text(columns[2]),
            "cash_cny": _fen(columns[3]) / 100,
            "shares_before": np.array(columns[4], dtype=np.int64),
            "shares_after": np.array(columns[5], dtype=np.int64),
            "rounding_cny": _fen(columns[6]) / 100,
            "note": _text(columns[7]),
        }
    )


def positions_frame(panel: MarketPanel, journal: Journal, first: int) -> pd.DataFrame:
    """One row per session of the span and name held, at the close."""
    rows = [h for h in journal.holdings if h.row >= first]
    equity = {record.row: record.value_fen for record in journal.sessions}
    value, total = _fen([h.value_fen for h in rows]), _fen([equity[h.row] for h in rows])
    return pd.DataFrame(
        {
            "date": _dates(panel, [h.row for h in rows]),
            "symbol": _text([h.symbol for h in rows]),
            "shares": np.array([h.shares for h in rows], dtype=np.int64),
            "sellable": np.array([h.sellable for h in rows], dtype=np.int64),
            "close": np.array([h.close_fen for h in rows], dtype=np.float64) / 100,
            "value_cny": value / 100,
            "weight": value / np.maximum(total, 1),
        }
    )


def equity_frame(
    panel: MarketPanel, journal: Journal, span: Span, cash_fen: int, benchmark: Array | None
) -> pd.DataFrame:
    """One row per session of the span: equity, cash, costs and turnover of the session, index close."""
    records = [r for r in journal.sessions if r.row >= span.start]
    value = _fen([r.value_fen for r in records])
    before = np.append(cash_fen, value[:-1])
    traded = _fen([r.bought_fen + r.sold_fen for r in records])
    return pd.DataFrame(
        {
            "date": _dates(panel, [r.row for r in records]),
            "equity": value / 100,
            "cash": _fen([r.cash_fen for r in records]) / 100,
            "cost": _fen([r.fees_fen for r in records]) / 100,
            "turnover": traded / 2 / np.maximum(before, 1),
            "benchmark": np.full(len(records), np.nan) if benchmark is None else benchmark[1:],
        }
    )


def _trade_columns(panel: MarketPanel, trades: list[tuple[int, Any]]) -> dict[str, Any]:
    filled = [e if isinstance(e, Fill) else None for _, e in trades]
    money = _fen([(e.amount_fen, *e.fees) if e else (0, 0, 0, 0) for e in filled]).reshape(-1, 4)
    return {
        "date": _dates(panel, [row for row, _ in trades]),
        "symbol": _text([e.request.symbol for _, e in trades]),
        "side": _text([e.side.value for _, e in trades]),
        "shares": np.array([e.shares if e else 0 for e in filled], dtype=np.int64),
        "price": np.array([e.price_fen / 100 if e else np.nan for e in filled], dtype=np.float64),
        **{name: money[:, i] / 100 for i, name in enumerate(_MONEY)},
    }


def _fen(values: list[Any]) -> np.ndarray:
    """Whole fen as int64; the exact floats of ``compat: qlib`` stay floats."""
    return np.array(values) if values else np.empty(0, dtype=np.int64)


def _dates(panel: MarketPanel, rows: list[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(panel.dates[np.array(rows, dtype=np.intp)].astype("datetime64[ms]"))


def _text(values: list[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype="object" if any(v is None for v in values) else "str")

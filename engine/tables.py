"""The journal of a run as data frames: fills, orders, positions, equity.

Events are turned into columns whole, by ``zip``: a run has tens of thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from engine.broker.journal import Journal
from engine.broker.orders import Fill, Reason, Trade
from engine.market.panel import MarketPanel
from engine.metrics import Array
from engine.span import Span

_STATUS: dict[Reason | None, str] = {
    Reason.CANCELLED: "cancelled",
    Reason.REPLACED: "cancelled",
    Reason.END_OF_RUN: "expired",
    Reason.PRICE_NOT_REACHED: "expired",
}
#: money of a fill, by column, and where it comes from
_MONEY = {
    "amount_cny": "amount_fen",
    "commission": "commission_fen",
    "stamp_duty": "stamp_duty_fen",
    "transfer_fee": "transfer_fee_fen",
}


def fills_frame(panel: MarketPanel, journal: Journal) -> pd.DataFrame:
    """One row per fill in the order of matching; money in CNY, whole fen."""
    column = journal.trades.column
    filled = [price is not None for price in column("price_fen")]

    def of_fills(name: str) -> list[Any]:
        return list(compress(column(name), filled))

    return pd.DataFrame(
        {
            "date": _dates(panel, of_fills("row")),
            "symbol": _text(of_fills("symbol")),
            "side": _text(of_fills("side")),
            "shares": np.array(of_fills("shares"), dtype=np.int64),
            "price": np.array(of_fills("price_fen"), dtype=np.float64) / 100,
            **{name: _fen(of_fills(field)) / 100 for name, field in _MONEY.items()},
            "order_id": _text(of_fills("order_id")),
        }
    )


def orders_frame(panel: MarketPanel, journal: Journal, fills: pd.DataFrame) -> pd.DataFrame:
    """One row per order, filled or not, with the session of its decision, its status and the reason."""
    column = journal.trades.column
    filled = np.array([price is not None for price in column("price_fen")], dtype=bool)
    requested, reasons = column("requested"), column("reason")
    spread = {name: _spread(fills[name].to_numpy(), filled, 0) for name in ("shares", *_MONEY)}
    orders: dict[str, Any] = {
        "date": _dates(panel, column("row")),
        "symbol": _text(column("symbol")),
        "side": _text(column("side")),
        "shares": spread.pop("shares"),
        "price": _spread(fills["price"].to_numpy(), filled, np.nan),
        **spread,
        "order_id": _text(column("order_id")),
        "decided_on": pd.DatetimeIndex(_days(column("decided_day"))),
        "shares_requested": np.array(requested, dtype=np.int64),
    }
    orders["shares_filled"] = orders["shares"]
    statuses = map(_status, column("price_fen"), column("shares"), requested, reasons)
    orders["status"] = _text(statuses)
    orders["reason"] = pd.Series([reason.value if reason else None for reason in reasons], dtype="string")
    return _one_row_an_order(pd.DataFrame(orders))


def rejected_orders(journal: Journal) -> int:
    """How many orders ended as ``rejected``: refused, and never filled in part."""
    column = journal.trades.column
    prices = column("price_fen")
    if None not in prices:
        return 0
    ids = column("order_id")
    refused = {
        key: _status(price, 0, 0, reason) == "rejected"
        for key, price, reason in zip(ids, prices, column("reason"), strict=True)
        if price is None
    }
    traded = {key for key, price in zip(ids, prices, strict=True) if price is not None}
    return sum(rejected for key, rejected in refused.items() if key not in traded)


def _one_row_an_order(orders: pd.DataFrame) -> pd.DataFrame:
    """Put the pieces and sessions of an order into the row of its last event."""
    if orders["order_id"].is_unique:
        return orders
    by_order = orders.groupby("order_id", sort=False)
    alone = by_order["order_id"].transform("size") == 1
    for name in ("shares", "shares_filled", *_MONEY):
        orders[name] = by_order[name].transform("sum")
    orders["shares_requested"] = by_order["shares_requested"].transform("max")
    traded = orders["shares"] > 0
    orders["price"] = orders["price"].where(alone | ~traded, orders["amount_cny"] / orders["shares"].clip(1))
    whole = traded & (orders["shares_filled"] >= orders["shares_requested"])
    orders["status"] = orders["status"].mask(~alone & traded, "partial").mask(~alone & whole, "filled")
    orders["reason"] = orders["reason"].mask(~alone & whole)
    return orders.drop_duplicates("order_id", keep="last").reset_index(drop=True)


def status_of(event: Trade) -> str:
    """``filled``, ``partial``, ``rejected``, ``cancelled`` or ``expired``."""
    if isinstance(event, Fill):
        return _status(event.price_fen, event.shares, event.requested, event.reason)
    return _status(None, 0, event.requested, event.reason)


def _status(price: float | None, shares: int, requested: int, reason: Reason | None) -> str:
    if price is not None:
        return "partial" if shares < requested else "filled"
    return _STATUS.get(reason, "rejected")


def events_frame(panel: MarketPanel, journal: Journal) -> pd.DataFrame:
    """What moved cash and shares besides trades: ex-dates, dividends paid later, tax withheld at sales.

    With the fills it explains every change of cash to the fen: ``cash_cny`` is signed, ``rounding_cny`` is
    the value an ex-date left over and is no cash.
    """
    rows: list[tuple[Any, ...]] = [
        (row, e.symbol, "ex_date", e.paid_fen, e.shares_before, e.shares_after,
         e.rounding_fen, e.terms)
        for row, e in journal.ex_dates
    ]  # fmt: skip
    rows += [(row, e.symbol, "dividend", e.cash_fen, 0, 0, 0, "") for row, e in journal.received]
    column = journal.trades.column
    rows += [
        (row, symbol, "dividend_tax", -tax, 0, 0, 0, order_id)
        for tax, row, symbol, order_id in zip(
            column("tax_fen"), column("row"), column("symbol"), column("order_id"), strict=True
        )
        if tax
    ]
    rows.sort(key=lambda event: event[0])
    columns = _columns(rows, 8)
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
    marks = journal.marks
    before = sum(row < first for row in marks.rows)
    rows, held = marks.rows[before:], marks.sizes[before:]
    skipped = sum(marks.sizes[:before])
    columns = marks.columns[skipped:]
    shares, sellable, closes, value = (
        _fen(each[skipped:]) for each in (marks.shares, marks.sellable, marks.closes, marks.values())
    )
    equity = {record.row: record.value_fen for record in journal.sessions}
    total = np.repeat(_fen([equity[row] for row in rows]), held)
    return pd.DataFrame(
        {
            "date": _dates(panel, rows).repeat(held),
            "symbol": _text(map(marks.symbols.__getitem__, columns)),
            "shares": shares,
            "sellable": sellable,
            "close": closes / 100,
            "value_cny": value / 100,
            "weight": value / np.maximum(total, 1),
        }
    )


def equity_frame(
    panel: MarketPanel, journal: Journal, span: Span, cash_fen: int, benchmark: Array | None
) -> pd.DataFrame:
    """One row per session of the span: equity, cash, costs and turnover of the session, index close."""
    records = [record for record in journal.sessions if record.row >= span.start]
    rows, cash, values, fees, bought, sold = _columns(records, 6)
    value = _fen(values)
    before = np.append(cash_fen, value[:-1])
    return pd.DataFrame(
        {
            "date": _dates(panel, rows),
            "equity": value / 100,
            "cash": _fen(cash) / 100,
            "cost": _fen(fees) / 100,
            "turnover": (_fen(bought) + _fen(sold)) / 2 / np.maximum(before, 1),
            "benchmark": np.full(len(records), np.nan) if benchmark is None else benchmark[1:],
        }
    )


def _columns(records: Sequence[Any], width: int) -> Sequence[Sequence[Any]]:
    """Fields of records as columns; `width` empty ones where there are no records."""
    return list(zip(*records, strict=True)) or [()] * width


def _spread(values: np.ndarray, filled: np.ndarray, blank: float) -> np.ndarray:
    """Values of the fills in the rows of all orders, `blank` in the others."""
    out = np.full(len(filled), blank, dtype=values.dtype)
    out[filled] = values
    return out


def _fen(values: Sequence[Any]) -> np.ndarray:
    """Whole fen as int64; the exact floats of ``compat: qlib`` stay floats."""
    return np.array(values) if len(values) else np.empty(0, dtype=np.int64)


def _dates(panel: MarketPanel, rows: Sequence[int]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(panel.dates[np.array(rows, dtype=np.intp)].astype("datetime64[ms]"))


def _days(days: Sequence[int]) -> np.ndarray:
    """Days since 1970-01-01 as dates."""
    return np.array(days, dtype=np.int64).astype("datetime64[D]").astype("datetime64[ms]")


def _text(values: Iterable[Any]) -> pd.Series[Any]:
    return pd.Series(list(values), dtype="str")

"""Sections on what was traded, what could not be, and what ex-dates did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.broker.orders import REASON_TEXT, Reason
from engine.report.section import Column, Format, Section, Table

if TYPE_CHECKING:
    from engine.result import Result


def trades_section(result: Result) -> Section:
    """Every fill, newest first."""
    fills = result.fills.iloc[::-1]
    table = Table(
        "Fills",
        (
            Column("Session", _iso(fills["date"]), Format.DATE),
            Column("Symbol", fills["symbol"].tolist()),
            Column("Side", fills["side"].tolist()),
            Column("Shares", fills["shares"].tolist(), Format.INTEGER),
            Column("Price", fills["price"].tolist(), Format.NUMBER),
            Column("Amount, CNY", fills["amount_cny"].tolist(), Format.MONEY),
            Column("Commission", fills["commission"].tolist(), Format.NUMBER),
            Column("Stamp duty", fills["stamp_duty"].tolist(), Format.NUMBER),
            Column("Transfer fee", fills["transfer_fee"].tolist(), Format.NUMBER),
        ),
        note="Newest first. The same rows are in fills.parquet.",
    )
    return Section("Fills", 60, notes=() if len(fills) else ("Nothing was traded.",), tables=(table,))


def refusals_section(result: Result) -> Section:
    """Orders that were refused or cut, by reason and one by one."""
    orders = result.orders[result.orders["status"] != "filled"]
    if orders.empty:
        return Section("Not traded", 70, notes=("Every order was filled in full.",))
    by_reason = orders.groupby("reason").agg(
        orders=("status", "size"),
        names=("symbol", "nunique"),
        cut=("status", lambda s: int((s == "partial").sum())),
    )
    by_reason = by_reason.sort_values("orders", ascending=False)
    orders = orders.iloc[::-1]
    return Section(
        "Not traded",
        70,
        notes=(f"{len(orders)} of {len(result.orders)} orders were refused, cut or dropped.",),
        tables=(
            Table(
                "By reason",
                (
                    Column("Reason", list(by_reason.index)),
                    Column("Meaning", [_meaning(reason) for reason in by_reason.index]),
                    Column("Orders", by_reason["orders"].tolist(), Format.INTEGER),
                    Column("of these filled in part", by_reason["cut"].tolist(), Format.INTEGER),
                    Column("Names", by_reason["names"].tolist(), Format.INTEGER),
                ),
            ),
            Table(
                "Orders refused or cut",
                (
                    Column("Decided", _iso(orders["decided_on"]), Format.DATE),
                    Column("Session", _iso(orders["date"]), Format.DATE),
                    Column("Symbol", orders["symbol"].tolist()),
                    Column("Side", orders["side"].tolist()),
                    Column("Wanted", orders["shares_requested"].tolist(), Format.INTEGER),
                    Column("Filled", orders["shares_filled"].tolist(), Format.INTEGER),
                    Column("Status", orders["status"].tolist()),
                    Column("Reason", orders["reason"].tolist()),
                ),
                note="Wanted is 0 where money, not a number of shares, was ordered and no price was found.",
            ),
        ),
    )


def _meaning(reason: str) -> str:
    return REASON_TEXT[Reason(reason)]


def actions_section(result: Result) -> Section | None:
    """What ex-dates did to holdings."""
    rows = result.journal.ex_dates
    if not rows:
        return None
    n = result.metrics
    events = [event for _, event in rows]
    paid = [
        str(result.panel.dates[row] if event.pay_day is None else np.datetime64(event.pay_day, "D"))
        for row, event in rows
    ]
    later = (Column("Paid on", paid, Format.DATE),) if any(event.pay_day for event in events) else ()
    table = Table(
        "Ex-dates of holdings",
        (
            Column("Session", [str(result.panel.dates[row]) for row, _ in rows], Format.DATE),
            Column("Symbol", [e.symbol for e in events]),
            Column("Terms", [e.terms for e in events]),
            Column("Shares before", [e.shares_before for e in events], Format.INTEGER),
            Column("Shares after", [e.shares_after for e in events], Format.INTEGER),
            Column("Cash, CNY", [(e.cash_fen - e.rights_cost_fen) / 100 for e in events], Format.MONEY),
            *later,
            Column("Rounding, CNY", [e.rounding_fen / 100 for e in events], Format.NUMBER),
        ),
        note="Rounding is value after minus value before: ticks, whole shares, fen. It is shown, not booked.",
    )
    note = (
        f"Dividends and fractions of shares brought {n['dividends_total']:,.2f} CNY; rounding on ex-dates "
        f"came to {n['ex_date_rounding']:,.2f} CNY."
    )
    return Section("Corporate actions", 80, notes=(note,), tables=(table,))


def _iso(dates: pd.Series[pd.Timestamp]) -> list[str]:
    return [f"{d:%Y-%m-%d}" for d in dates]

"""The section on turnover and what it cost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from engine import metrics as m
from engine.broker.orders import Fill
from engine.report.section import Column, Figure, Format, Section, Series, Table

if TYPE_CHECKING:
    from engine.result import Result

_COMMISSION, _STAMP, _TRANSFER = "Commission", "Stamp duty", "Transfer fee"
_SLIPPAGE, _TAX = "Slippage (within the fill prices)", "Dividend tax"


def costs_section(result: Result) -> Section:
    """Turnover by month, costs by month and kind, and what they came to."""
    turnover = result.equity.groupby(result.equity["date"].dt.strftime("%Y-%m"))["turnover"].sum()
    months = [str(month) for month in turnover.index]
    parts = _by_month(result)
    costs = [
        Series(kind, [parts[kind].get(month, 0) / 100 for month in months], kind="bar")
        for kind in (_COMMISSION, _STAMP, _TRANSFER, _SLIPPAGE, _TAX)
        if any(parts[kind].values())
    ]
    return Section(
        "Turnover and costs",
        30,
        figures=(
            Figure(
                "Costs by month, CNY",
                months,
                costs,
                format=Format.MONEY,
                stacked=True,
                height=260,
            ),
            Figure(
                "Turnover by month, one way",
                months,
                [Series("Turnover", turnover.tolist(), kind="bar", colour="accent")],
                format=Format.PERCENT,
                height=220,
            ),
        ),
        tables=(_what_it_cost(result),),
    )


def _by_month(result: Result) -> dict[str, dict[str, int]]:
    """Fen by kind and month; what falls outside the span is not counted, as in the equity."""
    out: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    labels = result.panel.dates.astype("datetime64[M]").astype(str).tolist()
    for row, event in result.journal.trades:
        if not isinstance(event, Fill):
            continue
        commission, stamp, transfer = event.fees
        month = labels[row]
        for kind, fen in (
            (_COMMISSION, commission),
            (_STAMP, stamp),
            (_TRANSFER, transfer),
            (_SLIPPAGE, event.slippage_fen),
            (_TAX, event.tax_fen),
        ):
            out[kind][month] += fen
    return out


def _what_it_cost(result: Result) -> Table:
    fills, n = result.fills, result.metrics
    parts = {
        _COMMISSION: float(fills["commission"].sum()),
        _STAMP: float(fills["stamp_duty"].sum()),
        _TRANSFER: float(fills["transfer_fee"].sum()),
        _SLIPPAGE: n["slippage_total"],
        _TAX: n["dividend_tax_total"],
    }
    parts["Total"] = sum(parts.values())
    years = max(n["sessions"] / m.SESSIONS_A_YEAR, 1e-9)
    mean_equity = float(result.equity["equity"].mean())
    return Table(
        "What trading cost",
        (
            Column("Item", list(parts)),
            Column("CNY", list(parts.values()), Format.MONEY),
            Column(
                "of mean equity, a year",
                [value / mean_equity / years for value in parts.values()],
                Format.PERCENT,
            ),
            Column(
                "of starting cash", [value / result.levels[0] for value in parts.values()], Format.PERCENT
            ),
        ),
    )

"""The section with the K-line of every name ever held, and its trades."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from engine.broker.orders import Fill, Side
from engine.contributions import contributions
from engine.report.contributors import names_of
from engine.report.section import Bars, Candles, Section, Trade

if TYPE_CHECKING:
    from engine.result import Result

_MOST = 400
"""So many names at most, those with the largest profits and losses; a page must still open."""


def klines_section(result: Result) -> Section | None:
    """Daily bars of the names held, over the span; None where nothing was held."""
    rows = contributions(result.journal)
    if not rows:
        return None
    largest = sorted(rows, key=lambda row: (-abs(row.profit_fen), row.symbol))
    chosen = largest[:_MOST]
    first = chosen[0].symbol
    # by symbol, as a reader looks for one; the name that moved the result most opens the chart
    ordered = sorted(chosen, key=lambda row: (row.symbol != first, row.symbol))
    start, stop = result.span.start, result.span.stop
    dates = [str(day) for day in result.panel.dates[start : stop + 1]]
    remarks = {row.symbol: f"{row.profit_fen / 100:+,.0f} CNY".replace("-", "−") for row in chosen}
    symbols = [row.symbol for row in ordered]
    left_out = f" The {_MOST} names of {len(rows)} that moved the result most." if len(rows) > _MOST else ""
    return Section(
        "K-lines",
        48,
        figures=(
            Candles(
                "Daily bars and trades",
                dates,
                _bars(result, symbols, remarks),
                note="Raw prices: an ex-date shows as a fall. Beside each name stands what it earned in the "
                "run. Drag to move, Ctrl and the wheel to zoom." + left_out,
                decimals=_decimals(result.panel.tick),
            ),
        ),
    )


def _bars(result: Result, symbols: list[str], remarks: dict[str, str]) -> list[Bars]:
    panel, names, offset = result.panel, names_of(result), result.span.start
    rows = slice(offset, result.span.stop + 1)
    fields = {name: panel.field(name)[rows] for name in ("open", "high", "low", "close", "volume")}
    trades: dict[str, list[Trade]] = defaultdict(list)
    for row, event in result.journal.trades:
        if isinstance(event, Fill):
            side = "buy" if event.side is Side.BUY else "sell"
            trade = Trade(row - offset, side, event.shares, event.price_fen / 100)  # type: ignore[arg-type]
            trades[event.request.symbol].append(trade)
    ex_dates: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row, ex_date in result.journal.ex_dates:
        ex_dates[ex_date.symbol].append((row - offset, ex_date.terms or "value preserved"))
    held: dict[str, list[int]] = defaultdict(list)
    for holding in result.journal.holdings:
        held[holding.symbol].append(holding.row - offset)
    out = []
    for symbol in symbols:
        column = panel.column(symbol)
        known = np.flatnonzero(np.isfinite(fields["close"][:, column]))
        if not len(known):
            continue
        first, last = int(known[0]), int(known[-1])
        within = {name: _filled(values[first : last + 1, column]) for name, values in fields.items()}
        out.append(
            Bars(
                symbol,
                first,
                **within,  # type: ignore[arg-type]
                trades=[trade for trade in trades[symbol] if first <= trade.at <= last],
                held=_stretches([at for at in held[symbol] if first <= at <= last]),
                events=[event for event in ex_dates[symbol] if first <= event[0] <= last],
                name=names.get(symbol, ""),
                remark=remarks[symbol],
            )
        )
    return out


def _stretches(positions: list[int]) -> list[tuple[int, int]]:
    """Runs of consecutive positions as (first, last)."""
    out: list[tuple[int, int]] = []
    for at in sorted(positions):
        if out and out[-1][1] == at - 1:
            out[-1] = (out[-1][0], at)
        else:
            out.append((at, at))
    return out


def _filled(values: np.ndarray) -> np.ndarray:
    """Gaps at the value before them: a panel of bars has none, one made by hand may."""
    known = np.isfinite(values)
    if known.all():
        return values
    place = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    filled: np.ndarray = np.nan_to_num(values[place])
    return filled


def _decimals(tick: float | None) -> int:
    return 4 if tick is None else max(2, len(f"{tick:.6f}".rstrip("0").partition(".")[2]))

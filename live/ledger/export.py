"""An epoch as the frames of a back-test, made by the same code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from engine.broker.account import Receivable
from engine.broker.journal import Journal, MarkLog, SessionRecord
from engine.broker.orders import Fill, Refusal
from engine.market.panel import MarketPanel
from engine.span import Span
from engine.tables import equity_frame, events_frame, fills_frame, orders_frame, positions_frame
from live.ledger.entries import ExDated, Learned, Refreshed, SessionMark
from live.ledger.records import read_entries
from live.ledger.rows import EpochKey, load_header


@dataclass(frozen=True)
class _Sessions:
    """All that the frames read of a panel."""

    dates: Any


def frames(connection: Connection, key: EpochKey) -> dict[str, pd.DataFrame]:
    """Return equity, fills, orders, positions and events of an epoch, columns as in a back-test's run folder.

    Equity and positions have the sessions that were settled; the other three all that was recorded. An
    account that was traded live has its provider's refreshes, too.
    """
    kinds = ("fill", "refusal", "ex_date", "dividend", "mark")
    entries = read_entries(connection, key, None, None, kinds)
    days = sorted({day for day, _ in entries})
    row_of = {day: row for row, day in enumerate(days)}
    journal = Journal()
    symbols: dict[str, int] = {}
    levels: list[float] = []
    for day, entry in entries:
        row = row_of[day]
        match entry:
            case Fill() | Refusal():
                journal.trades.extend(row, (entry,))
            case ExDated():
                journal.ex_dates.append((row, entry.event))
            case Receivable():
                journal.received.append((row, entry))
            case SessionMark():
                money = entry.cash_fen, entry.value_fen, entry.fees_fen, entry.bought_fen, entry.sold_fen
                journal.sessions.append(SessionRecord(row, *money))
                levels.append(np.nan if entry.benchmark is None else entry.benchmark)
                _mark(journal.marks, row, entry, symbols)
    journal.marks.symbols = list(symbols)
    panel = cast(MarketPanel, _Sessions(np.array(days, dtype="datetime64[D]")))
    span = Span(0, 0, max(0, len(days) - 1))
    # the frame leaves out the first level, the base before the span
    benchmark = np.array([np.nan, *levels])
    fills = fills_frame(panel, journal)
    opening = load_header(connection, key)["opening_fen"]
    out = {
        "equity": equity_frame(panel, journal, span, opening, benchmark),
        "fills": fills,
        "orders": orders_frame(panel, journal, fills),
        "positions": positions_frame(panel, journal, span.start),
        "events": events_frame(panel, journal),
    }
    refreshes = _refreshes(connection, key)
    return out | ({"refreshes": pd.DataFrame(refreshes)} if refreshes else {})


def _refreshes(connection: Connection, key: EpochKey) -> list[dict[str, Any]]:
    """What a provider learned while the account was traded live: costs, labels, failures; one row each."""
    entries = read_entries(connection, key, None, None, ("refresh", "learned"))
    snapshots = {day: entry for day, entry in entries if isinstance(entry, Refreshed)}
    rows = []
    for day, entry in entries:
        if not isinstance(entry, Learned):
            continue
        held = snapshots.get(day)
        rows.append(
            {
                "session": day.isoformat(),
                "snapshot": None if held is None else held.snapshot_hash,
                "failed": entry.failed,
                "labels": ", ".join(entry.labels),
                "notes": "\n".join(entry.notes),
                "calls": int(entry.costs.get("calls", 0)),
                "tokens": int(entry.costs.get("tokens", 0)),
                "money": str(entry.costs.get("money", "")),
                "currency": str(entry.costs.get("currency", "")),
                "costs": str(entry.costs.get("line", "")),
            }
        )
    return rows


def _mark(log: MarkLog, row: int, mark: SessionMark, symbols: dict[str, int]) -> None:
    log.rows.append(row)
    log.sizes.append(len(mark.holdings))
    for held in mark.holdings:
        log.columns.append(symbols.setdefault(held.symbol, len(symbols)))
        log.shares.append(held.shares)
        log.sellable.append(held.sellable)
        log.closes.append(held.close_fen)

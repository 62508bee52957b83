"""What a ledger says of the signal: what was learned, what was scored, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from alpha_sources.refresh import Recurrence
from alpha_sources.signal import ProviderSignal, Refresh
from engine.market.panel import MarketPanel
from live.ledger import Refreshed, Task, TaskState
from live.past import PastSession
from live.snapshots import keep, recall
from live.task_book import OVER

Past = Mapping[int, PastSession]

_PERIOD_ENDS = frozenset({Recurrence.WEEK_END, Recurrence.MONTH_END, Recurrence.QUARTER_END})


def record_of(refresh: Refresh, signal: ProviderSignal, past: Past, row: int, folder: Path) -> Refreshed:
    """Keep what a signal has learned for the session at `row`, and return the entry that says so."""
    snapshot = signal.snapshot
    changed = refresh.snapshot is not None and refresh.snapshot != _in_force(past, row)
    if snapshot is not None and changed:
        keep(snapshot, folder)
    as_of = None if snapshot is None else date.fromisoformat(str(snapshot.as_of))
    return Refreshed(signal.name, refresh.snapshot, as_of, changed)


def resume(signal: ProviderSignal, past: Past, folder: Path, market: MarketPanel | None) -> None:
    """Put a signal where the record ends; one that was never asked stays at the beginning.

    Parameters
    ----------
    market : MarketPanel or None
        Where a refresh is to be made: if the last one at the end of a week, month or quarter has failed, the
        signal stands before that, and makes it again on what was known at that close. None: it is not.
    """
    asked = [
        row
        for row, session in past.items()
        if session.refreshed is not None or (session.planned is not None and session.planned.scores)
    ]
    if not asked:
        return
    refreshed = [row for row, session in past.items() if session.is_(Task.REFRESH, TaskState.DONE)]
    due = [row for row in refreshed if past[row].refreshed is not None]
    last_due = max(due, default=None)
    held = None if last_due is None else past[last_due].refreshed
    snapshot = None if held is None or held.snapshot_hash is None else recall(folder, held.snapshot_hash)
    end = max([*refreshed, *asked]) - 1
    failed = None if market is None else _failed_period_end(signal, past, market, end)
    signal.resume(end if failed is None else failed - 1, None if last_due is None else last_due - 1, snapshot)


def recall_scores(signal: ProviderSignal, past: Past, symbols: list[str]) -> None:
    """Give a signal the scores that it gave, for a strategy that remembers what it was told."""
    columns = {symbol: n for n, symbol in enumerate(symbols)}
    for row, session in past.items():
        if not session.settled and not session.is_(Task.PLAN, *OVER):
            continue
        scores = np.full(len(columns), np.nan)
        for symbol, score in ({} if session.planned is None else session.planned.scores).items():
            scores[columns[symbol]] = score
        signal.used[row - 1] = scores


def _failed_period_end(signal: ProviderSignal, past: Past, panel: MarketPanel, end: int) -> int | None:
    """Row of the last period's end whose refresh failed and was not made up for since."""
    if signal.rule.recurrence not in _PERIOD_ENDS:
        return None  # the others are due again on the next evening
    tried = [row for row, session in sorted(past.items()) if session.learned is not None]
    if not tried or not past[tried[-1]].failed_to_learn:
        return None
    since = max((row for row in tried if not past[row].failed_to_learn), default=-1)
    first = min(row for row in tried if row > since)
    for row in range(end, max(first - 2, -1), -1):  # a session is decided on at the row before it
        if signal.rule.is_due(panel.dates[row], 1, panel.calendar):
            return row
    return None


def _in_force(past: Past, row: int) -> str | None:
    known = [session.refreshed for r, session in sorted(past.items()) if r < row and session.refreshed]
    return known[-1].snapshot_hash if known else None

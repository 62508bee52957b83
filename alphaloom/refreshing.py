"""Refreshes without trading: what a provider learns, session by session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from alpha_sources.refresh import Recurrence
from alpha_sources.signal import Refresh
from alpha_sources.snapshot import Snapshot
from alphaloom.api import market_of, refresh_store, signal_of
from alphaloom.config import RunConfig
from alphaloom.notes import run_costs
from engine.errors import ConfigError, DataError
from engine.market.calendar import iso


def refresh(
    settings: RunConfig,
    *,
    day: date | None = None,
    since: date | None = None,
    previous: Snapshot | None = None,
    keep: bool = True,
    out: Path | None = None,
    on_refresh: Callable[[Refresh, Snapshot | None], None] | None = None,
    on_session: Callable[[int, int], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> list[Snapshot]:
    """Let a configuration's provider learn.

    Parameters
    ----------
    day : date, optional
        The last session at or before it is learned at; by default that of the data.
    since : date, optional
        Walk there from this day on, at the sessions that ``alpha.refresh`` names, so that each refresh
        follows the one before. By default the session alone.
    previous : Snapshot, optional
        What the first refresh follows.
    keep : bool
        Whether refreshes are looked up, and kept, under ALPHALOOM_HOME.
    out : Path, optional
        Folder for the snapshots.
    on_refresh : callable, optional
        Told of each refresh, and of the snapshot in force after it.
    on_session : callable, optional
        Called with (sessions done, sessions in all).
    on_note : callable, optional
        Told what whoever uses the snapshots must know: that a refresh failed, what models have cost.

    Returns
    -------
    list of Snapshot
        Those learned, in order; none if the provider has nothing to learn.

    Raises
    ------
    ConfigError
        If the strategy reads no scores, nothing is ever refreshed, or the days run backwards.
    DataError
        If the data hold no session by that day.
    ProviderError
        If the provider fails; what was learned before that is kept.
    """
    panel = market_of(settings).panel
    signal = signal_of(settings, panel, store=refresh_store() if keep else None)
    if signal is None:
        raise ConfigError(f"strategy {settings.strategy.name} reads no scores: there is nothing to refresh")
    if signal.rule.recurrence is Recurrence.NEVER:
        raise ConfigError(
            "alpha.refresh is never; set it to once, every N, week_end, month_end or quarter_end"
        )
    last = _row(panel.dates, day, "--date")
    first = (
        last if since is None else min(int(np.searchsorted(panel.dates, np.datetime64(since, "D"))), last + 1)
    )
    if first > last:
        raise ConfigError(f"no session of the data lies between {since} and {iso(panel.dates[last])}")
    learned: list[Snapshot] = []
    told = 0
    try:
        signal.resume(first - 1, None, previous)
        for row in range(first, last + 1):
            before = len(signal.snapshots)
            made = signal.advance(row)
            if on_note is not None:
                for note in signal.notes[told:]:
                    on_note(note)
            told = len(signal.notes)
            for one in signal.snapshots[before:]:
                learned.append(one)
                if out is not None:  # at once, since what follows may fail
                    one.save(out)
            if made is not None and on_refresh is not None:
                on_refresh(made, signal.snapshot)
            if on_session is not None:
                on_session(row - first + 1, last - first + 1)
        costs = run_costs(signal)
    finally:
        signal.provider.close()
    if on_note is not None and costs:
        on_note(costs["llm"]["line"])
    return learned


def _row(dates: np.ndarray, day: date | None, what: str) -> int:
    if day is None:
        return len(dates) - 1
    row = int(np.searchsorted(dates, np.datetime64(day, "D"), side="right")) - 1
    if row < 0:
        raise DataError(f"{what} {day} lies before the data, which begin {iso(dates[0])}")
    return row

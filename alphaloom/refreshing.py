"""Refreshes without trading: what a provider learns, session by session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import numpy as np

from alpha_sources.refresh import Recurrence
from alpha_sources.signal import ProviderSignal, Refresh
from alpha_sources.snapshot import Snapshot
from alphaloom.api import market_of, refresh_store, signal_of
from alphaloom.config import RunConfig
from alphaloom.notes import run_costs
from alphaloom.tried import count_tried, judged_in
from engine.errors import ConfigError, DataError, ProviderError
from engine.market.calendar import iso
from engine.market.panel import MarketPanel
from engine.sqlite import DatabaseError


def refresh(
    settings: RunConfig,
    *,
    day: date | None = None,
    since: date | None = None,
    previous: Snapshot | None = None,
    keep: bool = True,
    out: Path | None = None,
    at: datetime | None = None,
    ledger: Path | None = None,
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
    at : datetime, optional
        Now, with its time zone: formulas that a committee judged are then counted in the ledger of trials,
        for the project that bears the configuration's name; see `count_tried`. Without it nothing is counted.
    ledger : Path, optional
        Of trials; by default that of ALPHALOOM_HOME.
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
        If the provider fails; what was learned before that is kept. If `previous` was learned by another
        provider, under other parameters, or not before the first refresh.
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
        if previous is not None:
            _check_follows(previous, signal, iso(panel.dates[first]))
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
        # what was judged was tried, also where a later refresh failed
        counted = None if at is None else _count(learned, settings, panel, at, ledger)
    if on_note is not None and counted is not None:
        on_note(counted)
    if on_note is not None and costs:
        on_note(costs["llm"]["line"])
    return learned


def _count(
    learned: list[Snapshot], settings: RunConfig, panel: MarketPanel, at: datetime, ledger: Path | None
) -> str | None:
    """Count as trials what committees judged; what there is to say of it, also where it fails."""
    try:
        tried = count_tried(judged_in(learned), settings, panel, at=at, ledger=ledger)
    except DatabaseError as problem:
        return f"the formulas that were judged are not counted as trials: {problem}"
    return None if tried is None else tried.line()


def _check_follows(previous: Snapshot, signal: ProviderSignal, day: str) -> None:
    """Refuse to follow what this configuration cannot have learned: the result would be neither's."""
    which = f"--from: snapshot {previous.hash[:12]} (as of {previous.as_of or 'an unknown day'})"
    remedy = f"name one that {signal.name} learned with these parameters, or leave --from out to learn anew"
    if previous.provider != signal.name:
        raise ProviderError(
            f"{which} was learned by {previous.provider or 'an unnamed provider'}, and alpha.provider is "
            f"{signal.name}; {remedy}"
        )
    if previous.params_hash != signal.params_hash:
        raise ProviderError(
            f"{which} was learned under other alpha.params (hash {previous.params_hash[:12] or 'unknown'}) "
            f"than this configuration's (hash {signal.params_hash[:12]}), its seed and section llm included; "
            f"{remedy}"
        )
    if previous.as_of >= day:
        raise ProviderError(
            f"{which} cannot be followed at {day}: it had seen the market of that day; {remedy}"
        )


def _row(dates: np.ndarray, day: date | None, what: str) -> int:
    if day is None:
        return len(dates) - 1
    row = int(np.searchsorted(dates, np.datetime64(day, "D"), side="right")) - 1
    if row < 0:
        raise DataError(f"{what} {day} lies before the data, which begin {iso(dates[0])}")
    return row

"""Refreshes of a live account: in a process of their own, that is killed when its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alpha_sources.signal import ProviderSignal
from alpha_sources.snapshot import Snapshot
from alphaloom.api import refresh_store, signal_of
from alphaloom.config import RunConfig, load_config
from alphaloom.notes import run_costs, run_honesty
from alphaloom.paper.market import live_market, store_of
from engine.errors import AlphaloomError, CalendarError
from engine.market.calendar import Calendar, iso
from engine.market.panel import MarketPanel
from engine.market.view import MarketView
from engine.processes import DiedError, TimedOutError, started
from engine.span import SpanConfig, resolve_span
from live.config import LiveConfig
from live.deputy import Lesson
from live.ledger import Task
from live.snapshots import keep, recall
from live.timetable import Timetable

#: seconds between two looks at whether the daemon is to end
_SLICE_S = 0.5
#: seconds that are left to the plan itself
_PLANNING_S = 60.0


@dataclass(frozen=True)
class RefreshLimit:
    """How long a refresh may take: as configured, and never so long that the plan would come too late.

    Without it a refresh that begins in the morning, after a night that was slept through, would cost the
    session its plan, which what was learned before is good enough for.

    Parameters
    ----------
    config : LiveConfig
    timetable : Timetable
    calendar : callable
        The sessions of the exchange, as far as they are known now.
    now : callable
        The time, with a zone.
    """

    config: LiveConfig
    timetable: Timetable
    calendar: Callable[[], Calendar]
    now: Callable[[], datetime]

    def __call__(self, session: date) -> float:
        """Seconds from now for a refresh at the close of a session; not above 0 where it is too late."""
        most = 60 * self.config.refresh_minutes
        try:
            following = self.calendar().after(np.datetime64(session, "D"))
        except CalendarError:  # nothing is planned on it
            return most
        deadline = self.timetable.deadline(Task.PLAN, following.astype(object))
        return min(most, (deadline - self.now()).total_seconds() - _PLANNING_S)


class RefreshProcess:
    """Learns in a process of its own, within a deadline; what was learned comes back by its hash.

    A process that is killed loses nothing that was finished: it lies in the refresh store, where the next
    one finds it.

    Parameters
    ----------
    settings : RunConfig
        The account's, with its span.
    snapshots : Path
        Folder for what is learned.
    limit_s : callable
        Seconds that a refresh at the close of a session may take.
    stop : callable
        Called now and then; it raises when the daemon is to end.
    """

    def __init__(
        self,
        settings: RunConfig,
        snapshots: Path,
        limit_s: Callable[[date], float],
        stop: Callable[[], None],
    ) -> None:
        self._settings, self._snapshots = settings, snapshots
        self._limit_s, self._stop = limit_s, stop

    def __call__(self, view: MarketView, previous: Snapshot | None) -> Lesson:
        """Learn at the session of a view; a failure is part of the lesson."""
        limit_s = self._limit_s(view.session.astype(object))
        if limit_s <= 0:
            return Lesson(failed="no time is left for it before the plan must be made")
        plain, base = self._settings.plain(), str(self._settings.base)
        arguments = plain, base, iso(view.session), previous, str(self._snapshots)
        try:
            with started(learn, *arguments) as line:
                told = self._hear(line, limit_s)
        except TimedOutError:
            return Lesson(failed=f"it took longer than {limit_s / 60:.3g} min and was stopped")
        except DiedError as problem:
            return Lesson(failed=f"its process {problem}")
        except RuntimeError as problem:  # the trace of a defect
            return Lesson(failed=str(problem).strip().splitlines()[-1])
        digest = told.pop("snapshot")
        snapshot = None if digest is None else recall(self._snapshots, digest)
        return Lesson(snapshot, **told)

    def _hear(self, line: Any, limit_s: float) -> dict[str, Any]:
        until = time.monotonic() + limit_s
        while True:
            self._stop()
            try:
                told: dict[str, Any] = line.hear(min(_SLICE_S, max(0.0, until - time.monotonic())))
            except TimedOutError:
                if time.monotonic() >= until:
                    raise
            else:
                return told


def learn(
    say: Callable[[Any], None],
    plain: dict[str, Any],
    base: str,
    session: str,
    previous: Snapshot | None,
    folder: str,
) -> None:
    """Make one refresh, in whatever process this is, and say what came of it."""
    settings = load_config(plain)
    settings._base = Path(base)
    try:
        lesson = learnt(settings, date.fromisoformat(session), previous, Path(folder))
    except AlphaloomError as problem:
        lesson = {"snapshot": None, "failed": str(problem)}
    say(lesson)


def learnt(settings: RunConfig, session: date, previous: Snapshot | None, folder: Path) -> dict[str, Any]:
    """Learn at the close of a session, and keep it; what a `Lesson` says, its snapshot by its hash.

    Raises
    ------
    AlphaloomError
        If the data or the provider fail.
    """
    market = live_market(settings, store_of(settings))
    # whoever asks has found out that it is due
    due = settings.model_copy(update={"alpha": settings.alpha.model_copy(update={"refresh": "every 1"})})
    signal = signal_of(due, market.panel, store=refresh_store())
    if signal is None:
        return {"snapshot": None}
    try:
        return _learnt(due, signal, market.panel, session, previous, folder)
    finally:
        signal.provider.close()


def _learnt(
    settings: RunConfig,
    signal: ProviderSignal,
    panel: MarketPanel,
    session: date,
    previous: Snapshot | None,
    folder: Path,
) -> dict[str, Any]:
    row = panel.row(session)
    signal.resume(row - 1, None, previous)
    signal.advance(row)
    snapshot = signal.snapshot
    changed = snapshot is not None and (previous is None or snapshot.hash != previous.hash)
    if changed and snapshot is not None:
        keep(snapshot, folder)
    span = resolve_span(panel, SpanConfig(start=settings.span.start))
    honesty = run_honesty(settings, signal, panel, span)
    costs = run_costs(signal)
    return {
        "snapshot": snapshot.hash if changed and snapshot is not None else None,
        "costs": costs.get("llm", {}),
        "labels": tuple(label.value for label in honesty.labels),
        "notes": tuple(signal.notes),
    }

"""What is done with an account by hand: it is made, taken through a session, begun anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from alphaloom.config import RunConfig
from alphaloom.paper.configured import as_stored, open_or_explain, spanning, stored_settings
from alphaloom.paper.ledgers import made_ledger, snapshots_of
from alphaloom.paper.parity import Differences, compare
from alphaloom.paper.runs import open_ended, paper_run
from engine.errors import ConfigError
from engine.span import SpanConfig
from live.clock import SimulatedClock
from live.errors import LedgerConflict
from live.ledger import Ledger, Task, check_account_name
from live.machine import SessionMachine
from live.past import PastSession
from live.rehearsal import rehearse
from live.task_book import TaskEnded
from live.timetable import Timetable


def open_account(
    settings: RunConfig, url: str, account: str, *, start: date | None = None, at: datetime
) -> tuple[bool, date]:
    """Make an account, ledger included; whether it is new, and its first session.

    Parameters
    ----------
    start : date, optional
        First session; by default that of the configuration's span.
    at : datetime
        The moment, to be kept.

    Raises
    ------
    LedgerConflict
        If the account is there with another configuration or other cash.
    AlphaloomError
        If the configuration cannot be paper-traded; nothing is written then.
    """
    check_account_name(account)
    settings, run = open_ended(settings, start or settings.span.start)
    rehearse(run)
    with made_ledger(url) as ledger, ledger.writer(account) as writer:
        made = open_or_explain(ledger, writer, settings, run.cash_fen, at)
        return made, run.session(run.span.start)


def step(
    url: str,
    account: str | None,
    session: date,
    task: Task = Task.SETTLE,
    *,
    tell: Callable[[TaskEnded], None] | None = None,
) -> Differences:
    """Do the tasks of one session up to `task`, on recorded data.

    The clock stands at the evening before the session: earlier sessions that were left out are valued, but
    what they would have traded is missed.

    Returns
    -------
    dict of date to list of Difference
        Of the session, if it was settled now, how it differs from its back-test.

    Raises
    ------
    LedgerConflict
        If a daemon has traded the account: nobody trades it with hindsight.
    AlphaloomError
        If the day is no session of the account, or a task fails.
    """
    with Ledger.open(url) as ledger:
        name, settings = stored_settings(ledger, account)
        beat = ledger.service(name).heartbeat()
        if beat is not None and beat.at >= datetime.fromisoformat(ledger.epoch(name).opened_at):
            raise LedgerConflict(
                f"account {name!r} is traded by a daemon, and what it has missed is not traded afterwards; "
                "alphaloom paper run settles it, alphaloom paper replay plays recorded days"
            )
        run = paper_run(settings)
        row = run.row(session)
        if row < run.span.start:
            raise ConfigError(f"account {name!r} begins on {run.session(run.span.start)}, after {session}")
        if row > run.span.stop:
            raise ConfigError(f"account {name!r} ends on {run.session(run.span.stop)}, before {session}")
        with ledger.writer(name) as writer:
            ledger.require_sound(name)
            clock = SimulatedClock(Timetable.of(run.broker).due(Task.PREPARE, session, run.eve(row)))
            settled: list[PastSession] = []
            machine = SessionMachine(
                run,
                ledger,
                writer,
                snapshots=snapshots_of(ledger),
                clock=clock,
                tell=tell,
                after_session=settled.append,
                count_attempts=True,
            )
            machine.advance(row, task)
            if session not in [past.session for past in settled]:
                return {}
            return compare(run, machine.sessions, snapshots_of(ledger), session)


def reset(
    url: str,
    account: str | None,
    settings: RunConfig | None,
    *,
    start: date | None,
    at: datetime,
    reason: str,
) -> tuple[str, int]:
    """Archive the open epoch of an account and begin another; its name and the new epoch's number.

    Without `settings` the configuration stays as it was. A replay's account keeps its days, from `start` on;
    another has no last one, and begins with `start` or with the configuration's span.

    Raises
    ------
    AlphaloomError
        If the configuration cannot be paper-traded; nothing is written then.
    """
    with Ledger.open(url) as ledger:
        name, stored = stored_settings(ledger, account)
        settings = settings or stored
        end = stored.span.end
        if end is None:
            settings, run = open_ended(settings, start or settings.span.start or stored.span.start)
        else:
            start = start or stored.span.start
            if start is not None and start > end:
                raise ConfigError(f"account {name!r}: {start} lies after its last day {end}")
            settings = spanning(settings, SpanConfig(start=start, end=end))
            run = paper_run(settings)
        rehearse(run)
        with ledger.writer(name) as writer:
            number = writer.reset(run.cash_fen, settings.hash(), as_stored(settings), at=at, reason=reason)
    return name, number

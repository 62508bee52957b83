"""Recorded days, played as if they were live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from alphaloom.config import RunConfig
from alphaloom.paper.configured import open_or_explain, spanning
from alphaloom.paper.ledgers import export_again, made_ledger, snapshots_of
from alphaloom.paper.parity import AfterSession, Differences, compare
from alphaloom.paper.runs import paper_run
from engine.errors import ConfigError
from engine.market.phases import SHANGHAI
from engine.run_folder import check_writable
from engine.span import SpanConfig
from live.clock import SimulatedClock
from live.ledger import check_account_name
from live.machine import SessionMachine
from live.past import PastSession
from live.rehearsal import rehearse
from live.task_book import TaskEnded


def replay(
    settings: RunConfig,
    start: date,
    end: date,
    *,
    url: str,
    account: str,
    tell: Callable[[TaskEnded], None] | None = None,
    after_session: AfterSession | None = None,
    on_start: Callable[[int, int], None] | None = None,
    out: Path | None = None,
    each_evening: bool = False,
) -> Differences:
    """Play recorded days, from a new account or from where it stopped.

    Parameters
    ----------
    start, end : date
        Calendar days, both inclusive, as the span of a back-test.
    tell, after_session : callable, optional
        Told of every task, and of every settled session.
    on_start : callable, optional
        Called with the sessions settled already and those there are.
    out : Path, optional
        Folder for equity, fills, orders, positions and events, as a back-test writes them.
    each_evening : bool
        Compare each session with its back-test as soon as it is settled; all together at the end is faster.

    Returns
    -------
    dict of date to list of Difference
        Of every session that was played, how it differs from its back-test.

    Raises
    ------
    LedgerConflict
        If the account was opened with another configuration or other days, or has been reset since.
    LedgerError
        If the ledger is not sound, before or afterwards.
    """
    if start > end:
        raise ConfigError(f"a replay from {start} to {end} runs backwards; the first day comes first")
    check_account_name(account)
    settings = spanning(settings, SpanConfig(start=start, end=end))
    run = paper_run(settings)
    rehearse(run)
    opened_at = datetime.combine(run.session(run.span.clock_start), datetime.min.time(), SHANGHAI)
    with made_ledger(url) as ledger, ledger.writer(account) as writer:
        if out is not None and account not in ledger.accounts():
            check_writable(out)
        if not open_or_explain(ledger, writer, settings, run.cash_fen, opened_at):
            ledger.require_sound(account)
        differences: Differences = {}

        def evening(past: PastSession) -> None:
            if each_evening:
                differences.update(compare(run, machine.sessions, snapshots_of(ledger), past.session))
            if after_session is not None:
                after_session(past, differences.get(past.session))

        machine = SessionMachine(
            run,
            ledger,
            writer,
            snapshots=snapshots_of(ledger),
            clock=SimulatedClock(),
            tell=tell,
            after_session=evening,
        )
        begin = machine.next_row
        if on_start is not None:
            on_start(begin - run.span.start, run.span.sessions)
        if begin <= run.span.stop:
            machine.advance(run.span.stop)
            if not each_evening:
                differences = compare(run, machine.sessions, snapshots_of(ledger), run.session(begin))
        ledger.require_sound(account)
        if out is not None:
            export_again(ledger, account, out)
    return differences

"""One sync from its beginning to its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from random import Random

from engine.errors import DataError
from engine.market.sources.remote.fall_back import FallBack
from engine.market.sources.source import Source
from engine.market.store.fill import Progress
from engine.market.store.folder import MarketStore
from engine.market.store.reasons import ArrivalRules, LimitPercent
from engine.market.store.schema import Kind
from engine.market.store.sessions import store_calendar
from engine.market.store.sync.bars import BarSync
from engine.market.store.sync.context import Context
from engine.market.store.sync.journal import Journal
from engine.market.store.sync.report import SyncReport
from engine.market.store.sync.tables import corporate, ground, indices, names_of, optional


def sync(
    store: MarketStore,
    sources: Sequence[Source],
    *,
    universe: str | Sequence[str],
    since: date,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
    extras: Collection[Kind] = (),
    limit_percent: LimitPercent | None = None,
    crosscheck_names: int = 3,
    checkers: Sequence[Source] | None = None,
    seed: int = 0,
    timeout_s: float = 10.0,
) -> SyncReport:
    """Ask for what the store lacks, and store it in small steps.

    It may be killed at any moment: done again, it goes on where it was.

    Parameters
    ----------
    store : MarketStore
        Need not exist.
    sources : sequence of Source
        In the order in which they are asked.
    universe : str or sequence of str
        An index whose members a source lists, ``all`` stocks, or some symbols.
    since : date
        Bars from this day on.
    clock : callable
        Returns the time, naive, in Asia/Shanghai; a session counts from 15:30 on.
    progress : callable, optional
        Told with what is asked for, how much of it is done, and of how much.
    tell : callable, optional
        Told in one line who failed and who stepped in, as it happens.
    extras : collection of Kind
        Further tables: of `OPTIONAL`.
    limit_percent : callable, optional
        The dated table of price limits.
    crosscheck_names : int
        A second vendor is asked for so many of the names that have got bars.
    checkers : sequence of Source, optional
        Who may be that second vendor; by default `sources`.
    seed : int
        Of the sample's draw, together with the session.
    timeout_s : float
        How long to wait for another process that writes to the store.

    Raises
    ------
    DataError
        If it cannot be told which stocks are meant, or a vendor cannot be asked at all.
    StoreBusy
        If another process writes to the store.
    StoreError
        If the store cannot be written.
    """
    if since > clock().date():  # before a folder is made for it
        raise DataError(f"--since {since} lies after today; name an earlier day")
    with store.writing(clock, timeout_s) as writer, Journal(store.folder) as journal:
        rules = ArrivalRules(store_calendar(writer), writer.now, limit_percent)
        sessions = rules.calendar.sessions
        due: date = sessions[sessions <= rules.last_complete][-1].astype(object)
        if since > due:
            raise DataError(
                f"--since {since} lies after {due}, the last complete session; name an earlier day"
            )
        journal.forget_older(sum(commit.source == "repair" for commit in writer.manifest.commits))
        told = _once(tell or _nothing)
        ctx = Context(writer, journal, FallBack(sources, told), rules, due, since, progress or _no_progress)
        try:
            ground(ctx, universe)
            names = names_of(ctx, universe)
            corporate(ctx, names)
            indices(ctx)
            bars = BarSync(ctx, names)
            bars.run()
            others = FallBack(sources if checkers is None else checkers, told)
            bars.check(others, crosscheck_names, Random(f"{seed} {due}"))
            optional(ctx, names, extras)
        except KeyboardInterrupt:
            ctx.intake.store()  # what has come, came
            raise
        ctx.report.vendors = ctx.vendors.tallies
        return ctx.report


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Tell nothing a second time: the vendors of the second opinion are mostly the same."""
    heard: set[str] = set()

    def told(words: str) -> None:
        if words not in heard:
            heard.add(words)
            tell(words)

    return told


def _nothing(words: str) -> None:
    del words


def _no_progress(what: str, done: int, total: int) -> None:
    del what, done, total

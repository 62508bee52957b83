"""``alphaloom paper run``: a configuration, the store, the vendors and the ledger, put into a daemon."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from pathlib import Path

import numpy as np

from alphaloom.config import RunConfig
from alphaloom.paper.configured import open_or_explain, spanning, stored_settings
from alphaloom.paper.ledgers import made_ledger, snapshots_of
from alphaloom.paper.market import StoreMarket, Sync, live_market, store_of
from alphaloom.paper.refresh import RefreshLimit, RefreshProcess
from alphaloom.paper.runs import live_run
from engine.errors import ConfigError, DataError
from engine.market.calendar import Calendar
from engine.market.load import exchange_calendar
from engine.market.phases import SHANGHAI
from engine.market.store import MarketStore
from engine.market.store.sessions import store_calendar
from engine.span import SpanConfig
from live.daemon.daemon import PaperDaemon
from live.daemon.desk import Desk
from live.daemon.heart import Heart
from live.daemon.loop import StopSign, run
from live.daemon.office import Clock, Office
from live.daemon.telling import Teller
from live.deputy import Learn
from live.errors import LedgerConflict, LedgerError
from live.feeds import QuoteFeed, quote_feeds
from live.ledger import Ledger, check_account_name
from live.log import open_log, redactor
from live.notify import Level, Notifier
from live.protections import ProtectionsConfig
from live.rehearsal import rehearse
from live.timetable import Timetable

Now = Callable[[], datetime]


@dataclass(frozen=True)
class Surroundings:
    """What a daemon meets that is not its own: time, vendors, whoever is told.

    Parameters
    ----------
    now : callable
        The time, with a zone.
    sync : callable
        Brings the store up to a session.
    feeds : sequence of QuoteFeed
    calendar : callable
        The sessions of the exchange, as far as a store knows them.
    log : callable
        Called with a level and a line.
    defect : callable
        Called with an exception that is no fault of an input.
    learn : callable, optional
        Makes refreshes; by default a process of its own, with the deadline of the configuration.
    environ : mapping
        Where the secrets of channels are.
    """

    now: Now
    sync: Sync
    feeds: Sequence[QuoteFeed]
    calendar: Callable[[MarketStore], Calendar]
    log: Callable[[Level, str], None]
    defect: Callable[[BaseException], None] = lambda _: None
    learn: Learn | None = None
    environ: dict[str, str] | None = None


@dataclass(frozen=True)
class Outfit:
    """A daemon, ready to be woken, and what belongs to it."""

    daemon: PaperDaemon
    heart: Heart
    account: str
    first: date


def first_session(calendar: Calendar, now: datetime) -> date:
    """The first session that can still be planned at a moment."""
    here = now.astimezone(SHANGHAI)
    day = np.datetime64(here.date(), "D")
    # until a quarter past nine a plan can be made for the same day
    today = calendar.is_session(day) and here.time() <= time(9, 15)
    session: date = (day if today else calendar.after(day)).astype(object)
    return session


def first_of(calendar: Calendar, now: datetime, start: date | None) -> date:
    """First session of an account that is made now: from a day on, or else the first that can be planned.

    Raises
    ------
    ConfigError
        If that session has begun: the account would begin with what it has missed.
    CalendarError
        If no session from that day on is known.
    """
    earliest = first_session(calendar, now)
    session = earliest if start is None else _session_from(calendar, start)
    if session < earliest:
        raise ConfigError(
            f"an account that begins on {session} would begin with sessions that it has missed; {earliest} "
            "is the first that can still be planned, and alphaloom paper replay plays days gone by"
        )
    return session


def _session_from(calendar: Calendar, start: date) -> date:
    day = np.datetime64(start, "D")
    session: date = (day if calendar.is_session(day) else calendar.after(day)).astype(object)
    return session


@contextmanager
def outfitted(
    settings: RunConfig,
    url: str,
    account: str,
    around: Surroundings,
    *,
    start: date | None = None,
    sign: StopSign | None = None,
) -> Iterator[Outfit]:
    """Open an account, made where there is none, and the daemon that runs it.

    Parameters
    ----------
    start : date, optional
        Day from which on an account that is made now trades; by default the first session that can still be
        planned.
    sign : StopSign, optional
        Looked at where the daemon may end.

    Raises
    ------
    LedgerLocked
        If another daemon, or another command, writes to the account.
    LedgerConflict
        If the account runs with another configuration.
    AlphaloomError
        If it cannot be paper-traded; nothing is written then.
    """
    check_account_name(account)
    store_of(settings)
    sign = sign or StopSign()
    with ExitStack() as ending:
        environ = dict(os.environ) if around.environ is None else around.environ
        if not _is_there(url, account):  # what cannot run leaves nothing behind
            _rehearsed(settings)
            first_of(around.calendar(store_of(settings)), around.now(), start)
            Notifier(settings.notify, environ=environ).close()
        ledger = ending.enter_context(made_ledger(url))
        settings = opened(ledger, settings, account, around, start)
        snapshots = snapshots_of(ledger)
        timetable, store = Timetable.of(settings.broker), store_of(settings)
        limit = RefreshLimit(settings.live, timetable, partial(around.calendar, store), around.now)
        learn = around.learn or RefreshProcess(settings, snapshots, limit, sign.raise_if_set)
        market = StoreMarket(
            settings,
            ledger,
            account,
            snapshots,
            calendar=around.calendar,
            sync=around.sync,
            learn=learn,
        )
        service = ledger.service(account)
        teller = Teller(service, around.now, around.log)
        every_s = settings.live.heartbeat_s
        heart = Heart(service, around.now, every_s, lambda text: around.log(Level.ERROR, text))
        assert settings.span.start is not None, "an account has a first session"
        office = Office(
            ledger, account, market, timetable, settings.live, Clock(around.now), teller, snapshots
        )
        ending.callback(office.let_go)
        daemon = PaperDaemon(
            office,
            Desk(around.feeds, settings.quotes, _protections(settings)),
            settings.span.start,
            heart,
            stop=sign.raise_if_set,
            defect=around.defect,
        )
        ledger.require_sound(account)
        channels = None
        if settings.notify.enabled:
            channels = Notifier(settings.notify, environ=environ, record=teller.delivered)
            ending.callback(channels.close, settings.notify.deadline_s)
        teller.use(channels)
        yield Outfit(daemon, heart, account, settings.span.start)


def calendar_of(settings: RunConfig, store: MarketStore) -> Calendar:
    """The sessions of the exchange, as far as the program, the configuration and the store know them."""
    known = exchange_calendar(settings.resolved_data())
    return store.read(lambda reader: store_calendar(reader, known)) if store.exists else known


def opened(
    ledger: Ledger, settings: RunConfig, account: str, around: Surroundings, start: date | None
) -> RunConfig:
    """Open an account, or find it unchanged; the configuration over its own span."""
    calendar = around.calendar(store_of(settings))
    if account in ledger.accounts():
        _, stored = stored_settings(ledger, account)
        settings = spanning(settings, stored.span)
        with ledger.writer(account) as writer:
            open_or_explain(ledger, writer, settings, round(settings.broker.cash * 100), around.now())
        if stored.span.end is not None:
            raise DataError(
                f"account {account!r} was opened for recorded days, until {stored.span.end}; name another "
                "one (--account)"
            )
        _require_start(account, stored.span.start, start, calendar)
        return settings
    settings = spanning(settings, SpanConfig(start=first_of(calendar, around.now(), start)))
    with ledger.writer(account) as writer:
        open_or_explain(ledger, writer, settings, round(settings.broker.cash * 100), around.now())
    return settings


def _require_start(account: str, began: date | None, start: date | None, calendar: Calendar) -> None:
    """Refuse to begin an account anew on another day; what starts a daemon again names the same one."""
    if start is None or began is None:
        return
    if _session_from(calendar, start) != _session_from(calendar, began):
        raise LedgerConflict(
            f"account {account!r} began on {began}, not on {start}; alphaloom paper reset --from begins it "
            "anew, --account makes another one"
        )


def _protections(settings: RunConfig) -> ProtectionsConfig:
    """The section with the switch where the configuration file means it to be."""
    protections = settings.protections
    if protections.kill_switch is None:
        return protections
    switch = settings.base / protections.kill_switch.expanduser()
    return protections.model_copy(update={"kill_switch": switch})


def _is_there(url: str, account: str) -> bool:
    try:
        with Ledger.open(url, read_only=True) as ledger:
            return account in ledger.accounts()
    except LedgerError:
        return False


def _rehearsed(settings: RunConfig) -> None:
    """Start strategy and provider once, on the session to come; nothing is decided."""
    market = live_market(settings, store_of(settings))
    rehearse(live_run(spanning(settings, SpanConfig(start=market.session)), market))


def run_daemon(
    settings: RunConfig,
    url: str,
    account: str,
    *,
    start: date | None,
    log_file: Path | None,
    verbose: bool,
    on_start: Callable[[Outfit], None] | None = None,
) -> None:
    """Run an account until a signal: the daemon behind ``alphaloom paper run``."""
    from alphaloom.asking import host_limits
    from alphaloom.paper.sync import vendors_sync

    redact = redactor(os.environ, frozenset(each.url_env for each in settings.notify.channels))
    logger = open_log(log_file, redact, verbose=verbose)
    levels = {Level.INFO: "INFO", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}

    def now() -> datetime:
        return datetime.now(SHANGHAI)

    sign = StopSign()
    limits = host_limits()
    around = Surroundings(
        now=now,
        sync=vendors_sync(settings, limits, now, lambda line: logger.info("{}", line)),
        feeds=quote_feeds(settings.quotes, limits),
        calendar=partial(calendar_of, settings),
        log=lambda level, line: logger.log(levels[level], "{}", line),
        defect=lambda problem: logger.opt(exception=problem).error("a defect of the program"),
    )
    with outfitted(settings, url, account, around, start=start, sign=sign) as outfit:
        if on_start is not None:
            on_start(outfit)
        run(
            outfit.daemon,
            sign,
            now=now,
            beat=outfit.heart.beat,
            heartbeat_s=settings.live.heartbeat_s,
        )

"""Paper accounts: a configuration, a ledger and the machine that takes the one through the other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alpha_sources.snapshot import Snapshot
from alphaloom.api import check_broker, market_of, signal_of
from alphaloom.config import RunConfig, load_config
from alphaloom.home import home
from engine.errors import CalendarError, ConfigError
from engine.market.panel import MarketPanel
from engine.market.store import MarketStore
from engine.run_folder import check_writable
from engine.span import SpanConfig, resolve_span
from live.clock import SimulatedClock
from live.coming import ComingMarket, coming_market
from live.deputy import Deputy, Learn
from live.errors import LedgerConflict, LedgerError
from live.ledger import AccountWriter, Ledger, QuotesUsed, Task, check_account_name
from live.machine import SessionMachine
from live.parity import Difference, Parity
from live.past import PastSession, read_past
from live.rehearsal import rehearse
from live.run import PaperRun, Trader
from live.snapshots import recall
from live.task_book import TaskEnded
from live.timetable import SHANGHAI, Timetable
from strategies.loading import load_strategy

#: files of an export
_EXPORTED = frozenset(f"{name}.parquet" for name in ("equity", "fills", "orders", "positions", "events"))

Differences = dict[date, list[Difference]]
#: Called with a settled session, and how it differs from its back-test if that is known by then.
AfterSession = Callable[[PastSession, list[Difference] | None], None]


def default_ledger() -> str:
    """``paper.db`` in ALPHALOOM_HOME."""
    return str(home() / "paper.db")


def account_name(settings: RunConfig) -> str:
    """Name of a configuration's account, where none is given."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", settings.name).strip("-_")
    return name[:64] or "paper"


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
    settings, run = _open_ended(settings, start or settings.span.start)
    rehearse(run)
    with made_ledger(url) as ledger, ledger.writer(account) as writer:
        return _open(ledger, writer, settings, run, at), run.session(run.span.start)


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
        if not _open(ledger, writer, settings, run, opened_at):
            require_sound(ledger, account)
        differences: Differences = {}

        def evening(past: PastSession) -> None:
            if each_evening:
                differences.update(compare(run, machine.sessions, snapshots_of(ledger), past.session))
            if after_session is not None:
                after_session(past, differences.get(past.session))

        machine = _machine(run, ledger, writer, SimulatedClock(), tell, evening)
        begin = machine.next_row
        if on_start is not None:
            on_start(begin - run.span.start, run.span.sessions)
        if begin <= run.span.stop:
            machine.advance(run.span.stop)
            if not each_evening:
                differences = compare(run, machine.sessions, snapshots_of(ledger), run.session(begin))
        require_sound(ledger, account)
        if out is not None:
            _export_again(ledger, account, out)
    return differences


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
    AlphaloomError
        If the day is no session of the account, or a task fails.
    """
    with Ledger.open(url) as ledger:
        name, settings = stored_settings(ledger, account)
        run = paper_run(settings)
        row = run.row(session)
        if row < run.span.start:
            raise ConfigError(f"account {name!r} begins on {run.session(run.span.start)}, after {session}")
        if row > run.span.stop:
            raise ConfigError(f"account {name!r} ends on {run.session(run.span.stop)}, before {session}")
        with ledger.writer(name) as writer:
            require_sound(ledger, name)
            clock = SimulatedClock(Timetable.of(run.broker).due(Task.PREPARE, session, run.eve(row)))
            settled: list[PastSession] = []
            machine = _machine(run, ledger, writer, clock, tell, settled.append, starts=True)
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
            settings, run = _open_ended(settings, start or settings.span.start or stored.span.start)
        else:
            start = start or stored.span.start
            if start is not None and start > end:
                raise ConfigError(f"account {name!r}: {start} lies after its last day {end}")
            settings = spanning(settings, SpanConfig(start=start, end=end))
            run = paper_run(settings)
        rehearse(run)
        with ledger.writer(name) as writer:
            number = writer.reset(run.cash_fen, settings.hash(), _stored(settings), at=at, reason=reason)
    return name, number


def parity_of(url: str, account: str | None, session: date) -> list[Difference]:
    """Back-test a settled session on the data as they are now, and compare.

    Raises
    ------
    LedgerError
        If the session is not settled.
    """
    with Ledger.open(url, read_only=True) as ledger:
        name, settings = stored_settings(ledger, account)
        past = read_past(ledger, name)
        if session not in past or not past[session].settled:
            raise LedgerError(f"{session} is not settled in account {name!r}; see alphaloom paper status")
        known = [each for day, each in past.items() if day <= session]
        quoted = quotes_of(ledger, name, session)
        return compare(paper_run(settings), known, snapshots_of(ledger), session, quoted)[session]


def paper_run(settings: RunConfig) -> PaperRun:
    """Load a configuration's market and strategy, ready for paper trading.

    An account without a last day, on a store, sees the session to come as well; it can be planned.
    """
    panel = market_of(settings).panel
    path = settings.resolved_data().path
    if settings.data.source == "store" and settings.span.end is None and path is not None:
        with suppress(CalendarError):  # nothing is known to come
            return live_run(settings, coming_market(MarketStore(path), panel))
    return _run(settings, panel)


def live_run(settings: RunConfig, market: ComingMarket, learn: Learn | None = None) -> PaperRun:
    """Make a configuration ready for a market whose last row is to come.

    Parameters
    ----------
    learn : callable, optional
        Makes the provider's refreshes in its place.
    """
    return _run(settings, market.panel, len(market.panel.dates) - 1, learn)


def _run(
    settings: RunConfig, panel: MarketPanel, coming: int | None = None, learn: Learn | None = None
) -> PaperRun:
    span = resolve_span(panel, settings.span)
    check_broker(settings, panel)

    def trader() -> Trader:
        signal = signal_of(settings, panel)
        if signal is not None and learn is not None:
            signal.provider = Deputy(signal.provider, learn)
        named = settings.strategy.name, settings.strategy.params
        strategy, params = load_strategy(*named, signal, settings.base, settings.seed)
        return Trader(strategy, params, signal)

    return PaperRun(panel, trader, settings.broker, settings.index, span, coming)


def stored_settings(ledger: Ledger, account: str | None) -> tuple[str, RunConfig]:
    """Return an account's name and the configuration of its open epoch.

    Raises
    ------
    LedgerConflict
        If it no longer means what it meant, after an upgrade.
    """
    epoch, stored = ledger.epoch(account), ledger.configuration(account)
    settings = load_config(stored["config"])
    settings._base = Path(stored["base"])
    if settings.hash() != epoch.config_hash:
        raise LedgerConflict(
            f"the configuration of account {epoch.account!r} means something else to this version of "
            "Alphaloom; reset the account with it: alphaloom paper reset CONFIG"
        )
    return epoch.account, settings


def check_export(folder: Path) -> None:
    """Refuse a folder that an account cannot be written to; one that holds an earlier export can be.

    Raises
    ------
    OutputError
        If it holds anything else, is a file, or cannot be made.
    """
    if not _holds_an_export(folder):
        check_writable(folder)


def require_sound(ledger: Ledger, account: str) -> None:
    """Refuse a ledger whose rows are not what its events make them."""
    verified = ledger.verify(account)
    if not verified.sound:
        raise LedgerError(
            f"ledger {ledger.name} is not sound: {verified.findings[0]}; nothing is added to it. "
            "Restore a backup, or look with alphaloom paper verify"
        )


# -- inside


def _machine(
    run: PaperRun,
    ledger: Ledger,
    writer: AccountWriter,
    clock: SimulatedClock,
    tell: Callable[[TaskEnded], None] | None,
    after_session: Callable[[PastSession], None] | None,
    starts: bool = False,
) -> SessionMachine:
    return SessionMachine(
        run,
        ledger,
        writer,
        snapshots=snapshots_of(ledger),
        clock=clock,
        tell=tell,
        after_session=after_session,
        count_attempts=starts,
    )


def compare(
    run: PaperRun,
    sessions: list[PastSession],
    snapshots: Path,
    start: date | None = None,
    quoted: Mapping[date, QuotesUsed] = MappingProxyType({}),
) -> Differences:
    """Back-test settled sessions from `start` on, and say where each differs from what the ledger has.

    Parameters
    ----------
    sessions : list of PastSession
        All of the account's so far.
    snapshots : Path
        Where what providers learned is kept.
    quoted : mapping of date to QuotesUsed
        Live quotes of sessions, to be held against the settled prices.
    """
    in_force: dict[date, Snapshot | None] = {}
    snapshot: Snapshot | None = None
    for past in sessions:
        held = None if past.refreshed is None else past.refreshed.snapshot_hash
        if held is not None and (snapshot is None or held != snapshot.hash):
            snapshot = recall(snapshots, held)
        in_force[past.session] = snapshot
    wanted = [past for past in sessions if past.settled and (start is None or past.session >= start)]
    before = [past for past in sessions if wanted and past.session < wanted[0].session]
    return Parity(run).of(wanted, before[-1] if before else None, in_force, quoted)


def quotes_of(ledger: Ledger, account: str, session: date) -> dict[date, QuotesUsed]:
    """Return the live quotes that a session's orders met; nothing for one that was replayed."""
    found = ledger.entries(session, Task.EXECUTE, account, kinds=("quotes",))
    return {day: entry for day, entry in found if isinstance(entry, QuotesUsed) and entry.source != "replay"}


def made_ledger(url: str) -> Ledger:
    """Open a ledger, made where there is none; the default one with its folder."""
    if url == default_ledger():
        try:
            Path(url).parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise LedgerError(f"ledger {url}: its folder cannot be made: {problem.strerror}") from None
    return Ledger.open(url, create=True)


def _holds_an_export(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return bool(names) and names <= _EXPORTED


def _export_again(ledger: Ledger, account: str, folder: Path) -> None:
    """Write an export in the place of an earlier one, which stays until the new one is whole."""
    if not _holds_an_export(folder):
        ledger.export(folder, account)
        return
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as scratch:
        whole = ledger.export(Path(scratch) / folder.name, account)
        for name in sorted(_EXPORTED):
            (whole / name).replace(folder / name)


def _open(ledger: Ledger, writer: AccountWriter, settings: RunConfig, run: PaperRun, at: datetime) -> bool:
    return open_or_explain(ledger, writer, settings, run.cash_fen, at)


def open_or_explain(
    ledger: Ledger, writer: AccountWriter, settings: RunConfig, cash_fen: int, at: datetime
) -> bool:
    """Make an account; False if it is there, unchanged.

    Raises
    ------
    LedgerConflict
        If it runs with another configuration; what differs is named.
    """
    try:
        return writer.open(cash_fen, settings.hash(), _stored(settings), at=at)
    except LedgerConflict:
        stored = ledger.configuration(writer.name)["config"]
        changed = list(_changes(stored, settings.plain()))
        if not changed:
            raise
        more = f" and {len(changed) - 2} more" if len(changed) > 2 else ""
        raise LedgerConflict(
            f"account {writer.name!r} runs with another configuration: {', '.join(changed[:2])}{more}; a "
            "changed configuration needs a new epoch (alphaloom paper reset) or another account (--account)"
        ) from None


def _changes(stored: Any, now: Any, key: str = "") -> Iterator[str]:
    """Name the keys under which two configurations differ, with both values."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for name in sorted({*stored, *now}):
            yield from _changes(stored.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif stored != now:
        yield f"{key} is {_short(stored)}, not {_short(now)}"


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _stored(settings: RunConfig) -> dict[str, Any]:
    return {"config": settings.plain(), "base": str(settings.base)}


def _open_ended(settings: RunConfig, start: date | None) -> tuple[RunConfig, PaperRun]:
    """The configuration from the first session on or after a day, for as long as there are data."""
    run = paper_run(spanning(settings, SpanConfig(start=start)))
    return spanning(settings, SpanConfig(start=run.session(run.span.start))), run


def spanning(settings: RunConfig, span: SpanConfig) -> RunConfig:
    """The configuration over other days; where its files lie stays the same."""
    return settings.model_copy(update={"span": span})


def snapshots_of(ledger: Ledger) -> Path:
    """What providers have learned lies beside a SQLite ledger, and moves with it."""
    if ledger.path is not None:
        return ledger.path.with_name(ledger.path.name + ".snapshots")
    return home() / "store" / "snapshots"

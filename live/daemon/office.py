"""`Office`: what every step of a daemon works with: ledger, market, clock, and whoever is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from engine.market.phases import SHANGHAI
from live.config import LiveConfig
from live.daemon.agenda import Step
from live.daemon.market import LiveRun, Market
from live.daemon.telling import News, Teller
from live.daemon.words import of_task
from live.errors import LedgerError
from live.ledger import AccountWriter, Ledger
from live.machine import SessionMachine
from live.notify import Kind, Level
from live.parity import Difference
from live.task_book import TaskEnded
from live.timetable import Timetable


class Clock:
    """The exchanges' time, as the session machine asks for it: it never waits.

    Parameters
    ----------
    now : callable
        The time, with a zone.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> datetime:
        """The time in Shanghai."""
        return self._now().astimezone(SHANGHAI)

    def reach(self, due: datetime) -> datetime:
        """The time; nobody asks for a task before it is due."""
        return self.now()


class Office:
    """Serves the steps of one account.

    Parameters
    ----------
    ledger : Ledger
    account : str
        Its writer is taken at once, and kept.
    market : Market
    timetable : Timetable
    config : LiveConfig
    clock : Clock
    teller : Teller
    snapshots : Path
        Folder of what providers have learned.

    Raises
    ------
    LedgerLocked
        If another process writes to the account.
    """

    def __init__(
        self,
        ledger: Ledger,
        account: str,
        market: Market,
        timetable: Timetable,
        config: LiveConfig,
        clock: Clock,
        teller: Teller,
        snapshots: Path,
    ) -> None:
        self.ledger, self.account, self.market = ledger, account, market
        self.timetable, self.config, self.clock = timetable, config, clock
        self._teller, self._snapshots = teller, snapshots
        self.service = ledger.service(account)
        self._writer: AccountWriter | None = ledger.writer(account)
        self._run: LiveRun | None = None
        self._held: dict[Step, datetime] = {}

    # -- the account

    @property
    def writer(self) -> AccountWriter:
        """The account's only writer; asked for again where it was let go.

        Raises
        ------
        LedgerError
            If the ledger's file is not the one that was opened, or the one that is there now is not sound.
        """
        if self._writer is not None:
            self._writer.require_file()
        else:
            self._writer = self.ledger.writer(self.account)
            # it may have been changed or replaced while nobody held it
            self.ledger.require_sound(self.account)
        return self._writer

    def let_go(self) -> None:
        """Close the writer; others may write to the account then."""
        if self._writer is not None:
            with suppress(LedgerError):
                self._writer.close()
            self._writer = None

    def machine(self, live: LiveRun) -> tuple[SessionMachine, list[TaskEnded]]:
        """Return a machine for the account, and the list of tasks that it ends."""
        ended: list[TaskEnded] = []
        machine = SessionMachine(
            live.run,
            self.ledger,
            self.writer,
            snapshots=self._snapshots,
            clock=self.clock,
            tell=ended.append,
        )
        return machine, ended

    def halted(self) -> str:
        """Since when and why the account is halted; empty if it is not."""
        halt = self.service.halted()
        return "" if halt is None else f"halted since {halt.at:%Y-%m-%d %H:%M}: {halt.reason}"

    # -- the market

    def loaded(self) -> LiveRun:
        """The market as it is stored now, with the session to come."""
        if self._run is None or self._run.stored != self.market.stored():
            self._run = None  # let go of the old one before the new one is read
            self._run = self.market.load(tuple(self.ledger.account(self.account).lots))
        return self._run

    def forget(self) -> None:
        """Let go of the market; it is read again when it is needed."""
        self._run = None

    # -- steps that wait

    def hold(self, step: Step, seconds: float | None = None) -> datetime:
        """Do not try a step again before some seconds have passed; by default those of a retry.

        Between the auction and half past nine there is no time for a long one.
        """
        if seconds is None:
            urgent = step in (Step.ARM, Step.EXECUTE)
            seconds = self.config.quotes_retry_s if urgent else 60 * self.config.retry_minutes
        return self.hold_until(step, self.clock.now() + timedelta(seconds=seconds))

    def hold_until(self, step: Step, moment: datetime) -> datetime:
        """Do not try a step again before a moment."""
        self._held[step] = moment
        return moment

    def free(self, *steps: Step) -> None:
        """Let steps be tried again at once; without any, all of them."""
        for step in steps or tuple(self._held):
            self._held.pop(step, None)

    def waits(self, step: Step, now: datetime) -> bool:
        """Whether a step is held back."""
        until = self._held.get(step)
        return until is not None and now < until

    def ends_of_waits(self, now: datetime) -> list[datetime]:
        """When steps that are held back may be tried again."""
        return [until for until in self._held.values() if until > now]

    # -- people

    def tell(
        self,
        key: str,
        kind: Kind,
        title: str,
        body: str = "",
        level: Level = Level.INFO,
        session: date | None = None,
    ) -> None:
        """Tell people something, once for a key."""
        self._teller.tell(News(key[:200], kind, title, body, level, session))

    def warn(self, key: str, title: str, body: str, session: date, kind: Kind = Kind.ERROR) -> None:
        """Tell people of something about a session that they may have to see to."""
        self.tell(key, kind, title, body, Level.WARNING, session)

    def tell_tasks(self, ended: list[TaskEnded], differences: Sequence[Difference] = ()) -> None:
        """Tell people of tasks that ended; the list is empty afterwards."""
        for each in ended:
            news = of_task(each, self.ledger, self.account, differences)
            if news is not None:
                self._teller.tell(news)
        ended.clear()

"""`PaperDaemon`: at each wake it does what is due for one account, and says when it wants to be woken again.

It remembers nothing that matters: where the account stands is in the ledger, what the market did is in the
store, and what is due follows from both and the exchanges' clock. So it goes on after a crash as after a nap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from engine.broker.orders import Basket
from engine.errors import AlphaloomError, CalendarError
from engine.market.calendar import EXTEND, Calendar, iso
from live.broker import PaperBroker, all_requests
from live.config import LiveConfig
from live.daemon.agenda import Agenda, Standing, Step
from live.daemon.desk import Desk, NotTrusted
from live.daemon.gaps import gaps
from live.daemon.heart import Heart
from live.daemon.market import LiveRun, Market
from live.daemon.telling import News, Teller
from live.daemon.words import NO_PLAN, of_task
from live.errors import LedgerError, SessionError
from live.feeds import NameRules
from live.ledger import AccountWriter, DaemonState, Ledger, SessionMark, Task, TaskState
from live.machine import SessionMachine
from live.notify import Kind, Level
from live.parity import Difference
from live.past import PastSession
from live.protections import ProtectionState
from live.quotes import LEAST_COVERAGE, coverage
from live.task_book import TaskEnded
from live.timetable import SHANGHAI, Timetable

#: calendar days before the end of the known sessions from which on people are warned
_CALENDAR_WARNING = timedelta(days=31)
#: how long a daemon waits after an error that it cannot place
_PAUSE = timedelta(minutes=1)


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


@dataclass(frozen=True)
class Armed:
    """A plan that is ready to be sent."""

    machine: SessionMachine
    broker: PaperBroker
    symbols: tuple[str, ...]
    rules: dict[str, NameRules]
    traded_before: frozenset[str]
    session: date


class PaperDaemon:
    """Runs one account.

    Parameters
    ----------
    ledger : Ledger
    account : str
        Its writer is taken at once, and kept: one daemon to an account.
    first : date
        The account's first session, or the day it is looked for from.
    market : Market
    desk : Desk
    timetable : Timetable
    config : LiveConfig
    now : callable
        The time, with a zone.
    teller : Teller
    heart : Heart
    snapshots : Path
        Folder of what providers have learned.
    stop : callable
        Raises when the daemon is to end; called where it may end.
    defect : callable
        Told of an exception that is no fault of an input.

    Raises
    ------
    LedgerLocked
        If another process writes to the account.
    """

    def __init__(
        self,
        ledger: Ledger,
        account: str,
        first: date,
        market: Market,
        desk: Desk,
        timetable: Timetable,
        config: LiveConfig,
        *,
        now: Callable[[], datetime],
        teller: Teller,
        heart: Heart,
        snapshots: Path,
        stop: Callable[[], None] = lambda: None,
        defect: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._ledger, self.account, self._first = ledger, account, first
        self._market, self._desk, self._timetable, self._config = market, desk, timetable, config
        self._clock, self._teller, self._heart = Clock(now), teller, heart
        self._snapshots, self._stop, self._defect = snapshots, stop, defect
        self._service = ledger.service(account)
        self._writer: AccountWriter | None = ledger.writer(account)
        self._agenda: Agenda | None = None
        self._run: LiveRun | None = None
        self._armed: Armed | None = None
        #: until when a step that failed is not tried again
        self._held: dict[Step, datetime] = {}
        #: why the quotes of the session were not traded on so far
        self._doubts = ""
        self._wants_again: date | None = None
        #: halts and resumptions that were told; those of earlier lives are told once, by their keys
        self._told_control = 0

    # -- the outside

    def start(self) -> None:
        """Tell that the daemon has begun."""
        at = self._clock.now()
        halted = self._service.halted()
        body = "" if halted is None else f"halted since {halted.at:%Y-%m-%d %H:%M}: {halted.reason}"
        self._tell(f"started {at.isoformat()}", Kind.DAEMON, "daemon started", body)

    def wake(self) -> datetime:
        """Do what is due; when to be woken again, at the latest.

        Raises
        ------
        BaseException
            Only what `stop` raises: everything else is told, and tried again later.
        """
        self._stop()
        try:
            again = self._wake()
        except AlphaloomError as problem:
            again = self._troubled(problem)
        except Exception as problem:
            self._defect(problem)
            self._tell(
                f"defect {type(problem).__name__} {problem} {self._clock.now():%Y-%m-%d}"[:200],
                Kind.ERROR,
                f"a defect of the program: {type(problem).__name__}: {problem}",
                "the log has the details; what it did not finish is tried again",
                Level.ERROR,
            )
            again = self._pause()
        self._heart.beat(DaemonState.WAITING, self._waits_for(again), again)
        return again

    def close(self, why: str) -> None:
        """Tell that the daemon ends, and give the account free."""
        at = self._clock.now()
        self._tell(f"stopped {at.isoformat()}", Kind.DAEMON, f"daemon stopped: {why}")
        self._heart.beat(DaemonState.STOPPED, why)
        self.release()

    def forget(self) -> None:
        """Let go of the market; it is read again when it is needed."""
        self._armed = self._run = None

    def release(self) -> None:
        """Give the account free; others may write to it then."""
        self.forget()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    # -- a wake

    def _wake(self) -> datetime:
        if self._writer is None:
            self._writer = self._ledger.writer(self.account)
        self._controls()
        agenda = self._agenda or self._known_agenda()
        while True:
            now = self._clock.now()
            standing = self._standing(agenda)
            step = self._due(agenda, standing, now)
            if step is None:
                break
            self._stop()
            self._heart.beat(DaemonState.WORKING, f"{step.value} of {standing.session}")
            self._do(step, standing, agenda)
            agenda = self._agenda or agenda
        self._say_what_is_late(agenda, standing, now)
        moments = [agenda.next_moment(standing, now)]
        moments += [until for until in self._held.values() if until > now]
        return min(moments)

    def _due(self, agenda: Agenda, standing: Standing, now: datetime) -> Step | None:
        step = agenda.due(standing, now)
        if step is Step.SYNC and self._waits(step, now):
            step = agenda.without_sync(standing, now)
        return None if step is None or self._waits(step, now) else step

    def _waits(self, step: Step, now: datetime) -> bool:
        until = self._held.get(step)
        return until is not None and now < until

    def _do(self, step: Step, standing: Standing, agenda: Agenda) -> None:
        session = standing.session
        try:
            match step:
                case Step.SYNC:
                    self._sync(agenda)
                case Step.SETTLE:
                    self._settle(session, agenda)
                case Step.PREPARE | Step.REFRESH | Step.PLAN:
                    self._evening(Task(step.value), standing, agenda)
                case Step.ARM:
                    self._arm(session)
                case Step.EXECUTE:
                    self._execute(session, agenda)
                case Step.GIVE_UP:
                    self._give_up(standing, agenda)
        except SessionError:
            self._hold(step)  # recorded, and told
        except LedgerError:
            raise
        except AlphaloomError as problem:
            self._hold(step)
            self._tell(
                f"{session} {step.value} {problem}"[:200],
                Kind.ERROR,
                f"{session} {step.value} failed: {problem}",
                f"it is tried again at {self._held[step]:%H:%M}",
                Level.ERROR,
                session,
            )

    # -- the steps

    def _sync(self, agenda: Agenda) -> None:
        now = self._clock.now()
        wanted = agenda.wanted(now)
        assert wanted is not None, "a sync is due for a session"
        self._hold(Step.SYNC)
        before = self._market.stored()
        try:
            left = list(self._market.sync(wanted, self._stop))
        except AlphaloomError as problem:
            left = [str(problem)]
        stored = self._market.stored()
        self._run = self._armed = None
        self._agenda = self._known_agenda()
        self._wants_again = None  # whoever settles looks for gaps again
        if stored is not None and stored >= wanted:
            del self._held[Step.SYNC]
            return
        reason = "; ".join(left[:5]) or "no source has it yet"
        self._tell(
            f"{wanted} no data",
            Kind.ERROR,
            f"the prices of {wanted} are not there (stored: {stored or before or 'nothing'}): {reason}",
            f"they are asked for again every {self._config.retry_minutes:g} minutes; without them the "
            f"session after {wanted} is not planned",
            Level.WARNING,
            wanted,
        )

    def _settle(self, session: date, agenda: Agenda) -> None:
        live = self._loaded()
        machine, ended = self._machine(live)
        if session == live.stored:
            missing = self._missing(live, machine, session, agenda)
            if missing:
                self._wants_again = session
                self._held.setdefault(Step.SYNC, self._retry_at())
                return
        try:
            machine.advance(live.run.row(session), Task.SETTLE)
        except SessionError:
            self._tell_tasks(ended)
            raise
        differences: list[Difference] = []
        try:
            differences = self._market.compare(live.run, machine.sessions, session)
        except AlphaloomError as problem:
            self._tell(
                f"{session} parity {problem}"[:200],
                Kind.ERROR,
                f"{session} cannot be compared with its back-test: {problem}",
                "",
                Level.WARNING,
                session,
            )
        self._tell_tasks(ended, differences)
        self._wants_again, self._doubts = None, ""
        self._armed = None
        self._held.clear()

    def _evening(self, task: Task, standing: Standing, agenda: Agenda) -> None:
        live, session = self._loaded(), standing.session
        if live.coming != session:
            raise CalendarError(
                f"the store ends {live.stored}: {live.coming} comes, and not {session}; has it shrunk?"
            )
        if task is Task.PLAN:
            self._calendar_ends(agenda.calendar, session)
        machine, ended = self._machine(live)
        try:
            machine.advance(live.run.row(session), task)
        finally:
            self._tell_tasks(ended)
        if task is not Task.PLAN:
            # a provider first learns when it is asked for scores: the task may go on waiting
            step = Step(task.value)
            self._held[step] = self._timetable.due(Task.PLAN, session, agenda.eve(session))

    def _arm(self, session: date) -> None:
        live = self._loaded()
        machine, ended = self._machine(live)
        try:
            broker = machine.arm(live.run.row(session))
        finally:
            self._tell_tasks(ended)
        held = broker.account.lots
        symbols = sorted({*held, *(request.symbol for request in all_requests(broker.waiting))})
        panel, row = live.run.panel, live.run.row(session)
        traded = panel.field("trading")[row - 1] > 0 if row else np.zeros(len(panel.symbols), dtype=bool)
        before = frozenset(panel.symbols[traded].tolist())
        rules = self._desk.rules(panel, session, symbols)
        self._armed = Armed(machine, broker, tuple(symbols), rules, before, session)

    def _execute(self, session: date, agenda: Agenda) -> None:
        halted = self._halted()
        if halted:
            self._doubts = halted
            self._hold(Step.EXECUTE, self._config.quotes_retry_s)
            return
        if self._armed is None or self._armed.session != session:
            self._arm(session)
        armed = self._armed
        assert armed is not None
        try:
            moment = self._desk.moment(
                armed.symbols,
                armed.rules,
                session=session,
                now=self._clock.now,
                traded_before=armed.traded_before,
            )
        except NotTrusted as doubt:
            self._doubts = str(doubt)
            self._hold(Step.EXECUTE, self._config.quotes_retry_s)
            self._tell(
                f"{session} quotes not trusted",
                Kind.QUOTES,
                f"{session}: {doubt}",
                f"they are asked for again until {self._timetable.deadline(Task.EXECUTE, session):%H:%M}",
                Level.WARNING,
                session,
            )
            return
        guard = self._desk.guard(self._protection_state(armed, session, agenda))
        ended: list[TaskEnded] = []
        armed.machine.tell_to(ended.append)
        self._armed = None  # what fails is armed anew
        try:
            armed.machine.execute(armed.broker, moment, guard)
        finally:
            self._tell_tasks(ended)

    def _give_up(self, standing: Standing, agenda: Agenda) -> None:
        """Record that a session is not traded, and why."""
        session, writer = standing.session, self._writer
        assert writer is not None
        now, tasks = self._clock.now(), [Task.EXECUTE]
        if standing.states.get(Task.PLAN) is TaskState.MISSED:
            why = NO_PLAN
        elif standing.over(Task.PLAN):
            deadline = self._timetable.deadline(Task.EXECUTE, session)
            why = self._doubts or "nobody was there to send the orders"
            why = f"no order was sent by {deadline:%H:%M}: {why}"
        else:
            tasks = [Task.PLAN, Task.EXECUTE]
            eve = agenda.eve(session)
            deadline = self._timetable.deadline(Task.PLAN, session)
            why = f"the prices of {eve} were not there by {deadline:%H:%M}"
        for task in tasks:
            state = writer.miss(session, task, why, at=now)
            if task is tasks[-1]:
                self._tell_tasks([TaskEnded(session, task, state, why)])
        self._armed, self._doubts = None, ""

    # -- what the steps need

    def _known_agenda(self) -> Agenda:
        self._agenda = Agenda(self._market.calendar(), self._timetable, self._config)
        return self._agenda

    def _standing(self, agenda: Agenda) -> Standing:
        settled = self._ledger.epoch(self.account).marked_on
        calendar = agenda.calendar
        if settled is None:
            first = np.datetime64(self._first, "D")
            session = first if calendar.is_session(first) else calendar.after(first)
        else:
            session = calendar.after(np.datetime64(settled, "D"))
        day: date = session.astype(object)
        states = {record.task: record.state for record in self._ledger.tasks(day, self.account)}
        armed = self._armed is not None and self._armed.session == day
        return Standing(day, states, self._market.stored(), self._wants_again, armed)

    def _loaded(self) -> LiveRun:
        if self._run is None or self._run.stored != self._market.stored():
            self._run = None  # let go of the old one before the new one is read
            self._run = self._market.load(tuple(self._ledger.account(self.account).lots))
        return self._run

    def _machine(self, live: LiveRun) -> tuple[SessionMachine, list[TaskEnded]]:
        ended: list[TaskEnded] = []
        assert self._writer is not None
        machine = SessionMachine(
            live.run,
            self._ledger,
            self._writer,
            snapshots=self._snapshots,
            clock=self._clock,
            tell=ended.append,
        )
        return machine, ended

    def _missing(self, live: LiveRun, machine: SessionMachine, session: date, agenda: Agenda) -> list[str]:
        """Names whose prices of a session are still to be waited for."""
        past = machine.past(live.run.row(session))
        concerned = set(self._ledger.account(self.account).lots) | _ordered(past)
        halted = self._quoted_as_halted(session)
        missing = gaps(live, session, concerned - halted)
        row = live.run.row(session)
        panel = live.run.panel
        columns = np.flatnonzero(panel.universe[row - 1] if row else panel.universe[row]).tolist()
        traded, before = coverage(panel, row, columns)
        too_few = traded < LEAST_COVERAGE * before
        if too_few:
            why = f"prices of {session} are there for {traded} of the {before} names that traded before"
        elif missing:
            why = f"no prices of {session} for {', '.join(missing[:5])}, and no word of a suspension"
        else:
            return []
        patient = self._clock.now() <= agenda.last_moment(session)
        if patient or too_few:
            self._tell(
                f"{session} gaps {patient}",
                Kind.ERROR,
                why,
                "they are asked for again",
                Level.WARNING,
                session,
            )
            return missing or ["the rest"]
        self._tell(f"{session} gaps taken", Kind.ERROR, why, "taken for suspended", Level.WARNING, session)
        return []

    def _quoted_as_halted(self, session: date) -> set[str]:
        found = self._ledger.entries(session, Task.EXECUTE, self.account, kinds=("quotes",))
        return {
            quote.symbol for _, entry in found for quote in getattr(entry, "quotes", ()) if not quote.trading
        }

    def _protection_state(self, armed: Armed, session: date, agenda: Agenda) -> ProtectionState:
        eve = agenda.eve(session)
        found = self._ledger.entries(eve, Task.SETTLE, self.account, kinds=("mark",))
        marks = [entry for _, entry in found if isinstance(entry, SessionMark)]
        prices = armed.broker.prices
        closes = {symbol: prices.close_fen(symbol) for symbol in armed.broker.account.lots}
        stored = self._market.stored()
        behind = 0
        if stored is not None and stored < eve:
            days = agenda.calendar.between(np.datetime64(stored, "D"), np.datetime64(eve, "D"))
            behind = len(days) - 1
        return ProtectionState(
            previous_equity_fen=marks[-1].value_fen if marks else None,
            sessions_behind=behind,
            killed=self._desk.killed(),
            marks_fen={symbol: round(close) for symbol, close in closes.items() if close is not None},
        )

    # -- people

    def _controls(self) -> None:
        """Tell of halts and resumptions that came in since the last wake."""
        controls = self._service.controls()
        for control in controls[self._told_control :]:
            said = "halted" if control.action.value == "halt" else "resumed"
            why = f": {control.reason}" if control.reason else ""
            self._tell(
                f"control {control.number}",
                Kind.HALT,
                f"account {said}{why}",
                "plans are made, and no order is sent" if said == "halted" else "",
                Level.WARNING if said == "halted" else Level.INFO,
            )
        self._told_control = len(controls)

    def _say_what_is_late(self, agenda: Agenda, standing: Standing, now: datetime) -> None:
        """Tell of a session that goes by unplanned, since those before it are not over for the account."""
        day = np.datetime64(now.date(), "D")
        today: date = day.astype(object)
        if today <= standing.session or not agenda.calendar.is_session(day):
            return
        deadline = self._timetable.deadline(Task.PLAN, today)
        if deadline < now < self._timetable.due(Task.SETTLE, today, today):
            self._tell(
                f"{today} plan missed",
                Kind.PLAN,
                f"{today} plan missed: {standing.session} could not be settled by {deadline:%H:%M}",
                f"stored are prices up to {standing.stored or 'nothing'}; no order is sent today",
                Level.WARNING,
                today,
            )

    def _halted(self) -> str:
        halt = self._service.halted()
        return "" if halt is None else f"halted since {halt.at:%Y-%m-%d %H:%M}: {halt.reason}"

    def _calendar_ends(self, calendar: Calendar, session: date) -> None:
        last: date = calendar.last.astype(object)
        if last - session > _CALENDAR_WARNING:
            return
        self._tell(
            f"calendar {last} {session:%G-W%V}",
            Kind.DAEMON,
            f"the calendar ends {iso(calendar.last)}; no session after it can be traded",
            EXTEND,
            Level.WARNING,
            session,
        )

    def _tell_tasks(self, ended: list[TaskEnded], differences: Collection[Difference] = ()) -> None:
        for each in ended:
            news = of_task(each, self._ledger, self.account, list(differences))
            if news is not None:
                self._teller.tell(news)
        ended.clear()

    def _tell(
        self,
        key: str,
        kind: Kind,
        title: str,
        body: str = "",
        level: Level = Level.INFO,
        session: date | None = None,
    ) -> None:
        self._teller.tell(News(key, kind, title, body, level, session))

    # -- failures

    def _troubled(self, problem: AlphaloomError) -> datetime:
        now = self._clock.now()
        again = self._retry_at()
        if isinstance(problem, CalendarError):
            again = now + timedelta(days=1)
        key = f"{now:%Y-%m-%d} trouble {problem}"[:200]
        self._tell(key, Kind.ERROR, str(problem), f"it is tried again at {again:%Y-%m-%d %H:%M}", Level.ERROR)
        if isinstance(problem, LedgerError):
            # on a server the lock went with the connection: it is asked for again
            with suppress(LedgerError):
                if self._writer is not None:
                    self._writer.close()
            self._writer, self._armed = None, None
            again = self._pause()
        return again

    def _hold(self, step: Step, seconds: float | None = None) -> None:
        self._held[step] = (
            self._retry_at() if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        )

    def _retry_at(self) -> datetime:
        return self._clock.now() + timedelta(minutes=self._config.retry_minutes)

    def _pause(self) -> datetime:
        return self._clock.now() + _PAUSE

    def _waits_for(self, again: datetime) -> str:
        halted = ""
        with suppress(LedgerError):  # a server that is away must not end the daemon
            halted = self._halted()
        return f"waits until {again:%Y-%m-%d %H:%M:%S}" + (f"; {halted}" if halted else "")


def _ordered(past: PastSession | None) -> set[str]:
    if past is None:
        return set()
    basket = Basket() if past.planned is None else past.planned.basket
    slots = basket.slot_buys
    wanted = () if slots is None else slots.candidates[: slots.wanted]
    return {request.symbol for request in (*basket.orders, *wanted)}

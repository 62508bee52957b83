"""`PaperDaemon`: at each wake it does what is due for one account, and says when it wants to be woken again.

It remembers nothing that matters: where the account stands is in the ledger, what the market did is in the
store, and what is due follows from both and the exchanges' clock. So it goes on after a crash as after a nap.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

import numpy as np

from engine.errors import AlphaloomError, CalendarError
from live.daemon.agenda import Agenda, Standing, Step
from live.daemon.desk import Desk
from live.daemon.evening import Evening
from live.daemon.heart import Heart
from live.daemon.memory import give_back
from live.daemon.morning import Morning
from live.daemon.office import Office
from live.errors import LedgerError, SessionError
from live.ledger import Action, DaemonState, Task
from live.notify import Kind, Level

#: how long a daemon waits after an error that it cannot place
_PAUSE = timedelta(minutes=1)
#: how long it waits before it asks again whether more sessions were announced
_UNTIL_SESSIONS_ARE_KNOWN = timedelta(hours=6)


class PaperDaemon:
    """Runs one account.

    Parameters
    ----------
    office : Office
        It has the account's lock: one daemon to an account.
    desk : Desk
    first : date
        The account's first session, or the day from which on it is looked for.
    heart : Heart
    stop : callable
        Raises when the daemon is to end; called where it may end.
    defect : callable
        Told of an exception that is no fault of an input.
    """

    def __init__(
        self,
        office: Office,
        desk: Desk,
        first: date,
        heart: Heart,
        *,
        stop: Callable[[], None] = lambda: None,
        defect: Callable[[BaseException], None] = lambda _: None,
    ) -> None:
        self._office, self._first, self._heart = office, first, heart
        self._stop, self._defect = stop, defect
        self._evening = Evening(office, stop, desk.protections.block_list)
        self._morning = Morning(office, desk)
        self._agenda: Agenda | None = None
        #: halts and resumptions that were told; those of earlier lives are told once, by their keys
        self._told_control = 0

    # -- the outside

    def start(self) -> None:
        """Tell that the daemon has begun."""
        at, halted = self._office.clock.now(), self._office.halted()
        self._office.tell(f"started {at.isoformat()}", Kind.DAEMON, "daemon started", halted)

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
            again = self._broken(problem)
        self._heart.beat(DaemonState.WAITING, self._waits_for(again), again)
        return again

    def close(self, why: str) -> None:
        """Tell that the daemon ends, and give the account free."""
        at = self._office.clock.now()
        self._office.tell(f"stopped {at.isoformat()}", Kind.DAEMON, f"daemon stopped: {why}")
        self._heart.beat(DaemonState.STOPPED, why)
        self.release()

    def forget(self) -> None:
        """Let go of the market; it is read again when it is needed."""
        self._morning.forget()
        self._office.forget()

    def release(self) -> None:
        """Give the account free; others may write to it then."""
        self.forget()
        self._office.let_go()

    # -- a wake

    def _wake(self) -> datetime:
        office = self._office
        _ = office.writer  # taken again, where a server took it away
        self._controls()
        try:
            return self._work()
        except CalendarError:
            if not self._calendar_has_grown():
                raise
            return self._work()

    def _work(self) -> datetime:
        office, planned = self._office, False
        while True:
            agenda, now = self._known_agenda(), office.clock.now()
            standing = self._standing(agenda)
            step = self._due(agenda, standing, now)
            if step is None:
                break
            self._stop()
            about = agenda.wanted(now) if step is Step.SYNC else standing.session
            self._heart.beat(DaemonState.WORKING, f"{step.value} of {about}")
            self._do(step, standing, agenda)
            planned = planned or step is Step.PLAN
        if planned:  # the day's work is done: once a day is enough, and never while quotes are asked for
            give_back()
        self._say_what_is_late(agenda, standing, now)
        return min([agenda.next_moment(standing, now), *office.ends_of_waits(now)])

    def _calendar_has_grown(self) -> bool:
        """Ask for sessions where the known ones have come to their end: the exchange announces them late."""
        known = self._known_agenda().calendar.last
        self._evening.sync(known.astype(object))
        self._agenda = None
        return bool(self._known_agenda().calendar.last > known)

    def _due(self, agenda: Agenda, standing: Standing, now: datetime) -> Step | None:
        step, waits = agenda.due(standing, now), self._office.waits
        if step is Step.SYNC and waits(step, now):
            step = agenda.without_sync(standing, now)
        return None if step is None or waits(step, now) else step

    def _do(self, step: Step, standing: Standing, agenda: Agenda) -> None:
        office, session = self._office, standing.session
        try:
            self._take(step, standing, agenda)
        except SessionError:
            office.hold(step)  # recorded, and told
        except LedgerError:
            raise
        except AlphaloomError as problem:
            again = office.hold(step)
            office.tell(
                f"{session} {step.value} {problem}",
                Kind.ERROR,
                f"{session} {step.value} failed: {problem}",
                f"it is tried again at {again:%H:%M:%S}",
                Level.ERROR,
                session,
            )

    def _take(self, step: Step, standing: Standing, agenda: Agenda) -> None:
        evening, morning, session = self._evening, self._morning, standing.session
        match step:
            case Step.SYNC:
                wanted = agenda.wanted(self._office.clock.now())
                assert wanted is not None, "a sync is due for a session"
                morning.forget()
                evening.sync(wanted)
                self._agenda = None  # sessions may have been announced
            case Step.SETTLE:
                if evening.settle(session, agenda):
                    morning.forget()
            case Step.PREPARE | Step.REFRESH | Step.PLAN:
                evening.prepare(Task(step.value), session, agenda)
            case Step.ARM:
                morning.arm(session)
            case Step.EXECUTE:
                morning.execute(session, agenda)
            case Step.GIVE_UP:
                morning.give_up(standing, agenda)

    def _known_agenda(self) -> Agenda:
        if self._agenda is None:
            office = self._office
            self._agenda = Agenda(office.market.calendar(), office.timetable, office.config)
        return self._agenda

    def _standing(self, agenda: Agenda) -> Standing:
        office, calendar = self._office, agenda.calendar
        settled = office.ledger.epoch(office.account).marked_on
        if settled is None:
            first = np.datetime64(self._first, "D")
            session = first if calendar.is_session(first) else calendar.after(first)
        else:
            session = calendar.after(np.datetime64(settled, "D"))
        day: date = session.astype(object)
        states = {record.task: record.state for record in office.ledger.tasks(day, office.account)}
        stored, again = office.market.stored(), self._evening.wants_again
        return Standing(day, states, stored, again, self._morning.is_armed(day))

    # -- people

    def _controls(self) -> None:
        """Tell of halts and resumptions that came in since the last wake."""
        controls = self._office.service.controls()
        for control in controls[self._told_control :]:
            halted = control.action is Action.HALT
            why = f": {control.reason}" if control.reason else ""
            self._office.tell(
                f"control {control.number}",
                Kind.HALT,
                f"account {'halted' if halted else 'resumed'}{why}",
                "plans are made, and no order is sent" if halted else "",
                Level.WARNING if halted else Level.INFO,
            )
        self._told_control = len(controls)

    def _say_what_is_late(self, agenda: Agenda, standing: Standing, now: datetime) -> None:
        """Tell of a session that goes by unplanned, since those before it are not over for the account."""
        day = np.datetime64(now.date(), "D")
        today: date = day.astype(object)
        if today <= standing.session or not agenda.calendar.is_session(day):
            return
        timetable = self._office.timetable
        deadline = timetable.deadline(Task.PLAN, today)
        if deadline < now < timetable.due(Task.SETTLE, today, today):
            self._office.warn(
                f"{today} plan missed",
                f"{today} plan missed: {standing.session} could not be settled by {deadline:%H:%M}",
                f"stored are prices up to {standing.stored or 'nothing'}; no order is sent today",
                today,
                Kind.PLAN,
            )

    def _waits_for(self, again: datetime) -> str:
        halted = ""
        with suppress(LedgerError):  # a server that is away must not end the daemon
            halted = self._office.halted()
        return f"waits until {again:%Y-%m-%d %H:%M:%S}" + (f"; {halted}" if halted else "")

    # -- failures

    def _troubled(self, problem: AlphaloomError) -> datetime:
        office, now = self._office, self._office.clock.now()
        again = now + timedelta(minutes=office.config.retry_minutes)
        if isinstance(problem, CalendarError):
            again = now + _UNTIL_SESSIONS_ARE_KNOWN
        if isinstance(problem, LedgerError):
            # on a server the lock went with the connection: it is asked for again
            self.release()
            again = now + _PAUSE
        office.tell(
            f"{now:%Y-%m-%d} trouble {problem}",
            Kind.ERROR,
            str(problem),
            f"it is tried again at {again:%Y-%m-%d %H:%M}",
            Level.ERROR,
        )
        return again

    def _broken(self, problem: Exception) -> datetime:
        """Tell of what is a defect of ours; the daemon goes on."""
        now = self._office.clock.now()
        self._defect(problem)
        self._office.tell(
            f"defect {type(problem).__name__} {now:%Y-%m-%d} {problem}",
            Kind.ERROR,
            f"a defect of the program: {type(problem).__name__}: {problem}",
            "the log has the details; what it did not finish is tried again",
            Level.ERROR,
        )
        return now + _PAUSE

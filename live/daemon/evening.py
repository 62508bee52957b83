"""The evening: prices are brought, the session is settled and compared, the next one planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np

from engine.broker.orders import Basket
from engine.errors import AlphaloomError, CalendarError
from engine.market.calendar import EXTEND, Calendar, iso
from live.daemon.agenda import Agenda, Step
from live.daemon.gaps import gaps
from live.daemon.market import LiveRun
from live.daemon.office import Office
from live.errors import SessionError
from live.ledger import QuotesUsed, Task
from live.notify import Kind
from live.parity import Difference
from live.past import PastSession
from live.quotes import LEAST_COVERAGE, coverage

#: calendar days before the end of the known sessions from which on people are warned
_CALENDAR_WARNING = timedelta(days=31)
#: sources' words that are told
_SAID = 5


class Evening:
    """The steps from the close of a session to the plan of the next.

    Parameters
    ----------
    office : Office
    stop : callable
        Raises when the daemon is to end.
    blocked : sequence of str
        Names that are not to be bought.

    Attributes
    ----------
    wants_again : date or None
        A stored session with gaps, that is to be asked for again.
    """

    def __init__(self, office: Office, stop: Callable[[], None], blocked: Sequence[str] = ()) -> None:
        self._office, self._stop, self._blocked = office, stop, blocked
        self.wants_again: date | None = None

    def sync(self, wanted: date) -> None:
        """Ask for prices up to a session; people are told if they are not there afterwards."""
        office, market = self._office, self._office.market
        office.hold(Step.SYNC)
        try:
            left = list(market.sync(wanted, self._stop))
        except AlphaloomError as problem:
            left = [str(problem)]
        office.forget()
        self.wants_again = None  # whoever settles looks for gaps again
        stored = market.stored()
        if stored is not None and stored >= wanted:
            office.free(Step.SYNC)
            return
        reason = "; ".join(left[:_SAID]) or "no source has it yet"
        office.warn(
            f"{wanted} no data",
            f"the prices of {wanted} are not there (stored: {stored or 'nothing'}): {reason}",
            f"they are asked for again every {office.config.retry_minutes:g} minutes; without them the "
            f"session after {wanted} is not planned",
            wanted,
        )

    def settle(self, session: date, agenda: Agenda) -> bool:
        """Settle a session, unless its prices have gaps that may still be filled; whether it is over."""
        office = self._office
        live = office.loaded()
        machine, ended = office.machine(live)
        row = live.run.row(session)
        if session == live.stored and self._has_gaps(live, machine.past(row), session, agenda):
            self.wants_again = session
            if not office.waits(Step.SYNC, office.clock.now()):
                office.hold(Step.SYNC)
            return False
        try:
            machine.advance(row, Task.SETTLE)
        except SessionError:
            office.tell_tasks(ended)
            raise
        office.tell_tasks(ended, self._differences(live, machine.sessions, session))
        self.wants_again = None
        office.free()
        return True

    def prepare(self, task: Task, session: date, agenda: Agenda) -> None:
        """Do the tasks of the evening before a session, up to one of them."""
        office, live = self._office, self._office.loaded()
        if live.coming != session:
            raise CalendarError(
                f"the store ends {live.stored}: {live.coming} comes, and not {session}; has it shrunk?"
            )
        if task is Task.PLAN:
            self._calendar_ends(agenda.calendar, session)
            self._blocks_nothing(live, session)
        machine, ended = office.machine(live)
        try:
            machine.advance(live.run.row(session), task)
        finally:
            office.tell_tasks(ended)
        if task is not Task.PLAN:
            # a provider first learns when it is asked for scores: the task may go on waiting
            due = office.timetable.due(Task.PLAN, session, agenda.eve(session))
            office.hold_until(Step(task.value), due)

    def _differences(self, live: LiveRun, sessions: list[PastSession], session: date) -> list[Difference]:
        try:
            return self._office.market.compare(live.run, sessions, session)
        except AlphaloomError as problem:
            title = f"{session} cannot be compared with its back-test: {problem}"
            self._office.warn(f"{session} parity {problem}", title, "", session)
            return []

    # -- gaps

    def _has_gaps(self, live: LiveRun, past: PastSession | None, session: date, agenda: Agenda) -> bool:
        """Whether prices of a session are still to be waited for."""
        office = self._office
        why, too_few = self._gaps(live, past, session)
        if not why:
            return False
        patient = office.clock.now() <= agenda.last_moment(session)
        if patient or too_few:
            office.warn(f"{session} gaps {patient}", why, "they are asked for again", session)
            return True
        office.warn(f"{session} gaps taken", why, "taken for suspended", session)
        return False

    def _gaps(self, live: LiveRun, past: PastSession | None, session: date) -> tuple[str, bool]:
        """What is missing of a session, in words, and whether it is too much to go on without."""
        panel, row = live.run.panel, live.run.row(session)
        members = np.flatnonzero(panel.universe[max(row - 1, 0)]).tolist()
        traded, before = coverage(panel, row, members)
        if traded < LEAST_COVERAGE * before:
            return f"prices of {session} are there for {traded} of {before} names that traded before", True
        office = self._office
        concerned = set(office.ledger.account(office.account).lots) | _ordered(past)
        missing = gaps(live, session, concerned - self._quoted_as_halted(session))
        if missing:
            named = ", ".join(missing[:_SAID])
            return f"no prices of {session} for {named}, and no word of a suspension", False
        return "", False

    def _quoted_as_halted(self, session: date) -> set[str]:
        office = self._office
        found = office.ledger.entries(session, Task.EXECUTE, office.account, kinds=("quotes",))
        used = [entry for _, entry in found if isinstance(entry, QuotesUsed)]
        return {quote.symbol for entry in used for quote in entry.quotes if not quote.trading}

    def _blocks_nothing(self, live: LiveRun, session: date) -> None:
        """Say which blocked names there are not: whoever mistyped one believes to be protected."""
        known = set(live.run.panel.symbols.tolist())
        unknown = ", ".join(name for name in self._blocked if name not in known)
        if unknown:
            self._office.warn(
                f"block list {unknown}",
                f"protections.block_list blocks nothing with {unknown}: no such stock is in the data",
                "if it is not mistyped, it is blocked from the day it joins the universe",
                session,
                Kind.PROTECTION,
            )

    def _calendar_ends(self, calendar: Calendar, session: date) -> None:
        last: date = calendar.last.astype(object)
        if last - session > _CALENDAR_WARNING:
            return
        self._office.warn(
            f"calendar {last} {session:%G-W%V}",
            f"the calendar ends {iso(calendar.last)}; no session after it can be traded",
            EXTEND,
            session,
            Kind.DAEMON,
        )


def _ordered(past: PastSession | None) -> set[str]:
    """Names that a session's plan trades, without its reserves."""
    basket = Basket() if past is None or past.planned is None else past.planned.basket
    slots = basket.slot_buys
    wanted = () if slots is None else slots.candidates[: slots.wanted]
    return {request.symbol for request in (*basket.orders, *wanted)}

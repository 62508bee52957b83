"""The morning: a plan is made ready, meets the quotes of the auction, and is sent or given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from live.broker import PaperBroker, all_requests
from live.daemon.agenda import Agenda, Standing, Step
from live.daemon.desk import Desk, NotTrusted
from live.daemon.office import Office
from live.daemon.words import NO_PLAN, equity_before
from live.feeds import NameRules
from live.ledger import SessionMark, Task, TaskState
from live.machine import SessionMachine
from live.moment import Moment
from live.notify import Kind
from live.past import sessions_without_learning
from live.protections import ProtectionState
from live.task_book import TaskEnded


@dataclass(frozen=True)
class Armed:
    """A plan that is ready to be sent."""

    session: date
    machine: SessionMachine
    broker: PaperBroker
    symbols: tuple[str, ...]
    rules: dict[str, NameRules]
    traded_before: frozenset[str]


class Morning:
    """The steps that send a session's orders.

    Parameters
    ----------
    office : Office
    desk : Desk
    """

    def __init__(self, office: Office, desk: Desk) -> None:
        self._office, self._desk = office, desk
        self._armed: Armed | None = None
        #: why the quotes of the session were not traded on so far
        self._doubts = ""
        #: quotes that could be traded on, but for names that are waited for
        self._spare: Moment | None = None

    def is_armed(self, session: date) -> bool:
        """Whether the plan of a session is ready to be sent."""
        return self._armed is not None and self._armed.session == session

    def forget(self) -> None:
        """Let go of a plan that was made ready."""
        self._armed = self._spare = None

    def arm(self, session: date) -> Armed:
        """Make the plan of a session ready, and look up what quotes will be held against."""
        office, live = self._office, self._office.loaded()
        machine, ended = office.machine(live)
        row = live.run.row(session)
        try:
            broker = machine.arm(row)
        finally:
            office.tell_tasks(ended)
        panel = live.run.panel
        ordered = {request.symbol for request in all_requests(broker.waiting)}
        symbols = tuple(sorted(ordered | broker.account.lots.keys()))
        traded = panel.field("trading")[row - 1] > 0 if row else np.zeros(len(panel.symbols), dtype=bool)
        before = frozenset(panel.symbols[traded].tolist())
        rules = self._desk.rules(panel, session, symbols)
        self._armed = Armed(session, machine, broker, symbols, rules, before)
        return self._armed

    def execute(self, session: date, agenda: Agenda) -> None:
        """Ask for quotes and send what may be sent; if they are not trusted, later again."""
        office = self._office
        if self._is_halted():
            return
        armed = self._armed
        if armed is None or armed.session != session:
            armed = self.arm(session)
        moment = self._moment(armed, agenda)
        if moment is None or self._is_halted():  # which may have happened while vendors were asked
            return
        now = office.clock.now()
        if now > office.timetable.deadline(Task.EXECUTE, session):
            self._doubts = "; ".join([f"the quotes took until {now:%H:%M:%S}", *moment.notes])
            return  # and it is given up
        guard = self._desk.guard(self._protection_state(armed, agenda))
        ended: list[TaskEnded] = []
        armed.machine.tell_to(ended.append)
        self.forget()  # what fails is armed anew
        self._doubts = ""
        try:
            armed.machine.execute(armed.broker, moment, guard)
        finally:
            office.tell_tasks(ended)

    def _is_halted(self) -> bool:
        """Whether no order is to be sent now; looked at again soon."""
        halted = self._office.halted()
        if halted:
            self._doubts = halted
            self._again()
        return bool(halted)

    def _again(self) -> None:
        self._office.hold(Step.EXECUTE, self._office.config.quotes_retry_s)

    def _moment(self, armed: Armed, agenda: Agenda) -> Moment | None:
        """Quotes to trade on; None while there are none, or while names of them are waited for."""
        office, session = self._office, armed.session
        try:
            moment = self._desk.moment(
                armed.symbols,
                armed.rules,
                session=session,
                now=office.clock.now,
                traded_before=armed.traded_before,
            )
        except NotTrusted as doubt:
            if self._spare is None:
                self._doubts = str(doubt)
                self._tell_of_doubts(session)
        else:
            # until continuous trading begins prices rest: what was trusted stays true
            if self._spare is None or len(moment.unquoted) <= len(self._spare.unquoted):
                self._spare = moment
        waits = office.clock.now() < agenda.whole_until(session)
        if self._spare is None or (self._spare.passing and waits):
            self._again()
            return None
        return self._spare

    def _tell_of_doubts(self, session: date) -> None:
        until = self._office.timetable.deadline(Task.EXECUTE, session)
        self._office.warn(
            f"{session} quotes not trusted",
            f"{session}: {self._doubts}",
            f"they are asked for again until {until:%H:%M}",
            session,
            Kind.QUOTES,
        )

    def give_up(self, standing: Standing, agenda: Agenda) -> None:
        """Record that a session is not traded, and why."""
        office, session = self._office, standing.session
        tasks = [Task.EXECUTE]
        if standing.states.get(Task.PLAN) is TaskState.MISSED:
            why = NO_PLAN
        elif standing.over(Task.PLAN):
            deadline = office.timetable.deadline(Task.EXECUTE, session)
            doubts = self._doubts or "nobody was there to send the orders"
            why = f"no order was sent by {deadline:%H:%M}: {doubts}"
        else:
            tasks = [Task.PLAN, Task.EXECUTE]
            deadline = office.timetable.deadline(Task.PLAN, session)
            why = f"the prices of {agenda.eve(session)} were not there by {deadline:%H:%M}"
        at = office.clock.now()
        states = [office.writer.miss(session, task, why, at=at) for task in tasks]
        office.tell_tasks([TaskEnded(session, tasks[-1], states[-1], why)])
        self.forget()
        self._doubts = ""

    def _protection_state(self, armed: Armed, agenda: Agenda) -> ProtectionState:
        office, eve = self._office, agenda.eve(armed.session)
        found = office.ledger.entries(eve, Task.SETTLE, office.account, kinds=("mark",))
        marks = [entry for _, entry in found if isinstance(entry, SessionMark)]
        prices = armed.broker.prices
        closes = {symbol: prices.close_fen(symbol) for symbol in armed.broker.account.lots}
        return ProtectionState(
            previous_equity_fen=marks[-1].value_fen if marks else None,
            equity_before_fen=equity_before(office.ledger, office.account, eve) if marks else None,
            # without the prices of the eve there is no plan: what may be old is what was learned
            sessions_behind=sessions_without_learning(armed.machine.sessions, armed.session),
            killed=self._desk.killed(),
            marks_fen={symbol: round(close) for symbol, close in closes.items() if close is not None},
        )

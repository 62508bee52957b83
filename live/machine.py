"""`SessionMachine`: takes a paper account through its sessions, task by task, each recorded once.

It does not trade: the strategy and the broker of a back-test do, on backtrader's clock. The machine stands
between two ticks of that clock, writes down what the last one brought, and lets sessions that are written
down already be played as they were. Start and recovery are therefore the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np

from engine.errors import DataError, StrategyError, TooFewBars
from engine.runner import run_strategy
from engine.span import Span
from live.broker import PaperBroker
from live.ledger import AccountWriter, Ledger, Task
from live.moment import Guard, Moment, unguarded
from live.past import PastSession, read_past
from live.run import PaperRun, Trader
from live.session_tasks import SessionTasks, put_back
from live.signal_record import recall_scores, resume
from live.task_book import Clock, TaskBook, TaskEnded
from strategies.base import PanelStrategy


class SessionMachine:
    """Takes one account through sessions.

    Parameters
    ----------
    run : PaperRun
        Market, strategy, broker.
    ledger, writer : Ledger, AccountWriter
        Where everything is kept; the writer has the account's lock.
    snapshots : Path
        Folder of what providers have learned.
    clock : Clock
        A task whose deadline it has passed is missed: late orders are not sent.
    tell : callable, optional
        Called with a `TaskEnded` for every task that ends.
    after_session : callable, optional
        Called with each session once it is settled.
    count_attempts : bool
        Record that a task was begun, too: one more transaction each.
    """

    def __init__(
        self,
        run: PaperRun,
        ledger: Ledger,
        writer: AccountWriter,
        *,
        snapshots: Path,
        clock: Clock,
        tell: Callable[[TaskEnded], None] | None = None,
        after_session: Callable[[PastSession], None] | None = None,
        count_attempts: bool = False,
    ) -> None:
        self.run, self._snapshots = run, snapshots
        self._book = TaskBook(
            run,
            writer,
            read_past(ledger, writer.name),
            clock=clock,
            tell=tell,
            count_attempts=count_attempts,
        )
        self._tasks = SessionTasks(run, self._book, snapshots, after_session)
        self._last, self._last_task = run.span.start, Task.SETTLE

    # -- the way through the sessions

    @property
    def sessions(self) -> list[PastSession]:
        """Sessions of the account so far, in order."""
        return [past for _, past in sorted(self._book.past.items())]

    @property
    def next_row(self) -> int:
        """Row of the first session that is not settled."""
        return self._book.next_row

    def past(self, row: int) -> PastSession | None:
        """What is recorded of a session."""
        return self._book.past.get(row)

    def tell_to(self, tell: Callable[[TaskEnded], None]) -> None:
        """Tell somebody else of tasks that end from now on."""
        self._book.tell = tell

    def advance(self, row: int, task: Task = Task.SETTLE) -> None:
        """Do all that is not done yet, up to a task of the session at `row`; nothing, if that is over.

        Raises
        ------
        SessionError
            If the provider, the strategy or the data fail in a task; that is recorded, it may be tried again.
        LedgerError
            If the ledger cannot be written; nothing of the task is recorded then.
        """
        if row < self.next_row:
            return
        if row == self.run.coming and task in (Task.EXECUTE, Task.SETTLE):
            raise DataError(
                f"{self.run.session(row)}: the data have no prices of the session yet; alphaloom paper run "
                "trades it with live quotes, alphaloom data sync brings its prices in the evening"
            )
        self._go_to(row, task)

    def arm(self, row: int) -> PaperBroker:
        """Do all that is not done before a session's orders are sent; the broker that stands before it.

        Raises
        ------
        SessionError
            As `advance` does.
        """
        broker: PaperBroker = self._go_to(row, Task.PLAN)
        assert broker.row == row - 1, "a session is executed before it is settled"
        return broker

    def execute(self, broker: PaperBroker, moment: Moment, guard: Guard = unguarded) -> None:
        """Let the orders of an armed broker meet live quotes; once that is done, or too late, nothing.

        Parameters
        ----------
        broker : PaperBroker
            As `arm` gave it.
        moment : Moment
            The quotes.
        guard : callable
            What may be sent of the orders.
        """
        row = broker.row + 1
        with self._book.failures():
            if self._book.begin(row, Task.EXECUTE):
                self._tasks.send(broker, row, moment, guard)
        self._book.doing = None

    def miss(self, row: int, task: Task, why: str) -> None:
        """Record that a task can never be done any more; nothing, if it is over."""
        if not self._book.is_over(row, task):
            self._book.miss(row, task, why)

    def _go_to(self, row: int, task: Task) -> Any:
        """Live through the sessions up to a task of one; the broker as it stands then."""
        self._last, self._last_task = row, task
        trader = self.run.trader()
        self._tasks.signal = trader.signal
        stateless = issubclass(trader.strategy, PanelStrategy)
        span = self.run.span
        clock_stop = row if task is Task.SETTLE else row - 1
        try:
            begin = self._resume(stateless)
            with self._book.failures():
                if clock_stop < begin:
                    broker = self._idle_broker(begin)
                    self.after(broker)
                else:
                    broker = self._run_clock(trader, Span(begin, span.start, clock_stop))
                if task is not Task.SETTLE and broker.row == row - 1:
                    self.before(broker)
        finally:
            if trader.signal is not None:
                trader.signal.provider.close()
        self._book.doing = None
        return broker

    def _run_clock(self, trader: Trader, span: Span) -> Any:
        """Let the strategy live through sessions, a tick of the clock each; return the broker after them."""
        run = partial(
            run_strategy,
            self.run.panel,
            broker=self.run.broker,
            span=span,
            benchmark=self.run.benchmark,
            make_broker=partial(self._make_broker, begin=span.clock_start),
        )
        self._tasks.waits_for = ""
        try:
            return run(trader.strategy, trader.params).broker
        except StrategyError as problem:
            if not isinstance(problem.__cause__, TooFewBars):
                raise
            # in a longer run backtrader would not have asked it for a decision by now, either
            missing = str(problem.__cause__).partition(";")[0]
            self._tasks.waits_for = f"{trader.strategy.__name__} decides nothing yet: {missing}"
            return run(bt.Strategy, {}).broker

    def _resume(self, stateless: bool) -> int:
        """Put the signal where the record ends; return the row at which the clock begins."""
        span, done, signal = self.run.span, self.next_row, self._tasks.signal
        if signal is not None:
            learns = not self._book.is_over(self._last, Task.REFRESH)
            resume(signal, self._book.past, self._snapshots, self.run.panel if learns else None)
        if stateless:
            return span.clock_start if done == span.start else done - 1
        if signal is not None:
            recall_scores(signal, self._book.past, self.run.panel.symbols.tolist())
        return span.clock_start

    def _make_broker(self, *args: Any, begin: int) -> PaperBroker:
        broker = PaperBroker(*args, sessions=self)
        broker.origin = self.run.span.clock_start
        if begin != self.run.span.clock_start:
            # the sessions before have no need to be played: their account is known
            past = self._book.past[begin]
            broker.restore(past.before)
        return broker

    def _idle_broker(self, begin: int) -> PaperBroker:
        """Stand before the first session there is, where no strategy has decided anything."""
        broker = self._make_broker(self.run.panel, self.run.broker, begin, begin, None, begin=begin)
        broker.row = begin - 1
        return broker

    # -- what the broker asks

    def decides(self, row: int) -> bool:
        """Whether the session after `row` is still to be planned."""
        session = row + 1
        if session > self._last or not self._wanted(session, Task.PLAN):
            return False
        return not self._book.is_over(session, Task.PLAN)

    def before(self, broker: PaperBroker) -> None:
        """Plan and execute the session to come, or let a recorded one be played."""
        row = broker.row + 1
        past = self._book.past.get(row)
        broker.past = past if past is not None and past.settled else None
        broker.sends = True
        if row < self.run.span.start:
            return
        if broker.past is not None:
            put_back(broker, broker.past)
            return
        if row not in self._book.past:  # the first session of all has no tick of the clock before it
            self._come(broker, row)
        if self._wanted(row, Task.PLAN):
            self._tasks.plan(broker, row)
        if self._wanted(row, Task.EXECUTE):
            self._tasks.execute(broker, row)

    def after(self, broker: PaperBroker) -> None:
        """Settle the session that was; prepare the one to come, and refresh what it is decided on."""
        row = broker.row
        if row >= self.run.span.start and broker.past is None:
            self._tasks.settle(broker, row)
        row += 1
        past = self._book.past.get(row)
        if row > self._last or row < self.run.span.start or (past is not None and past.settled):
            self._book.doing = None
            return
        self._come(broker, row)

    def _come(self, broker: PaperBroker, row: int) -> None:
        """Prepare a session, up to where its strategy decides."""
        self._tasks.prepare(broker, row)
        if self._wanted(row, Task.REFRESH):
            self._tasks.refresh(row)
        if not self._wanted(row, Task.PLAN) or self._book.begin(row, Task.PLAN):
            return
        self._book.doing = None
        if self._tasks.signal is not None:
            # whoever asks for scores all the same gets none: it is too late, or decided already
            nothing = np.full(len(self.run.panel.symbols), np.nan)
            self._tasks.signal.used.setdefault(row - 1, nothing)

    def _wanted(self, row: int, task: Task) -> bool:
        return row < self._last or (row == self._last and _ORDER[task] <= _ORDER[self._last_task])


_ORDER: Mapping[Task, int] = {task: n for n, task in enumerate(Task)}

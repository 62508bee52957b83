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

from alpha_sources.signal import ProviderSignal, Refresh
from engine.broker.match import FillAt
from engine.broker.orders import Basket, Fill, Reason, Side, Trade
from engine.errors import DataError, StrategyError, TooFewBars
from engine.runner import run_strategy
from engine.span import Span
from live.broker import PaperBroker, all_requests
from live.deputy import Deputy
from live.ledger import (
    AccountWriter,
    Entry,
    Ledger,
    Note,
    QuotesUsed,
    Sent,
    SessionMark,
    Task,
    TaskState,
)
from live.moment import Guard, Moment, unguarded
from live.past import PastSession, read_past
from live.planning import (
    make_plan,
    scores_by_name,
    what_happened,
    what_is_planned,
    why_nothing_planned,
)
from live.quotes import LEAST_COVERAGE, coverage, describe_impossible
from live.run import PaperRun, Trader
from live.signal_record import recall_scores, record_of, resume
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
        self.run, self._snapshots, self._after_session = run, snapshots, after_session
        self._book = TaskBook(
            run,
            writer,
            read_past(ledger, writer.name),
            clock=clock,
            tell=tell,
            count_attempts=count_attempts,
        )
        self._levels = run.levels()
        self._signal: ProviderSignal | None = None
        self._last, self._last_task = run.span.start, Task.SETTLE
        #: why the strategy cannot decide yet, if it cannot
        self._waits_for = ""

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
                self._send(broker, row, moment, guard)
        self._book.doing = None

    def miss(self, row: int, task: Task, why: str) -> None:
        """Record that a task can never be done any more; nothing, if it is over."""
        if not self._book.is_over(row, task):
            self._book.miss(row, task, why)

    def _go_to(self, row: int, task: Task) -> Any:
        """Live through the sessions up to a task of one; the broker as it stands then."""
        self._last, self._last_task = row, task
        trader = self.run.trader()
        self._signal = trader.signal
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
        self._waits_for = ""
        try:
            return run(trader.strategy, trader.params).broker
        except StrategyError as problem:
            if not isinstance(problem.__cause__, TooFewBars):
                raise
            # in a longer run backtrader would not have asked it for a decision by now, either
            missing = str(problem.__cause__).partition(";")[0]
            self._waits_for = f"{trader.strategy.__name__} decides nothing yet: {missing}"
            return run(bt.Strategy, {}).broker

    def _resume(self, stateless: bool) -> int:
        """Put the signal where the record ends; return the row at which the clock begins."""
        span, done, signal = self.run.span, self.next_row, self._signal
        if signal is not None:
            resume(signal, self._book.past, self._snapshots)
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
            _put_back(broker, broker.past)
            return
        if row not in self._book.past:  # the first session of all has no tick of the clock before it
            self._come(broker, row)
        if self._wanted(row, Task.PLAN):
            self._plan(broker, row)
        if self._wanted(row, Task.EXECUTE):
            self._execute(broker, row)

    def after(self, broker: PaperBroker) -> None:
        """Settle the session that was; prepare the one to come, and refresh what it is decided on."""
        row = broker.row
        if row >= self.run.span.start and broker.past is None:
            self._settle(broker, row)
        row += 1
        past = self._book.past.get(row)
        if row > self._last or row < self.run.span.start or (past is not None and past.settled):
            self._book.doing = None
            return
        self._come(broker, row)

    def _come(self, broker: PaperBroker, row: int) -> None:
        """Prepare a session, up to where its strategy decides."""
        self._prepare(broker, row)
        if self._wanted(row, Task.REFRESH):
            self._refresh(row)
        if not self._wanted(row, Task.PLAN) or self._book.begin(row, Task.PLAN):
            return
        self._book.doing = None
        if self._signal is not None:
            # whoever asks for scores all the same gets none: it is too late, or decided already
            nothing = np.full(len(self.run.panel.symbols), np.nan)
            self._signal.used.setdefault(row - 1, nothing)

    # -- the tasks

    def _prepare(self, broker: PaperBroker, row: int) -> None:
        """Calendar, universe and ex-dates of the session."""
        panel, session = self.run.panel, self.run.session(row)
        self._book.past.setdefault(row, PastSession(session, broker.account))
        if self._book.is_over(row, Task.PREPARE):
            return
        self._book.begin(row, Task.PREPARE)
        at = self._book.reach(row, Task.PREPARE)
        # decided on at the close before, but for the first session where the universe is known only from it
        known = max(row - 1, self.run.span.clock_start)
        if not panel.universe_known[known]:
            raise DataError(f"the universe is unknown on {self.run.session(known)}; check data.membership")
        held = set(broker.account.lots)
        actions = panel.actions.on(panel.dates[row])
        going_ex = [str(panel.symbols[n]) for n in actions if str(panel.symbols[n]) in held]
        note = f"{int(panel.universe[known].sum())} names in the universe, {len(held)} held"
        if going_ex:
            note += f"; ex-date of {', '.join(going_ex)}"
        self._book.done(row, Task.PREPARE, [], note, at)

    def _refresh(self, row: int) -> None:
        """Let the provider learn if that is due; the first time it does so when scores are asked for."""
        signal = self._signal
        if not self._book.begin(row, Task.REFRESH):
            return
        if signal is None:
            at = self._book.reach(row, Task.REFRESH)
            self._book.done(row, Task.REFRESH, [], "the strategy uses no signal", at)
        elif signal.begun:
            self._refreshed(row, signal, signal.advance(row - 1))

    def _refreshed(self, row: int, signal: ProviderSignal, refresh: Refresh | None) -> None:
        at = self._book.reach(row, Task.REFRESH)
        if refresh is None:
            self._book.done(row, Task.REFRESH, [], f"not due: alpha.refresh is {signal.rule}", at)
            return
        entry = record_of(refresh, signal, self._book.past, row, self._snapshots)
        learned = signal.provider.take() if isinstance(signal.provider, Deputy) else []
        failed = learned[-1].failed if learned else ""
        held = "" if entry.snapshot_hash is None else entry.snapshot_hash[:12]
        note = f"{'learned' if entry.changed else 'kept'} {held}" if held else "nothing to learn"
        if failed:
            note = f"failed: {failed}; {held or 'nothing'} stays in force"
        if failed and not entry.changed:
            # as if it had not been due: it is, as soon as the rule says so again
            self._book.done(row, Task.REFRESH, [*learned], note, at)
            return
        self._book.past[row].refreshed = entry
        self._book.done(row, Task.REFRESH, [entry, *learned], note, at)

    def _plan(self, broker: PaperBroker, row: int) -> None:
        """Write down what the strategy sent at the close before the session."""
        past = self._book.past[row]
        if self._book.is_over(row, Task.PLAN):
            _put_back(broker, past)
            return
        signal = self._signal
        if signal is not None and not self._book.is_over(row, Task.REFRESH):
            day = self.run.session(row - 1).isoformat()
            due = [refresh for refresh in signal.refreshes if refresh.session == day]
            self._refreshed(row, signal, due[-1] if due else None)
        scores = None if signal is None else signal.used.get(row - 1)
        basket = broker.sent
        planned = make_plan(basket, broker.account, scores_by_name(broker.prices.symbols, scores))
        # an order sent and taken back at the same close never was
        today = broker.prices.day
        withdrawn = [each for each in broker.withdrawn if each.request.decided_day < today]
        carried_on = len(broker.carried)
        members = int(self.run.panel.universe[row - 1].sum()) if row else 0
        note = what_is_planned(basket, len(broker.account.lots), carried_on)
        if not note and row == self.run.span.clock_start:
            note = "no close before the first session to decide at"
        elif not note and self._waits_for:
            note = self._waits_for
        elif not note:
            strategy = _strategy(broker)
            note = why_nothing_planned(strategy, row - 1, scores, members, ended=strategy.env._event_stop)
        past.planned, past.withdrawn = planned, tuple(withdrawn)
        self._book.done(row, Task.PLAN, [planned, *withdrawn], note, self._book.reach(row, Task.PLAN))

    def _execute(self, broker: PaperBroker, row: int) -> None:
        """Let the orders meet the prices of the moment; they are booked when the session is settled."""
        past = self._book.past[row]
        if self._book.is_over(row, Task.EXECUTE):
            broker.sends, broker.sent_as = past.is_(Task.EXECUTE, TaskState.DONE), past.sent
            return
        if past.is_(Task.PLAN, TaskState.MISSED):
            self._book.miss(row, Task.EXECUTE, "there is no plan")
        elif self._book.begin(row, Task.EXECUTE):
            traded, before = coverage(self.run.panel, row, self._names(broker, row))
            if traded < LEAST_COVERAGE * before:
                self._book.miss(
                    row,
                    Task.EXECUTE,
                    f"prices of {self.run.session(row)} are there for {traded} of the {before} names that "
                    "traded the session before; so few are not trusted, and no order was sent",
                )
            else:
                self._send(broker, row)
        broker.sends = past.is_(Task.EXECUTE, TaskState.DONE)

    def _send(
        self, broker: PaperBroker, row: int, moment: Moment | None = None, guard: Guard = unguarded
    ) -> None:
        at_auction = self._book.timetable.at_auction
        sent, entries = None, list[Entry]()
        if moment is None:
            at = self._book.reach(row, Task.EXECUTE)
            prices, trades = broker.preview(at_auction=at_auction)
        else:
            sent, entries = _sent(broker, moment, guard)
            prices, trades = broker.preview(at_auction=at_auction, quotes=moment.prices, sent=sent)
            at = self._book.reach(row, Task.EXECUTE)
        if prices.asked:
            source, quoted_at = ("replay", at) if moment is None else (moment.source, moment.quoted_at)
            entries.append(QuotesUsed.of(source, quoted_at, prices.asked))
        entries += [Note(describe_impossible(*each)) for each in prices.impossible.items()]
        later = [trade for trade in trades if at_auction and self._waits_for_its_price(trade, sent)]
        met = [trade for trade in trades if trade not in later]
        note = what_happened(met) or ("" if later else "no order to send")
        if met and at_auction:
            note = f"at the opening price: {note}"
        if later:
            note += f"{'; ' * bool(note)}{len(later)} wait for the price of the session"
        if sent is not None and sent.reasons:
            note += f"; {len(sent.reasons)} cut or held back by the protections"
        self._book.past[row].sent = sent
        self._book.done(row, Task.EXECUTE, entries, note, at)

    def _waits_for_its_price(self, trade: Trade, sent: Sent | None) -> bool:
        """Whether an order is to be filled at a price that is not known at the auction."""
        if sent is not None and trade.request.symbol in sent.unquoted:
            return False
        at = self.run.broker.fill.buy if trade.side is Side.BUY else self.run.broker.fill.sell
        return trade.reason is Reason.NO_PRICE and at is not FillAt.OPEN

    def _settle(self, broker: PaperBroker, row: int) -> None:
        """Book ex-dates and fills, and value the account at the close."""
        self._book.begin(row, Task.SETTLE)
        past, trades = self._book.past[row], tuple(broker.trades)
        level = None if self._levels is None else float(self._levels[row - self.run.span.start + 1])
        if level is not None and level != level:
            level = None  # a daemon does not wait for an index
        mark = SessionMark.of(broker.journal.sessions[-1], broker.journal.marks.last(), level)
        note = what_happened(trades)
        if not any(isinstance(trade, Fill) for trade in trades):
            why = past.notes.get(
                Task.EXECUTE if not past.is_(Task.EXECUTE, TaskState.DONE) else Task.PLAN, ""
            )
            note = f"nothing traded: {note or why}"
        entries: list[Entry] = [*broker.received, *broker.went_ex, *trades, mark]
        at = self._book.reach(row, Task.SETTLE)
        self._book.done(row, Task.SETTLE, entries, note, at, broker.account)
        past.received, past.ex_dates = tuple(broker.received), tuple(broker.went_ex)
        past.trades, past.account = trades, broker.account
        self._book.doing = None
        if self._after_session is not None:
            self._after_session(past)

    # -- times, states, records

    def _wanted(self, row: int, task: Task) -> bool:
        return row < self._last or (row == self._last and _ORDER[task] <= _ORDER[self._last_task])

    def _names(self, broker: PaperBroker, row: int) -> set[int]:
        """Columns of the universe and of what is held or ordered."""
        members = np.flatnonzero(self.run.panel.universe[row - 1] if row else [])
        ordered = [broker.prices.column(request.symbol) for request in all_requests(broker.waiting)]
        return {*members.tolist(), *broker.held_columns, *ordered}


_ORDER: Mapping[Task, int] = {task: n for n, task in enumerate(Task)}


def _put_back(broker: PaperBroker, past: PastSession) -> None:
    """Let what was recorded as planned wait for the session, whatever the strategy has sent this time."""
    back = {refusal.request.order_id for refusal in past.withdrawn}
    carried = tuple(request for request in broker.carried if request.order_id not in back)
    basket = Basket() if past.planned is None else past.planned.basket
    broker.put_back(_strategy(broker), basket, carried)


def _sent(broker: PaperBroker, moment: Moment, guard: Guard) -> tuple[Sent | None, list[Entry]]:
    """The orders as they go out, None if these are what waits, and what is to be said of that."""
    waiting = broker.waiting
    guarded = guard(waiting, broker.account_at_open(moment.prices), moment.prices)
    ordered = {request.symbol for request in all_requests(waiting)}
    unquoted = {symbol: why for symbol, why in moment.unquoted.items() if symbol in ordered}
    notes = [*moment.notes, *guarded.notes]
    notes += [f"{symbol}: {why}" for symbol, why in unquoted.items()]
    notes += [f"{order_id}: {why}" for order_id, why in guarded.reasons.items()]
    said: list[Entry] = [Note(text) for text in dict.fromkeys(notes)]
    if guarded.basket == waiting and not unquoted:
        return None, said
    sent = Sent(guarded.basket, unquoted, dict(guarded.reasons))
    return sent, [sent, *said]


def _strategy(broker: PaperBroker) -> Any:
    """Return the strategy that the broker works for, if it runs."""
    running = getattr(getattr(broker, "cerebro", None), "runningstrats", None)
    return running[0] if running else None

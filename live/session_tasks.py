"""`SessionTasks`: what each task of a session does, and the entries that say so in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alpha_sources.signal import ProviderSignal, Refresh
from engine.broker.match import FillAt
from engine.broker.orders import Basket, Fill, Reason, Side, Trade
from engine.errors import DataError
from live.broker import PaperBroker, all_requests
from live.deputy import Deputy
from live.ledger import Entry, Note, QuotesUsed, Sent, SessionMark, Task, TaskState
from live.moment import Guard, Moment, unguarded
from live.past import PastSession
from live.planning import (
    make_plan,
    scores_by_name,
    what_happened,
    what_is_planned,
    why_nothing_planned,
)
from live.quotes import LEAST_COVERAGE, coverage, describe_impossible
from live.run import PaperRun
from live.signal_record import record_of
from live.task_book import TaskBook


class SessionTasks:
    """The five tasks of a session; each is recorded in one transaction, and done again it changes nothing.

    Parameters
    ----------
    run : PaperRun
    book : TaskBook
        Where the tasks stand; it records what they did.
    snapshots : Path
        Folder of what providers have learned.
    after_session : callable, optional
        Called with each session once it is settled.

    Attributes
    ----------
    signal : ProviderSignal or None
        What the strategy at work decides on.
    waits_for : str
        Why that strategy cannot decide yet, if it cannot.
    """

    def __init__(
        self,
        run: PaperRun,
        book: TaskBook,
        snapshots: Path,
        after_session: Callable[[PastSession], None] | None,
    ) -> None:
        self._run, self._book, self._snapshots = run, book, snapshots
        self._after_session, self._levels = after_session, run.levels()
        self.signal: ProviderSignal | None = None
        self.waits_for = ""

    def prepare(self, broker: PaperBroker, row: int) -> None:
        """Calendar, universe and ex-dates of the session."""
        panel, session = self._run.panel, self._run.session(row)
        self._book.past.setdefault(row, PastSession(session, broker.account))
        if self._book.is_over(row, Task.PREPARE):
            return
        self._book.begin(row, Task.PREPARE)
        at = self._book.reach(row, Task.PREPARE)
        # decided on at the close before, but for the first session where the universe is known only from it
        known = max(row - 1, self._run.span.clock_start)
        if not panel.universe_known[known]:
            raise DataError(f"the universe is unknown on {self._run.session(known)}; check data.membership")
        held = set(broker.account.lots)
        actions = panel.actions.on(panel.dates[row])
        going_ex = [str(panel.symbols[n]) for n in actions if str(panel.symbols[n]) in held]
        note = f"{int(panel.universe[known].sum())} names in the universe, {len(held)} held"
        if going_ex:
            note += f"; ex-date of {', '.join(going_ex)}"
        self._book.done(row, Task.PREPARE, [], note, at)

    def refresh(self, row: int) -> None:
        """Let the provider learn if that is due; the first time it does so when scores are asked for."""
        signal = self.signal
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
        self._book.past[row].learned = learned[-1] if learned else None
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

    def plan(self, broker: PaperBroker, row: int) -> None:
        """Write down what the strategy sent at the close before the session."""
        past = self._book.past[row]
        if self._book.is_over(row, Task.PLAN):
            put_back(broker, past)
            return
        signal = self.signal
        if signal is not None and not self._book.is_over(row, Task.REFRESH):
            day = self._run.session(row - 1).isoformat()
            due = [refresh for refresh in signal.refreshes if refresh.session == day]
            self._refreshed(row, signal, due[-1] if due else None)
        scores = None if signal is None else signal.used.get(row - 1)
        basket = broker.sent
        planned = make_plan(basket, broker.account, scores_by_name(broker.prices.symbols, scores))
        # an order sent and taken back at the same close never was
        today = broker.prices.day
        withdrawn = [each for each in broker.withdrawn if each.request.decided_day < today]
        carried_on = len(broker.carried)
        members = int(self._run.panel.universe[row - 1].sum()) if row else 0
        note = what_is_planned(basket, len(broker.account.lots), carried_on)
        if not note and row == self._run.span.clock_start:
            note = "no close before the first session to decide at"
        elif not note and self.waits_for:
            note = self.waits_for
        elif not note:
            strategy = strategy_of(broker)
            note = why_nothing_planned(strategy, row - 1, scores, members, ended=strategy.env._event_stop)
        past.planned, past.withdrawn = planned, tuple(withdrawn)
        self._book.done(row, Task.PLAN, [planned, *withdrawn], note, self._book.reach(row, Task.PLAN))

    def execute(self, broker: PaperBroker, row: int) -> None:
        """Let the orders meet the prices of the moment; they are booked when the session is settled."""
        past = self._book.past[row]
        if self._book.is_over(row, Task.EXECUTE):
            broker.sends, broker.sent_as = past.is_(Task.EXECUTE, TaskState.DONE), past.sent
            return
        if past.is_(Task.PLAN, TaskState.MISSED):
            self._book.miss(row, Task.EXECUTE, "there is no plan")
        elif self._book.begin(row, Task.EXECUTE):
            traded, before = coverage(self._run.panel, row, self._names(broker, row))
            if traded < LEAST_COVERAGE * before:
                self._book.miss(
                    row,
                    Task.EXECUTE,
                    f"prices of {self._run.session(row)} are there for {traded} of the {before} names that "
                    "traded the session before; so few are not trusted, and no order was sent",
                )
            else:
                self.send(broker, row)
        broker.sends = past.is_(Task.EXECUTE, TaskState.DONE)

    def send(
        self, broker: PaperBroker, row: int, moment: Moment | None = None, guard: Guard = unguarded
    ) -> None:
        """Record which orders go out, and what they meet: recorded prices, or the quotes of a moment."""
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
        later = [trade for trade in trades if at_auction and self._later_price(trade, sent)]
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

    def _later_price(self, trade: Trade, sent: Sent | None) -> bool:
        """Whether an order is to be filled at a price that is not known at the auction."""
        if sent is not None and trade.request.symbol in sent.unquoted:
            return False
        at = self._run.broker.fill.buy if trade.side is Side.BUY else self._run.broker.fill.sell
        return trade.reason is Reason.NO_PRICE and at is not FillAt.OPEN

    def settle(self, broker: PaperBroker, row: int) -> None:
        """Book ex-dates and fills, and value the account at the close."""
        self._book.begin(row, Task.SETTLE)
        past, trades = self._book.past[row], tuple(broker.trades)
        level = None if self._levels is None else float(self._levels[row - self._run.span.start + 1])
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

    def _names(self, broker: PaperBroker, row: int) -> set[int]:
        """Columns of the universe and of what is held or ordered."""
        members = np.flatnonzero(self._run.panel.universe[row - 1] if row else [])
        ordered = [broker.prices.column(request.symbol) for request in all_requests(broker.waiting)]
        return {*members.tolist(), *broker.held_columns, *ordered}


def put_back(broker: PaperBroker, past: PastSession) -> None:
    """Let what was recorded as planned wait for the session, whatever the strategy has sent this time."""
    back = {refusal.request.order_id for refusal in past.withdrawn}
    carried = tuple(request for request in broker.carried if request.order_id not in back)
    basket = Basket() if past.planned is None else past.planned.basket
    broker.put_back(strategy_of(broker), basket, carried)


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


def strategy_of(broker: PaperBroker) -> Any:
    """Return the strategy that the broker works for, if it runs."""
    running = getattr(getattr(broker, "cerebro", None), "runningstrats", None)
    return running[0] if running else None

"""What a ledger says of the sessions an account has been through, ready to be played again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.broker.account import Account, Receivable
from engine.broker.orders import Fill, Refusal, Trade
from live.ledger import ExDated, Learned, Ledger, Planned, Refreshed, Sent, Task, TaskState
from live.ledger.book import Book


@dataclass(slots=True)
class PastSession:
    """One session as recorded: states of its tasks, its plan, what happened, the account after it.

    ``withdrawn`` are orders of earlier sessions that its plan took back; ``sent`` are the orders as they went
    out, where these are not the plan's; ``learned`` is how its last refresh went, if one was due; ``before``
    is the account before it, ``account`` the one after it, None until it is settled.
    """

    session: date
    before: Account
    states: dict[Task, TaskState] = field(default_factory=dict)
    planned: Planned | None = None
    withdrawn: tuple[Refusal, ...] = ()
    sent: Sent | None = None
    refreshed: Refreshed | None = None
    learned: Learned | None = None
    received: tuple[Receivable, ...] = ()
    ex_dates: tuple[ExDated, ...] = ()
    trades: tuple[Trade, ...] = ()
    account: Account | None = None
    notes: dict[Task, str] = field(default_factory=dict)

    def is_(self, task: Task, *states: TaskState) -> bool:
        """Whether a task is in one of some states."""
        return self.states.get(task) in states

    @property
    def failed_to_learn(self) -> bool:
        """Whether a refresh was due for the session, and brought nothing."""
        return self.learned is not None and bool(self.learned.failed)

    @property
    def settled(self) -> bool:
        """Whether the session is over for the account."""
        return self.account is not None


def read_past(ledger: Ledger, account: str) -> dict[date, PastSession]:
    """Return the sessions of the open epoch of an account, in order."""
    opening = ledger.epoch(account).opening_fen
    states: defaultdict[date, dict[Task, TaskState]] = defaultdict(dict)
    notes: defaultdict[date, dict[Task, str]] = defaultdict(dict)
    for record in ledger.tasks(account=account):
        states[record.session][record.task] = record.state
        notes[record.session][record.task] = record.note or record.error or ""
    planned, withdrawn = _plans(ledger, account)
    refreshed = {
        day: entry
        for day, entry in ledger.entries(task=Task.REFRESH, account=account, kinds=("refresh",))
        if isinstance(entry, Refreshed)
    }
    learned = {
        day: entry
        for day, entry in ledger.entries(task=Task.REFRESH, account=account, kinds=("learned",))
        if isinstance(entry, Learned)
    }
    sent = {
        day: entry
        for day, entry in ledger.entries(task=Task.EXECUTE, account=account, kinds=("sent",))
        if isinstance(entry, Sent)
    }
    received: defaultdict[date, list[Receivable]] = defaultdict(list)
    ex_dates: defaultdict[date, list[ExDated]] = defaultdict(list)
    trades: defaultdict[date, list[Trade]] = defaultdict(list)
    for day, entry in ledger.entries(task=Task.SETTLE, account=account):
        if isinstance(entry, ExDated):
            ex_dates[day].append(entry)
        elif isinstance(entry, Receivable):
            received[day].append(entry)
        elif isinstance(entry, Fill | Refusal):
            trades[day].append(entry)
    book, out = Book(opening), {}
    for seq, day in enumerate(sorted(states), start=1):
        past = PastSession(day, book.account, states[day], planned.get(day), tuple(withdrawn[day]))
        past.refreshed, past.learned = refreshed.get(day), learned.get(day)
        past.notes, past.sent = notes[day], sent.get(day)
        past.received, past.ex_dates = tuple(received[day]), tuple(ex_dates[day])
        past.trades = tuple(trades[day])
        if past.is_(Task.SETTLE, TaskState.DONE):
            _book(book, past, seq)
            past.account = book.account
        elif past.planned is not None:
            _enter_orders(book, past.planned)
        out[day] = past
    return out


def sessions_without_learning(sessions: Sequence[PastSession], last: date) -> int:
    """Sessions up to `last` that were decided on although a refresh that was due has failed.

    Counted from the session that the first of these refreshes was for; 0 where the latest one succeeded.
    """
    begin: int | None = None
    known = [past for past in sessions if past.session <= last]
    for n, past in enumerate(known):
        if past.learned is not None:
            begin = (n if begin is None else begin) if past.failed_to_learn else None
    return 0 if begin is None else len(known) - begin


def _plans(ledger: Ledger, account: str) -> tuple[dict[date, Planned], Mapping[date, list[Refusal]]]:
    planned: dict[date, Planned] = {}
    withdrawn: defaultdict[date, list[Refusal]] = defaultdict(list)
    for day, entry in ledger.entries(task=Task.PLAN, account=account):
        if isinstance(entry, Planned):
            planned[day] = entry
        elif isinstance(entry, Refusal):
            withdrawn[day].append(entry)
    return planned, withdrawn


def _enter_orders(book: Book, planned: Planned) -> None:
    slots = planned.basket.slot_buys
    for request in (*planned.basket.orders, *(() if slots is None else slots.candidates)):
        book.order(request.order_id, request.symbol, request.side.value)


def _book(book: Book, past: PastSession, seq: int) -> None:
    if past.planned is not None:
        _enter_orders(book, past.planned)
    for due in past.received:
        book.receive(past.session.isoformat(), due)
    for each in past.ex_dates:
        book.go_ex(seq, each.event, each.lots)
    for trade in past.trades:
        if isinstance(trade, Fill):
            book.fill(seq, past.session.isoformat(), trade)

"""An epoch as its events make it: a fold from events to the rows of all other tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.broker.account import Receivable
from engine.broker.orders import Basket, Fill, OrderRequest, Refusal
from engine.hashing import canonical_json
from engine.rules.table import date_of
from live.errors import LedgerError
from live.ledger.book import Book
from live.ledger.chain import Event
from live.ledger.entries import Entry, ExDated, Planned, QuotesUsed, Refreshed, SessionMark, Task, TaskState
from live.ledger.payloads import (
    Payload,
    decode,
    decode_receivable,
    encode_receivable,
    encode_request,
    is_entry,
)

Row = dict[str, Any]
_FINAL = frozenset({TaskState.DONE, TaskState.MISSED})
_NO_TASK: Row = {
    "state": TaskState.WAITING, "deadline": None, "attempts": 0, "started_at": None, "ended_at": None,
    "error": None, "note": None, "content_hash": None,
}  # fmt: skip


class NewRow(NamedTuple):
    """A row that an event adds to a table."""

    table: str
    row: Row


@dataclass
class EpochState:
    """Header, account and tasks of an epoch after some of its events.

    Parameters
    ----------
    header : dict
        The epoch's row in ``epochs``; empty before its first event.
    book : Book
        The account.
    tasks : dict
        Rows of ``tasks`` by (session, task); while recording only those that matter are loaded.
    """

    header: Row
    book: Book
    tasks: dict[tuple[str, str], Row]

    @classmethod
    def empty(cls) -> EpochState:
        """Before the first event."""
        return cls({}, Book(0), {})

    def apply(self, event: Event, payload: Payload) -> list[NewRow]:
        """Take in the next event; the rows it adds to the tables that only grow.

        Raises
        ------
        LedgerError
            If the event contradicts what went before it.
        """
        if not self.header and event.kind != "epoch_opened":
            raise LedgerError("an epoch begins with its opening")
        if self.header.get("state") == "archived":
            raise LedgerError("the epoch is archived; nothing can follow")
        rows = list(self._rows(event, payload))
        self.header |= {"head_seq": event.seq, "head_hash": event.hash, "cash_fen": self.book.cash_fen}
        self.header["receivables"] = encode_receivables(self.book.receivables)
        return rows

    def position_rows(self) -> Iterator[NewRow]:
        """Rows of ``positions`` and ``lots``."""
        for symbol in self.book.lots:
            yield from self.rows_of(symbol)

    def rows_of(self, symbol: str) -> Iterator[NewRow]:
        """Rows of one position."""
        lots = self.book.lots.get(symbol, ())
        if lots:
            shares = sum(lot.shares for lot in lots)
            yield NewRow(
                "positions", {"symbol": symbol, "shares": shares, "opened_seq": self.book.opened[symbol]}
            )
        for place, lot in enumerate(lots):
            own = {"shares": lot.shares, "cost_fen": lot.cost_fen, "dividends_fen": lot.dividends_fen}
            bought_on = date_of(lot.day).isoformat()
            yield NewRow("lots", {"symbol": symbol, "place": place, "bought_on": bought_on, **own})

    def _rows(self, event: Event, payload: Payload) -> Iterator[NewRow]:
        if is_entry(event.kind):
            if event.session is None:
                raise LedgerError(f"a {event.kind} belongs to a session")
            yield from self._entry_rows(event, event.session, payload)
        elif event.kind == "epoch_opened":
            yield self._open(event, payload)
        elif event.kind == "epoch_archived":
            self.header |= {"state": "archived", "archived_at": event.at}
        elif event.kind == "tasks_scheduled":
            for task, deadline in payload["deadlines"].items():
                self.tasks[_key(event.session, task)] = _NO_TASK | {"deadline": deadline}
        else:
            self._change_task(event, payload)

    def _open(self, event: Event, payload: Payload) -> NewRow:
        cash = payload["cash_fen"]
        self.header |= {
            "state": "open",
            "config_hash": payload["config_hash"],
            "opened_at": event.at,
            "archived_at": None,
            "opening_fen": cash,
            "moved_on": None,
            "marked_on": None,
        }
        self.book = Book(cash)
        return NewRow("cash_events", _cash_row(event, "opening", None, cash))

    def _change_task(self, event: Event, payload: Payload) -> None:
        key = _key(event.session, event.task)
        row = self.tasks.get(key, _NO_TASK)
        if row["state"] in _FINAL:
            raise LedgerError(f"{key[1]} of {key[0]} is {row['state']} already")
        match event.kind:
            case "task_started":
                change = {
                    "state": TaskState.RUNNING,
                    "attempts": row["attempts"] + 1,
                    "started_at": event.at,
                    "deadline": payload["deadline"] or row["deadline"],
                }
            case "task_done":
                change = {
                    "state": TaskState.DONE,
                    "attempts": max(1, row["attempts"]),
                    "ended_at": event.at,
                    "error": None,
                    "note": payload["note"],
                    "content_hash": payload["content_hash"],
                }
            case "task_failed" | "task_missed":
                state = TaskState.FAILED if event.kind == "task_failed" else TaskState.MISSED
                change = {"state": state, "ended_at": event.at, "error": payload["error"]}
            case _:
                raise LedgerError(f"{event.kind!r} is no kind of event")
        self.tasks[key] = row | change

    def _entry_rows(self, event: Event, session: str, payload: Payload) -> Iterator[NewRow]:
        entry = decode(event.kind, payload)
        base: Row = {"seq": event.seq, "session": session}
        match entry:
            case Planned():
                for row in _order_rows(entry.basket, entry.reasons):
                    self.book.order(row["order_id"], row["symbol"], row["side"])
                    yield NewRow("orders", base | row)
            case Fill():
                self._move(event, session)
                self.book.fill(event.seq, session, entry)
                named = {name: value for name, value in payload.items() if name != "request"}
                yield NewRow("fills", base | _order_of(entry) | named)
                if entry.tax_fen:
                    order_id, symbol = entry.request[:2]
                    tax = _cash_row(event, "dividend_tax", symbol, -entry.tax_fen, note=order_id)
                    yield NewRow("cash_events", tax)
            case Refusal():
                self.book.refuse(entry)
                named = {name: value for name, value in payload.items() if name != "request"}
                yield NewRow("refusals", base | _order_of(entry) | named)
            case ExDated(ex_date, lots):
                self._move(event, session)
                self.book.go_ex(event.seq, ex_date, lots)
                names = ("shares_before", "shares_after", "rounding_fen", "beyond_tolerance")
                more = {name: payload[name] for name in names} | {"note": ex_date.terms}
                yield NewRow(
                    "cash_events", _cash_row(event, "ex_date", ex_date.symbol, ex_date.paid_fen, **more)
                )
            case Receivable():
                self._move(event, session)
                self.book.receive(session, entry)
                yield NewRow("cash_events", _cash_row(event, "dividend", entry.symbol, entry.cash_fen))
            case SessionMark():
                yield from self._mark_rows(event, session, entry)
            case QuotesUsed():
                source = {"source": entry.source, "quoted_at": payload["quoted_at"]}
                for quote in payload["quotes"]:
                    yield NewRow("quotes", base | source | quote)
            case Refreshed():
                yield NewRow("refreshes", base | payload)

    def _mark_rows(self, event: Event, session: str, mark: SessionMark) -> Iterator[NewRow]:
        self._move(event, session)
        self.book.check_mark(session, mark)
        self.header["marked_on"] = session
        money = {name: getattr(mark, name) for name in _MARK}
        yield NewRow("marks", {"session": session, "seq": event.seq, **money})
        for place, held in enumerate(mark.holdings):
            yield NewRow("holdings", {"session": session, "place": place, **held._asdict()})

    def _move(self, event: Event, session: str) -> None:
        """Sessions move an account in their order; what is marked moves no more."""
        moved, marked = self.header["moved_on"], self.header["marked_on"]
        if marked is not None and session <= marked:
            raise LedgerError(f"a {event.kind} of {session}: the account was marked on {marked} already")
        if moved is not None and session < moved:
            raise LedgerError(f"a {event.kind} of {session}: the account has moved on to {moved}")
        self.header["moved_on"] = session


_MARK = ("cash_fen", "value_fen", "fees_fen", "bought_fen", "sold_fen", "benchmark")


def order_ids(entries: list[Entry]) -> set[str]:
    """Ids of all orders that entries speak of."""
    out: set[str] = set()
    for entry in entries:
        if isinstance(entry, Planned):
            out |= {request.order_id for _, request in _roles(entry.basket)}
        elif isinstance(entry, Fill | Refusal):
            out.add(entry.request.order_id)
    return out


def encode_receivables(receivables: Iterable[Receivable]) -> str:
    """Dividends to come as the JSON of the header."""
    return canonical_json([encode_receivable(due) for due in receivables])


def decode_receivables(text: str) -> tuple[Receivable, ...]:
    """Return them again."""
    return tuple(decode_receivable(due) for due in json.loads(text))


def _key(session: str | None, task: str | None) -> tuple[str, str]:
    if session is None or task not in list(Task):
        raise LedgerError(f"session {session}, task {task!r}: there is no such task")
    return session, task


def _order_of(trade: Fill | Refusal) -> Row:
    return {"order_id": trade.request.order_id, "symbol": trade.request.symbol}


def _cash_row(event: Event, kind: str, symbol: str | None, cash_fen: int, **more: Any) -> Row:
    nothing = {
        "shares_before": 0,
        "shares_after": 0,
        "rounding_fen": 0,
        "beyond_tolerance": False,
        "note": "",
    }
    base = {"seq": event.seq, "session": event.session, "kind": kind, "symbol": symbol, "cash_fen": cash_fen}
    return base | nothing | more


def _roles(basket: Basket) -> list[tuple[str, OrderRequest]]:
    """Orders of a basket with their parts in it: explicit ones, those that slots call for, reserves."""
    roles = [("order", request) for request in basket.orders]
    slots = basket.slot_buys
    if slots is not None:
        for n, request in enumerate(slots.candidates):
            roles.append(("slot" if n < slots.wanted else "reserve", request))
    return roles


def _order_rows(basket: Basket, reasons: Mapping[str, str]) -> Iterator[Row]:
    for place, (role, request) in enumerate(_roles(basket)):
        row = encode_request(request)
        kept = {name: value for name, value in row.items() if name not in _NOT_A_COLUMN}
        why = reasons.get(request.order_id, "")
        yield {"place": place, "role": role, "decided_on": row["decided_day"], **kept, "reason": why}


_NOT_A_COLUMN = frozenset({"decided_day", "done_fen", "commission_fen"})

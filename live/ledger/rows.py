"""Reads and writes rows of an epoch.

Statements are built once: to build them costs more than to run them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Delete,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from engine.broker.account import Lot, Lots
from engine.rules.table import day_of
from live.errors import LedgerError
from live.ledger import schema as s
from live.ledger.book import Book, Flows
from live.ledger.chain import Event
from live.ledger.epoch_state import EpochState, NewRow, Row, decode_receivables


class EpochKey(NamedTuple):
    """An epoch of an account."""

    account: str
    epoch: int


@lru_cache(maxsize=64)
def rows_of(table: Table, *where: str) -> Select[Any]:
    """Select an epoch's rows in the order of their key, without the two columns that name the epoch.

    Parameters are the fields of `EpochKey` and the columns in `where`.
    """
    columns = [column for column in table.c if column.name not in EpochKey._fields]
    return select(*columns).where(*_equal(table, where)).order_by(*table.primary_key)


def read(connection: Connection, key: EpochKey, table: Table, **where: str) -> list[Any]:
    """Return rows of an epoch; with `where`, those whose columns have these values."""
    return list(connection.execute(rows_of(table, *where), {**key._asdict(), **where}))


def current_epoch(connection: Connection, account: str) -> EpochKey:
    """Return the epoch of an account that is open."""
    return open_epoch(connection, account)[0]


def open_epoch(connection: Connection, account: str) -> tuple[EpochKey, Row]:
    """Return the open epoch of an account and its row."""
    row = connection.execute(_OPEN, {"account": account}).first()
    if row is None:
        raise LedgerError(f"the ledger has no account {account!r} with an open epoch")
    return EpochKey(account, row.epoch), _header(row)


def load_header(connection: Connection, key: EpochKey) -> Row:
    """Return the row of ``epochs``."""
    row = connection.execute(_EPOCH, key._asdict()).first()
    if row is None:
        raise LedgerError(f"account {key.account!r} has no epoch {key.epoch}")
    return _header(row)


def load_lots(connection: Connection, key: EpochKey) -> tuple[dict[str, Lots], dict[str, int]]:
    """Return lots by symbol, in the order in which positions began, and the events that began them."""
    began = sorted((row.opened_seq, row.symbol) for row in read(connection, key, s.positions))
    lots: dict[str, list[Lot]] = {symbol: [] for _, symbol in began}
    for symbol, _, on, shares, cost, dividends in read(connection, key, s.lots):
        lots.setdefault(symbol, []).append(Lot(shares, day_of(date.fromisoformat(on)), cost, dividends))
    opened = {symbol: seq for seq, symbol in began}
    return {symbol: tuple(own) for symbol, own in lots.items()}, opened


def load_state(
    connection: Connection, account: str, session: str | None = None
) -> tuple[EpochKey, EpochState]:
    """Return the open epoch with the tasks of a session; the functions below load the rest."""
    key, header = open_epoch(connection, account)
    tasks: dict[tuple[str, str], Row] = {}
    if session is not None:
        for row in read(connection, key, s.tasks, session=session):
            own = row._asdict()
            tasks[own.pop("session"), own.pop("task")] = own
    return key, EpochState(header, book_of(header), tasks)


def book_of(header: Row, lots: dict[str, Lots] | None = None) -> Book:
    """Return the book of a row of ``epochs``."""
    return Book(header["cash_fen"], lots, decode_receivables(header["receivables"]))


def load_orders(connection: Connection, key: EpochKey, book: Book, wanted: Iterable[str]) -> None:
    """Put orders that are stored, of those wanted, into the book."""
    ids = sorted(wanted)
    for i in range(0, len(ids), 500):
        found = connection.execute(_ORDERS, {**key._asdict(), "ids": ids[i : i + 500]})
        for order_id, symbol, side in found:
            book.orders[order_id] = symbol, side


def load_positions(connection: Connection, key: EpochKey, book: Book, session: str) -> None:
    """Put lots, and what a session has turned over, into the book."""
    book.lots, book.opened = load_lots(connection, key)
    by_side = connection.execute(_FLOWS, {**key._asdict(), "session": session}).all()
    amounts = {side: int(amount) for side, amount, _ in by_side}
    fees = sum(int(fee) for _, _, fee in by_side)
    book.flows[session] = Flows(fees, amounts.get("buy", 0), amounts.get("sell", 0))


def load_events(connection: Connection, key: EpochKey, **where: str) -> list[Event]:
    """Return events of an epoch in their order."""
    return [Event(*row) for row in read(connection, key, s.events, **where)]


def store(
    connection: Connection,
    key: EpochKey,
    state: EpochState,
    events: list[Event],
    rows: list[NewRow],
    known_tasks: Iterable[tuple[str, str]],
) -> None:
    """Write events and everything that follows from them; `known_tasks` have a row already."""
    named = key._asdict()
    if events[0].seq == 1:
        connection.execute(insert(s.epochs), [named | state.header])
    else:
        connection.execute(_of_key(s.epochs), named_key(key) | state.header)
    connection.execute(insert(s.events), [named | event._asdict() for event in events])
    if state.book.touched:
        touched = [named_key(key) | {"key_symbol": symbol} for symbol in sorted(state.book.touched)]
        for table in (s.positions, s.lots):
            connection.execute(_of_symbol(table), touched)
        for symbol in state.book.touched:
            rows.extend(state.rows_of(symbol))
    by_table: defaultdict[str, list[Row]] = defaultdict(list)
    for name, row in rows:
        by_table[name].append(named | row)
    for name, some in by_table.items():
        connection.execute(insert(s.metadata.tables[name]), some)
    changed = {(event.session, event.task) for event in events}
    known = set(known_tasks)
    for at, row in state.tasks.items():
        if at in known and at in changed:
            at_task = {"key_session": at[0], "key_task": at[1]}
            connection.execute(_of_key(s.tasks, "session", "task"), named_key(key) | at_task | row)
        elif at not in known:
            connection.execute(insert(s.tasks), [named | {"session": at[0], "task": at[1]} | row])


def named_key(key: EpochKey) -> dict[str, Any]:
    """Parameters of an update's condition: columns may not lend their own names to it."""
    return {"key_account": key.account, "key_epoch": key.epoch}


def _equal(table: Table, names: Iterable[str] = (), prefix: str = "") -> list[Any]:
    return [table.c[name] == bindparam(f"{prefix}{name}") for name in (*EpochKey._fields, *names)]


@lru_cache(maxsize=8)
def _of_key(table: Table, *names: str) -> Update:
    keys = {column.name for column in table.primary_key}
    values: dict[str, Any] = {
        column.name: bindparam(column.name) for column in table.c if column.name not in keys
    }
    return update(table).where(*_equal(table, names, "key_")).values(values)


@lru_cache(maxsize=8)
def _of_symbol(table: Table) -> Delete:
    return delete(table).where(*_equal(table, ("symbol",), "key_"))


def _header(row: Any) -> Row:
    return {name: value for name, value in row._asdict().items() if name not in EpochKey._fields}


_EPOCH = select(s.epochs).where(*_equal(s.epochs))
_OPEN = select(s.epochs).where(s.epochs.c.account == bindparam("account"), s.epochs.c.state == "open")
_ORDERS = select(s.orders.c.order_id, s.orders.c.symbol, s.orders.c.side).where(
    *_equal(s.orders), s.orders.c.order_id.in_(bindparam("ids", expanding=True))
)
_FLOWS = (
    select(
        s.fills.c.side,
        func.sum(s.fills.c.amount_fen),
        func.sum(s.fills.c.commission_fen + s.fills.c.stamp_duty_fen + s.fills.c.transfer_fee_fen),
    )
    .where(*_equal(s.fills, ("session",)))
    .group_by(s.fills.c.side)
)

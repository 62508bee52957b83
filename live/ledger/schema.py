"""The tables of the ledger as they are today; migrations lead here.

Truth is in ``events``, to which rows are only added. All other tables are projections: they can be rebuilt
from the events of their epoch, and ``verify`` does so. A session is text, ``YYYY-MM-DD``, a moment is
ISO 8601 with its offset, money is in fen. The tables of the service (:data:`SERVICE`) stand beside: whether
a daemon lives, whether an account is halted, what people were told. No money follows from them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from live.ledger.columns import whole
from live.ledger.entries import Task, TaskState

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("opened_at", Text, nullable=False),
)

epochs = Table(
    "epochs",
    metadata,
    Column("account", String(64), ForeignKey("accounts.name"), nullable=False),
    *whole("epoch", least=1),
    Column("state", String(16), nullable=False),
    Column("config_hash", String(64), nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("archived_at", Text),
    *whole("opening_fen", least=0),
    *whole("cash_fen", least=0),
    *whole("head_seq", least=1),
    Column("head_hash", String(64), nullable=False),
    Column("moved_on", String(10)),
    Column("marked_on", String(10)),
    # dividends between ex-date and payment, as JSON
    Column("receivables", Text, nullable=False, server_default="[]"),
    PrimaryKeyConstraint("account", "epoch"),
    CheckConstraint("state IN ('open', 'archived')", name="state_is_known"),
)
Index(
    "one_open_epoch",
    epochs.c.account,
    unique=True,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)


def _one_of(name: str, values: type[Task] | type[TaskState]) -> CheckConstraint:
    return CheckConstraint(f"{name} IN ({', '.join(repr(v.value) for v in values)})", name=f"{name}_is_known")


def _of_epoch(name: str, *parts: Any, key: tuple[str, ...]) -> Table:
    """Make a table whose rows belong to an epoch of an account."""
    return Table(
        name,
        metadata,
        Column("account", String(64), nullable=False),
        *whole("epoch"),
        *parts,
        PrimaryKeyConstraint("account", "epoch", *key),
        ForeignKeyConstraint(["account", "epoch"], ["epochs.account", "epochs.epoch"]),
    )


def _text(name: str, optional: bool = False, length: int | None = None) -> Column[Any]:
    return Column(name, Text if length is None else String(length), nullable=optional)


def _session() -> Column[Any]:
    return _text("session", length=10)


events = _of_epoch(
    "events",
    *whole("seq", least=1),
    _text("session", True, 10),
    _text("task", True, 16),
    _text("kind", length=32),
    _text("at"),
    _text("payload"),
    _text("previous_hash", length=64),
    _text("hash", length=64),
    key=("seq",),
)
Index("events_of_a_task", events.c.account, events.c.epoch, events.c.session, events.c.task)

tasks = _of_epoch(
    "tasks",
    _session(),
    _text("task", length=16),
    _text("state", length=16),
    _text("deadline", True),
    *whole("attempts", least=0),
    _text("started_at", True),
    _text("ended_at", True),
    _text("error", True),
    _text("note", True),
    _text("content_hash", True, 64),
    _one_of("task", Task),
    _one_of("state", TaskState),
    key=("session", "task"),
)

orders = _of_epoch(
    "orders",
    _text("order_id", length=40),
    *whole("seq"),
    *whole("place"),
    _session(),
    _text("role", length=16),
    _text("symbol", length=16),
    _text("side", length=4),
    _text("decided_on", length=10),
    *whole("shares", optional=True),
    *whole("value_fen", optional=True),
    *whole("target_fen", optional=True),
    *whole("sizing_price_fen", optional=True),
    *whole("cap_shares", optional=True),
    *whole("limit_fen", optional=True),
    *whole("sessions", least=1),
    _text("reason"),
    key=("order_id",),
)

fills = _of_epoch(
    "fills",
    *whole("seq"),
    _session(),
    _text("order_id", length=40),
    _text("symbol", length=16),
    _text("side", length=4),
    *whole("shares", least=1),
    *whole("price_fen", least=0),
    *whole("amount_fen", least=0),
    *whole("commission_fen", least=0),
    *whole("stamp_duty_fen", least=0),
    *whole("transfer_fee_fen", least=0),
    *whole("requested", least=0),
    _text("reason", True, 32),
    *whole("cost_fen", least=0),
    *whole("tax_fen", least=0),
    *whole("slippage_fen"),
    key=("seq",),
)

refusals = _of_epoch(
    "refusals",
    *whole("seq"),
    _session(),
    _text("order_id", length=40),
    _text("symbol", length=16),
    _text("side", length=4),
    *whole("requested", least=0),
    _text("reason", length=32),
    key=("seq",),
)

cash_events = _of_epoch(
    "cash_events",
    *whole("seq"),
    _text("session", True, 10),
    _text("kind", length=16),
    _text("symbol", True, 16),
    *whole("cash_fen"),
    *whole("shares_before", least=0),
    *whole("shares_after", least=0),
    *whole("rounding_fen"),
    Column("beyond_tolerance", Boolean, nullable=False),
    _text("note"),
    key=("seq",),
)

positions = _of_epoch(
    "positions",
    _text("symbol", length=16),
    *whole("shares", least=1),
    *whole("opened_seq"),
    key=("symbol",),
)

lots = _of_epoch(
    "lots",
    _text("symbol", length=16),
    *whole("place", least=0),
    _text("bought_on", length=10),
    *whole("shares", least=1),
    *whole("cost_fen", least=0),
    *whole("dividends_fen", least=0),
    key=("symbol", "place"),
)

marks = _of_epoch(
    "marks",
    _session(),
    *whole("seq"),
    *whole("cash_fen", least=0),
    *whole("value_fen", least=0),
    *whole("fees_fen", least=0),
    *whole("bought_fen", least=0),
    *whole("sold_fen", least=0),
    Column("benchmark", Double),
    key=("session",),
)

holdings = _of_epoch(
    "holdings",
    _session(),
    *whole("place", least=0),
    _text("symbol", length=16),
    *whole("shares", least=1),
    *whole("sellable", least=0),
    *whole("close_fen", least=0),
    *whole("value_fen", least=0),
    key=("session", "place"),
)

quotes = _of_epoch(
    "quotes",
    *whole("seq"),
    _text("symbol", length=16),
    _session(),
    _text("source"),
    _text("quoted_at"),
    Column("trading", Boolean, nullable=False),
    *whole("previous_close_fen", optional=True),
    *whole("reference_fen", optional=True),
    *whole("open_fen", optional=True),
    *whole("high_fen", optional=True),
    *whole("low_fen", optional=True),
    *whole("close_fen", optional=True),
    *whole("up_fen", optional=True),
    *whole("down_fen", optional=True),
    Column("vwap", Double),
    key=("seq", "symbol"),
)

refreshes = _of_epoch(
    "refreshes",
    *whole("seq"),
    _session(),
    _text("provider"),
    _text("snapshot_hash", True, 64),
    _text("as_of", True, 10),
    Column("changed", Boolean, nullable=False),
    key=("seq",),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("account", String(64), primary_key=True),
    _text("at"),
    _text("started_at"),
    _text("host"),
    *whole("process", least=0),
    _text("state", length=16),
    _text("doing"),
    _text("wakes_at", True),
    Column("every_s", Double, nullable=True),
)

controls = Table(
    "controls",
    metadata,
    Column("account", String(64), nullable=False),
    *whole("number", least=1),
    _text("at"),
    _text("action", length=16),
    _text("reason"),
    PrimaryKeyConstraint("account", "number"),
    CheckConstraint("action IN ('halt', 'resume')", name="action_is_known"),
)

messages = Table(
    "messages",
    metadata,
    Column("account", String(64), nullable=False),
    *whole("number", least=1),
    _text("key", length=200),
    _text("at"),
    _text("kind", length=32),
    _text("session", True, 10),
    _text("title"),
    _text("body"),
    _text("state", length=16),
    _text("error", True),
    PrimaryKeyConstraint("account", "number"),
    CheckConstraint("state IN ('waiting', 'sent', 'kept', 'failed')", name="state_is_known"),
)
Index("one_message_a_key", messages.c.account, messages.c.key, unique=True)

#: Tables of whoever runs an account, which no event explains.
SERVICE: tuple[Table, ...] = (heartbeats, controls, messages)

#: Tables that can be rebuilt from events, with those of an epoch's own row left out.
PROJECTIONS: tuple[Table, ...] = (
    tasks, orders, fills, refusals, cash_events, positions, lots, marks, holdings, quotes, refreshes,
)  # fmt: skip

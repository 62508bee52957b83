"""Tables of the daemon: its heartbeat, halts and resumptions, what people were told.

A frozen copy of them as they were then: do not change it, add a version.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import CheckConstraint, Column, Index, MetaData, PrimaryKeyConstraint, String, Table, Text

from live.ledger.columns import whole

revision = "0002"
down_revision = "0001"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _text(name: str, optional: bool = False, length: int | None = None) -> Column[Any]:
    return Column(name, Text if length is None else String(length), nullable=optional)


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


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind(), checkfirst=False)

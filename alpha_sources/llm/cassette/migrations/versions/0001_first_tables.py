"""The first tables of the cassette.

A frozen copy of ``alpha_sources/llm/cassette/schema.py`` as it was then: do not change it, add a version.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

replies = Table(
    "replies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False),
    Column("sample", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("task", String(16), nullable=False),
    Column("model", String(64), nullable=False),
    Column("parameters", String(64), nullable=False),
    Column("messages", String(64), nullable=False),
    Column("schema", String(64), nullable=False),
    Column("attachments", String(64), nullable=False),
    Column("request", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("reply_hash", String(64), nullable=False),
    Column("format", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("interrupted", Integer, nullable=False),
    Column("recorded_at", Text, nullable=False),
    UniqueConstraint("key", "sample"),
    CheckConstraint("sample >= 0", name="sample_at_least_0"),
    Index(None, "label"),
)

in_flight = Table(
    "in_flight",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("sample", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("started", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("interrupted", Integer, nullable=False),
)


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind(), checkfirst=False)

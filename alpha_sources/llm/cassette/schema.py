"""The tables of the cassette as they are today; migrations lead here.

A moment is text, ISO 8601 in universal time. No table has a place for a key or a header.
"""

from __future__ import annotations

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

from engine.sqlite import Schema

SCHEMA = Schema(
    what="cassette",
    version_table="cassette_version",
    versions=("0001",),
    migrations="alpha_sources.llm.cassette:migrations",
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

#: One row for each request and sample that was answered; rows are added and never changed.
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

#: One row for each request that is being asked right now, or was when its process ended.
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

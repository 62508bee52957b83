"""The table of results as it is today; migrations lead here."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, MetaData, String, Table, Text

from engine.sqlite import Schema

SCHEMA = Schema(
    what="store of results",
    version_table="results_version",
    versions=("0001",),
    migrations="alpha_sources.evaluation.store:migrations",
)

metadata = MetaData()

results = Table(
    "results",
    metadata,
    # of the three that follow
    Column("key", String(64), primary_key=True),
    Column("formula", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("has_series", Boolean, nullable=False),
    # JSON, by array; and their numbers one after the other, little-endian float64
    Column("shapes", Text, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    # of all that was written: SQLite does not notice a changed byte
    Column("digest", String(64), nullable=False),
)

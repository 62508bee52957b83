"""The tables of the ledger as they are today; migrations lead here.

A day is text, ``YYYY-MM-DD``, a moment ISO 8601 in universal time. Rows are added and never changed.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
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
    what="trial ledger",
    version_table="trials_version",
    versions=("0001",),
    migrations="alpha_sources.evaluation.trials:migrations",
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

#: One row for each formula of a project, as it was first seen.
trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("formula_hash", String(64), nullable=False),
    Column("formula", Text, nullable=False),
    Column("canonical", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("first_seen", Text, nullable=False),
    UniqueConstraint("project", "formula_hash"),
)

#: What formulas are evaluated on: shared by the many rows of a batch.
scopes = Table(
    "scopes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("start", String(10), nullable=False),
    Column("end", String(10), nullable=False),
    Column("universe", Text, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("horizon_sessions", Integer, nullable=False),
    UniqueConstraint("start", "end", "universe", "data_hash", "horizon_sessions"),
    CheckConstraint('start <= "end"', name="span_in_order"),
    CheckConstraint("horizon_sessions >= 1", name="horizon_at_least_1"),
)

#: What came out: one row for each formula and scope.
evaluations = Table(
    "evaluations",
    metadata,
    Column("trial", Integer, ForeignKey("trials.id"), primary_key=True),
    Column("scope", Integer, ForeignKey("scopes.id"), primary_key=True),
    Column("ic_mean", Double),
    Column("ic_t", Double),
    Column("evaluated_at", Text, nullable=False),
    Index(None, "scope"),
    sqlite_with_rowid=False,
)

#: Every opening of a test span.
openings = Table(
    "openings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("start", String(10), nullable=False),
    Column("end", String(10), nullable=False),
    Column("config_hash", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    CheckConstraint('start <= "end"', name="span_in_order"),
    Index(None, "project"),
)

"""The first tables of the ledger of trials.

A frozen copy of ``alpha_sources/evaluation/trials/schema.py`` as it was then: do not change it, add a
version.
"""

from __future__ import annotations

from alembic import op
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

revision = "0001"
down_revision = None

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

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


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind(), checkfirst=False)

"""The first table of results.

A frozen copy of ``alpha_sources/evaluation/store/schema.py`` as it was then: do not change it, add a version.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, LargeBinary, MetaData, String, Table, Text

revision = "0001"
down_revision = None

metadata = MetaData()

results = Table(
    "results",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("formula", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("has_series", Boolean, nullable=False),
    Column("shapes", Text, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
)


def upgrade() -> None:
    """Make the table."""
    metadata.create_all(op.get_bind(), checkfirst=False)

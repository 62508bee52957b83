"""Dividends to come, which are part of an account between their ex-dates and the days they are paid.

Do not change it, add a version.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; an account of before has none."""
    op.add_column("epochs", Column("receivables", Text, nullable=False, server_default="[]"))

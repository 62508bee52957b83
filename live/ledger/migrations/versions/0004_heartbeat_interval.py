"""How often a daemon's heart beats, so that whoever looks knows when it is silent for too long.

Do not change it, add a version.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Double

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; a heartbeat of before does not say."""
    op.add_column("heartbeats", Column("every_s", Double, nullable=True))

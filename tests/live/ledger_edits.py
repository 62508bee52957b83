"""What a hand does to a ledger: plain SQL, past all of our code."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool


def execute(url: str, *statements: str, alone: bool = False) -> list[Any]:
    """Run statements in one transaction, or each `alone`; rows of the last one."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, poolclass=NullPool)
    with engine.connect() as connection:
        if alone:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            result = connection.execute(text(statement))
        rows = list(result) if result.returns_rows else []
        if not alone:
            connection.commit()
    return rows

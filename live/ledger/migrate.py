"""Brings a database to the version of the tables that this program knows."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from live.errors import LedgerError
from live.ledger.database import Database
from live.ledger.lock import lock_key

#: Versions of the tables, oldest first; each has its module in ``migrations/versions``.
VERSIONS = ("0001", "0002", "0003", "0004")
VERSION_TABLE = "ledger_version"


def version_of(connection: Connection) -> str | None:
    """Version of the tables in a database; None where there is no ledger."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    row = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).first()
    return None if row is None else str(row[0])


def migrate(database: Database, *, create: bool, read_only: bool) -> None:
    """Bring the tables up to date, in one transaction.

    Raises
    ------
    LedgerError
        If there is no ledger and none may be made, if it is of a newer version than this program, or if it
        is older and may not be written to.
    """
    with database.reading() as connection:
        version = version_of(connection)
    if version == VERSIONS[-1]:
        return
    _check(database.name, version, create, read_only)
    with database.connect() as connection, database.writing(connection):
        if database.path is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("\nmigration")})
        # another process may have been quicker
        version = version_of(connection)
        _check(database.name, version, create, read_only)
        if version != VERSIONS[-1]:
            upgrade(connection, "head")


def upgrade(connection: Connection, version: str) -> None:
    """Run alembic's migrations on a connection, inside its transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "live.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def _check(name: str, version: str | None, create: bool, read_only: bool) -> None:
    if version is None:
        if not create or read_only:
            raise LedgerError(
                f"ledger {name}: the database holds no ledger; start one with alphaloom paper init"
            )
    elif version not in VERSIONS:
        raise LedgerError(
            f"ledger {name}: its tables have version {version}, this program knows {VERSIONS[-1]}; "
            "it was written by a newer alphaloom: update it with pip install -U alphaloom"
        )
    elif read_only and version != VERSIONS[-1]:
        raise LedgerError(
            f"ledger {name}: its tables have version {version} and want an update to {VERSIONS[-1]}, "
            "but it is open for reading only"
        )

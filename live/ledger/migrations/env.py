"""Alembic's entry: the connection is handed in, the transaction is the caller's."""

from alembic import context

from live.ledger.migrate import VERSION_TABLE
from live.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()

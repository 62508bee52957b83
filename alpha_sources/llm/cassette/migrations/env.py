"""Alembic's entry: the connection is handed in, the transaction is the caller's."""

from alembic import context

from alpha_sources.llm.cassette.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
context.run_migrations()

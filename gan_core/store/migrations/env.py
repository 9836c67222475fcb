"""Alembic runs this file: the revisions on the connection, and in the transaction, that upgrade.py has opened."""

from alembic import context

from gan_core.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

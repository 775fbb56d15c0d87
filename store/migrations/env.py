"""Alembic's entry: runs inside the transaction that store.migrate opened."""

from alembic import context
from sqlmodel import SQLModel

import store.console_tables
import store.tables
import store.work_tables  # noqa: F401 - the same

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()

"""Alembic's entry: runs on the connection that `hub.migrations.upgrade` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from hub.tables import Base, UtcDateTime


def plain_types(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """A migration must not change when our column types do: it names the database's."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


connection = context.config.attributes["connection"]
context.configure(
    render_item=plain_types,
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

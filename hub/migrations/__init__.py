"""The database's versions (Alembic). `upgrade` brings a database to this release; it runs at every start of the hub."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection

from hub.db import Database


def upgrade(db: Database, revision: str = "head") -> None:
    """Migrate up to `revision`. Safe to run twice, and by two processes at once on PostgreSQL (advisory lock)."""
    with db.engine.begin() as connection:
        if not db.sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1163084866)")
        command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config

"""The database's versions (Alembic). `upgrade` brings a database to this release; it runs at every start of the hub."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hub.db import Database

WAIT_S = 2.0  # for a short command that is just ending


class CannotUpgrade(RuntimeError):
    """The database cannot be brought to this release now; nothing was changed."""


class DatabaseInUse(CannotUpgrade):
    """The database must be brought to this release, and a process of the older one works on it: stop that first."""


class DatabaseNewer(CannotUpgrade):
    """A later release has brought the database to a form that this one does not know."""


def upgrade(db: Database, revision: str = "head") -> None:
    """Migrate up to `revision`. Safe to run twice, and by two processes at once on PostgreSQL (advisory lock).

    Raises CannotUpgrade before anything is changed: DatabaseInUse where another process has an SQLite database open that is
    older (it would go on with tables it does not know), DatabaseNewer where a later release was here before.
    """
    _known(db)
    if db.sqlite:
        if not _due(db, revision):
            return
        _alone(db)
    with db.engine.begin() as connection:
        if not db.sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1163084866)")
        command.upgrade(alembic_config(connection), revision)


def form_of(db: Database) -> tuple[str, bool]:
    """The database's version, "" before the first, and whether it is this release's."""
    with db.engine.connect() as connection:
        ours = ScriptDirectory.from_config(alembic_config(connection))
        now = MigrationContext.configure(connection).get_current_revision()
        return now or "", now == ours.get_current_head()


def _known(db: Database) -> None:
    with db.engine.connect() as connection:
        ours = ScriptDirectory.from_config(alembic_config(connection))
        now = MigrationContext.configure(connection).get_current_revision()
        if now is not None and now not in {script.revision for script in ours.walk_revisions()}:
            raise DatabaseNewer(
                f"the database is of a later release (form {now}; this one knows {ours.get_current_head()}): run that release, "
                "or restore the backup that was made before it; nothing was changed"
            )


def _due(db: Database, revision: str) -> bool:
    with db.engine.connect() as connection:
        wanted = ScriptDirectory.from_config(alembic_config(connection)).as_revision_number(revision)
        return MigrationContext.configure(connection).get_current_revision() != wanted


def _alone(db: Database) -> None:
    """SQLite opens a file in exclusive mode only for who is alone with it; an older hub is known by nothing else."""
    file = db.engine.url.database
    if not file or file == ":memory:":
        return
    db.engine.dispose()  # our own connections stand in the way too
    with closing(sqlite3.connect(file, timeout=WAIT_S)) as probe:
        try:
            probe.execute("PRAGMA locking_mode=EXCLUSIVE")
            probe.execute("BEGIN EXCLUSIVE")
            probe.rollback()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise DatabaseInUse(
                f"{file} must be brought to this release, but its hub is still running: stop it first, then run this again; "
                "nothing was changed"
            ) from error


def alembic_config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config

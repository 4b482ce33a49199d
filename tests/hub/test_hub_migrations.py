"""The migrations make exactly the tables of hub/tables/, on SQLite and on PostgreSQL, and may run twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.db import Database
from hub.migrations import upgrade
from hub.tables import Base


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrated_database_has_our_tables(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    db = Database(url)
    upgrade(db)
    upgrade(db)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, Base.metadata)
    db.close()
    assert not difference, (
        f'hub/tables/ and the migrations differ on {kind}: run `python -m tools.migration "what"`: {difference}'
    )

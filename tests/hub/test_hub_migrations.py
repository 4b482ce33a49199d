"""The migrations make exactly the tables of hub/tables/, on SQLite and on PostgreSQL, and may run twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert
from typer.testing import CliRunner

from hub import cli, migrations
from hub.db import Database
from hub.migrations import upgrade
from hub.tables import Base

OLDER = "0025"


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


def test_who_lost_its_last_device_before_left_service_that_day(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    upgrade(db, "0026")
    tables = MetaData()
    with db.engine.begin() as connection:
        tables.reflect(connection, only=["estate", "edge", "device", "door", "access_point", "point_service"])

        def put(table: str, **values: Any) -> None:
            """What else must not be NULL is empty."""
            kinds = {
                c.name: c.type.python_type for c in tables.tables[table].c if not c.nullable and not c.server_default
            }
            empty = {
                name: "" if kind in (str, int) else {} if kind is object else kind() for name, kind in kinds.items()
            }
            connection.execute(insert(tables.tables[table]).values({**empty, **values}))

        put("estate", id="E", time_zone="Asia/Shanghai")
        put("edge", id="edge", estate_id="E")
        put("device", id="d", estate_id="E", edge_id="edge")
        put("door", id="D", estate_id="E")
        for id, device in (("serves", "d"), ("let go", None), ("never served", None)):
            put("access_point", id=id, estate_id="E", door_id="D", device_id=device)
        put(
            "point_service",
            id=1,
            access_point_id="let go",
            device_id="d",
            to_at=datetime(2026, 11, 3, 18, 30, tzinfo=UTC),
        )
    upgrade(db)
    with db.engine.connect() as connection:
        query = "SELECT id, in_service_since, in_service_until FROM access_point ORDER BY id"
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    db.close()
    assert found == [("let go", None, "2026-11-04"), ("never served", None, None), ("serves", None, None)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_leads_of_before_have_the_highest_chance_that_was_stated_of_them(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    db = Database(url)
    upgrade(db, "0031")
    tables = MetaData()
    now, long_ago = datetime.now(UTC), datetime(2020, 1, 1, tzinfo=UTC)
    with db.engine.begin() as connection:
        tables.reflect(connection, only=["estate", "block", "dwelling", "finding"])

        def put(table: str, **values: Any) -> None:
            """What else must not be NULL is empty."""
            known = tables.tables[table].c
            kinds = {c.name: c.type.python_type for c in known if not c.nullable and not c.server_default}
            none = {str: "", bool: False, int: 0, float: 0.0, date: now.date(), datetime: now}
            empty = {name: none.get(kind, {}) for name, kind in kinds.items()}
            connection.execute(insert(tables.tables[table]).values({**empty, **values}))

        put("estate", id="E", time_zone="Asia/Shanghai")
        put("block", id="B", estate_id="E")
        put("dwelling", id="D", estate_id="E", block_id="B")
        said = [{"stage": "yellow", "chance": 0.4, "fitted": 0.3}, {"stage": "orange", "chance": 0.7, "fitted": 0.6}]
        plain = [{"stage": "yellow", "chance": 0.9, "fitted": None}]
        for id, stated, at in (("a", said, now), ("b", plain, now), ("c", [], now), ("d", said, long_ago)):
            put("finding", id=id, estate_id="E", dwelling_id="D", stated=stated, opened_at=at)
    upgrade(db)
    with db.engine.connect() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql("SELECT id, peak FROM finding ORDER BY id")]
    db.close()
    assert found == [("a", 0.7), ("b", 0.0), ("c", 0.0), ("d", 0.0)]


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "writing"])
def test_a_command_that_would_migrate_under_a_running_hub_says_so_and_changes_nothing(
    tmp_path: Path, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older hub knows nothing of us, and we of it only that it has the file open."""
    monkeypatch.setattr(migrations, "WAIT_S", 0.05)
    older = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    upgrade(older, OLDER)
    with older.engine.connect().execution_options(immediate=busy) as running:
        running.exec_driver_sql("SELECT 1 FROM estate")
        if busy:
            running.exec_driver_sql("INSERT INTO person_link (id, kept, other) SELECT '', '', '' WHERE 0")
        for command in (["migrate"], ["verify-audit"], ["explain", "x"]):
            said = CliRunner().invoke(cli.app, [*command, "--dir", str(tmp_path)])
            assert said.exit_code == 1, f"{command}: {said.output}"
            assert isinstance(said.exception, SystemExit), f"{command} ended in a traceback: {said.exception!r}"
            assert said.stderr.startswith("error: "), said.stderr
            assert "its hub is still running: stop it first" in said.stderr
            assert said.stderr.count("\n") == 1, "one sentence"
        assert _revision(older).startswith(OLDER), "nothing was changed"
    older.close()
    said = CliRunner().invoke(cli.app, ["migrate", "--dir", str(tmp_path)])
    assert said.exit_code == 0, said.output
    assert not _revision(older).startswith(OLDER), "with the hub stopped it goes on"
    older.close()


def test_a_command_of_the_same_release_works_beside_the_hub(tmp_path: Path) -> None:
    same = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    upgrade(same)
    with same.engine.connect() as running:
        running.exec_driver_sql("SELECT 1 FROM estate")
        said = CliRunner().invoke(cli.app, ["migrate", "--dir", str(tmp_path)])
    same.close()
    assert said.exit_code == 0, said.output


def _revision(db: Database) -> str:
    with db.engine.connect() as connection:
        return str(MigrationContext.configure(connection).get_current_revision())

"""A hub's directory as it may be found: what is wrong is said in one line, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub import cli
from hub.db import Database
from hub.migrations import upgrade

GONE = "postgresql+psycopg://x:y@127.0.0.1:1/z"


def said(directory: Path, *command: str) -> str:
    """What the command refuses with."""
    found = CliRunner().invoke(cli.app, [*command, "--dir", str(directory)])
    assert found.exit_code == 1, f"{command}: {found.output}"
    assert isinstance(found.exception, SystemExit), f"{command} ended in a traceback: {found.exception!r}"
    assert found.stderr.startswith("error: "), found.stderr
    assert found.stderr.count("\n") == 1, f"one line: {found.stderr}"
    return found.stderr


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ('{"port": 80', "hub.json cannot be read"),
        ("[]", "it holds no object of settings"),
        ('{"port": "eighty"}', "Expected `int`, got `str` - at `$.port`"),
        ('{"port": 70000}', "$.port"),
        (f'{{"database_url": "{GONE}"}}', "the database does not answer"),
        ('{"database_url": "postgres://x@y/z"}', "Check its file or its address"),
    ],
)
@pytest.mark.parametrize("command", [("serve",), ("migrate",), ("policy", "measured")])
def test_settings_that_cannot_be_used(tmp_path: Path, settings: str, what: str, command: tuple[str, ...]) -> None:
    (tmp_path / "hub.json").write_text(settings)
    (tmp_path / "hub.sqlite").touch()
    assert what in said(tmp_path, *command)


def test_a_number_of_the_environment_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTATE_BROKER_PORT", "many")
    assert "ESTATE_BROKER_PORT is 'many': give a whole number" in said(tmp_path, "migrate")


@pytest.mark.parametrize("command", [("serve",), ("verify-audit",)])
def test_a_file_that_is_no_database(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "hub.sqlite"
    file.write_bytes(b"a page of something else" * 200)
    before = file.read_bytes()
    assert "file is not a database" in said(tmp_path, *command)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "command", [("serve",), ("migrate",), ("policy", "try", "--estate", "E001", "--pack", "beijing")]
)
def test_a_database_of_a_later_release_is_left_alone(tmp_path: Path, command: tuple[str, ...]) -> None:
    """A box was brought back to the release before: that one knows neither its tables nor their meaning."""
    later = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    upgrade(later)
    with later.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    later.close()
    found = said(tmp_path, *command)
    assert "of a later release (form 9999" in found
    assert "restore the backup that was made before it" in found

"""At a terminal: wrong input is answered with what to give instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub import case_terminal, cli
from hub.services import Hub


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None], monkeypatch: pytest.MonkeyPatch) -> Hub:
    small_site(sqlite_hub)
    monkeypatch.setattr(cli, "open_directory", lambda _directory: sqlite_hub)
    monkeypatch.setattr(case_terminal, "open_directory", lambda _directory: sqlite_hub)
    return sqlite_hub


def run(*words: str) -> tuple[int, str]:
    told = CliRunner().invoke(cli.app, list(words))
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    return told.exit_code, " ".join(told.output.split())


@pytest.mark.usefixtures("site")
def test_explain_says_what_it_can_be_asked_for() -> None:
    code, told = run("explain", "E001-B1-9999")
    assert code == 1
    for form in ("E001-B1-0301", "G1", "person"):
        assert form in told


def test_a_source_that_is_not_there_is_answered_with_those_that_are(site: Hub) -> None:
    (site.config.dir / "sources.json").write_text(
        '[{"name": "back-office", "kind": "http", "url": "http://127.0.0.1:1", "api_key_file": "key"}]',
        encoding="utf-8",
    )
    code, told = run("reconciliation", "office")
    assert code == 1
    assert "back-office" in told


@pytest.mark.usefixtures("site")
def test_a_used_up_link_is_answered_with_how_to_make_another() -> None:
    code, told = run("case", "list", "--as", "qian", "--link", "http://hub.example/signin/old")
    assert code == 1
    assert "estate-hub sign-in-link qian" in told


def test_a_pack_that_is_installed_can_be_checked_by_its_name() -> None:
    code, told = run("policy", "check", "beijing")
    assert (code, "beijing" in told, "good" in told) == (0, True, True)


def test_a_pack_that_is_nowhere_is_answered_with_those_that_are(tmp_path: Path) -> None:
    code, told = run("policy", "check", str(tmp_path / "nix.json"))
    assert code == 1
    assert "national" in told

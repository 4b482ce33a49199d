"""`estate-sim control` pointed at what is no estate: one sentence, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulators.cli import app


@pytest.mark.parametrize("command", [["tenancies"], ["devices"], ["feed", "empty"], ["inbox"]])
def test_a_directory_that_is_no_estate_is_said(command: list[str], tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["control", *command, "--dir", str(tmp_path)])
    assert isinstance(told.exception, SystemExit), told.exception
    assert ".demo/site" in " ".join(told.output.split()).replace("│ ", "")


def test_a_missing_key_of_the_back_office_is_said(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "plan.json").write_text('{"back_office_port": 1, "control_port": 1}', encoding="utf-8")
    told = CliRunner().invoke(app, ["control", "tenancies", "--dir", str(site)])
    assert isinstance(told.exception, SystemExit), told.exception
    assert "--api-key-file" in told.output

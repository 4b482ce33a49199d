"""`estate-sim city --world states:7` and the like: cities of the other simulators."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simulators.apart import APART, world_apart
from simulators.city.cli import app

SMALL = ("--dwellings", "60", "--days", "70", "--format", "csv")


@pytest.mark.parametrize(
    ("world", "apart"),
    [("states:7", ("states", 7)), ("vary:7", None), ("states:x", None), ("states", None), ("dev", None)],
)
def test_worlds_of_other_simulators_are_known_by_name(world: str, apart: tuple[str, int] | None) -> None:
    assert world_apart(world) == apart


@pytest.mark.parametrize("name", APART)
def test_each_writes_a_history(name: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--world", f"{name}:7", *SMALL])
    assert done.exit_code == 0, done.output
    assert "wrote 60 dwellings, 70 days" in done.output
    with (tmp_path / "dwellings.csv").open(encoding="utf-8-sig", newline="") as opened:
        assert len({row["dwelling_id"] for row in csv.DictReader(opened)}) == 60


@pytest.mark.parametrize("option", [("--honest-only",), ("--outage-days", "14"), ("--inspections", "5")])
def test_what_only_our_first_simulator_can_do_is_refused(option: tuple[str, ...], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--world", "states:7", *SMALL, *option])
    assert done.exit_code == 2
    assert "not for worlds of another simulator" in " ".join(done.output.split())
    assert not list(tmp_path.iterdir())


def test_a_city_too_small_to_draw_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--world", "diaries:7", "--dwellings", "5"])
    assert done.exit_code == 2
    assert "--world" in done.output

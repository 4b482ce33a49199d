"""Worlds of simulated cities: the two that come along, those of users, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from simulators.city.world import builtin_world, parse_world, world_schema
from simulators.cli import app


def _raw(name: str = "dev") -> dict[str, Any]:
    raw: dict[str, Any] = msgspec.to_builtins(builtin_world(name))
    return raw


def test_the_worlds_that_come_along_differ_everywhere_it_matters() -> None:
    dev, hidden = _raw("dev"), _raw("hidden")
    same = [group for group in dev if group != "name" and dev[group] == hidden[group]]
    assert not same, f"dev and hidden are the same in {same}: a detector tuned on one is not tested by the other"


def test_prevalence_of_violations_is_about_three_percent() -> None:
    for name in ("dev", "hidden"):
        v = builtin_world(name).violations
        total = v.vacancy + v.sublet_whole + v.sublet_part + v.lent + v.visitor_abuse + v.over_occupancy
        assert 0.025 <= total <= 0.035, f"{name}: {total}"
        assert 0.3 <= v.running_at_start <= 0.4, f"{name}: {v.running_at_start} run from the start"


@pytest.mark.parametrize(
    ("group", "field", "value", "told"),
    [
        ("register", "not_let", 1.5, "register.not_let"),
        ("register", "surprise", 1, "surprise"),
        ("overlays", "carer", "often", "overlays.carer"),
        ("estates", "blocks", [9, 3], "estates.blocks"),
        ("kinds", "family", 0.9, "add up to 1"),
        ("kinds", "dragons", 0.0, "kinds must name exactly"),
        ("away", "fridge_off", None, "fridge_off"),
    ],
)
def test_a_wrong_world_is_refused_by_the_name_of_what_is_wrong(
    group: str, field: str, value: object, told: str
) -> None:
    raw = _raw()
    raw[group][field] = value
    with pytest.raises(ValueError, match=told):
        parse_world(json.dumps(raw))


def test_a_missing_part_is_named() -> None:
    raw = _raw()
    del raw["devices"]
    with pytest.raises(ValueError, match="devices"):
        parse_world(json.dumps(raw))


def test_the_schema_describes_every_field_of_a_world() -> None:
    described = {name.split(".")[-1]: part for name, part in world_schema()["$defs"].items()}
    for group, part in _raw().items():
        if isinstance(part, dict) and group not in ("kinds",):
            title = {"away": "AwayStyle"}.get(group, group.capitalize())
            assert set(described[title]["properties"]) == set(part), f"schema of {group} does not fit"
    assert described["Register"]["properties"]["not_let"]["maximum"] == 1


def test_a_printed_world_can_be_changed_and_passed_back(tmp_path: Path) -> None:
    run = CliRunner().invoke
    printed = run(app, ["city", "world", "hidden"])
    assert printed.exit_code == 0, printed.output
    raw = json.loads(printed.output)
    raw["name"], raw["meters"]["water"], raw["meters"]["electricity"] = "mine", 0.0, 0.0
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(raw), encoding="utf-8")
    sizes = ["--dwellings", "60", "--days", "6", "--format", "csv", "--out", str(tmp_path / "out")]
    made = run(app, ["city", *sizes, "--world", str(mine)])
    assert made.exit_code == 0, made.output
    assert "60 dwellings" in made.output
    assert (tmp_path / "out" / "meters.csv").read_text(encoding="utf-8").count("\n") == 1, "a world without meters"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--world", "nowhere"], "neither dev nor hidden"),
        (["--format", "xml"], "neither parquet nor csv"),
        (["--start", "soon"], "no date"),
        (["--spring-festival", "2026-13-01"], "no date"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["city", "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2, result.output
    assert told in " ".join(result.output.replace("│", " ").split()), result.output
    assert not (tmp_path / "out").exists(), "nothing is written when an option is wrong"


def test_out_is_needed() -> None:
    result = CliRunner().invoke(app, ["city"])
    assert result.exit_code == 2
    assert "--out" in result.output

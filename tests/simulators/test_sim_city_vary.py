"""Worlds of other parameters: different from each other, the same for the same number, and complete cities."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import typer

from simulators.city.cli import load_world
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.vary import varied_world


def test_the_same_number_gives_the_same_world() -> None:
    assert varied_world(7) == varied_world(7)
    assert load_world("vary:7") == varied_world(7)


def test_worlds_differ_in_what_a_detector_must_not_rely_on() -> None:
    worlds = [varied_world(n) for n in range(1, 21)]
    for name, values in {
        "consent": [w.register.consent_b for w in worlds],
        "doors that check cards only": [w.estates.card_only_blocks for w in worlds],
        "water meters": [w.meters.water for w in worlds],
        "sublets by card": [w.violations.sublet_cards for w in worlds],
        "absences declared": [w.register.declares for w in worlds],
    }.items():
        assert max(values) > 1.3 * min(values), f"{name}: hardly anything is varied"


def test_a_number_is_needed() -> None:
    with pytest.raises(typer.BadParameter, match="vary:x"):
        load_world("vary:x")


def test_a_city_of_a_varied_world_is_written(tmp_path: Path) -> None:
    written = generate(Settings(varied_world(3), 3, 150, 10, date(2025, 7, 1)), tmp_path, parquet=False)
    assert written.passes > 1000

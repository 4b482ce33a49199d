"""The population simulated by diaries: its tables, its truth, that a seed is a city, and that forms of export differ."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulators.city.columns import COLUMNS
from simulators.city_by_diaries import write_city
from simulators.city_by_diaries.calendar import make_calendar
from simulators.city_by_diaries.diaries import live
from simulators.city_by_diaries.person import make_person
from simulators.city_by_diaries.tables import TABLES
from simulators.city_by_diaries.world import draw_world, export_form

Tables = dict[str, list[dict[str, Any]]]
START, DAYS, DWELLINGS, PREVALENCE = date(2025, 11, 1), 120, 150, 0.2
SEED = 3  # water and electricity, registers of a litre
VENDORS_OWN = {"floor_area_m2", "temperature"}
KINDS = {
    "vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse", "vacant_used", "over_occupancy", "enrolment_fraud",
}  # fmt: skip
GROUPS = {"lone_elderly", "carer", "unenrolled_member", "seasonal_worker"}


def _write(directory: Path, seed: int = SEED, *, days: int = DAYS, prevalence: float | None = PREVALENCE) -> Tables:
    write_city(directory, seed=seed, dwellings=DWELLINGS, days=days, start=START, prevalence=prevalence)
    return {name: pq.read_table(directory / f"{name}.parquet").to_pylist() for name in TABLES}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("diaries")


@pytest.fixture(scope="module")
def city(directory: Path) -> Tables:
    return _write(directory)


def test_tables_have_the_columns_of_the_format(city: Tables) -> None:
    for name in TABLES:
        columns = {column for column, _ in COLUMNS[name]}
        assert city[name], f"{name} is empty"
        assert set(city[name][0]) - VENDORS_OWN == columns, name


def test_words_are_those_of_the_format(city: Tables) -> None:
    def words(table: str, column: str) -> set[Any]:
        return {row[column] for row in city[table]}

    assert words("access_points", "scope") <= {"estate", "block", "dwelling"}
    assert words("passes", "credential_kind") <= {"face", "card", "pin", "qr", "visitor", "staff"}
    assert words("passes", "direction") <= {"in", "out", "unknown"}
    assert words("passes", "granted") == {0, 1}
    assert words("coverage", "state") <= {"ok", "down", "propped", "clock"}
    assert words("meters", "kind") == {"water", "electricity"}
    assert words("cases", "outcome") <= {"confirmed", "unfounded", "good_cause"}
    assert words("truth", "kind") <= KINDS
    assert words("subgroups", "group") <= GROUPS


def test_rows_name_places_and_people_that_exist(city: Tables) -> None:
    dwellings = {row["dwelling_id"] for row in city["dwellings"]}
    assert len(dwellings) == DWELLINGS
    for name in ("members", "passes", "meters", "absences", "cases", "subgroups", "truth"):
        unknown = {row["dwelling_id"] for row in city[name]} - dwellings - {None}
        assert not unknown, f"{name} names dwellings that do not exist: {sorted(unknown)[:3]}"
    points = {row["access_point_id"] for row in city["access_points"]}
    assert {row["access_point_id"] for row in city["passes"]} <= points
    assert {row["access_point_id"] for row in city["coverage"]} == points
    members = {row["person_id"] for row in city["members"]}
    assert len(members) == len(city["members"]), "two members have one identifier"
    assert {row["person_id"] for row in city["passes"]} - {None} <= members


def test_passes_lie_within_the_history(city: Tables) -> None:
    days = {row["ts"][:10] for row in city["passes"]}
    assert min(days) == "2025-11-01"
    assert max(days) == "2026-02-28"
    assert len(days) == DAYS, "on some days nobody passed any door"
    assert {row["ts"][-6:] for row in city["passes"]} == {"+08:00"}


def test_the_same_seed_is_the_same_city_and_another_is_another(directory: Path, tmp_path: Path, city: Tables) -> None:
    write_city(tmp_path, seed=SEED, dwellings=DWELLINGS, days=DAYS, start=START, prevalence=PREVALENCE)
    for name in TABLES:
        first, second = ((where / f"{name}.parquet").read_bytes() for where in (directory, tmp_path))
        assert first == second, f"{name} differs between two cities of one seed"
    other = _write(tmp_path, seed=SEED + 5, days=70)  # the same style of identifiers
    for name in ("dwellings", "members", "truth"):
        assert other[name] != city[name], f"{name} is the same in two cities of other seeds"


def test_csv_says_the_same_as_parquet(city: Tables, tmp_path: Path) -> None:
    write_city(tmp_path, seed=SEED, dwellings=DWELLINGS, days=DAYS, start=START, prevalence=PREVALENCE, parquet=False)
    assert {file.name for file in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert told == [{key: value or "" for key, value in row.items()} for row in city["truth"]]
    assert len((tmp_path / "passes.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(city["passes"])


@pytest.mark.parametrize("prevalence", [0.0, PREVALENCE])
def test_prevalence_is_obeyed(prevalence: float, city: Tables, tmp_path: Path) -> None:
    tables = city if prevalence else _write(tmp_path, days=70, prevalence=0.0)
    labelled = [row["dwelling_id"] for row in tables["truth"] if row["kind"] != "vacant_used"]
    assert len(labelled) == round(prevalence * DWELLINGS)
    assert len(set(labelled)) == len(labelled), "a dwelling has two labels"


def test_who_breaks_rules_was_let_the_whole_time(city: Tables) -> None:
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_to"] is None}
    vacant = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] is None}
    for row in city["truth"]:
        assert row["dwelling_id"] in (vacant if row["kind"] == "vacant_used" else let), row


def _longest_dry(city: Tables) -> dict[str, int]:
    """Of each dwelling with a water meter the longest run of days under 10 litres."""
    longest: dict[str, int] = {}
    running: dict[str, int] = {}
    for row in sorted((one for one in city["meters"] if one["kind"] == "water"), key=lambda one: one["date"]):
        dwelling = row["dwelling_id"]
        dry = row["value"] is not None and row["value"] < 0.01
        running[dwelling] = running.get(dwelling, 0) + 1 if dry else 0
        longest[dwelling] = max(longest.get(dwelling, 0), running[dwelling])
    return longest


def test_honest_homes_are_empty_for_weeks_as_well(city: Tables) -> None:
    labelled = {row["dwelling_id"] for row in city["truth"]}
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_from"] < "2025-11-01"}
    dry = _longest_dry(city)
    honest = [run for dwelling, run in dry.items() if dwelling in let - labelled]
    assert sum(run >= 14 for run in honest) >= 5, "no honest household is ever away: whoever is away gives himself away"
    assert max(honest) >= 25
    assert np.median(honest) < 14, "honest homes are empty most of the time"


def test_nobody_passes_while_away() -> None:
    rng, calendar = np.random.default_rng(1), make_calendar(START, DAYS)
    worker = make_person(rng, 0, "worker", 40)
    worker.away = [(20.5, 50.5)]
    crossings, presence = live(rng, calendar, [worker], 1)
    day = (crossings.minute // 1440).astype(int)
    assert not ((day > 20) & (day < 50)).any()
    assert set(range(5, 15)) & set(day.tolist()), "a worker who is at home never leaves"
    assert presence.living[0, 21:50].sum() == 0
    assert presence.living[0, 60] == 1


def test_forms_of_export_differ_between_neighbours() -> None:
    forms = [export_form(seed) for seed in range(12)]
    assert all(one != other for one, other in pairwise(forms))
    for field in ("identity", "offset_h", "id_style", "meters", "order", "directions", "relet_in_two_rows"):
        assert len({getattr(form, field) for form in forms}) > 1, f"every city has the same {field}"


def test_a_given_prevalence_changes_nothing_but_itself() -> None:
    drawn = draw_world(np.random.default_rng(4))
    given = draw_world(np.random.default_rng(4), 0.1)
    assert replace(given, prevalence=0.0) != replace(drawn, prevalence=0.0), "the draws after it move by one"
    assert given.prevalence == 0.1
    assert 0.02 <= drawn.prevalence <= 0.037
    assert given.away_30_days == drawn.away_30_days


@pytest.mark.parametrize(("dwellings", "days", "prevalence"), [(20, 120, None), (150, 30, None), (150, 120, 0.9)])
def test_what_cannot_be_drawn_is_refused(dwellings: int, days: int, prevalence: float | None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least|prevalence"):
        write_city(tmp_path, seed=1, dwellings=dwellings, days=days, start=START, prevalence=prevalence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(0, 12, 3))
def test_the_smallest_city_can_be_drawn(seed: int, tmp_path: Path) -> None:
    write_city(tmp_path, seed=seed, dwellings=60, days=70, start=START)
    rows = pq.read_table(tmp_path / "dwellings.parquet").column("dwelling_id").to_pylist()
    assert len(set(rows)) == 60

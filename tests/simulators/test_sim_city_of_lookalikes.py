"""The population of look-alikes: its tables, its truth, that a seed is a city, and that honest life looks like the rest."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from city_tables import (
    GROUPS,
    KINDS,
    Tables,
    check_coverage,
    check_names,
    check_times,
    check_words,
    longest_dry,
    read_tables,
    words,
)

from simulators.city.columns import COLUMNS
from simulators.city_of_lookalikes import write_city
from simulators.city_of_lookalikes.absences import HONEST, leave_home, vacancy_manner
from simulators.city_of_lookalikes.calendar import draw_weather, make_calendar
from simulators.city_of_lookalikes.dice import Dice
from simulators.city_of_lookalikes.estates import build_places
from simulators.city_of_lookalikes.households import populate
from simulators.city_of_lookalikes.people import Town
from simulators.city_of_lookalikes.tables import TABLES
from simulators.city_of_lookalikes.violations import draw_violations
from simulators.city_of_lookalikes.world import draw_world

START, DAYS, DWELLINGS, PREVALENCE = date(2025, 11, 1), 120, 150, 0.2
SEED = 7


def _write(directory: Path, seed: int = SEED, *, days: int = DAYS, prevalence: float | None = PREVALENCE) -> Tables:
    write_city(directory, seed=seed, dwellings=DWELLINGS, days=days, start=START, prevalence=prevalence)
    return read_tables(directory, TABLES)


def _town(seed: int = SEED) -> Town:
    """A city with its people, before anything happens."""
    dice, calendar = Dice(np.random.default_rng(seed)), make_calendar(START, DAYS)
    world = draw_world(dice)
    town = Town(dice, world, calendar, draw_weather(dice, world, calendar), build_places(dice, world, DWELLINGS))
    populate(town)
    return town


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lookalikes")


@pytest.fixture(scope="module")
def city(directory: Path) -> Tables:
    return _write(directory)


def test_tables_have_the_columns_of_the_format(city: Tables) -> None:
    for name in TABLES:
        assert city[name], f"{name} is empty"
        assert set(city[name][0]) == {column for column, _ in COLUMNS[name]}, name


def test_words_are_those_of_the_format(city: Tables) -> None:
    check_words(city)
    assert words(city, "truth", "kind") == KINDS
    assert words(city, "subgroups", "group") == GROUPS
    assert words(city, "passes", "granted") == {0, 1}


def test_rows_name_places_and_people_that_exist(city: Tables) -> None:
    check_names(city, DWELLINGS)
    assert len(words(city, "members", "person_id")) == len(city["members"]), "two members have one identifier"


def test_passes_lie_within_the_history_in_order_of_time(city: Tables) -> None:
    check_times(city, "2025-11-01", "2026-02-28")


def test_coverage_rows_of_a_point_do_not_overlap(city: Tables) -> None:
    check_coverage(city)


def test_the_same_seed_is_the_same_city_and_another_is_another(directory: Path, tmp_path: Path, city: Tables) -> None:
    write_city(tmp_path, seed=SEED, dwellings=DWELLINGS, days=DAYS, start=START, prevalence=PREVALENCE)
    for name in TABLES:
        first, second = ((where / f"{name}.parquet").read_bytes() for where in (directory, tmp_path))
        assert first == second, f"{name} differs between two cities of one seed"
    other = _write(tmp_path, seed=SEED + 1)
    for name in ("dwellings", "members", "truth"):
        assert other[name] != city[name], f"{name} is the same in two cities of other seeds"


def test_csv_says_the_same_as_parquet_and_replaces_it(city: Tables, tmp_path: Path) -> None:
    (tmp_path / "truth.parquet").write_bytes(b"of an older city")
    write_city(tmp_path, seed=SEED, dwellings=DWELLINGS, days=DAYS, start=START, prevalence=PREVALENCE, parquet=False)
    assert {file.name for file in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert told == [{key: value or "" for key, value in row.items()} for row in city["truth"]]
    assert len((tmp_path / "passes.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(city["passes"])


def test_prevalence_is_obeyed(city: Tables, tmp_path: Path) -> None:
    labelled = [row["dwelling_id"] for row in city["truth"]]
    assert len(set(labelled)) == len(labelled), "a dwelling has two labels"
    assert abs(len(labelled) - PREVALENCE * DWELLINGS) <= len(KINDS), "each kind may be there once more, no home vacant"
    assert _write(tmp_path, days=70, prevalence=0)["truth"] == []


def test_times_multiplies_the_prevalence() -> None:
    once, thrice = _town(), _town()
    draw_violations(once, 1)
    draw_violations(thrice, 3)
    assert len(once.truth) == round(DWELLINGS * once.world.prevalence)
    assert len(thrice.truth) == round(DWELLINGS * once.world.prevalence * 3)


def test_who_breaks_rules_was_let_the_whole_time(city: Tables) -> None:
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_to"] is None}
    vacant = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] is None}
    for row in city["truth"]:
        assert row["dwelling_id"] in (vacant if row["kind"] == "vacant_used" else let), row


def test_honest_homes_are_empty_for_weeks_as_well(city: Tables) -> None:
    labelled = {row["dwelling_id"] for row in city["truth"]}
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_from"] < "2025-11-01"}
    honest = [run for home, run in longest_dry(city).items() if home in let - labelled]
    assert sum(run >= 14 for run in honest) >= 5, "no honest household is ever away: whoever is away gives himself away"
    assert max(honest) >= 25
    assert np.median(honest) < 14, "honest homes are empty most of the time"


def test_some_honest_absences_are_declared_and_some_are_not(city: Tables) -> None:
    labelled = {row["dwelling_id"] for row in city["truth"]}
    declared = {row["dwelling_id"] for row in city["absences"]}
    away = {home for home, run in longest_dry(city).items() if run >= 14 and home not in labelled}
    assert away & declared
    assert away - declared


def test_a_home_left_honestly_looks_like_one_left_for_good() -> None:
    """The same draws leave the same home in the same way: but for the rates of `Manner` nothing tells them apart."""
    honest, vacant = _town(), _town()
    home = honest.steady[0]
    manner = vacancy_manner(honest)
    leave_home(honest, home, 10, 100, manner)
    leave_home(vacant, home, 10, 100, manner, violates=True)
    for one, other in zip(honest.households[home].actors, vacant.households[home].actors, strict=True):
        assert np.array_equal(one.present, other.present)
        assert np.array_equal(one.visits, other.visits)
        assert one.present[20:100].sum() < 20
    for share in ("used_by_day", "token_visits", "tapers"):
        assert abs(getattr(manner, share) - getattr(HONEST, share)) < 0.2, f"{share} alone would tell a vacancy"


@pytest.mark.parametrize(
    ("dwellings", "days", "prevalence", "times"),
    [(20, 120, None, 1), (150, 30, None, 1), (150, 120, 0.9, 1), (150, 120, 0.2, 3), (150, 120, None, -1)],
)
def test_what_cannot_be_drawn_is_refused(
    dwellings: int, days: int, prevalence: float | None, times: float, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"at least|prevalence"):
        write_city(tmp_path, seed=1, dwellings=dwellings, days=days, start=START, prevalence=prevalence, times=times)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(0, 12, 2))
def test_the_smallest_city_can_be_drawn(seed: int, tmp_path: Path) -> None:
    write_city(tmp_path, seed=seed, dwellings=40, days=70, start=START)
    assert len(pq.read_table(tmp_path / "dwellings.parquet")) == 40

"""What holds of the cities of every simulator: their tables, their truth, that a seed is a city, what is refused."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from city_tables import (
    DAYS,
    FORMAT,
    GROUPS,
    GROUPS_OF_OURS,
    KINDS,
    SAMPLES,
    Cities,
    Tables,
    check_coverage,
    check_names,
    check_offset,
    check_times,
    check_words,
    empty,
    longest_dry,
    read_tables,
    words,
    write_sample,
)

from simulators.apart import APART, write_apart
from simulators.history_tables import texts, typed
from simulators.history_tables.columns import COLUMNS, TABLES

VENDORS_OWN = {"floor_area_m2", "temperature"}  # of diaries: vendors have columns of their own
OURS_OWN = {"simulated_absences"}
every = pytest.mark.parametrize("name", SAMPLES)
apart = pytest.mark.parametrize("name", APART)


@pytest.fixture
def city(cities: Cities, name: str) -> Tables:
    return cities.sample(name)


def test_all_simulators_are_looked_at() -> None:
    assert set(SAMPLES) == {"city", *APART}


def test_columns_are_those_of_the_format() -> None:
    assert {name: " ".join(column for column, _ in COLUMNS[name]) for name in TABLES} == FORMAT


@every
def test_tables_have_the_columns_of_the_format(name: str, city: Tables) -> None:
    assert set(city) - OURS_OWN == set(FORMAT)
    for table, columns in FORMAT.items():
        assert city[table] or (name, table) == ("states", "cases"), f"{table} is empty"
        if not city[table]:
            continue
        found = list(city[table][0])
        assert set(found) - VENDORS_OWN == set(columns.split()), table
        assert not SAMPLES[name].in_order or found == columns.split(), f"{table} has another order of columns"


@every
def test_words_are_those_of_the_format(name: str, city: Tables) -> None:
    check_words(city)
    assert words(city, "passes", "granted") == {0, 1}
    assert words(city, "meters", "kind") == {"water", "electricity"}
    assert None in words(city, "meters", "value"), "no reading is ever missing"
    assert not SAMPLES[name].all_kinds or words(city, "truth", "kind") == KINDS
    groups = words(city, "subgroups", "group")
    assert groups <= (GROUPS_OF_OURS if name == "city" else GROUPS)
    assert name in ("city", "states", "diaries") or groups == GROUPS


@every
def test_rows_name_places_and_people_that_exist(name: str, city: Tables) -> None:
    check_names(city, SAMPLES[name].dwellings, relets=SAMPLES[name].relets)
    rows = Counter(row["person_id"] for row in city["members"])
    assert max(rows.values()) <= SAMPLES[name].times_members, "two members have one identifier"


@every
def test_passes_lie_within_the_history_in_order_of_time(name: str, city: Tables) -> None:
    first = SAMPLES[name].start
    if name == "diaries":  # vendors have orders of their own
        city = {"passes": sorted(city["passes"], key=lambda row: str(row["ts"]))}
    check_times(city, first.isoformat(), (first + timedelta(DAYS - 1)).isoformat())
    check_offset(city)


@every
def test_coverage_rows_of_a_point_do_not_overlap(name: str, city: Tables) -> None:
    check_coverage(city)
    assert name != "diaries" or words(city, "coverage", "access_point_id") == words(
        city, "access_points", "access_point_id"
    )


@every
def test_the_same_seed_is_the_same_city_and_another_is_another(name: str, cities: Cities, tmp_path: Path) -> None:
    one, same, other = cities.small(name), tmp_path / "same", tmp_path / "other"
    write_sample(name, same, small=True)
    for file in sorted(one.iterdir()):
        assert file.read_bytes() == (same / file.name).read_bytes(), f"{file.name} differs between cities of one seed"
    write_sample(name, other, small=True, other=True)
    first, second = read_tables(one), read_tables(other)
    for table in ("dwellings", "members", "passes", "meters", "truth", "coverage"):
        if table in second or table != "meters":
            assert first[table] != second[table], f"{table} is the same in two cities of other seeds"


@every
def test_csv_says_the_same_as_parquet_and_replaces_it(name: str, cities: Cities, tmp_path: Path) -> None:
    stood = read_tables(cities.small(name))
    shutil.copytree(cities.small(name), tmp_path, dirs_exist_ok=True)
    write_sample(name, tmp_path, small=True, parquet=False)
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"{table}.csv" for table in stood}, "a Parquet table left behind would win over the new one"
    for table, rows in stood.items():
        with (tmp_path / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            told = list(reader)
        order = pq.read_schema(cities.small(name) / f"{table}.parquet").names
        assert reader.fieldnames == order, f"{table} has another order of columns"
        for column in order:
            written = [row[column] for row in told]
            values = [row[column] for row in rows]
            if any(isinstance(value, float) for value in values):
                numbers = [float(text) if text else None for text in written]
                assert numbers == pytest.approx(values, abs=6e-4), f"{table}.{column}"
            else:
                assert written == ["" if value is None else str(value) for value in values], f"{table}.{column}"


@pytest.mark.parametrize("parquet", [True, False])
def test_an_older_table_of_either_form_is_removed(tmp_path: Path, parquet: bool) -> None:
    for ending in ("parquet", "csv"):
        (tmp_path / f"truth.{ending}").write_bytes(b"of an older city")
    texts.TextTables(tmp_path, date(2025, 11, 1), parquet=parquet)
    assert not list(tmp_path.iterdir())


@every
def test_an_honest_city_has_no_truth(name: str, tmp_path: Path) -> None:
    write_sample(name, tmp_path, small=True, prevalence=0.0)
    assert empty(tmp_path, "truth"), "an honest city has a truth"
    assert "confirmed" not in words(read_tables(tmp_path), "cases", "outcome"), "an honest city has confirmed cases"


@every
def test_a_dwelling_has_one_label(name: str, city: Tables) -> None:
    labelled = [row["dwelling_id"] for row in city["truth"]]
    assert len(set(labelled)) == len(labelled), "a dwelling has two labels"


@every
def test_intervals_end_after_they_begin(name: str, city: Tables) -> None:
    for table in ("members", "absences", "truth"):
        wrong = [row for row in city[table] if row["to"] is not None and row["to"] < row["from"]]
        assert not wrong, f"{table} has rows that end before they begin: {wrong[:3]}"


@pytest.mark.parametrize("name", ["lookalikes", "schedules", "nights", "estates", "lives"])
def test_prevalence_is_obeyed(name: str, city: Tables) -> None:
    sample = SAMPLES[name]
    fewest, most = sample.labels_missing
    assert fewest <= round(sample.prevalence * sample.dwellings) - len(city["truth"]) <= most


@pytest.mark.parametrize("name", ["diaries", "lookalikes"])
def test_who_breaks_rules_was_let_the_whole_time(name: str, city: Tables) -> None:
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_to"] is None}
    vacant = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] is None}
    for row in city["truth"]:
        assert row["dwelling_id"] in (vacant if row["kind"] == "vacant_used" else let), row


@pytest.mark.parametrize("name", sorted(APART.keys() - {"states"}))
def test_honest_homes_are_empty_for_weeks_as_well(name: str, city: Tables) -> None:
    labelled, first = words(city, "truth", "dwelling_id"), SAMPLES[name].start.isoformat()
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_from"] < first}
    if name == "schedules":
        let -= {row["dwelling_id"] for row in city["dwellings"] if row["let_to"]}
    honest = [run for home, run in longest_dry(city).items() if home in let - labelled]
    assert sum(run >= 14 for run in honest) >= 5, "no honest household is ever away: whoever is away gives himself away"
    assert max(honest) >= SAMPLES[name].longest_dry
    assert np.median(honest) < SAMPLES[name].median_dry, "honest homes are empty most of the time"


@pytest.mark.parametrize("name", ["nights", "lives"])
def test_readers_record_what_they_can_know(name: str, city: Tables) -> None:
    """A face that is not recognised, staff and visitors are nobody in the register."""
    seen = {(row["credential_kind"], row["granted"], row["person_id"] is None) for row in city["passes"]}
    assert ("face", 0, True) in seen
    assert not seen & {("staff", 1, False), ("visitor", 1, False), ("face", 1, True)}
    of_homes = [row for row in city["passes"] if row["credential_kind"] == "staff" and row["dwelling_id"]]
    assert not of_homes, "staff are of no household"


def _refused(name: str, directory: Path, dwellings: int, days: int, prevalence: float | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        write_apart(
            name, directory, seed=1, dwellings=dwellings, days=days, start=SAMPLES[name].start, prevalence=prevalence
        )
    assert not directory.exists(), "a city that was refused left something behind"


@apart
def test_a_city_too_small_to_draw_is_refused(name: str, tmp_path: Path) -> None:
    dwellings, days = SAMPLES[name].smallest
    told = f"{dwellings} dwellings and {days} days at least"
    _refused(name, tmp_path / "city", dwellings - 1, 120, None, told)
    _refused(name, tmp_path / "city", 150, days - 1, None, told)


@pytest.mark.parametrize("prevalence", [0.51, 0.9, -0.1])
@pytest.mark.parametrize("name", sorted(name for name in APART if SAMPLES[name].refuses_prevalence))
def test_a_prevalence_that_is_no_share_is_refused(name: str, prevalence: float, tmp_path: Path) -> None:
    _refused(name, tmp_path / "city", 150, 120, prevalence, "prevalence")


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name in APART for seed in SAMPLES[name].seeds_of_smallest])
def test_the_smallest_city_can_be_drawn(name: str, seed: int, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    dwellings, days = sample.smallest
    prevalence = sample.prevalence_of_smallest
    write_apart(name, tmp_path, seed=seed, dwellings=dwellings, days=days, start=sample.start, prevalence=prevalence)
    city = read_tables(tmp_path)
    assert len(words(city, "dwellings", "dwelling_id")) == dwellings
    if name in ("nights", "estates"):
        assert len(city["truth"]) > 10
    if name == "lives":
        assert len(city["truth"]) == 20


@pytest.mark.parametrize("name", ["states", "lookalikes", "estates", "lives"])
def test_long_tables_are_written_part_by_part(
    name: str, cities: Cities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As large cities are; what stands in them is the same."""
    monkeypatch.setattr(texts, "PART_ROWS", 700)
    monkeypatch.setattr(typed, "PENDING_ROWS", 700)
    write_sample(name, tmp_path, small=True)
    assert read_tables(tmp_path) == read_tables(cities.small(name))

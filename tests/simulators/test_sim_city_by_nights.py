"""The population whose nights are drawn first: its tables, its truth, that a seed is a city, and what follows from nights."""

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
from simulators.city_by_nights import write_city
from simulators.city_by_nights.absences import Upkeep, keep_up
from simulators.city_by_nights.calendar import draw_weather
from simulators.city_by_nights.crowd import gather
from simulators.city_by_nights.deeds import ALWAYS_LEAVE, violate
from simulators.city_by_nights.dice import DAY_S, NEVER
from simulators.city_by_nights.estates import CARD_DOOR, FACE_DOOR, fit_doors
from simulators.city_by_nights.generate import settle
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.movement import draw_moves
from simulators.city_by_nights.people import Role
from simulators.city_by_nights.tables import TABLES
from simulators.city_by_nights.town import Town, Violation
from simulators.city_by_nights.world import World, draw_world

START, DAYS, DWELLINGS, PREVALENCE = date(2025, 11, 1), 120, 150, 0.25
SEED = 27  # doors that check faces and doors that do not, electronic locks, both kinds of meters
SMALL = {"dwellings": 50, "days": 60, "start": START}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    directory = tmp_path_factory.mktemp("nights")
    write_city(directory, seed=SEED, dwellings=DWELLINGS, days=DAYS, start=START, prevalence=PREVALENCE)
    return read_tables(directory, TABLES)


@pytest.fixture(scope="module")
def town() -> Town:
    """The same city before any door is passed."""
    return settle(SEED, DWELLINGS, DAYS, START, PREVALENCE)


def _world(seed: int) -> World:
    return draw_world(np.random.default_rng(seed), None)


def _family() -> Home:
    """Two workers and a child in an empty city, who are at home all year."""
    empty = settle(SEED, 40, DAYS, START, 0.0)
    dwelling = int(np.flatnonzero(~empty.leases.recorded_vacant)[0])
    home = Home(empty, dwelling)
    home.let_to, home.end = NEVER, DAYS
    home.members = [home.enrol(role) for role in (Role.WORKER, Role.WORKER, Role.CHILD)]
    home.residents = list(home.members)
    home.register = [actor.member for actor in home.members]
    return home


def test_tables_have_the_columns_of_the_format(city: Tables) -> None:
    for name in TABLES:
        assert city[name], f"{name} is empty"
        assert list(city[name][0]) == [column for column, _ in COLUMNS[name]], name


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


def test_the_same_seed_is_the_same_city_and_another_is_another(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for directory, seed in ((one, SEED), (same, SEED), (other, SEED + 1)):
        write_city(directory, seed=seed, **SMALL)
    for name in TABLES:
        first, again, different = (directory / f"{name}.parquet" for directory in (one, same, other))
        assert first.read_bytes() == again.read_bytes(), f"{name} differs between two cities of one seed"
        if name in ("dwellings", "members", "passes", "meters"):
            assert first.read_bytes() != different.read_bytes(), f"{name} is the same in cities of other seeds"


def test_csv_says_the_same_as_parquet_and_replaces_it(tmp_path: Path) -> None:
    write_city(tmp_path, seed=SEED, **SMALL)
    stood = read_tables(tmp_path, TABLES)
    write_city(tmp_path, seed=SEED, **SMALL, parquet=False)
    assert {file.name for file in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    for name in ("dwellings", "members", "passes", "truth"):
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            told = list(csv.DictReader(file))
        assert told == [
            {key: "" if value is None else str(value) for key, value in row.items()} for row in stood[name]
        ], name


def test_prevalence_is_obeyed(city: Tables, tmp_path: Path) -> None:
    labelled = [row["dwelling_id"] for row in city["truth"]]
    assert len(set(labelled)) == len(labelled) == round(PREVALENCE * DWELLINGS)
    write_city(tmp_path, seed=SEED, **SMALL, prevalence=0.0)
    assert pq.read_table(tmp_path / "truth.parquet").num_rows == 0
    assert pq.read_table(tmp_path / "truth.parquet").column_names == list(city["truth"][0])


def test_who_breaks_rules_was_let_from_before(city: Tables) -> None:
    """To the end, or until the home was recovered after a case that confirmed it."""
    homes = {row["dwelling_id"]: row for row in city["dwellings"]}
    for row in city["truth"]:
        home = homes[row["dwelling_id"]]
        if row["kind"] == "vacant_used":
            assert home["let_from"] is None, row
        else:
            assert home["let_from"] < START.isoformat(), row
            assert home["let_to"] in (None, row["to"]), row


@pytest.mark.parametrize(
    ("dwellings", "days", "prevalence"), [(20, 120, None), (150, 30, None), (150, 120, 0.9), (150, 120, -0.1)]
)
def test_what_cannot_be_drawn_is_refused(dwellings: int, days: int, prevalence: float | None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least|prevalence"):
        write_city(tmp_path / "city", seed=1, dwellings=dwellings, days=days, start=START, prevalence=prevalence)
    assert not (tmp_path / "city").exists()


@pytest.mark.parametrize("seed", range(0, 8, 2))
def test_the_smallest_city_can_be_drawn(seed: int, tmp_path: Path) -> None:
    write_city(tmp_path, seed=seed, dwellings=40, days=60, start=START, prevalence=0.5)
    assert pq.read_table(tmp_path / "dwellings.parquet").num_rows == 40
    assert pq.read_table(tmp_path / "truth.parquet").num_rows > 10


# what follows from the nights


def test_who_sleeps_elsewhere_before_and_after_a_day_passes_no_door_but_as_a_visitor(town: Town) -> None:
    """And who sleeps at home on both nights is out on most days, but for the old and the small."""
    crowd, rng = gather(town), np.random.default_rng(1)
    everybody = np.arange(len(town.actors))
    moves = draw_moves(rng, crowd, town.calendar, draw_weather(rng, town.world, town.calendar), everybody)
    day = moves.second // DAY_S
    visited = np.zeros((len(everybody), DAYS), bool)
    for actor, visit in crowd.visits:
        visited[actor, visit.day] = True
    at_home = crowd.nights[:, :-1] | crowd.nights[:, 1:]
    assert (at_home | visited)[moves.actor, day].all(), "somebody who was not there passed a door"
    moved = np.zeros_like(visited)
    moved[moves.actor, day] = True
    stayed = crowd.nights[:, :-1] & crowd.nights[:, 1:]
    assert moved[stayed & (crowd.role == Role.WORKER)[:, None] & ~town.calendar.is_off[None]].mean() > 0.85
    changes = crowd.nights[:, :-1] != crowd.nights[:, 1:]
    assert moved[changes].all(), "somebody came home, or left, by no door"


@pytest.mark.parametrize("upkeep", Upkeep)
def test_what_happens_in_an_empty_home_happens_while_it_is_empty(upkeep: Upkeep) -> None:
    home = _family()
    keep_up(home, 20, 90, upkeep, 0.0)
    callers = home.actors[3:]
    days = [visit.day for caller in callers for visit in caller.visits]
    assert all(20 <= day < 90 for day in days)
    assert len(callers) == (upkeep != Upkeep.NOTHING)
    assert not any(caller.nights.any() for caller in callers), "whoever looks in does not sleep there"
    if upkeep != Upkeep.NOTHING:
        assert days, "nobody ever came"
        of_household = {actor.member for actor in home.members}
        assert (callers[0].member in of_household) == (upkeep != Upkeep.RELATIVE)


def test_an_empty_home_is_kept_up_alike_by_the_honest_and_by_others() -> None:
    """One generator draws both; only the shares differ, and too little to tell one home."""
    worlds = [_world(seed) for seed in range(60)]
    honest = np.mean([world.upkeep_honest for world in worlds], 0)
    vacancy = np.mean([world.upkeep_vacancy for world in worlds], 0)
    assert (abs(honest - vacancy) < 0.2).all()
    assert (honest > 0.03).all(), "what no honest household does would give a vacancy away"
    for honestly, otherwise in (("fades_honest", "fades_vacancy"), ("returns_honest", "returns_vacancy")):
        assert abs(np.mean([getattr(one, honestly) - getattr(one, otherwise) for one in worlds])) < 0.15


@pytest.mark.parametrize("kind", sorted(KINDS - {"vacant_used", "visitor_abuse", "over_occupancy"}))
def test_nights_tell_what_a_violation_is(kind: str) -> None:
    home = _family()
    members = list(home.members)
    home.end = 30 if kind in ALWAYS_LEAVE else DAYS
    violate(home, Violation(kind, 30, NEVER))
    during = slice(60, DAYS)
    others = [actor for actor in home.actors if actor not in members]
    others_sleep = any(actor.nights[during].any() for actor in others)
    tenants_sleep = max(actor.nights[during].mean() for actor in members)
    assert others_sleep == (kind != "vacancy")
    assert tenants_sleep == 1 if kind == "sublet_part" else tenants_sleep < 0.3
    enrolled = [actor for actor in others if actor.member >= 0 and actor.nights.any()]
    assert bool(enrolled) == (kind == "enrolment_fraud")


def test_honest_homes_are_empty_for_weeks_as_well(city: Tables) -> None:
    labelled = words(city, "truth", "dwelling_id")
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_from"] < "2025-11-01"}
    honest = [run for home, run in longest_dry(city).items() if home in let - labelled]
    assert sum(run >= 14 for run in honest) >= 5, "no honest household is ever away: whoever is away gives himself away"
    assert np.median(honest) < 14, "honest homes are empty most of the time"


# what the readers make of it


def test_readers_record_what_they_can_know(city: Tables) -> None:
    """A face that is not recognised, staff and visitors are nobody in the register."""
    seen = {(row["credential_kind"], row["granted"], row["person_id"] is None) for row in city["passes"]}
    assert ("face", 0, True) in seen
    assert not seen & {("staff", 1, False), ("visitor", 1, False), ("face", 1, True)}
    of_homes = [row for row in city["passes"] if row["credential_kind"] == "staff" and row["dwelling_id"]]
    assert not of_homes, "staff are of no household"


def test_faces_are_recognised_where_faces_are_checked(city: Tables, town: Town) -> None:
    points = {point.name: point.checks for point in fit_doors(town.places, town.has_lock).points}
    assert set(points) == words(city, "access_points", "access_point_id")
    named = dict.fromkeys(points, 0)
    for row in city["passes"]:
        named[row["access_point_id"]] += row["credential_kind"] == "face" and row["person_id"] is not None
    with_face = [named[name] for name, checks in points.items() if checks == FACE_DOOR]
    with_card = [named[name] for name, checks in points.items() if checks == CARD_DOOR]
    assert min(with_face) > DAYS, "a door that checks faces hardly recognises anybody"
    assert max(with_card) == 0, "a door that checks cards recognises faces"

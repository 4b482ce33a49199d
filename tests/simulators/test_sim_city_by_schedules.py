"""The population of weekly schedules: its truth, and how legs pass doors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from city_tables import DAYS, SAMPLES, Cities, Tables

from simulators.city_by_schedules.absences import leave
from simulators.city_by_schedules.access_points import AccessPoint, Doors
from simulators.city_by_schedules.arrays import DAY_MIN, NOBODY
from simulators.city_by_schedules.calendar import make_calendar
from simulators.city_by_schedules.estates import Places, build_places
from simulators.city_by_schedules.faults import Faults, State
from simulators.city_by_schedules.households import draw_household
from simulators.city_by_schedules.legs import Legs, draw_legs, make_crowd
from simulators.city_by_schedules.people import Household, Presence
from simulators.city_by_schedules.town import Town
from simulators.city_by_schedules.violations import violate
from simulators.city_by_schedules.ways import Noticed, walk
from simulators.city_by_schedules.world import draw_world

SAMPLE = SAMPLES["schedules"]
START, SEED, DWELLINGS = SAMPLE.start, SAMPLE.seed, SAMPLE.dwellings


def _town(seed: int = SEED) -> Town:
    """A city's places; nobody lives there."""
    rng = np.random.default_rng(seed)
    world = draw_world(rng, None)
    return Town(rng, world, make_calendar(START, DAYS), build_places(rng, world, DWELLINGS))


@pytest.fixture
def city(cities: Cities) -> Tables:
    return cities.sample("schedules")


def test_who_breaks_rules_lived_there_from_the_first_day(city: Tables) -> None:
    let = {row["dwelling_id"] for row in city["dwellings"] if row["let_from"] and row["let_from"] < "2025-11-01"}
    empty = {
        row["dwelling_id"]
        for row in city["dwellings"]
        if row["let_from"] is None or (row["let_to"] and row["let_to"] < "2025-11-01")
    }
    for row in city["truth"]:
        assert row["dwelling_id"] in (empty if row["kind"] == "vacant_used" else let), row


def test_who_takes_back_the_consent_has_two_rows_one_after_the_other(city: Tables) -> None:
    rows = defaultdict(list)
    for row in city["members"]:
        rows[row["person_id"]].append(row)
    twice = [two for two in rows.values() if len(two) > 1]
    assert twice, "nobody took back a consent"
    for before, after in twice:
        assert (before["face_consent_b"], after["face_consent_b"]) == (1, 0)
        assert date.fromisoformat(before["to"]) + timedelta(1) == date.fromisoformat(after["from"])


def _household(town: Town, kind: str) -> Household:
    household = draw_household(town, 0, kind, -100)
    town.households.append(household)
    return household


def test_people_keep_their_weekly_schedules() -> None:
    town = _town()
    worker = _household(town, "single_worker").residents[0]
    worker.age, worker.schedule.works[:] = "worker", (1, 1, 1, 1, 0, 0, 0)
    worker.schedule.leaves, worker.schedule.returns, worker.schedule.spread = 480, 1080, 0
    calendar = replace(town.calendar, free=np.zeros(DAYS, bool))
    legs = draw_legs(town.rng, calendar, make_crowd(town.people), DWELLINGS, 0)
    leaves = ~legs.inward & (legs.minute % DAY_MIN == 480)
    days = (legs.minute[leaves] // DAY_MIN).astype(int).tolist()
    assert days == np.flatnonzero(calendar.weekday < 4).tolist(), "works from Monday to Thursday, and on no other day"


def test_nobody_passes_while_away() -> None:
    town = _town()
    residents = _household(town, "family").residents
    leave(town, residents, 10, 40)
    legs = draw_legs(town.rng, town.calendar, make_crowd(town.people), DWELLINGS, 1)
    days = legs.minute // DAY_MIN
    assert not ((days > 10) & (days < 40)).any(), "somebody came or went while away"
    assert (legs.inward & (days == 40)).sum() >= len(residents), "somebody did not come home"
    assert min((days < 10).sum(), (days > 40).sum()) >= 10, "they are never at home"


def _point(scope: str, exits: float, places: Places) -> AccessPoint:
    """A door on the way to dwelling 0 that misses nobody."""
    is_gate = scope == "estate"
    return AccessPoint(
        estate=int(places.estate_of[0]),
        scope=scope,
        block=NOBODY if is_gate else int(places.block_of[0]),
        dwelling=0 if scope == "dwelling" else NOBODY,
        checks_face=False,
        has_pin=False,
        knows_direction=True,
        exits=exits,
        tailgates=0,
    )


GATE, BLOCK, LOCK = range(3)


def _walked(state: State = State.OK, *, follows: bool = False) -> tuple[Legs, Noticed]:
    """400 legs, in and out in turn, past gate, block's door and dwelling's own; the block's door is in this state."""
    town, count = _town(), 400
    person = _household(town, "single_worker").residents[0]
    person.tailgates = person.side_ways = 0
    places = town.places
    points = [_point("estate", 1, places), _point("block", 1, places), _point("dwelling", 0, places)]
    gates: list[list[int]] = [[] for _ in places.estates]
    gates[int(places.estate_of[0])] = [GATE]
    doors = Doors(points, gates, {int(places.block_of[0]): [BLOCK]}, {0: LOCK})
    hours = 3, DAYS * 24
    faults = Faults(np.zeros(hours, np.uint8), np.zeros(hours, np.uint8), np.zeros(hours, np.int16))
    faults.happen(BLOCK, 0, hours[1], state, None)
    minute = np.linspace(100, DAYS * DAY_MIN - 100, count)
    legs = Legs(np.zeros(count, int), minute, np.arange(count) % 2 == 0, np.full(count, follows))
    return legs, walk(town, doors, faults, legs)


def test_a_leg_passes_gate_block_and_dwelling_in_this_order() -> None:
    legs, noticed = _walked()
    for inward in (True, False):
        times = legs.minute[legs.inward == inward]
        gate, block, lock = (noticed.minute[(noticed.point == at) & (noticed.inward == inward)] for at in range(3))
        assert np.array_equal(block, times)
        before = times - gate if inward else gate - times
        assert ((before >= 1) & (before <= 5)).all()
        if inward:
            after = lock - times[np.searchsorted(times, lock) - 1]
            assert ((after > 0) & (after < 3)).all()
            assert len(lock) > 0.9 * len(times)
        else:
            assert len(lock) == 0, "locks record no way out"


def test_doors_that_are_down_or_open_and_who_follows_leave_fewer_passes() -> None:
    def at_block(state: State, *, follows: bool = False) -> int:
        return int((_walked(state, follows=follows)[1].point == BLOCK).sum())

    assert at_block(State.OK) == at_block(State.CLOCK) == 400
    assert at_block(State.DOWN) == at_block(State.NONE) == 0
    assert 10 < at_block(State.PROPPED) < 100
    assert 100 < at_block(State.OK, follows=True) < 220


def test_coverage_says_what_is_told_not_what_is_true() -> None:
    faults = Faults(np.zeros((1, 96), np.uint8), np.zeros((1, 96), np.uint8), np.zeros((1, 96), np.int16))
    faults.happen(0, 10, 5, State.DOWN, None)
    faults.happen(0, 30, 5, State.DOWN, State.NONE)
    faults.happen(0, 50, 5, State.CLOCK, State.CLOCK, 60)
    told = faults.coverage()
    assert told.begin.tolist() == [0, 35, 50, 55]
    assert told.end.tolist() == [30, 50, 55, 96]
    assert told.state.tolist() == [State.OK, State.OK, State.CLOCK, State.OK]
    assert np.flatnonzero(faults.true[0] == State.DOWN).tolist() == [*range(10, 15), *range(30, 35)]


@pytest.mark.parametrize("seed", range(5))
def test_others_live_in_a_sublet_home_instead_of_the_household(seed: int) -> None:
    town = _town(seed)
    household = _household(town, "family")
    violate(town, household, "sublet_whole", is_running=False)
    deed = town.truth[0]
    last = DAYS if deed.last is None else deed.last
    lives = {person: person.presence == Presence.LIVES for person in town.people}
    assert (deed.dwelling, deed.kind) == (0, "sublet_whole")
    for person in household.residents:
        assert not lives[person][deed.first : last].any(), "the household did not leave"
        assert lives[person][: deed.first].all()
    lodgers = [person for person in town.people if person.role == "subtenant"]
    assert any(lives[person][deed.first : last].any() for person in lodgers), "nobody lives there instead"
    assert not any(lives[person][: deed.first].any() or lives[person][last:].any() for person in lodgers)

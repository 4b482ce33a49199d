"""The population whose estates differ in what they can see: its truth, and what is seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from city_tables import DAYS, KINDS, SAMPLES, Cities, Tables

from simulators.city_by_estates.consumption import Use, draw_use
from simulators.city_by_estates.deeds import DEEDS
from simulators.city_by_estates.dice import DAY_H, DAY_S, HOUR_S, NOBODY, Dice
from simulators.city_by_estates.estates import (
    BLOCKS_ONLY,
    CARD_AND_PIN,
    FACE_FIRST,
    GATES_ONLY,
    SET_UPS,
    CatchUp,
    draw_set_ups,
)
from simulators.city_by_estates.faults import Faults, draw_faults
from simulators.city_by_estates.generate import pass_doors, set_scene, settle
from simulators.city_by_estates.metering import catch_up, count, read_meters
from simulators.city_by_estates.movement import draw_moves
from simulators.city_by_estates.passes import Direction, Passes
from simulators.city_by_estates.people import Means, Presence, Role
from simulators.city_by_estates.scene import Scene
from simulators.city_by_estates.town import Home, Town
from simulators.city_by_estates.world import VIOLATIONS

START, SEED = SAMPLES["estates"].start, SAMPLES["estates"].seed
ALL_SET_UPS = 4200  # dwellings of a city that has each kind of estate once


@pytest.fixture
def city(cities: Cities) -> Tables:
    return cities.sample("estates")


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A city with each kind of estate, before any door is passed."""
    return set_scene(settle(SEED, ALL_SET_UPS, 60, START, None))


@pytest.fixture(scope="module")
def use(scene: Scene) -> Use:
    return draw_use(scene.town, scene.crowd)


@pytest.fixture(scope="module")
def passes(scene: Scene, use: Use) -> Passes:
    return pass_doors(scene, use.is_occupied)


def _estate(scene: Scene, kind: str) -> int:
    return next(estate.number for estate in scene.town.estates if estate.kind == kind)


def _of_estate(scene: Scene, passes: Passes, number: int) -> Passes:
    return passes.take(np.isin(passes.point, scene.town.estates[number].points))


def _kinds(passes: Passes) -> set[Means]:
    return {Means(kind) for kind in np.unique(passes.kind).tolist()}


# the truth


def test_kinds_are_as_common_as_the_city_has_them() -> None:
    town = settle(SEED, 2000, 120, START, 0.5)
    kinds = Counter(one.kind for one in town.violations)
    assert sum(kinds.values()) == 1000
    assert set(kinds) == KINDS == set(VIOLATIONS) == set(DEEDS)
    assert kinds["sublet_whole"] > kinds["enrolment_fraud"], f"kinds are not those of the city: {kinds}"


def test_a_city_has_a_prevalence_of_its_own() -> None:
    shares = [len(settle(seed, 1000, 60, START, None).violations) / 1000 for seed in range(3)]
    assert all(0.01 < share < 0.09 for share in shares), shares
    assert len(set(shares)) > 1


def test_who_breaks_rules_was_let_from_before(city: Tables) -> None:
    homes = {row["dwelling_id"]: row for row in city["dwellings"]}
    for row in city["truth"]:
        home = homes[row["dwelling_id"]]
        assert (home["let_from"] is None) == (row["kind"] == "vacant_used"), row
        assert home["let_from"] is None or home["let_from"] <= row["from"], row
        assert home["let_to"] is None or home["let_to"] >= row["from"], row


# the estates


def test_all_set_ups_are_there_before_one_comes_again() -> None:
    for seed in range(5):
        kinds = draw_set_ups(Dice(seed), 14)
        assert set(kinds[:10]) == set(SET_UPS)
        assert len(kinds) == 14


def test_doors_are_those_of_the_set_up(scene: Scene) -> None:
    for estate in scene.town.estates:
        scopes = {scene.town.points[point].scope for point in estate.points}
        assert ("estate" in scopes) == (estate.kind not in (BLOCKS_ONLY, CARD_AND_PIN)), estate.kind
        assert ("block" in scopes) == (estate.kind != GATES_ONLY), estate.kind
    with_lock = [home for home in scene.town.homes if home.estate.kind == "smart_lock" and home.lock != NOBODY]
    of_estate = [home for home in scene.town.homes if home.estate.kind == "smart_lock"]
    assert len(with_lock) > 0.8 * len(of_estate), "an estate of smart locks has few of them"


def test_estates_pass_doors_by_their_own_means(scene: Scene, passes: Passes) -> None:
    def share(kind: str, means: Means) -> float:
        there = _of_estate(scene, passes, _estate(scene, kind))
        residents = there.kind[there.kind != Means.STAFF]
        return float((residents == means).mean())

    for without_faces in ("card_only", CARD_AND_PIN):
        assert share(without_faces, Means.FACE) == 0, f"{without_faces} has no reader for faces"
    assert share("card_only", Means.CARD) > 0.5
    assert share(FACE_FIRST, Means.FACE) > 0.5
    assert share("qr", Means.QR) > 0.2
    assert share(CARD_AND_PIN, Means.PIN) > 0.1


def test_estates_differ_in_what_their_records_say(scene: Scene, passes: Passes) -> None:
    for estate in scene.town.estates:
        there = _of_estate(scene, passes, estate.number)
        if not estate.knows_direction:
            assert set(there.direction.tolist()) == {Direction.UNKNOWN}, estate.name
        if not estate.has_visitor_passes:
            assert Means.VISITOR not in _kinds(there), estate.name
        cards = there.take(there.kind == Means.CARD)
        assert estate.cards_name_holder or (cards.person == NOBODY).all(), f"cards name nobody in {estate.name}"
    assert len({estate.water_step for estate in scene.town.estates}) > 2, "all meters count alike"


def test_a_face_is_recognised_only_where_the_person_has_one(scene: Scene, passes: Passes) -> None:
    crowd = scene.crowd
    has_face = set(crowd.face_of[crowd.face_of != NOBODY].tolist())
    by_face = passes.take((passes.kind == Means.FACE) & (passes.person != NOBODY))
    mistaken = [person for person in by_face.person.tolist() if person not in has_face]
    assert len(mistaken) < 0.001 * len(by_face.person), "readers recognise people whom they do not know"
    assert (by_face.granted == 1).all()
    unknown = passes.take((passes.kind == Means.FACE) & (passes.person == NOBODY))
    assert (unknown.granted == 0).all(), "a door opened for a face that nobody knows"


def test_guests_leave_no_person_behind(scene: Scene, passes: Passes) -> None:
    nameless = passes.take(np.isin(passes.kind, (Means.VISITOR, Means.STAFF, Means.PIN)))
    assert (nameless.person == NOBODY).all()
    staff = passes.take(passes.kind == Means.STAFF)
    for estate in scene.town.estates:
        noted = (_of_estate(scene, staff, estate.number).home != NOBODY).any()
        assert not noted or estate.guard_notes > 0 or estate.lock_share > 0, estate.name


# what an estate cannot see


def _flaws(scene: Scene, kind: str) -> tuple[Faults, np.ndarray]:
    """Faults of an estate over a year, and the (points, hours) states that its coverage tells."""
    town = scene.town
    estate = replace(
        town.estates[_estate(scene, kind)], outages=12.0, outages_told=0.5, propped=0.9, has_door_sensors=True
    )
    faults = draw_faults(town, estate)
    told = np.full((len(estate.points), town.days * DAY_H), "gap", dtype="<U8")
    for row in faults.covered:
        told[estate.points.index(row.point), row.first // HOUR_S : row.end // HOUR_S] = row.state
    return faults, told


def test_doors_that_are_down_or_stand_open_record_little(scene: Scene) -> None:
    faults, told = _flaws(scene, BLOCKS_ONLY)
    assert {"ok", "down", "propped", "clock"} <= set(np.unique(told).tolist())
    assert faults.recorded[told == "down"].max() <= 0.3 + 1e-6, "a door that is down records as ever"
    assert faults.recorded[told == "propped"].max() <= 0.3 + 1e-6, "people pass an open door by the reader"
    ok = faults.recorded[told == "ok"]
    assert (ok == 1).mean() > 0.8
    assert (ok < 1).any(), "no fault is ever left untold"
    assert (faults.clock_error[told == "clock"] != 0).all()


def test_passes_are_fewer_where_the_coverage_tells_of_an_outage(scene: Scene, passes: Passes) -> None:
    """Of doors whose clocks are right: else passes come to stand in another hour."""
    hours: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    silent = []
    for estate, faults in zip(scene.town.estates, scene.faults, strict=True):
        is_right = {point: not errors.any() for point, errors in zip(estate.points, faults.clock_error, strict=True)}
        there = _of_estate(scene, passes, estate.number)
        for row in faults.covered:
            if is_right[row.point] and scene.town.points[row.point].scope != "dwelling":
                recorded = np.sum((there.point == row.point) & (there.second >= row.first) & (there.second < row.end))
                hours[row.state] += (row.end - row.first) // HOUR_S
                seen[row.state] += int(recorded)
                if row.state == "down":
                    silent.append(recorded == 0)
    assert len(silent) > 20
    assert np.mean(silent) > 0.75, "doors that are down record as ever"
    assert seen["down"] / hours["down"] < 0.4 * seen["ok"] / hours["ok"]


def test_registers_count_in_whole_steps() -> None:
    shown = count(np.array([[0.4, 0.4, 0.4, 2.0]]), np.array([0.5]), 1.0)
    assert np.diff(shown, axis=1).tolist() == [[0, 1, 0, 2]]


def test_a_gap_is_caught_up_or_lost(scene: Scene, use: Use) -> None:
    is_missing = np.array([[False, True, True, False, False]])
    for marks in (True, False):
        value, is_ok = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), ~is_missing
        catch_up(value, is_missing, is_ok, marks=marks)
        assert value[0, 3] == 2 + 3 + 4
        assert is_ok[0].tolist() == [True, False, False, not marks, True]
    assert {estate.catch_up for estate in scene.town.estates} == set(CatchUp)
    for readings in read_meters(scene.town, use):
        estate = scene.town.homes[int(readings.home[0])].estate
        marked = (~readings.is_ok & ~readings.is_missing).any()
        assert marked == (estate.catch_up == CatchUp.MARKED), f"{estate.name} tells of its gaps otherwise"


# homes


def _home(seed: int = SEED) -> tuple[Town, Home]:
    """A home in a small honest city that two or more people have all the time, without a leak."""
    town = settle(seed, 120, DAYS, START, 0.0)
    homes = (home for home in town.homes if home.is_stable and len(home.residents) > 1 and home.kind == "family")
    return town, next(home for home in homes if not home.leaks and home.longest_absence < 20)


def _nights(home: Home, actors: list[int]) -> np.ndarray:
    """(days,) how many of these actors sleep there."""
    counted: np.ndarray = np.sum(
        [actor.presence == Presence.HOME for actor in home.actors if actor.number in actors], 0
    )
    return counted


@pytest.mark.parametrize("kind", sorted(KINDS - {"vacant_used"}))
def test_nights_tell_what_a_violation_is(kind: str) -> None:
    town, home = _home()
    mine = [actor.number for actor in home.actors]
    DEEDS[kind](town, home, 30, DAYS)
    strangers = [actor.number for actor in home.actors if actor.number not in mine]
    during = slice(60, DAYS)
    strangers_nights = _nights(home, strangers)[during] if strangers else np.zeros(DAYS - 60)
    if kind == "vacancy":
        total = strangers_nights + _nights(home, mine)[during]
        assert (total > 0).mean() < 0.5, "a home that was left is lived in"
    else:
        assert strangers_nights.any(), "nobody else lives there"
    if kind in ("sublet_whole", "lent", "enrolment_fraud"):
        assert (_nights(home, mine)[during] > 0).mean() < 0.3, "the tenants still live there"
    enrolled = [actor for actor in home.actors if actor.number in strangers and actor.face_of != NOBODY]
    assert kind == "enrolment_fraud" or not enrolled


def test_a_vacancy_uses_no_water_unless_it_leaks_or_is_visited() -> None:
    dry = 0
    for seed in range(4):
        town, home = _home(seed)
        DEEDS["vacancy"](town, home, 30, DAYS)
        presence = np.max([actor.presence for actor in home.actors], 0)
        water = draw_use(town, set_scene(town).crowd).water[home.number]
        is_leaking = np.zeros(DAYS, bool)
        for first, end, _ in home.leaks:
            is_leaking[int(max(0, first)) : int(max(0, end))] = True
        is_empty = (presence == Presence.AWAY) & ~is_leaking
        assert (water[is_empty] == 0).all(), "an empty home used water"
        assert water[presence == Presence.HOME].min() > 0
        dry += int(is_empty[30:].sum())
    assert dry > 100, "vacancies are hardly ever empty"


def test_people_move_only_where_they_are(scene: Scene) -> None:
    town, crowd = scene.town, scene.crowd
    actors = np.flatnonzero(scene.places.estate[crowd.dwelling] == 0)
    moves = draw_moves(town.dice, crowd, town.calendar, town.weather, actors)
    day = moves.second // DAY_S
    there = crowd.presence != Presence.AWAY
    near = there.copy()
    near[:, 1:] |= there[:, :-1]  # who leaves for longer goes by a door on the next day
    near[:, 2:] |= there[:, :-2]  # after a night shift
    assert near[moves.actor, day].all(), "somebody who was not there passed a door"
    workers = actors[(crowd.role[actors] == Role.WORKER) & there[actors].all(1)]
    assert np.isin(workers, moves.actor).all()

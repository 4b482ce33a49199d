"""The population whose nights are drawn first: its truth, and what follows from nights."""

from __future__ import annotations

import numpy as np
import pytest
from city_tables import DAYS, KINDS, SAMPLES, Cities, Tables, words

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
from simulators.city_by_nights.town import Town, Violation
from simulators.city_by_nights.world import World, draw_world

SAMPLE = SAMPLES["nights"]
START, SEED = SAMPLE.start, SAMPLE.seed


@pytest.fixture
def city(cities: Cities) -> Tables:
    return cities.sample("nights")


@pytest.fixture(scope="module")
def town() -> Town:
    """The same city before any door is passed."""
    return settle(SEED, SAMPLE.dwellings, DAYS, START, SAMPLE.prevalence)


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


# what the readers make of it


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

"""The population of people with lives: its truth, and what follows from whereabouts."""

from __future__ import annotations

import numpy as np
import pytest
from city_tables import DAYS, SAMPLES, Cities, Tables, words

from simulators.city_by_lives.absences import look_in
from simulators.city_by_lives.basics import DAY_S, HOUR_S, NEVER, NOBODY, Bools
from simulators.city_by_lives.calendar import draw_weather
from simulators.city_by_lives.consumption import draw_use
from simulators.city_by_lives.crowd import Crowd, gather
from simulators.city_by_lives.deeds import violate
from simulators.city_by_lives.generate import settle
from simulators.city_by_lives.legs import draw_legs
from simulators.city_by_lives.people import HouseholdKind
from simulators.city_by_lives.register import Register
from simulators.city_by_lives.town import Home, Town, Violation
from simulators.city_by_lives.violations import LASTS
from simulators.city_by_lives.whereabouts import SLEEPS_HERE, Where, go_away, keep_within, stay

START, SEED = SAMPLES["lives"].start, SAMPLES["lives"].seed
FESTIVAL = 108  # the day of the history on which the Spring Festival of 2026 begins
AFTER_MIDNIGHT_S = 8 * HOUR_S  # who comes home so late belongs to the day before


@pytest.fixture
def city(cities: Cities) -> Tables:
    return cities.sample("lives")


@pytest.fixture(scope="module")
def town() -> Town:
    """A larger city with the violations that cities have, before any door is passed."""
    return settle(SEED, 1500, DAYS, START, None)


@pytest.fixture(scope="module")
def crowd(town: Town) -> Crowd:
    return gather(town)


def _is_let(town: Town) -> Bools:
    """(dwellings, days): a household has moved in and not out."""
    days = np.arange(town.days)
    return np.array(
        [(days >= home.lived_in_from()) & (days < home.moves_out) & (home.let_from is not None) for home in town.homes]
    )


def _couple() -> tuple[Town, Home]:
    """Two young people who are at home all the time, in a city in which nobody breaks rules."""
    empty = settle(SEED, 300, DAYS, START, 0.0)
    home = next(
        one
        for one in empty.homes
        if one.kind == HouseholdKind.YOUNG_COUPLE and one.moves_in is None and one.moves_out == NEVER
    )
    del home.actors[2:]
    for actor in home.actors:
        actor.where[:] = Where.LIVES
    return empty, home


def test_without_a_prevalence_a_few_homes_in_a_hundred_break_rules(town: Town) -> None:
    assert 0.01 < len(Register(town).violations()) / len(town.homes) < 0.08


# leases and members


def test_who_breaks_rules_was_let_from_before(city: Tables) -> None:
    """To the end, or until the home was recovered."""
    homes = {row["dwelling_id"]: row for row in city["dwellings"]}
    for row in city["truth"]:
        home = homes[row["dwelling_id"]]
        if row["kind"] == "vacant_used":
            assert home["let_from"] is None, row
        else:
            assert home["let_from"] <= row["from"], row
            assert home["let_to"] in (None, row["to"]), row


def test_members_stand_in_the_register_while_their_home_is_let(city: Tables) -> None:
    homes = {row["dwelling_id"]: row for row in city["dwellings"]}
    for row in city["members"]:
        home = homes[row["dwelling_id"]]
        assert home["let_from"] is not None, f"{row} is a member in a home that is not let"
        assert home["let_from"] <= row["from"] or row["from"] < START.isoformat(), row
        if home["let_to"] is not None:
            assert row["to"] is not None, f"{row} outlives the lease"
            assert row["from"] <= row["to"] <= home["let_to"], row


def test_nobody_of_a_household_is_here_before_it_moves_in_or_after_it_has_moved_out(town: Town, crowd: Crowd) -> None:
    """Its partners, guests and carers are not either: whose lease ended does not live on here."""
    is_let = _is_let(town)[crowd.dwelling]
    of_violation = np.array([home.violation is not None and home.let_from is None for home in town.homes])
    is_here = (crowd.where != Where.AWAY) & ~is_let
    others = is_here & ~of_violation[crowd.dwelling][:, None]
    assert (crowd.where[others] == Where.DAY_VISIT).all(), "somebody sleeps in a home that is not let"
    assert (crowd.member[is_here.any(1)] == NOBODY).all(), "a member is in a home that is not theirs"
    for home in town.homes:
        assert home.let_from is None or home.lease_ends >= min(home.moves_out, town.days), home.number


def test_homes_of_which_nothing_is_recorded_are_passed_to_by_workmen_only(city: Tables) -> None:
    known = words(city, "truth", "dwelling_id") | {row["dwelling_id"] for row in city["dwellings"] if row["let_from"]}
    rows = [row for row in city["passes"] if row["dwelling_id"] not in known | {None}]
    assert {row["person_id"] for row in rows} <= {None}, "a member passes to a home that was never let"
    assert {row["credential_kind"] for row in rows} <= {"visitor", "pin"}
    assert len(rows) < 0.001 * len(city["passes"])


# what follows from whereabouts


def test_a_stay_and_an_absence_begin_and_end_with_a_way() -> None:
    where = stay(10, 2, 9)
    assert (where[2], where[8]) == (Where.ARRIVES, Where.LEAVES)
    assert not where[[0, 1, 9]].any()
    go_away(where, 4, 6)
    assert where[4:7].tolist() == [Where.LEAVES, Where.AWAY, Where.ARRIVES]
    keep_within(where, 3, 7)
    assert np.flatnonzero(where).tolist() == [3, 4, 6]


def test_who_is_away_passes_no_door(town: Town, crowd: Crowd) -> None:
    """And who lives here and works is out on most days."""
    is_here, moved = crowd.where != Where.AWAY, np.zeros(crowd.where.shape, bool)
    for legs in draw_legs(np.random.default_rng(1), crowd, town.calendar):
        day, second = np.divmod(legs.second, DAY_S)
        yesterday = (second < AFTER_MIDNIGHT_S) & is_here[legs.actor, np.maximum(day - 1, 0)]
        assert (is_here[legs.actor, day] | yesterday).all(), "somebody who was away passed a door"
        moved[legs.actor, day] = True
    changes = np.isin(crowd.where, (Where.LEAVES, Where.ARRIVES))[:, 1:-1]
    assert moved[:, 1:-1][changes].mean() > 0.99, "people come home, or leave, by no door"
    assert moved[crowd.where == Where.LIVES].mean() > 0.8


def test_a_home_uses_no_water_while_nobody_is_there_but_for_leaks(town: Town, crowd: Crowd) -> None:
    rng = np.random.default_rng(1)
    use = draw_use(rng, town, crowd, draw_weather(rng, town.habits, town.calendar))
    is_empty = np.ones(use.water.shape, bool)
    np.logical_and.at(is_empty, crowd.dwelling, crowd.where == Where.AWAY)
    assert is_empty.any(), "every home is full every day"
    assert not use.persons[is_empty].any()
    leaks = (use.water > 0) & is_empty
    assert 0 < leaks.sum() < 0.1 * is_empty.sum()
    assert leaks.any(1).mean() < 0.1, "water runs in more homes than leaks"
    assert use.water[crowd.sleepers(len(town.homes))].mean() > 0.1


def test_many_homes_are_empty_at_the_spring_festival(town: Town, crowd: Crowd) -> None:
    let = _is_let(town).all(1)
    sleeps = crowd.sleepers(len(town.homes))[let]
    ordinary, festival = sleeps[:, 20:60].mean(), sleeps[:, FESTIVAL - 1 : FESTIVAL + 2].mean()
    assert ordinary > 0.9
    assert 0.3 < festival < 0.75


@pytest.mark.parametrize("by_resident", [True, False])
def test_who_looks_in_comes_while_the_home_is_empty(by_resident: bool) -> None:
    town, home = _couple()
    for actor in home.actors:
        go_away(actor.where, 20, 90)
    look_in(town, home, 23, 88, by_resident=by_resident, every=5)
    callers = [actor for actor in home.actors if actor.where[23:88].any()]
    assert len(callers) == 1
    assert (callers[0].member != NOBODY) == by_resident
    assert 5 <= np.count_nonzero(callers[0].where[23:88]) <= 35


@pytest.mark.parametrize("kind", sorted(LASTS.keys() - {"enrolment_fraud", "over_occupancy"}))
def test_who_sleeps_in_a_home_tells_what_the_violation_is(kind: str) -> None:
    town, home = _couple()
    violate(town, home, Violation(kind, 30, NEVER))
    sleeps = np.array([np.isin(actor.where[70:], SLEEPS_HERE).mean() for actor in home.actors])
    others_sleep = bool((sleeps[2:] > 0.02).any())
    assert others_sleep == (kind != "vacancy")
    assert (sleeps[:2].max() > 0.3) == (kind in ("sublet_part", "visitor_abuse"))

"""What a year brings to a household, laid over its weekly schedules: trips, festivals, hospital, seasons of work.

Reasons and lengths after the quantified honest absences of `detection.md` sections 2 and 3.
"""

from __future__ import annotations

import numpy as np

from simulators.city_by_schedules.absences import leave, stay_away
from simulators.city_by_schedules.arrays import HOUR_MIN, YEAR_DAYS, one_of
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.people import Household, Person, Presence
from simulators.city_by_schedules.town import Town

HOSPITAL = {"elder": 2.1, "bound": 2.5, "infant": 0.6, "school": 0.35, "teen": 0.3}  # 0.7 of others
LONG_ABSENCES = {
    "seasonal": 0.8,
    "single_old": 1.25,
    "old_couple": 1.35,
    "traveller": 1.3,
    "single_worker": 1.2,
    "family": 0.7,
    "three_gen": 0.5,
    "disabled": 1.1,
}  # 0.95 of others
REASONS = ("care", "work", "home_visit", "travel", "other", "hospital")
REASONS_OF_OLD = (0.3, 0.05, 0.3, 0.1, 0.1, 0.15)
REASONS_OF_OTHERS = (0.22, 0.38, 0.14, 0.08, 0.15, 0.03)
BEFORE = 120  # days before the history in which long absences may begin


def live_through(town: Town, household: Household, factor: float = 1.0) -> None:
    """Everything honest that happens to a household; `factor` is of trips and long absences."""
    mobility = town.life.mobility * household.mobility * factor
    for person in list(household.residents):
        _keep_own_rhythm(town, household, person)
        _fall_ill(town, household, person)
    _travel(town, household, mobility)
    _celebrate(town, household)
    _spend_summer(town, household)
    _stay_away_long(town, household, factor)
    if household.kind == "seasonal":
        _work_elsewhere(town, household)
    if town.chance(town.life.renovation):
        _renovate(town, household)


def _keep_own_rhythm(town: Town, household: Household, person: Person) -> None:
    """Travellers, weekenders, boarders and students."""
    rng, calendar = town.rng, town.calendar
    if household.traveller is person:
        day = rng.exponential(6)
        while day < town.days:
            nights = 1 + rng.poisson(3.0)
            leave(town, [person], day, day + nights)
            day += nights + 1 + rng.exponential(household.travels_every)
    if household.weekender is person:
        person.presence[(calendar.weekday < 4) & town.some_days(town.days, 0.93)] = Presence.AWAY
    if household.boarder is person:
        person.presence[(calendar.weekday < 4) & (calendar.schooling > 0)] = Presence.AWAY
    if household.student is person:
        person.presence[calendar.schooling > 0] = Presence.AWAY


def _fall_ill(town: Town, household: Household, person: Person) -> None:
    """In hospital; the old then often for weeks in care."""
    rng = town.rng
    for _ in range(rng.poisson(town.life.hospital * HOSPITAL.get(person.age, 0.7) * town.calendar.years)):
        begins = rng.uniform(-10, town.days)
        first, days = int(begins), int(np.clip(rng.lognormal(1.9, 0.75), 1, 120))
        stay_away(town, household, first, first + days, "hospital", who=[person])
        if person.age in ("elder", "bound") and town.chance(0.22):
            leaves_care = first + days + int(rng.uniform(15, 95))
            stay_away(town, household, first + days, leaves_care, "care", who=[person])


def _travel(town: Town, household: Household, mobility: float) -> None:
    """Trips together or alone, and those on public holidays."""
    rng, adults = town.rng, household.grown_up
    for _ in range(rng.poisson(1.9 * mobility * town.calendar.years)):
        first, days = int(rng.uniform(-3, town.days)), 1 + int(rng.gamma(1.3, 2.6))
        if town.chance(0.5) or not adults:
            stay_away(town, household, first, first + days, "travel")
        else:
            leave(town, [adults[int(rng.integers(len(adults)))]], first, first + days)
    for holiday in town.calendar.holidays:
        if town.chance(0.16 * mobility):
            first = holiday.first + int(rng.integers(-1, 2))
            stay_away(town, household, first, first + int(rng.integers(2, holiday.days + 2)), "travel")


def _celebrate(town: Town, household: Household) -> None:
    """Spring Festival: migrants go home for weeks, others for days."""
    rng, adults = town.rng, household.grown_up
    for festival in town.calendar.festivals:
        if household.is_migrant:
            if town.chance(town.life.festival_trips):
                first = festival - int(rng.gamma(2.2, 3.4)) - 1
                end = festival + 4 + int(rng.gamma(2.2, 4))
                if town.chance(0.78):
                    stay_away(town, household, first, end, "home_visit")
                elif adults:
                    leave(town, [adults[0]], first, end)
        elif town.chance(0.3):
            first = festival - int(rng.integers(0, 4))
            stay_away(town, household, first, festival + int(rng.integers(2, 9)), "home_visit")


def _spend_summer(town: Town, household: Household) -> None:
    """Children spend weeks elsewhere, with all the household, a parent, or none."""
    rng, children, adults = town.rng, household.children, household.grown_up
    if not children or not town.calendar.summers or not town.chance(town.life.summer_away):
        return
    first = town.calendar.summers[0] + int(rng.integers(0, 14))
    end = first + int(rng.uniform(15, 52))
    if town.chance(0.35):
        stay_away(town, household, first, end, "home_visit")
    else:
        with_them = adults[:1] if len(adults) > 1 and town.chance(0.4) else []
        leave(town, children + with_them, first, end)


def _stay_away_long(town: Town, household: Household, factor: float) -> None:
    """Absences of two weeks to eleven months, which any kind of household may have."""
    rng, residents = town.rng, household.residents
    share = town.life.long_absences * LONG_ABSENCES.get(household.kind, 0.95)
    for _ in range(rng.poisson(share * factor * (town.days + BEFORE) / YEAR_DAYS)):
        first = int(rng.uniform(-BEFORE, town.days))
        days = int(np.clip(rng.lognormal(np.log(42), 0.75), 13, 340))
        is_old = household.kind in ("single_old", "old_couple", "disabled")
        reason = one_of(rng, REASONS, REASONS_OF_OLD if is_old else REASONS_OF_OTHERS)
        who = None
        if len(residents) > 2 and town.chance(0.35):
            who = residents[:-1] if town.chance(0.5) else residents[1:]
        if town.chance(0.24 if reason in ("care", "work") else 0.12):
            leave_by_degrees(town, residents, first)
        stay_away(town, household, first, first + days, reason, who=who)


def leave_by_degrees(town: Town, people: list[Person], day: int) -> None:
    """In the weeks before the day on which they leave they are there every other day only."""
    before = town.calendar.span(day - int(town.rng.integers(15, 45)), day)
    gone = town.some_days(length(before), 0.5)
    for person in people:
        person.presence[before][gone] = Presence.AWAY


def _work_elsewhere(town: Town, household: Household) -> None:
    """Seasons of work, mostly with the whole household."""
    rng = town.rng
    for _ in range(int(rng.integers(1, 3))):
        first = int(rng.uniform(-60, town.days - 5))
        days = int(rng.uniform(30, 200) if town.chance(0.5) else rng.uniform(25, 90))
        who = None
        if town.chance(0.25):
            who = [person for person in household.residents if person.age in ("worker", "service")]
        stay_away(town, household, first, first + days, "work", who=who)


def _renovate(town: Town, household: Household) -> None:
    """The household is away while a fitter works."""
    rng = town.rng
    first = int(rng.uniform(0, town.days))
    days = int(rng.uniform(15, 60))
    stay_away(town, household, first, first + days, "renovation")
    calls_at = rng.uniform(8, 10) * HOUR_MIN
    calls_for = rng.uniform(300, 540)
    fitter = town.add_stranger(
        household.dwelling, "fitter", "worker", calls_at=calls_at, calls_for=calls_for, water_by_day=0.3
    )
    span = town.calendar.span(first + 2, first + days - 1)
    fitter.presence[span][town.some_days(length(span), 0.7)] = Presence.BY_DAY

"""When people leave and come back, from where they slept: work, school, short trips, departures, returns, visits by day.

About 2-2.5 passes a person and day (law_and_practice.md section 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.calendar import WARM_UP, Calendar
from simulators.city_by_states.model import BY_DAY, SLEPT, Presence, Town
from simulators.city_by_states.people import AT_SCHOOL, WORKS_BY_DAY, WORKS_BY_NIGHT, WORKS_IN_TURNS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OUT, IN = 0, 1


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of a town as arrays, one entry a person."""

    presence: Presence  # (people, days drawn)
    dwelling: Ints
    estate: Ints
    block: Ints
    pattern: Ints
    trips_workday: Floats
    trips_free: Floats
    workdays: Flags  # (people, 7)
    tailing: Floats
    leaves_at: Floats
    hours_out: Floats
    by_car: Flags
    usual_gate: Floats
    pass_days: Ints
    visit_hour: Floats  # NaN without a usual one
    visit_hours: Floats


def make_crowd(town: Town) -> Crowd:
    """The people of `town`."""
    people = town.people
    dwelling = np.array([person.dwelling for person in people])
    visits = np.array([person.visits or (np.nan, np.nan) for person in people])
    return Crowd(
        presence=np.array(town.presence),
        dwelling=dwelling,
        estate=town.layout.dwelling_estate[dwelling],
        block=town.layout.dwelling_block[dwelling],
        pattern=np.array([person.pattern for person in people]),
        trips_workday=np.array([person.trips_workday for person in people]),
        trips_free=np.array([person.trips_free for person in people]),
        workdays=np.array([person.workdays for person in people]),
        tailing=np.array([person.tailing for person in people]),
        leaves_at=np.array([person.leaves_at for person in people]),
        hours_out=np.array([person.hours_out for person in people]),
        by_car=np.array([person.by_car for person in people]),
        usual_gate=np.array([person.usual_gate for person in people]),
        pass_days=np.array([person.pass_days for person in people]),
        visit_hour=visits[:, 0],
        visit_hours=visits[:, 1],
    )


class Walk(NamedTuple):
    """People who go one way; arrays of one entry a walk."""

    person: Ints
    day: Ints  # of those drawn
    hour: Floats
    way: int


@dataclass(frozen=True, slots=True)
class Walks:
    """Walks of both ways, one entry each."""

    person: Ints
    second: Floats  # of the history
    inward: Flags


def walks(rng: Generator, crowd: Crowd, calendar: Calendar, weather: Floats, first: int, end: int) -> Walks:
    """All walks that begin on days [first, end). `weather` (days drawn,) is a factor of short trips."""
    today = crowd.presence[:, first:end]
    before = crowd.presence[:, first - 1 : end - 1]
    person, offset = np.nonzero(today == SLEPT)
    day = offset + first
    came_today = crowd.presence[person, day - 1] != SLEPT
    found = _short_trips(rng, crowd, calendar, weather, person, day, came_today)
    found += _workdays(rng, crowd, calendar, person, day, came_today)
    gone, offset = np.nonzero((today == 0) & (before == SLEPT))
    found.append(Walk(gone, offset + first, np.clip(rng.normal(10, 3.2, len(gone)), 4.5, 22), OUT))
    back, offset = np.nonzero((today == SLEPT) & (before != SLEPT))
    found.append(Walk(back, offset + first, np.clip(rng.normal(17, 3.4, len(back)), 6, 23.7), IN))
    caller, offset = np.nonzero(today == BY_DAY)
    found += _visits(rng, crowd, caller, offset + first)
    at = [(walk.day - WARM_UP) * 86400.0 + walk.hour * 3600 for walk in found]
    second = np.concatenate(at)
    second += rng.uniform(0, 60, len(second))
    inward = np.concatenate([np.full(len(walk.person), walk.way == IN) for walk in found])
    return Walks(np.concatenate([walk.person for walk in found]), second, inward)


def _short_trips(
    rng: Generator, crowd: Crowd, calendar: Calendar, weather: Floats, person: Ints, day: Ints, came_today: Flags
) -> list[Walk]:
    """Shops, walks, the evening square; half in the morning, half after five."""
    usual = np.where(calendar.free[day], crowd.trips_free[person], crowd.trips_workday[person])
    mean = usual * weather[day]
    mean[came_today] *= 0.4
    trips = rng.poisson(mean)
    who, on = np.repeat(person, trips), np.repeat(day, trips)
    count = len(who)
    is_morning = rng.random(count) < 0.5
    morning = rng.normal(9.8, 2, count)
    evening = rng.normal(17.4, 2.1, count)
    hour = np.clip(np.where(is_morning, morning, evening), 5.2, 21.8)
    by_night = crowd.pattern[who] == WORKS_BY_NIGHT
    hour[by_night] = np.clip(hour[by_night] + 3, 10, 19)
    length = np.clip(rng.lognormal(-0.2, 0.8, count), 0.1, 6)
    midnight = 23.8 + rng.random(count) * 0.15
    return [Walk(who, on, hour, OUT), Walk(who, on, np.minimum(hour + length, midnight), IN)]


def _workdays(
    rng: Generator, crowd: Crowd, calendar: Calendar, person: Ints, day: Ints, came_today: Flags
) -> list[Walk]:
    """To work or school and back; who works by night comes back the next day, if still here."""
    usual = crowd.workdays[person, calendar.weekday[day]]
    in_spite = rng.random(len(person)) < 0.15
    pattern = crowd.pattern[person]
    no_school = (pattern == AT_SCHOOL) & ~calendar.school[day]
    works = usual & (~calendar.holiday[day] | in_spite) & (pattern >= WORKS_BY_DAY) & ~came_today & ~no_school
    works &= rng.random(len(person)) < 0.96
    who, on, pattern = person[works], day[works], pattern[works]
    count = len(who)
    turn = (on // 7 + who) % 3 == 0
    by_night = (pattern == WORKS_BY_NIGHT) | ((pattern == WORKS_IN_TURNS) & turn)
    usual_hour = crowd.leaves_at[who]
    leaves = np.where(by_night, 20.2 + (usual_hour - 7.8), usual_hour) + rng.normal(0, 0.35, count)
    leaves = np.where(pattern == AT_SCHOOL, rng.normal(7.2, 0.2, count), leaves)
    at_school = rng.normal(9.6, 0.8, count)
    at_work = crowd.hours_out[who] + rng.normal(0, 0.8, count)
    is_late = rng.random(count) < 0.12
    late = np.where(is_late, rng.exponential(1.6, count), 0)
    hours = np.maximum(1, np.where(pattern == AT_SCHOOL, at_school, at_work + late))
    back = leaves + hours
    back = np.where(by_night, back, np.minimum(back, 24.5))
    next_day = np.minimum(on + (back >= 24), calendar.total - 1)
    here = crowd.presence[who, next_day] == SLEPT
    return [Walk(who, on, leaves, OUT), Walk(who[here], on[here], back[here], IN)]


def _visits(rng: Generator, crowd: Crowd, caller: Ints, day: Ints) -> list[Walk]:
    """People who come by day and leave on the same day; some have their hours."""
    count = len(caller)
    usual_hour, usual_hours = crowd.visit_hour[caller], crowd.visit_hours[caller]
    any_hour = np.clip(rng.normal(14.3, 3.3, count), 7, 20.5)
    near_hour = usual_hour + rng.normal(0, 0.4, count)
    comes = np.where(np.isnan(usual_hour), any_hour, near_hour)
    any_hours = np.clip(rng.lognormal(0.3, 0.8, count), 0.2, 7)
    near_hours = usual_hours * rng.lognormal(0, 0.25, count)
    hours = np.where(np.isnan(usual_hours), any_hours, near_hours)
    return [Walk(caller, day, comes, IN), Walk(caller, day, np.minimum(comes + hours, 23.5), OUT)]

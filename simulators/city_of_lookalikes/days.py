"""Who is where on each day, and when each leaves and comes back: arrays over all actors.

How often people go out lies around `law_and_practice.md` section 5.3 (2-3.5 events at the gate a person and day, 94 %
go out on a day); hours are assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_of_lookalikes.dice import DAY_S, HOUR_S, Bools, Bytes, Floats, Ints
from simulators.city_of_lookalikes.people import Rhythm, Town

MOST_TRIPS = 7  # a person and day
REGULAR = (
    (Rhythm.WORKER, 7.7, 0.45, 10.4, 1.3),
    (Rhythm.NIGHT, 20.6, 0.6, 10.3, 1.1),
    (Rhythm.COURIER, 8.5, 1.4, 8.5, 3.0),
    (Rhythm.STUDENT, 7.1, 0.25, 9.2, 0.9),
)
"""(rhythm, hour of leaving and its spread, hours away and their spread) of regular days."""


@dataclass(frozen=True, slots=True)
class Days:
    """Of all actors and days of the history."""

    home: Ints  # (actors,)
    present: Bools  # (actors, days)
    visits: Bytes  # (actors, days)
    residents: Ints  # (homes, days) people who live there, without staff


@dataclass(frozen=True, slots=True)
class Trips:
    """(trips,) each; an actor away from home and back, or a caller's visit (in, then out)."""

    actor: Ints
    out_at: Floats  # seconds of the history; the next days too
    in_at: Floats


def live_days(town: Town) -> Days:
    """Gathers what the households were given."""
    present = np.array([actor.present for actor in town.actors])
    visits = np.array([actor.visits for actor in town.actors])
    home = np.array([actor.home for actor in town.actors], int)
    for household in town.households:  # before they move in nobody is there, whoever else was drawn for the home
        numbers = [actor.number for actor in household.actors]
        present[numbers, : max(0, household.moved_in)] = False
    visits[present] = 0
    is_staff = np.array([actor.is_staff for actor in town.actors])
    residents = np.zeros((len(town.households), town.calendar.days), np.int64)
    np.add.at(residents, home, (present & ~is_staff[:, None]).astype(np.int64))
    return Days(home, present, visits, residents)


def draw_trips(town: Town, days: Days) -> Trips:
    """All ways out of and into homes."""
    rng, actors = town.dice.rng, town.actors
    rhythm = np.array([actor.rhythm for actor in actors], int)
    regular = _regular_days(town, rhythm)
    counts = _trips_a_day(town, days, regular)
    who, day = np.nonzero(counts)
    repeats = counts[who, day].astype(int)
    actor, on = np.repeat(who, repeats), np.repeat(day, repeats)
    nth = np.arange(len(actor)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    total = len(actor)

    def around(mean: float, spread: float) -> Floats:
        return rng.normal(mean, spread, total)

    is_visit = days.visits[actor, on] > 0
    kind = np.where(is_visit, Rhythm.CALLER, rhythm[actor])
    is_regular = regular[actor, on] & (nth == 0)
    out_hour = np.where(rng.random(total) < 0.4, around(9, 1.6), around(15.8, 2.6))
    hours = 0.25 + rng.exponential(1.3, total)
    own_shift = rng.normal(0, 0.7, len(actors))[actor]
    for one, leaves, leaves_spread, away, away_spread in REGULAR:
        meant = is_regular & (kind == one)
        out_hour = np.where(meant, around(leaves, leaves_spread) + own_shift, out_hour)
        hours = np.where(meant, np.maximum(1, around(away, away_spread)), hours)
    meant = (kind == Rhythm.NIGHT) & ~is_regular
    out_hour = np.where(meant, around(17, 2), out_hour)
    meant = (kind == Rhythm.COURIER) & ~is_regular
    out_hour = np.where(meant, around(16, 3), out_hour)
    hours = np.where(meant, 1 + rng.exponential(3, total), hours)

    is_carer = np.array([one.role == "carer" for one in actors])[actor]
    visit_hours = np.array([one.visit_hours for one in actors], float)[actor]
    comes = np.where(is_carer, around(8.8, 0.9) + own_shift, around(14.5, 3.6))
    stays = visit_hours * rng.lognormal(0, 0.4, total) + 0.1
    goes = np.where(is_visit, comes + stays, out_hour)
    returns = np.where(is_visit, comes, out_hour + hours)
    goes = np.where(is_visit, np.clip(goes, 0.3, 23.9), np.clip(goes, 4.5, 23.5))
    returns = np.where(is_visit, np.clip(returns, 0.2, 23.8), returns)
    return Trips(actor, _seconds(on, goes), _seconds(on, returns))


def _seconds(day: Ints, hour: Floats) -> Floats:
    seconds: Floats = day * DAY_S + np.clip(hour, 0.1, 46) * HOUR_S
    return seconds


def _regular_days(town: Town, rhythm: Ints) -> Bools:
    """(actors, days) does he go to work or school."""
    rng, calendar = town.dice.rng, town.calendar
    shape = (len(rhythm), calendar.days)
    is_student = (rhythm == Rhythm.STUDENT)[:, None]
    school_day = (calendar.weekday < 5) & ~calendar.school_holiday
    duty_day = np.where(is_student, school_day[None, :], calendar.workday[None, :])
    has_duty = np.isin(rhythm, [Rhythm.WORKER, Rhythm.NIGHT, Rhythm.STUDENT])[:, None]
    couriers_day = (rhythm == Rhythm.COURIER)[:, None] & (rng.random(shape) < 0.88)
    regular: Bools = (has_duty & duty_day) | couriers_day
    regular &= rng.random(shape) < 0.94
    return regular


def _trips_a_day(town: Town, days: Days, regular: Bools) -> Ints:
    """(actors, days)"""
    actors = town.actors
    errands = np.array([actor.errands for actor in actors], float)
    seen = np.array([actor.seen for actor in actors], float)
    leisure = np.where(town.calendar.workday, 1.0, 1.35)
    mean = 1.2 * errands[:, None] * (town.weather.goes_out * leisure)[None, :]
    own = np.where(days.present, regular + town.dice.rng.poisson(mean), 0)
    counts: Ints = np.minimum(own + days.visits, MOST_TRIPS)
    counts[seen <= 0] = 0
    return counts

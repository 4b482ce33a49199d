"""Absences of whole households: when and why they go, who looks in meanwhile, and what they tell the estate office.

Honest absences and vacancies go through the same code, so that nothing but their length, their company and what is told can give
them away (detection.md section 3: the leak of an earlier simulator was that only violators' homes were looked after).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.city_by_states.model import AWAY, BY_DAY, SLEPT, Declared, Planned, Quiet, Town, one_of, skewed_days
from simulators.city_by_states.people import add_person

OLD = ("lone_elderly", "old_couple")
OUTINGS = {"lone_elderly": 1.5, "old_couple": 1.5, "three_gen": 0.7}
"""Weekends away a year; all others by the world's rate."""

LEAVING = {"lone_elderly": 0.45, "old_couple": 0.4, "three_gen": 0.35, "night": 0.9}
"""Factor of leaving at the holidays."""

LONG_A_YEAR = {
    "lone_elderly": 0.19,
    "old_couple": 0.12,
    "family": 0.06,
    "single_parent": 0.08,
    "young_single": 0.22,
    "young_couple": 0.15,
    "night": 0.13,
    "traveller": 0.2,
    "seasonal": 0.1,
    "three_gen": 0.015,
}
"""Long absences a year; about one home in nine has one of 30 days and more (detection.md section 2.1)."""

LONG_REASONS = ("hospital", "care", "home_visit", "work", "travel", "other", "renovation")
REASONS_OF_THE_OLD = (0.25, 0.3, 0.25, 0.02, 0.06, 0.08, 0.04)
REASONS_OF_OTHERS = (0.03, 0.17, 0.2, 0.4, 0.06, 0.1, 0.04)


def long_length(town: Town, *, seasonal: bool = False) -> int:
    """Days of a long honest absence; one in eight lasts beyond 150 days, as a vacancy does."""
    rng = town.rng
    if seasonal:
        return skewed_days(rng, 70, 0.5, 30, 205)
    if rng.random() < 0.13:
        return int(rng.integers(152, 256))
    return skewed_days(rng, 33, 0.55, 16, 200)


def planned_absences(town: Town, kind: str, size: int) -> list[Planned]:
    """All honest absences of a household of `size`, by time; they may overlap."""
    planned: list[Planned] = []
    _holidays(town, kind, planned)
    _any_time(town, kind, size, planned)
    if kind == "seasonal":
        _seasons(town, planned)
    return sorted(planned)


def _plan(planned: list[Planned], first: float, length: float, reason: str, cause: str) -> None:
    planned.append(Planned(int(first), int(first + length), reason, cause))


def _holidays(town: Town, kind: str, planned: list[Planned]) -> None:
    rng, calendar, world = town.rng, town.calendar, town.world
    leaving = LEAVING.get(kind, 1)
    for _ in range(rng.poisson(OUTINGS.get(kind, world.weekend_rate * 1.2) * (calendar.total / 365))):
        friday = int(rng.choice(np.flatnonzero(calendar.weekday == 4)))
        first = friday + int(rng.integers(0, 2))
        _plan(planned, first, int(np.clip(rng.geometric(0.5), 1, 6)), "travel", "short")
    for festival in calendar.spring_festivals:
        if rng.random() < world.spring_festival_away * leaving:
            length = skewed_days(rng, 9.5, 0.5, 2, 48)
            before = int(rng.integers(1, max(2, int(length * 0.6) + 2)))
            _plan(planned, festival - before, length, "home_visit", "cny")
    for day in calendar.each(10, 1):
        if rng.random() < 0.22 * leaving:
            _plan(planned, day, int(rng.integers(2, 8)), "travel", "short")
    if kind in ("family", "single_parent"):
        for day in calendar.each(7, 10):
            if rng.random() < world.summer_away:
                first = day + int(rng.integers(-5, 16))
                _plan(planned, first, skewed_days(rng, 19, 0.45, 7, 52), "home_visit", "summer")


def _any_time(town: Town, kind: str, size: int, planned: list[Planned]) -> None:
    rng, world, total = town.rng, town.world, town.calendar.total
    years = total / 365
    for _ in range(rng.poisson(world.medium_rate * years * (0.4 if kind == "three_gen" else 1))):
        first = int(rng.integers(0, total))
        length = skewed_days(rng, 9, 0.5, 4, 40)
        reason = one_of(rng, ("travel", "home_visit", "hospital" if size == 1 else "travel", "other"))
        _plan(planned, first, length, reason, "medium")
    for _ in range(rng.poisson(LONG_A_YEAR[kind] * 0.76 * world.long_rate * years)):
        reason = one_of(rng, LONG_REASONS, REASONS_OF_THE_OLD if kind in OLD else REASONS_OF_OTHERS)
        length = long_length(town)
        first = int(rng.integers(-length // 2, total))
        _plan(planned, first, min(length, 60) if reason == "renovation" else length, reason, "long")


def _seasons(town: Town, planned: list[Planned]) -> None:
    """Seasonal workers go at about the same time every year, some twice."""
    rng, total = town.rng, town.calendar.total
    season = int(rng.integers(0, 365)) - 365
    while season < total:
        if rng.random() < 0.8:
            first = season + rng.normal(0, 15)
            _plan(planned, first, long_length(town, seasonal=True), "work", "seasonal")
        if rng.random() < 0.12:
            first = season + 180 + rng.normal(0, 15)
            _plan(planned, first, int(long_length(town, seasonal=True) * 0.6), "work", "seasonal")
        season += 365


def leave_home(
    town: Town,
    dwelling: int,
    members: Sequence[int],
    absence: Planned,
    *,
    honest: bool,
    looked_after: float,
    claimed: int = 0,
) -> None:
    """The members are away on the days of `absence`; someone looks in with P `looked_after`.

    `claimed` is the length they would tell, 0 the true one.
    """
    rng, world, total = town.rng, town.world, town.calendar.total
    first, end = max(0, absence.first), min(total, absence.end)
    if end <= first:
        return
    for person in members:
        town.presence[person][first:end] = AWAY
    length = absence.end - absence.first
    if length >= 14 and rng.random() < 0.2:  # one stays longer, or nights thin out at first
        stage = min(length // 2, int(rng.integers(4, 22)))
        last_to_go = int(rng.choice(members))
        thinning = town.presence[last_to_go][first : min(total, max(0, absence.first + stage))]
        chances = rng.random(len(thinning))
        thinning[:] = (chances < rng.uniform(0.3, 0.9)).astype(np.uint8)
    if length >= 9:
        look_in(town, dwelling, first, end, looked_after, members)
        if rng.random() < world.fridge_off:
            town.quiet.append(Quiet(dwelling, first, end, rng.uniform(0.1, 1), rng.random() < 0.4))
    told = claimed or length
    if length >= 10:
        likely = world.declared * min(1, 0.35 + told / 70)
        if rng.random() < likely * (1 if honest else world.violators_declare):
            declare(town, dwelling, absence.first, told, absence.reason, length)


def look_in(town: Town, dwelling: int, first: int, end: int, likely: float, members: Sequence[int]) -> None:
    """With P `likely` a member or a relative comes now and then while the home is empty, some for a night."""
    rng, total = town.rng, town.calendar.total
    if end - first < 9 or not members or rng.random() > likely:
        return
    callers = list(members)
    if rng.random() < 0.18:
        never = np.full(total, AWAY, np.uint8)
        callers = [add_person(town, dwelling, "relative", never, profile="relative")]
    apart = float(np.clip(rng.lognormal(np.log(13), 0.6), 4, 45))  # mean days between visits
    time = first + 1 + rng.exponential(apart)
    stays_a_night = rng.choice([0, 0.15, 0.5], p=[0.45, 0.35, 0.2])
    while time < end - 1:
        day = int(time)
        presence = town.presence[int(rng.choice(callers))]
        if 0 <= day < total:
            if rng.random() < stays_a_night:
                presence[day : min(end, day + int(rng.integers(1, 3)))] = SLEPT
            else:
                presence[day] = BY_DAY
        time += 1 + rng.exponential(apart)


def declare(town: Town, dwelling: int, first: int, claimed: int, reason: str, length: int) -> None:
    """The household tells of an absence from `first` of `length` days as of one of about `claimed` days.

    Some tell late, some without an end, some of a later end when the first has passed.
    """
    rng = town.rng
    told_day = first + rng.normal(-1, 9)
    told_on = int(np.clip(told_day, first - 25, first + min(40, max(1, length - 1))))
    end: int | None = None
    if rng.random() < 0.72:
        end = first + max(3, int(claimed + rng.normal(0, 4 + claimed * 0.12)))
    told_first = first + int(rng.integers(-2, 3))
    if end is not None and end <= told_on:
        end = told_on + int(rng.integers(2, 15))
    if rng.random() < 0.08:
        reason = "other"
    town.declared.append(Declared(dwelling, told_first, end, reason, told_on))
    if end is not None and first + length > end + 5 and rng.random() < 0.4:
        later = end + int(rng.integers(10, 60))
        town.declared.append(Declared(dwelling, end, later, reason, end + int(rng.integers(-3, 10))))

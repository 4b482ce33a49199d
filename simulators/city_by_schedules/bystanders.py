"""Staff, couriers and callers: passes of who lives nowhere here."""

from __future__ import annotations

import numpy as np

from simulators.city_by_schedules.access_points import AccessPoint, Doors
from simulators.city_by_schedules.arrays import DAY_MIN, NOBODY, Numbers
from simulators.city_by_schedules.faults import Faults, State
from simulators.city_by_schedules.legs import Crowd
from simulators.city_by_schedules.passes import Credential, Direction, Passes, joined
from simulators.city_by_schedules.people import Kind
from simulators.city_by_schedules.town import Town

STAFF_OF_ESTATE = 9
STAFF_NUMBERS = 50  # an estate
KEEPER = 3  # of the staff: has the keys of vacant homes
CALLS = 100_000  # numbers of calls at one dwelling
CALL_AT = 15 * 60  # mean
PASSES_UNSEEN = 0.85  # of those at a door that is propped open


def bystanders(town: Town, doors: Doors, faults: Faults, crowd: Crowd) -> Passes:
    """All that devices noticed of them."""
    parts = [*_staff(town, doors), *_callers(town, doors, crowd), *_keepers(town, doors)]
    passes = joined(parts)
    state = faults.true[passes.point, faults.hour(passes.minute)]
    unseen = town.rng.random(len(passes)) < PASSES_UNSEEN
    is_off = (state == State.DOWN) | (state == State.NONE)
    return passes.take(~is_off & ~((state == State.PROPPED) & unseen))


def _staff(town: Town, doors: Doors) -> list[Passes]:
    """At gates and blocks."""
    rng, days = town.rng, town.days
    parts = []
    for number, point in enumerate(doors.points):
        if point.is_lock:
            continue
        a_day = rng.uniform(0.5, 4) if point.scope == "estate" else rng.uniform(0.1, 0.9)
        day = np.repeat(np.arange(days), rng.poisson(a_day, days))
        minute = day * DAY_MIN + rng.uniform(360, 1140, len(day))
        who = rng.integers(0, STAFF_OF_ESTATE, len(day))
        credential = Credential.STAFF + point.estate * STAFF_NUMBERS + who
        parts.append(_passes(minute, number, Kind.STAFF, credential, NOBODY, _direction(point)))
    return parts


def _callers(town: Town, doors: Doors, crowd: Crowd) -> list[Passes]:
    """Couriers and guests as visitors, at homes where somebody is."""
    rng, days, places = town.rng, town.days, town.places
    at_home = np.zeros((places.dwellings, days), np.int16)
    np.add.at(at_home, crowd.dwelling, crowd.lives)
    rates = town.record.parcels * rng.lognormal(0, 0.8, places.dwellings)
    parts = []
    for dwelling in range(places.dwellings):
        estate = int(places.estate_of[dwelling])
        ways = doors.block_doors.get(int(places.block_of[dwelling])) or doors.gates[estate]
        if not ways:
            continue
        rate = np.where(at_home[dwelling] > 0, rates[dwelling], rates[dwelling] * 0.02)
        counts = rng.poisson(rate * 0.5 * places.estates[estate].registers_visitors)
        day = np.repeat(np.arange(days), counts)
        if len(day) == 0:
            continue
        minute = day * DAY_MIN + np.clip(rng.normal(CALL_AT, 200, len(day)), 480, 1330)
        credential = Credential.CALLERS + dwelling * CALLS + np.arange(len(day))
        direction = _direction(doors.points[ways[0]])
        parts.append(_passes(minute, ways[0], Kind.VISITOR, credential, dwelling, direction))
    return parts


def _keepers(town: Town, doors: Doors) -> list[Passes]:
    """Staff at the locks of vacant homes."""
    parts = []
    for person in town.people:
        if person.role != "staff" or person.dwelling not in doors.locks:
            continue
        day = np.flatnonzero(person.presence)
        minute = day * DAY_MIN + town.rng.uniform(540, 1000, len(day))
        estate = int(town.places.estate_of[person.dwelling])
        credential = np.full(len(day), Credential.STAFF + estate * STAFF_NUMBERS + KEEPER)
        lock = doors.locks[person.dwelling]
        parts.append(_passes(minute, lock, Kind.STAFF, credential, person.dwelling, Direction.IN))
    return parts


def _direction(point: AccessPoint) -> Direction:
    return Direction.IN if point.knows_direction else Direction.UNKNOWN


def _passes(
    minute: Numbers, point: int, kind: Kind, credential: Numbers, dwelling: int, direction: Direction
) -> Passes:
    """Granted passes of nobody on record."""
    count = len(minute)
    return Passes(
        minute=minute,
        point=np.full(count, point),
        member=np.full(count, NOBODY),
        credential=credential,
        kind=np.full(count, int(kind)),
        dwelling=np.full(count, dwelling),
        granted=np.ones(count, np.int8),
        direction=np.full(count, int(direction)),
    )

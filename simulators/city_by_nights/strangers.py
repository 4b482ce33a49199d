"""Who passes an estate's doors without living there: one-off guests and couriers, staff, strangers' faces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.credentials import guests_passes, staff_cards
from simulators.city_by_nights.dice import DAY_S, HOUR_S, NOBODY, Floats, Ints
from simulators.city_by_nights.estates import FACE_DOOR, Estate
from simulators.city_by_nights.passes import Direction, Kind, Passes, passes_of
from simulators.city_by_nights.scene import Scene

CARDS_OF_STAFF = 12
GUEST_AT_GATE, GUEST_AT_BLOCK = 0.8, 0.4  # P that the pass is shown
GATE_TO_BLOCK_S = 150


class GuestDoor(NamedTuple):
    """How guests pass a gate, or a block's door."""

    shown: float  # P that the pass is shown
    delay: int  # seconds after the gate
    tells_direction: bool


def strangers_passes(scene: Scene, estate: Estate) -> list[Passes]:
    """All of one estate, in no order of time. The order of the draws is part of what a seed means."""
    return [*_guests(scene, estate), *_staff_and_faces(scene, estate)]


def _guests(scene: Scene, estate: Estate) -> list[Passes]:
    """With a pass of their own for a household, at the gate and at the block's door."""
    town, doors, rng = scene.town, scene.doors, scene.town.rng
    homes = np.flatnonzero((town.places.estate_of == estate.number) & ~town.leases.recorded_vacant)
    visits = rng.poisson(_guest_rate(scene, homes))
    place, day = np.nonzero(visits)
    times = visits[place, day]
    home, day = homes[np.repeat(place, times)], np.repeat(day, times)
    count = len(home)
    second = (day * DAY_S + np.clip(rng.normal(14.5, 3.4, count), 7, 22.5) * HOUR_S).astype(np.int64)
    parts = []
    if gates := doors.gates[estate.number]:
        door = GuestDoor(GUEST_AT_GATE, 0, estate.gate_direction)
        parts.append(_show_guests_pass(scene, estate, home, second, rng.choice(gates, count), door))
    door = GuestDoor(GUEST_AT_BLOCK, GATE_TO_BLOCK_S, estate.block_direction)
    block_door = doors.block_door[town.places.block_of[home]]
    parts.append(_show_guests_pass(scene, estate, home, second, block_door, door))
    return parts


def _guest_rate(scene: Scene, homes: Ints) -> Floats:
    """(homes, days) guests a day; most come while somebody is there."""
    town, world, leases = scene.town, scene.town.world, scene.town.leases
    own = scene.crowd.own_nights[homes]
    is_lived_in = own[:, :-1] | own[:, 1:]
    rate = world.guests * np.exp(town.rng.normal(-0.3, 0.8, len(homes)))
    day = np.arange(town.days)[None]
    is_let = (day >= leases.let_from[homes][:, None]) & (day < leases.let_to[homes][:, None])
    by_day = np.where(town.calendar.is_off, 1.5, 0.8)[None]
    guests: Floats = rate[:, None] * np.where(is_lived_in, 1.0, world.couriers) * by_day * is_let
    return guests


def _show_guests_pass(scene: Scene, estate: Estate, home: Ints, second: Ints, point: Ints, door: GuestDoor) -> Passes:
    """A guest has one pass for all doors."""
    rng, faults, hour = scene.town.rng, scene.faults, second // HOUR_S
    shown = (point != NOBODY) & (rng.random(len(home)) < door.shown)
    shown &= rng.random(len(home)) < faults.records[point, hour]
    at = second[shown] + door.delay + faults.shift[point[shown], hour[shown]]
    named = rng.random(shown.sum()) < estate.visitor_named
    as_visitor = rng.random(shown.sum()) < estate.visitor_words
    return passes_of(
        at,
        point[shown],
        kind=np.where(as_visitor, int(Kind.VISITOR), int(Kind.QR)),
        credential=guests_passes(estate.number, np.flatnonzero(shown)),
        home=np.where(named, home[shown], NOBODY),
        direction=Direction.IN if door.tells_direction else Direction.UNKNOWN,
    )


def _staff_and_faces(scene: Scene, estate: Estate) -> list[Passes]:
    town, doors, issued, rng = scene.town, scene.doors, scene.issued, scene.town.rng
    tells = estate.gate_direction and estate.block_direction
    inward = Direction.IN if tells else Direction.UNKNOWN
    shared = [number for number in range(doors.shared) if doors.points[number].estate == estate.number]
    with_face = [number for number in shared if doors.points[number].checks == FACE_DOOR]

    second, point = _at_any_time(scene, estate.staff, shared)
    card = staff_cards(estate.number, rng.integers(0, CARDS_OF_STAFF, len(second)))
    says = rng.integers(0, 2, len(second)) if tells else int(Direction.UNKNOWN)
    parts = [passes_of(second, point, kind=Kind.STAFF, credential=card, direction=says)]

    second, point = _at_any_time(scene, estate.stranger_faces, with_face)
    parts.append(passes_of(second, point, kind=Kind.FACE, granted=0, direction=inward))

    second, point = _at_any_time(scene, estate.false_accepts, with_face)
    faces = np.flatnonzero(issued.member_has_face & (town.places.estate_of[issued.member_home] == estate.number))
    if len(second) and len(faces):
        taken_for = rng.choice(faces, len(second))
        enrolled = issued.member_since[taken_for] <= second // DAY_S
        second, point, taken_for = second[enrolled], point[enrolled], taken_for[enrolled]
        home = issued.member_home[taken_for]
        parts.append(passes_of(second, point, kind=Kind.FACE, member=taken_for, home=home, direction=inward))
    return parts


def _at_any_time(scene: Scene, a_day: float, points: list[int]) -> tuple[Ints, Ints]:
    """Seconds and access points of passes by day that happen to be recorded."""
    rng, days = scene.town.rng, scene.town.days
    count = rng.poisson(a_day * days)
    if not count or not points:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    point = rng.choice(points, count)
    day = rng.integers(0, days, count)
    second = (day * DAY_S + np.clip(rng.normal(13.5, 4, count), 0.5, 23.5) * HOUR_S).astype(np.int64)
    recorded = rng.random(count) < scene.faults.records[point, second // HOUR_S]
    return second[recorded], point[recorded]

"""What the doors write down of those who walk: which doors lie on the way, what is recorded, in whose name."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states import credentials as shown
from simulators.city_by_states.calendar import WARM_UP
from simulators.city_by_states.credentials import Credentials
from simulators.city_by_states.faults import CLOCK, DOWN, PROPPED, DoorHours
from simulators.city_by_states.layout import BLOCK_DOOR, DWELLING_LOCK, GATE, Layout
from simulators.city_by_states.model import Town
from simulators.city_by_states.movement import Crowd, Walks, walks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY_S = 86_400
CHUNK_DAYS = 30  # walked at a time, to keep memory low
SEEN_AT_PROPPED = 0.22  # factor of what a door that stands open still records

KINDS = ("face", "card", "pin", "qr", "visitor", "staff")
FACE, CARD, PIN, QR, VISITOR, STAFF = range(6)
KIND_OF = np.array([FACE, FACE, FACE, CARD, PIN, QR, VISITOR, FACE, CARD, STAFF])  # by outcome

DIRECTIONS = ("unknown", "in", "out")
UNKNOWN, IN, OUT = range(3)

# Credentials by number: below the first of these a card of this person, then each with its number added.
HOUSEHOLD_CARD = 10**9  # of this dwelling
HOUSEHOLD_PIN = 2 * 10**9  # of this dwelling
PHONE_CODE = 3 * 10**9  # of this person
STAFF_CARD = 4 * 10**9  # of this estate, ten each
VISITOR_PASS = 10**10  # of this person and spell of days, a thousand each
DELIVERY_PASS = 2 * 10**10


@dataclass(frozen=True, slots=True)
class Passes:
    """Recorded passes, one entry each; -1 is unknown."""

    second: Floats  # of the history
    clock_wrong: Flags  # of the door, then
    point: Ints
    person: Ints
    credential: Ints
    kind: Ints  # index into KINDS
    dwelling: Ints  # whose household
    granted: Ints
    direction: Ints  # index into DIRECTIONS

    def take(self, which: Ints) -> Self:
        """Those at these indices."""
        return type(self)(
            second=self.second[which],
            clock_wrong=self.clock_wrong[which],
            point=self.point[which],
            person=self.person[which],
            credential=self.credential[which],
            kind=self.kind[which],
            dwelling=self.dwelling[which],
            granted=self.granted[which],
            direction=self.direction[which],
        )


@dataclass(frozen=True, slots=True)
class Streets:
    """Which doors lie before a dwelling; -1 is none."""

    gates: Ints  # (estates, most gates)
    gate_count: Ints  # (estates,)
    block_doors: Ints  # (blocks, 2) both the same where there is one
    lock: Ints  # (dwellings,)


class Crossings(NamedTuple):
    """People at doors who left a trace, one entry each."""

    second: Floats
    clock_wrong: Flags
    point: Ints
    person: Ints
    outcome: Ints
    inward: Flags


def make_streets(layout: Layout, dwellings: int) -> Streets:
    """The doors of `layout` by place."""
    gates = [np.flatnonzero((layout.scope == GATE) & (layout.estate == estate)) for estate in range(layout.estates)]
    gate_count = np.array([len(of_estate) for of_estate in gates])
    by_estate = np.full((layout.estates, max(1, gate_count.max())), -1)
    for estate, of_estate in enumerate(gates):
        by_estate[estate, : len(of_estate)] = of_estate
    by_block = np.full((layout.blocks, 2), -1)
    for block in range(layout.blocks):
        doors = np.flatnonzero((layout.scope == BLOCK_DOOR) & (layout.block == block))
        by_block[block] = doors[0], doors[-1]
    lock = np.full(dwellings, -1)
    locks = np.flatnonzero(layout.scope == DWELLING_LOCK)
    lock[layout.dwelling[locks]] = locks
    return Streets(by_estate, gate_count, by_block, lock)


def walked_passes(town: Town, crowd: Crowd, streets: Streets, doors: DoorHours, carried: Credentials) -> Passes:
    """What is recorded of everybody who has a presence; times are still true."""
    rng, layout, calendar = town.rng, town.layout, town.calendar
    keeps_codes = rng.random(layout.estates) < town.world.kept_visitor_codes
    weather = np.clip(rng.normal(1, 0.18, calendar.total), 0.4, 1.3)
    found: list[Crossings] = []
    for first in range(WARM_UP, calendar.end, CHUNK_DAYS):
        end = min(calendar.end, first + CHUNK_DAYS)
        walked = walks(rng, crowd, calendar, weather, first, end)
        found += _crossings(rng, layout, crowd, streets, doors, carried, walked)
    crossed = Crossings(*(np.concatenate(column) for column in zip(*found, strict=True)))
    traced = crossed.outcome != shown.UNSEEN
    return _attributed(rng, layout, crowd, carried, keeps_codes, Crossings(*(column[traced] for column in crossed)))


def _crossings(
    rng: Generator,
    layout: Layout,
    crowd: Crowd,
    streets: Streets,
    doors: DoorHours,
    carried: Credentials,
    walked: Walks,
) -> list[Crossings]:
    """At the gate, the block door and, inward, the dwelling's lock, where they are recorded."""
    person, inward = walked.person, walked.inward
    count = len(person)
    is_usual = rng.random(count) < 0.82
    chosen = np.where(is_usual, crowd.usual_gate[person], rng.random(count))
    estate = crowd.estate[person]
    which = np.floor(chosen * np.maximum(1, streets.gate_count[estate])).astype(int)
    gate = streets.gates[estate, which]
    drives = crowd.by_car[person] & (rng.random(count) < 0.6)
    gate = np.where(drives, -1, gate)
    uses_gate = rng.random(count) < 0.88  # else a side gate, or a short trip inside the estate
    gate = np.where(uses_gate, gate, -1)
    second_door = (rng.random(count) < 0.25).astype(int)
    block_door = streets.block_doors[crowd.block[person], second_door]
    lock = np.where(inward, streets.lock[crowd.dwelling[person]], -1)
    to_block, to_lock = rng.uniform(40, 200, (2, count))  # seconds on foot
    way = (
        (gate, np.where(inward, 0, to_block)),
        (block_door, np.where(inward, to_block, 0)),
        (lock, to_block + to_lock),
    )
    found = []
    for point, after in way:
        found += _at_one_door(rng, layout, crowd, doors, carried, walked, point, after)
    return found


def _at_one_door(
    rng: Generator,
    layout: Layout,
    crowd: Crowd,
    doors: DoorHours,
    carried: Credentials,
    walked: Walks,
    point: Ints,
    after: Floats,
) -> list[Crossings]:
    """Crossings of door `point` (-1 none) `after` seconds, those who were refused and tried again, and double records."""
    walk = np.flatnonzero(point >= 0)
    hour = ((walked.second[walk] + after[walk]) // 3600).astype(int)
    walk = walk[(hour >= 0) & (hour < doors.state.shape[1])]
    second = walked.second[walk] + after[walk]
    door = point[walk]
    state = doors.state[door, (second // 3600).astype(int)]
    seen = np.where(walked.inward[walk], layout.seen_in[door], layout.seen_out[door])
    alone = np.where(layout.scope[door] == DWELLING_LOCK, 1, 1 - crowd.tailing[walked.person[walk]])
    works = np.where(state == DOWN, 0, np.where(state == PROPPED, SEEN_AT_PROPPED, 1))
    kept = rng.random(len(walk)) < seen * alone * works
    walk, second, door, wrong = walk[kept], second[kept], door[kept], (state == CLOCK)[kept]
    person, inward = walked.person[walk], walked.inward[walk]
    outcome = _outcomes(rng, carried, person, layout.check[door])
    found = [Crossings(second, wrong, door, person, outcome, inward)]
    again = np.flatnonzero((outcome == shown.FACE_REFUSED) & (rng.random(len(walk)) < 0.6))
    if len(again):  # refused, then in another way
        by_other = _outcomes(rng, carried, person[again], np.zeros(len(again), np.int64))
        later = second[again] + rng.uniform(5, 40, len(again))
        found.append(Crossings(later, wrong[again], door[again], person[again], by_other, inward[again]))
    twice = np.flatnonzero(rng.random(len(walk)) < 0.012)
    later = second[twice] + rng.uniform(1, 6, len(twice))
    found.append(Crossings(later, wrong[twice], door[twice], person[twice], outcome[twice], inward[twice]))
    return found


def _outcomes(rng: Generator, carried: Credentials, person: Ints, check: Ints) -> Ints:
    """(people,) what each shows at a door of this check."""
    above = rng.random(len(person))[:, None] > carried.odds[person, check]
    outcome: Ints = np.minimum(above.sum(1), shown.OUTCOMES - 1)
    return outcome


def _attributed(
    rng: Generator, layout: Layout, crowd: Crowd, carried: Credentials, keeps_codes: Flags, crossed: Crossings
) -> Passes:
    """In whose name each crossing is written."""
    outcome, count = crossed.outcome, len(crossed.outcome)
    dwelling = crowd.dwelling[crossed.person]
    scope = layout.scope[crossed.point]
    holder = carried.card_of[crossed.person]
    by_code = (outcome == shown.BY_CARD) | (outcome == shown.BY_QR)
    person = np.where(outcome == shown.FACE_KNOWN, crossed.person, np.where(by_code, holder, -1))
    in_nobodys_name = (outcome == shown.BY_CARD) & carried.household_card[dwelling] & (scope != DWELLING_LOCK)
    person = np.where(in_nobodys_name, -1, person)
    nobodys = (outcome == shown.FACE_REFUSED) | (outcome == shown.BY_STAFF_CARD)
    home = np.where(nobodys & (scope != DWELLING_LOCK), -1, dwelling)
    unnamed_face = rng.random(count) < 0.3
    home = np.where((outcome == shown.FACE_LET_IN) & (scope == GATE) & unnamed_face, -1, home)
    unnamed_pin = rng.random(count) < 0.08
    home = np.where((outcome == shown.BY_PIN) & (scope != DWELLING_LOCK) & unnamed_pin, -1, home)
    mismatch = rng.random(count) < 0.35
    rejected = rng.random(count) < 0.004
    refused = (outcome == shown.FACE_REFUSED) | ((outcome == shown.CARD_OTHER_FACE) & mismatch) | rejected
    credential = _credentials(crowd, carried, keeps_codes, crossed)
    told = rng.random(count) < layout.direction_told[crossed.point]
    return Passes(
        second=crossed.second,
        clock_wrong=crossed.clock_wrong,
        point=crossed.point,
        person=person,
        credential=credential,
        kind=KIND_OF[outcome],
        dwelling=home,
        granted=np.where(refused, 0, 1),
        direction=np.where(told, np.where(crossed.inward, IN, OUT), UNKNOWN),
    )


def _credentials(crowd: Crowd, carried: Credentials, keeps_codes: Flags, crossed: Crossings) -> Ints:
    """(crossings,) the number of the credential shown, -1 for a face."""
    outcome, who = crossed.outcome, crossed.person
    dwelling, holder = crowd.dwelling[who], carried.card_of[who]
    credential = np.full(len(outcome), -1, np.int64)
    is_card = ((outcome == shown.BY_CARD) | (outcome == shown.CARD_OTHER_FACE)) & (holder >= 0)
    card = np.where(carried.household_card[dwelling], HOUSEHOLD_CARD + dwelling, holder)
    credential[is_card] = card[is_card]
    is_pin = outcome == shown.BY_PIN
    credential[is_pin] = HOUSEHOLD_PIN + dwelling[is_pin]
    is_code = outcome == shown.BY_QR
    credential[is_code] = PHONE_CODE + np.maximum(holder[is_code], 0)
    is_visitor = outcome == shown.BY_VISITOR_PASS
    for_ever = 10**6
    of_estate = np.where(keeps_codes[crowd.estate[who]], for_ever, 1)
    renewed_after = np.where(crowd.pass_days[who] > 0, crowd.pass_days[who], of_estate)
    day = (crossed.second // DAY_S).astype(np.int64)
    visitor = VISITOR_PASS + who * 1000 + day // renewed_after
    credential[is_visitor] = visitor[is_visitor]
    is_staff = outcome == shown.BY_STAFF_CARD
    staff = STAFF_CARD + crowd.estate[who] * 10 + who % 5
    credential[is_staff] = staff[is_staff]
    return credential


def in_order(parts: list[Passes], doors: DoorHours, days: int) -> Passes:
    """All passes of the history by the time that the doors wrote; wrong clocks move theirs, some out of it."""
    names = [field.name for field in fields(Passes)]
    whole = Passes(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    written = whole.second + np.where(whole.clock_wrong, doors.clock_off_s[whole.point], 0)
    kept = np.flatnonzero((written >= 0) & (written < days * DAY_S))
    order = kept[np.argsort(written[kept], kind="stable")]
    return replace(whole.take(order), second=written[order])

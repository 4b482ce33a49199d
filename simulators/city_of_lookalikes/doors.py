"""What the readers on the way make of each trip: who was seen, as whom, with which credential.

Observability after `law_and_practice.md` section 5.3; face errors after `detection.md` section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.city_of_lookalikes.days import Days, Trips
from simulators.city_of_lookalikes.dice import DAY_S, NOBODY, Bools, Floats, Ints
from simulators.city_of_lookalikes.estates import Reader
from simulators.city_of_lookalikes.passes import Direction, Kind, Passes
from simulators.city_of_lookalikes.people import Actor, Town

UNKNOWN = 5  # means of entry beside the first five of `Kind`: let in without anything
STAFF = 6
MEANS = 7

LIKES = {
    Reader.FACE: (4, 0.5, 0.25, 0.15, 3, 0.7),
    Reader.CARD: (0, 3, 0.05, 0.3, 2.5, 0),
    Reader.PIN: (0, 0.7, 2.5, 0.1, 2, 0),
    Reader.QR: (0, 0.8, 0.05, 2.5, 2.5, 0),
}
"""Reader: weights of face, card, number, code, visitor's pass and being let in, for who has them."""

STAFF_WEIGHT = 9
CARD_WITHOUT_FACE = 2.0  # weight of a card at a face door, of who has no face on record
LARGEST_GATES = 3  # of an estate
STAFF_CARDS = 3  # of an estate


@dataclass(frozen=True, slots=True)
class Carried:
    """(actors,) each: numbers of members and credentials, NOBODY without."""

    face: Ints
    card: Ints
    card_holder: Ints
    code: Ints
    code_holder: Ints
    visitor_pass: Ints
    next_card: Ints
    next_code: Ints
    changes_on: Ints
    enrolled_on: Ints
    recognised: Floats
    staff_cards: Ints  # (estates x STAFF_CARDS,)
    numbers: Ints  # (homes,) the PINs
    upto: Floats  # (readers, actors, means) cumulative weights of means of entry


@dataclass(frozen=True, slots=True)
class Ways:
    """From the gate to the home, as arrays."""

    estate: Ints  # (homes,)
    block_door: Ints  # (homes,)
    own_door: Ints  # (homes,) or NOBODY
    gates: Ints  # (estates, LARGEST_GATES)
    gate_count: Ints  # (estates,)
    point_estate: Ints  # (points,)
    point_reader: Ints  # (points,)


def issue_credentials(town: Town) -> Carried:
    """What everybody has in hand; staff cards and numbers of homes are issued here."""
    actors = town.actors

    def whole(value: Callable[[Actor], int]) -> Ints:
        return np.array([value(actor) for actor in actors], np.int64)

    staff_cards = [town.add_credential("ST") for _ in range(len(town.places.estates) * STAFF_CARDS)]
    numbers = [town.add_credential("P") for _ in town.households]
    return Carried(
        face=whole(lambda actor: actor.face),
        card=whole(lambda actor: actor.card),
        card_holder=whole(lambda actor: actor.card_holder),
        code=whole(lambda actor: actor.code),
        code_holder=whole(lambda actor: actor.code_holder),
        visitor_pass=whole(lambda actor: actor.visitor_pass),
        next_card=whole(lambda actor: actor.next_card),
        next_code=whole(lambda actor: actor.next_code),
        changes_on=whole(lambda actor: actor.changes_on),
        enrolled_on=whole(lambda actor: actor.enrolled_on),
        recognised=np.array([actor.recognised for actor in actors], float),
        staff_cards=np.array(staff_cards),
        numbers=np.array(numbers),
        upto=np.cumsum(_weights(actors), 2),
    )


def _weights(actors: list[Actor]) -> Floats:
    """(readers, actors, means) inclination to each means of entry."""

    def column(value: Callable[[Actor], Any]) -> Floats:
        return np.array([value(actor) for actor in actors], float)

    has_face = column(lambda actor: actor.face >= 0)
    has_card = column(lambda actor: actor.card >= 0)
    likes_face, likes_card = column(lambda actor: actor.likes_face), column(lambda actor: actor.likes_card)
    likes_number, likes_code = column(lambda actor: actor.likes_number), column(lambda actor: actor.likes_code)
    knows_number = column(lambda actor: actor.knows_number)
    has_code = column(lambda actor: actor.code >= 0)
    has_pass = column(lambda actor: actor.visitor_pass >= 0)
    unknown_face = column(lambda actor: actor.unknown_face)
    is_staff = column(lambda actor: actor.is_staff)
    weights = np.zeros((len(LIKES), len(actors), MEANS))
    for reader, (face, card, number, code, visitor_pass, let_in) in LIKES.items():
        means = [
            face * has_face * likes_face,
            card * has_card * likes_card,
            number * knows_number * likes_number,
            code * has_code * likes_code,
            visitor_pass * has_pass,
            let_in * unknown_face,
            STAFF_WEIGHT * is_staff,
        ]
        weights[reader] = np.stack(means, 1)
    at_face = weights[Reader.FACE, :, Kind.CARD]
    without_face = np.where(has_card > 0, CARD_WITHOUT_FACE, 0)
    weights[Reader.FACE, :, Kind.CARD] = np.where(has_face > 0, at_face, without_face)
    return weights


def make_ways(town: Town) -> Ways:
    """The places of a city as arrays."""
    places = town.places
    gates = np.zeros((len(places.estates), LARGEST_GATES), np.int64)
    for number, estate in enumerate(places.estates):
        gates[number, : len(estate.gates)] = estate.gates
    return Ways(
        estate=np.array([dwelling.estate for dwelling in places.dwellings]),
        block_door=np.array([places.blocks[dwelling.block].door for dwelling in places.dwellings]),
        own_door=np.array([dwelling.door for dwelling in places.dwellings]),
        gates=gates,
        gate_count=np.array([len(estate.gates) for estate in places.estates]),
        point_estate=np.array([point.estate for point in places.points]),
        point_reader=np.array([int(point.reader) for point in places.points]),
    )


def walk(town: Town, days: Days, trips: Trips, carried: Carried, ways: Ways) -> list[Passes]:
    """The records of all trips, in and out, at gates, block doors and doors of dwellings."""
    return _Walk(town, days, trips, carried, ways).records()


class _Walk:
    """One city's trips through its doors. The order of the draws is part of what a seed means."""

    def __init__(self, town: Town, days: Days, trips: Trips, carried: Carried, ways: Ways) -> None:
        self.town = town
        self.rng = town.dice.rng
        self.days = days
        self.trips = trips
        self.carried = carried
        self.ways = ways
        self.parts: list[Passes] = []
        estates = town.places.estates
        self.personal_cards = np.array([estate.personal_cards for estate in estates])
        self.one_day_passes = np.array([estate.one_day_passes for estate in estates])

    def records(self) -> list[Passes]:
        rng, actors, trips = self.rng, self.town.actors, self.trips
        tailgates = 1 - self.town.world.tailgates * rng.beta(1.5, 3, len(actors))
        usual_gate = rng.integers(0, LARGEST_GATES, len(actors))
        seen = np.array([actor.seen for actor in actors], float)[trips.actor]
        share = seen * tailgates[trips.actor]
        for direction, second in ((Direction.IN, trips.in_at), (Direction.OUT, trips.out_at)):
            self.one_way(direction, second, seen, share, usual_gate)
        return self.parts

    def one_way(self, direction: Direction, second: Floats, seen: Floats, share: Floats, usual_gate: Ints) -> None:
        """All ways in, or all ways out; `share` is how often a reader that sees everybody sees each of them."""
        rng, ways, actor = self.rng, self.ways, self.trips.actor
        estates = self.town.places.estates
        is_in = direction == Direction.IN
        total = len(actor)
        home = self.days.home[actor]
        estate = ways.estate[home]
        known_share = np.array([one.direction_known for one in estates])
        told = np.where(rng.random(total) < known_share[estate], int(direction), int(Direction.UNKNOWN))

        at_gate = np.array([one.seen_at_gate if is_in else one.seen_at_gate_out for one in estates])
        likely = at_gate[estate] * np.minimum(1, share * 1.05)
        rows = np.flatnonzero((ways.gate_count[estate] > 0) & (rng.random(total) < likely))
        usual = usual_gate[actor[rows]]
        gate = np.where(rng.random(len(rows)) < 0.7, usual, rng.integers(0, LARGEST_GATES, len(rows)))
        gate = gate % np.maximum(1, ways.gate_count[estate[rows]])
        at = second[rows] + (-120 if is_in else 120) + rng.normal(0, 30, len(rows))
        self.record(at, ways.gates[estate[rows], gate], actor[rows], told[rows], is_shared=True)

        at_block_out = np.array([one.seen_at_block_out for one in estates])
        at_block = np.array([one.seen_at_block for one in estates]) if is_in else at_block_out
        rows = np.flatnonzero(rng.random(total) < at_block[estate] * share)
        says = told[rows]
        if is_in:  # a door that has no reader on the way out means in
            says = np.where(at_block_out[estate[rows]] > 0, says, int(Direction.IN))
        at = second[rows] + (-40 if is_in else 40)
        self.record(at, ways.block_door[home[rows]], actor[rows], says, is_shared=True)

        own_door = ways.own_door[home]
        reads = np.where(own_door >= 0, 0.93 if is_in else 0.08, 0)
        likely = reads * np.where(seen > 0, 1, 0) * (0.55 + 0.45 * (seen > 0.5))
        rows = np.flatnonzero(rng.random(total) < likely)
        says = np.full(len(rows), int(direction))
        self.record(second[rows], own_door[rows], actor[rows], says, is_shared=False)

    def record(self, second: Floats, point: Ints, actor: Ints, direction: Ints, *, is_shared: bool) -> None:
        """What a reader writes of crossings; at shared doors an unknown face may name no home."""
        rng, carried, world = self.rng, self.carried, self.town.world
        reader = self.ways.point_reader[point]
        drawn = rng.random(len(second)) * carried.upto[reader, actor, -1]
        means = (drawn[:, None] > carried.upto[reader, actor]).sum(1)
        rows = np.flatnonzero((carried.upto[reader, actor, -1] > 0) & (means < MEANS))
        second, point, actor, direction = second[rows], point[rows], actor[rows], direction[rows]
        reader, means = reader[rows], means[rows]
        count = len(rows)
        day = (second // DAY_S).astype(int)
        estate = self.ways.point_estate[point]
        home = self.days.home[actor].copy()
        kind = np.where(means == STAFF, int(Kind.STAFF), np.where(means == UNKNOWN, int(Kind.FACE), means))
        means = np.where((means == Kind.FACE) & (day < carried.enrolled_on[actor]), UNKNOWN, means)
        kind[means == UNKNOWN] = Kind.FACE
        member, credential = np.full(count, NOBODY), np.full(count, NOBODY)
        granted = np.ones(count, np.int64)

        shows_face = means == Kind.FACE
        recognised = rng.random(count) < self.dimmed_by_rain(day) * carried.recognised[actor]
        member = np.where(shows_face & recognised, carried.face[actor], member)
        refused = shows_face & ~recognised & (rng.random(count) < 0.6)
        granted[refused] = 0
        is_unknown = means == UNKNOWN
        granted[is_unknown] = rng.random(is_unknown.sum()) < 0.6
        unlinked = rng.random(count) > np.where(is_unknown, world.linked, 0.25)
        home[(refused | is_unknown) & unlinked & is_shared] = NOBODY

        card = self.current(carried.card, carried.next_card, actor, day)
        shows_card = means == Kind.CARD
        credential[shows_card] = card[shows_card]
        checked = shows_card & (reader == Reader.FACE) & (rng.random(count) < world.card_checks_face)
        is_own = (carried.face[actor] >= 0) & (rng.random(count) < carried.recognised[actor])
        is_own &= day >= carried.enrolled_on[actor]
        on_card = np.where(self.personal_cards[estate], carried.card_holder[actor], NOBODY)
        member[shows_card] = on_card[shows_card]
        member[checked] = np.where(is_own, carried.face[actor], NOBODY)[checked]

        by_number = means == Kind.PIN
        credential[by_number] = carried.numbers[self.days.home[actor]][by_number]
        by_code = means == Kind.QR
        credential[by_code] = self.current(carried.code, carried.next_code, actor, day)[by_code]
        member[by_code] = carried.code_holder[actor][by_code]
        by_pass = means == Kind.VISITOR
        credential[by_pass] = carried.visitor_pass[actor][by_pass]
        is_staff = means == STAFF
        staff_card = carried.staff_cards[estate * STAFF_CARDS + actor % STAFF_CARDS]
        credential[is_staff] = staff_card[is_staff]
        if is_shared:
            home[is_staff] = NOBODY
        day_of_pass = np.where(by_pass & self.one_day_passes[estate], day + 1, 0)
        self.parts.append(Passes(second, point, member, credential, kind, home, granted, direction, day_of_pass))
        again = np.flatnonzero(refused & (rng.random(count) < 0.65))
        if len(again):
            self.try_again(second[again], point[again], actor[again], direction[again], card[again])

    def try_again(self, second: Floats, point: Ints, actor: Ints, direction: Ints, card: Ints) -> None:
        """After a refusal most people show the face once more, or take a card."""
        rng, carried, count = self.rng, self.carried, len(second)
        takes_card = (carried.card[actor] >= 0) & (rng.random(count) < 0.6)
        recognised = rng.random(count) < np.minimum(0.95, carried.recognised[actor] + 0.1)
        again = Passes(
            second=second + rng.integers(3, 25, count),
            point=point,
            member=np.where(recognised & ~takes_card, carried.face[actor], NOBODY),
            credential=np.where(takes_card, card, NOBODY),
            kind=np.where(takes_card, int(Kind.CARD), int(Kind.FACE)),
            home=self.days.home[actor],
            granted=np.ones(count, np.int64),
            direction=direction,
            day_of_pass=np.zeros(count, np.int64),
        )
        self.parts.append(again.take(np.flatnonzero(takes_card | recognised)))

    def current(self, first: Ints, following: Ints, actor: Ints, day: Ints) -> Ints:
        """The credential in use on each day: the first one, or the one that followed."""
        has_changed: Bools = (day >= self.carried.changes_on[actor]) & (following[actor] >= 0)
        return np.where(has_changed, following[actor], first[actor])

    def dimmed_by_rain(self, day: Ints) -> Floats:
        """Factor on recognition: umbrellas and hoods."""
        rain = self.town.weather.rain[np.clip(day, 0, self.town.calendar.days - 1)]
        return np.where(rain, 0.985, 1.0)

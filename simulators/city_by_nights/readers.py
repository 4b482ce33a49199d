"""What the readers of one estate make of its people's moves: by what means each door is passed, and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.credentials import OWN_CODES, staff_cards, visitors_passes
from simulators.city_by_nights.dice import DAY_S, HOUR_S, NOBODY, Bools, Floats, Ints, Singles
from simulators.city_by_nights.estates import CARD_DOOR, FACE_DOOR, LOCK, Estate
from simulators.city_by_nights.movement import IN, Moves
from simulators.city_by_nights.passes import Direction, Kind, Passes, passes_of
from simulators.city_by_nights.people import Means
from simulators.city_by_nights.scene import Scene

STAFF_CARD = len(Means)  # as means
SEEN_AT_LOCK = 0.93
FEWEST_MEANS = 0.02  # sum of weights; who has less follows others
RETRY_S = 6
BY_KIND = {Means.FACE: Kind.FACE, Means.QR: Kind.QR, Means.PIN: Kind.PIN, STAFF_CARD: Kind.STAFF}
"""All other means are cards, or a visitor's pass, which is of two kinds."""


class Reader(NamedTuple):
    """How readers of one kind work."""

    seen_in: float  # P that a pass is recorded
    seen_out: float
    allows: Singles  # (8,) factor on each of Means
    tells_direction: bool


@dataclass(frozen=True, slots=True)
class Crossings:
    """(crossings,) each: somebody passes a door, and the reader is awake."""

    actor: Ints
    home: Ints
    member: Ints
    point: Ints
    second: Ints
    shift: Ints  # seconds by which the clock is ahead
    direction: Ints  # as it is told

    def __len__(self) -> int:
        return len(self.actor)

    @property
    def day(self) -> Ints:
        return self.second // DAY_S


def allowances(estate: Estate) -> dict[str, Singles]:
    """By what a door checks."""
    keypad = 0.5 if estate.keypad else 0
    return {
        FACE_DOOR: np.array([1, 1, 1, keypad, 1, 1, 1, 1], np.float32),
        CARD_DOOR: np.array([0, 1, 0, keypad, 1, 1, 0.8, 1], np.float32),
        LOCK: np.array([0.35 if estate.lock_face else 0, 0.5, 0, 1, 0.4, 0.4, 0.02, 0.25], np.float32),
    }


class EstatePasses:
    """The moves of one estate's people through its doors. The order of the draws is part of what a seed means."""

    def __init__(self, scene: Scene, estate: Estate, moves: Moves) -> None:
        self.town = scene.town
        self.rng = scene.town.rng
        self.crowd = scene.crowd
        self.doors = scene.doors
        self.faults = scene.faults
        self.issued = scene.issued
        self.estate = estate
        self.moves = moves
        self.home = scene.crowd.dwelling[moves.actor]
        self.allows = allowances(estate)
        self.parts: list[Passes] = []

    def records(self) -> list[Passes]:
        """All records, in no order of time."""
        if gates := self.doors.gates[self.estate.number]:
            self.at_gates(np.array(gates))
        for checks in (FACE_DOOR, CARD_DOOR):
            self.at_blocks(checks)
        self.at_locks()
        return self.parts

    def at_gates(self, gates: Ints) -> None:
        """Some minutes before the block's door on the way in, after it on the way out; mostly by the usual gate."""
        rng, estate, count = self.rng, self.estate, len(self.moves)
        usual = (self.crowd.usual_gate[self.moves.actor] * len(gates)).astype(int)
        takes_usual = rng.random(count) < 0.78
        gate = np.where(takes_usual, np.minimum(usual, len(gates) - 1), rng.integers(0, len(gates), count))
        rows = np.flatnonzero(rng.random(count) >= estate.side_gate)
        before, after = rng.integers(60, 300, len(rows)), rng.integers(60, 300, len(rows))
        delay = np.where(self.moves.way[rows] == IN, -before, after)
        reader = Reader(estate.gate_in, estate.gate_out, self.allows[estate.gate], estate.gate_direction)
        self.pass_by(rows, gates[gate[rows]], delay, reader)

    def at_blocks(self, checks: str) -> None:
        estate, blocks = self.estate, self.town.places.blocks
        block = self.town.places.block_of[self.home]
        is_such = np.array([one.door == checks for one in blocks])[block]
        rows = np.flatnonzero(is_such & (self.rng.random(len(self.moves)) >= estate.side_door))
        reader = Reader(estate.block_in, estate.block_out, self.allows[checks], estate.block_direction)
        self.pass_by(rows, self.doors.block_door[block[rows]], np.zeros(len(rows), np.int64), reader)

    def at_locks(self) -> None:
        """A minute or two after the block's door on the way in, before it on the way out."""
        estate = self.estate
        rows = np.flatnonzero(self.town.has_lock[self.home])
        sign = np.where(self.moves.way[rows] == IN, 1, -1)
        delay = sign * self.rng.integers(40, 150, len(rows))
        reader = Reader(SEEN_AT_LOCK, estate.lock_out, self.allows[LOCK], estate.lock_direction)
        self.pass_by(rows, self.doors.lock[self.home[rows]], delay, reader)

    def pass_by(self, rows: Ints, point: Ints, delay: Ints, reader: Reader) -> None:
        """These moves pass these access points; one record each, a few none or two."""
        rng = self.rng
        crossings = self.seen(rows, point, delay, reader)
        means = self.choose(crossings, reader.allows)
        missed = (means == Means.FACE) & (rng.random(len(means)) < self.crowd.missed[crossings.actor])
        self.refuse(crossings, missed)
        means = self.retry(crossings, means, missed)
        is_staff = self.crowd.is_staff[crossings.actor]
        shows = (means != Means.FOLLOWS) | (is_staff & (rng.random(len(means)) < 0.6))
        means = np.where(is_staff & (means == Means.FOLLOWS), STAFF_CARD, means)
        second = crossings.second + crossings.shift + np.where(missed, RETRY_S, 0)
        passes = self.read(crossings, means, second)
        self.parts.append(passes.take(shows))
        twice = passes.take(shows & (rng.random(len(means)) < 0.02))
        again = twice.second + rng.integers(2, 9, len(twice))
        self.parts.append(replace(twice, second=again))

    def seen(self, rows: Ints, point: Ints, delay: Ints, reader: Reader) -> Crossings:
        """Of the moves those that a reader records, if the means leave a record."""
        last = self.town.days * DAY_S - 1
        second = np.clip(self.moves.second[rows] + delay, 0, last)
        actor, way = self.moves.actor[rows], self.moves.way[rows]
        records, shift = self.state(point, self.home[rows], second)
        likely = np.where(way == IN, reader.seen_in, reader.seen_out) * self.crowd.seen[actor]
        kept = self.rng.random(len(rows)) < likely * records
        told = way.astype(np.int64) if reader.tells_direction else np.full(len(rows), int(Direction.UNKNOWN))
        return Crossings(
            actor=actor[kept],
            home=self.home[rows][kept],
            member=self.crowd.member[actor[kept]],
            point=point[kept],
            second=second[kept],
            shift=shift[kept],
            direction=told[kept],
        )

    def state(self, point: Ints, home: Ints, second: Ints) -> tuple[Singles, Ints]:
        """Factor on P that a pass is recorded, and the shift of the clock."""
        if len(point) and self.doors.points[int(point[0])].scope == "dwelling":
            return self.faults.lock_records[home, second // DAY_S], np.zeros(len(point), np.int64)
        hour = second // HOUR_S
        return self.faults.records[point, hour], self.faults.shift[point, hour]

    def choose(self, crossings: Crossings, allows: Singles) -> Ints:
        """The means of each crossing, by weights of who has them on that day."""
        actor, day = crossings.actor, crossings.day
        weights = self.crowd.means[actor] * allows
        is_member = self.is_member(crossings)
        face_works = (day < self.crowd.face_until[actor]) & (day >= self.crowd.face_from[actor])
        weights[:, Means.SPARE] *= self.issued.home_has_spare[crossings.home]
        weights[:, Means.BORROWED] *= self.crowd.borrows[actor] != NOBODY
        weights[:, Means.FACE] *= is_member & face_works
        weights[:, Means.CARD] *= is_member
        weights[:, Means.QR] *= is_member
        upto = np.cumsum(weights, 1)
        total = upto[:, -1]
        drawn: Floats = self.rng.random(len(actor)) * np.maximum(total, 1e-6)
        means: Ints = np.minimum((drawn[:, None] >= upto).sum(1), len(Means) - 1)
        means[total < FEWEST_MEANS] = Means.FOLLOWS
        return means

    def is_member(self, crossings: Crossings) -> Bools:
        """In the register on that day."""
        member = crossings.member
        is_member: Bools = (member != NOBODY) & (self.issued.member_since[member] <= crossings.day)
        return is_member

    def refuse(self, crossings: Crossings, missed: Bools) -> None:
        """Of the faces that are not recognised some leave a record, which names nobody."""
        refused = missed & (self.rng.random(len(missed)) < 0.6)
        self.parts.append(
            passes_of(
                (crossings.second + crossings.shift)[refused],
                crossings.point[refused],
                kind=Kind.FACE,
                granted=0,
                direction=crossings.direction[refused],
            )
        )

    def retry(self, crossings: Crossings, means: Ints, missed: Bools) -> Ints:
        """Who was not recognised takes the card, or goes in behind others."""
        has_card = np.zeros(len(means), bool)
        has_card[missed] = self.issued.member_has_card[crossings.member[missed]]
        takes_card = has_card & (self.rng.random(len(means)) < 0.8)
        return np.where(missed, np.where(takes_card, int(Means.CARD), int(Means.FOLLOWS)), means)

    def read(self, crossings: Crossings, means: Ints, second: Ints) -> Passes:
        """What the record of each crossing says."""
        rng, estate, issued = self.rng, self.estate, self.issued
        actor, own, count = crossings.actor, crossings.member, len(means)
        member, credential, home = np.full(count, NOBODY), np.full(count, NOBODY), crossings.home.copy()
        kind = np.full(count, int(Kind.CARD))
        for one, its in BY_KIND.items():
            kind[means == one] = its

        shows = means == Means.FACE
        member[shows] = own[shows]
        for one, holder in ((Means.CARD, own), (Means.BORROWED, self.crowd.borrows[actor])):
            shows = means == one
            member[shows] = holder[shows] if estate.card_names_holder else NOBODY
            credential[shows] = holder[shows]
            home[shows] = issued.member_booked[holder[shows]]
        shows = means == Means.QR
        member[shows] = own[shows]
        credential[shows] = issued.qr(own[shows])
        shows = means == Means.PIN
        credential[shows] = issued.pin(crossings.home[shows])
        if estate.codes_personal:
            shows &= self.is_member(crossings)
            member[shows] = own[shows]
            credential[shows] = OWN_CODES + own[shows]
        shows = means == Means.SPARE
        credential[shows] = issued.spare_card(crossings.home[shows], actor[shows])
        shows = means == Means.VISITOR
        as_visitor = rng.random(shows.sum()) < estate.visitor_words
        kind[shows] = np.where(as_visitor, int(Kind.VISITOR), int(Kind.QR))
        serial = crossings.day[shows] // self.crowd.pass_days[actor[shows]]
        credential[shows] = visitors_passes(actor[shows], serial)
        home[shows & (rng.random(count) > estate.visitor_named)] = NOBODY
        shows = means == STAFF_CARD
        credential[shows] = staff_cards(estate.number, actor[shows] % 3)
        home[shows] = NOBODY
        granted = np.where(rng.random(count) < 0.003, 0, 1)
        return Passes(second, crossings.point, member, credential, kind, home, granted, crossings.direction)

"""(P) Passes as arrays, and what a terminal writes for each crossing that it notices.

How doors err after `detection.md` 3 (badly enrolled faces, tailgating, unknown faces let in) and 5 (face matching),
`law_and_practice.md` 5.3 for what is recorded at all; a lent card at a verifying door is rule C1 of its section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from simulators.city_by_diaries.arrays import DAY_MIN, Bools, Bytes, Floats, Generator, Ints
from simulators.city_by_diaries.estates import DoorMode, Scope
from simulators.city_by_diaries.person import Person
from simulators.city_by_diaries.town import Town
from simulators.city_by_diaries.world import World


class Kind(IntEnum):
    """Kinds of credential, in the order of `KIND_WORDS`."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3
    VISITOR = 4
    STAFF = 5


KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "staff")


class Numbered(IntEnum):
    """What a credential's number counts: numbers of different things may be equal."""

    CARDS = 0
    PINS = 2
    QR_CODES = 3
    VISITOR_PASSES = 4
    COURIERS = 5
    STAFF = 6


@dataclass(frozen=True, slots=True)
class Passes:
    """Passes: arrays of one length. Numbers are those of the town; -1 is empty."""

    minute: Floats
    point: Ints  # access point
    inward: Bools
    kind: Bytes  # of `Kind`
    member: Ints
    credential: Ints
    numbered: Bytes  # of `Numbered`
    granted: Bytes  # 0 or 1
    dwelling: Ints

    def __len__(self) -> int:
        return len(self.minute)

    def take(self, which: Ints | Bools) -> Passes:
        """Some of them."""
        return Passes(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


def joined(parts: list[Passes]) -> Passes:
    """Passes one after the other."""
    return Passes(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Passes)}
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """What everybody carries, as arrays with one element a person (see `Person`)."""

    dwelling: Ints
    member: Ints
    has_face: Bools
    prefers_face: Floats
    face_missed: Floats
    card: Ints
    second_card: Ints
    uses_second: Floats
    card_replaced: Ints
    uses_qr: Floats
    visitor_pass: Floats
    pass_days: Ints
    tailgates: Floats
    rings: Floats
    uses_pin: Floats
    is_child: Bools  # under 12
    own_card: Bools  # the card is this person's own
    holder: Ints  # member of each card, -1 nobody; its last element serves card -1
    face_of_member: Bools  # whether each member has an enrolled face; its last element serves member -1


def carried(people: list[Person], card_holders: list[int], members: int) -> Carried:
    """Turns people into arrays."""

    def number(name: str) -> Ints:
        return np.array([getattr(person, name) for person in people], np.int64)

    def share(name: str) -> Floats:
        return np.array([getattr(person, name) for person in people], np.float64)

    holder = np.array([*card_holders, -1], np.int64)
    card, member = number("card"), number("member")
    has_face = np.array([person.has_face for person in people], np.bool_)
    face_of_member = np.zeros(members + 1, np.bool_)
    registered = member >= 0
    face_of_member[member[registered]] = has_face[registered]
    return Carried(
        dwelling=number("dwelling"),
        member=member,
        has_face=has_face,
        prefers_face=share("prefers_face"),
        face_missed=share("face_missed"),
        card=card,
        second_card=number("second_card"),
        uses_second=share("uses_second"),
        card_replaced=number("card_replaced"),
        uses_qr=share("uses_qr"),
        visitor_pass=share("visitor_pass"),
        pass_days=number("pass_days"),
        tailgates=share("tailgates"),
        rings=share("rings"),
        uses_pin=share("uses_pin"),
        is_child=np.array([person.age < 12 for person in people], np.bool_),
        own_card=(holder[card] == member) & registered & (card >= 0),
        holder=holder,
        face_of_member=face_of_member,
    )


@dataclass(frozen=True, slots=True)
class Noticed:
    """Crossings of doors of one scope that the reader noticed: arrays of one length."""

    person: Ints
    minute: Floats
    point: Ints
    inward: Bools
    mode: Ints  # `DoorMode` of the door


def written(town: Town, people: Carried, noticed: Noticed, scope: Scope) -> Passes:
    """What the terminals at these doors write."""
    terminal = _Terminal(town.rng, town.world, people, noticed, scope)
    if scope == Scope.DWELLING:
        terminal.pins()
    terminal.faces()
    terminal.cards()
    if scope != Scope.DWELLING:
        terminal.codes_and_visitor_passes()
    else:
        terminal.draw_for_nothing()
    terminal.strangers()
    return terminal.passes()


class _Terminal:
    """Goes through the ways to pass, one after the other; `todo` are the crossings not yet explained."""

    def __init__(self, rng: Generator, world: World, people: Carried, noticed: Noticed, scope: Scope) -> None:
        self.rng = rng
        self.world = world
        self.people = people
        self.noticed = noticed
        self.scope = scope
        self.count = len(noticed.person)
        person = noticed.person
        self.minute = noticed.minute
        self.day = (noticed.minute // DAY_MIN).astype(np.int64)
        self.kind = np.full(self.count, -1, np.int8)
        self.member = np.full(self.count, -1, np.int64)
        self.credential = np.full(self.count, -1, np.int64)
        self.numbered = np.zeros(self.count, np.int8)
        self.granted = np.ones(self.count, np.int8)
        self.dwelling = people.dwelling[person].copy()
        self.todo = np.ones(self.count, np.bool_)
        self.refused: Passes | None = None
        checks_faces = (noticed.mode == DoorMode.FACE) | (noticed.mode == DoorMode.VERIFY)
        self.checks_faces: Bools = checks_faces
        self.finds: Bools = noticed.mode == DoorMode.FACE
        self.verifies: Bools = noticed.mode == DoorMode.VERIFY
        has_second = people.second_card[person] >= 0
        takes_second = has_second & self.chance(people.uses_second)
        self.card = np.where(takes_second, people.second_card[person], people.card[person])
        self.own: Bools = people.own_card[person] & (self.card == people.card[person])
        self.replaced = self.own & (self.day >= people.card_replaced[person])

    def random(self) -> Floats:
        return self.rng.random(self.count)

    def chance(self, shares: Floats) -> Bools:
        """Happens or not, by each one's own share."""
        happens: Bools = self.random() < shares[self.noticed.person]
        return happens

    def by_card(self, which: Bools) -> None:
        """These show a card; a replaced one has another number."""
        self.credential[which] = self.card[which] * 2 + self.replaced[which]

    def card_names_holder(self, which: Bools) -> None:
        self.by_card(which)
        self.member[which] = self.people.holder[self.card[which]]

    def mismatch(self, which: Bools) -> None:
        """The face is not that of the card's holder: let in nevertheless, or refused."""
        self.kind[which] = Kind.FACE
        self.by_card(which)
        self.granted[which] = self.rng.random(which.sum()) >= self.world.refuses_mismatch

    def pins(self) -> None:
        which = self.todo & self.chance(self.people.uses_pin) & (self.noticed.mode == DoorMode.PIN)
        self.kind[which] = Kind.PIN
        self.credential[which] = self.dwelling[which]
        self.numbered[which] = Numbered.PINS
        self.todo &= ~which

    def faces(self) -> None:
        people, person = self.people, self.noticed.person
        shows = self.todo & self.checks_faces & people.has_face[person] & self.chance(people.prefers_face)
        recognised = self.random() >= people.face_missed[person]
        known = shows & recognised
        self.kind[known] = Kind.FACE
        self.member[known] = people.member[person][known]
        self.todo &= ~known
        missed = shows & ~recognised
        what_then = self.random()
        self.refused = self.refusals(missed & self.finds & (what_then < 0.7))
        let_in = missed & self.finds & (what_then >= 0.7)  # by guard or intercom: an unknown face of this home
        self.kind[let_in] = Kind.FACE
        self.todo &= ~let_in
        second_look = missed & self.finds & (what_then < 0.35)
        self.kind[second_look] = Kind.FACE
        self.member[second_look] = people.member[person][second_look]
        self.todo &= ~second_look
        self.minute = np.where(second_look, self.minute + 0.2, self.minute)
        unlike_holder = missed & self.verifies & (self.card >= 0)
        self.mismatch(unlike_holder)
        self.todo &= ~unlike_holder

    def refusals(self, which: Bools) -> Passes:
        """Refused unknown faces; a lock knows its dwelling, another door seldom does."""
        count = int(which.sum())
        names_dwelling = self.rng.random(count) < (0.95 if self.scope == Scope.DWELLING else 0.08)
        return Passes(
            minute=self.minute[which] - 0.15,
            point=self.noticed.point[which],
            inward=self.noticed.inward[which],
            kind=np.full(count, Kind.FACE, np.int8),
            member=np.full(count, -1, np.int64),
            credential=np.full(count, -1, np.int64),
            numbered=np.zeros(count, np.int8),
            granted=np.zeros(count, np.int8),
            dwelling=np.where(names_dwelling, self.dwelling[which], -1),
        )

    def cards(self) -> None:
        """Cards; a verifying door compares the face with that of the card's holder."""
        people, person = self.people, self.noticed.person
        shows_code = (people.uses_qr[person] > self.random()) & self.own
        shows = self.todo & (self.card >= 0) & ~shows_code
        compared = shows & self.verifies
        alike = compared & self.own & people.has_face[person] & (self.random() >= people.face_missed[person])
        self.kind[alike] = Kind.FACE
        self.card_names_holder(alike)
        holder_has_face = np.zeros(self.count, np.bool_)
        holder_has_face[shows] = people.face_of_member[people.holder[self.card[shows]]]
        unlike = compared & ~alike & holder_has_face & (self.random() < 0.93)
        self.mismatch(unlike)
        by_card_alone = shows & ~alike & ~unlike
        self.kind[by_card_alone] = Kind.CARD
        self.card_names_holder(by_card_alone)
        self.todo &= ~shows

    def codes_and_visitor_passes(self) -> None:
        people, person = self.people, self.noticed.person
        code = self.todo & (people.uses_qr[person] > 0) & (people.member[person] >= 0)
        self.kind[code] = Kind.QR
        self.member[code] = people.member[person][code]
        self.credential[code] = people.member[person][code]
        self.numbered[code] = Numbered.QR_CODES
        self.todo &= ~code
        visitor = self.todo & self.chance(people.visitor_pass)
        self.kind[visitor] = Kind.VISITOR
        period = self.day[visitor] // people.pass_days[person][visitor]
        self.credential[visitor] = person[visitor] * 1000 + period
        self.numbered[visitor] = Numbered.VISITOR_PASSES
        self.todo &= ~visitor

    def draw_for_nothing(self) -> None:
        """Locks take no visitors' passes: the chance is drawn all the same, so that a seed keeps its city."""
        self.random()

    def strangers(self) -> None:
        """Nothing to show: let in from the dwelling by intercom, or refused, or not written at all."""
        people, noticed = self.people, self.noticed
        at_dwelling = self.scope == Scope.DWELLING
        rung = self.chance(people.rings)
        let_in = self.todo & self.checks_faces & rung & (not at_dwelling)
        self.kind[let_in] = Kind.FACE
        self.todo &= ~let_in
        is_written = self.random() < self.world.unknown_faces_written
        refused = self.todo & self.checks_faces & is_written & noticed.inward
        self.kind[refused] = Kind.FACE
        self.granted[refused] = 0
        if not at_dwelling:
            self.dwelling[refused] = -1
        self.todo &= ~refused
        opened = self.random() < people.rings[noticed.person] * self.world.intercom
        by_station = opened & noticed.inward & (self.scope == Scope.BLOCK)  # the door station
        station = self.todo & (noticed.mode == DoorMode.CARD) & by_station
        self.kind[station] = Kind.VISITOR
        self.credential[station] = -1
        self.todo &= ~station

    def passes(self) -> Passes:
        """All that was written, some of it twice."""
        everything = Passes(
            minute=self.minute,
            point=self.noticed.point,
            inward=self.noticed.inward,
            kind=self.kind,
            member=self.member,
            credential=self.credential,
            numbered=self.numbered,
            granted=self.granted,
            dwelling=self.dwelling,
        )
        is_written = everything.take(self.kind >= 0)
        once = is_written if self.refused is None else joined([is_written, self.refused])
        twice = np.nonzero(self.rng.random(len(once)) < 0.006)[0]
        if len(twice) == 0:
            return once
        again = once.take(twice)
        later = again.minute + self.rng.uniform(0.03, 0.12, len(twice))
        return joined([once, replace(again, minute=later)])

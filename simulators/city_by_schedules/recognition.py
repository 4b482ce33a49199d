"""What the record says of somebody at a door: by what means, as whom, and whether let in.

Misses, mistakes and strangers at face terminals after `detection.md` section 3; consents after
`law_and_practice.md` section 3.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from simulators.city_by_schedules.access_points import Doors
from simulators.city_by_schedules.arrays import DAY_MIN, NOBODY, Bools, Ints
from simulators.city_by_schedules.passes import Credential, Direction, Passes
from simulators.city_by_schedules.people import Kind
from simulators.city_by_schedules.town import Town
from simulators.city_by_schedules.ways import Noticed, joined

QR_READERS = 0.8  # how willingly a QR code is shown, where it can be
PIN_AT_LOCK = 3.0
FACE_OF_STRANGER_REFUSED = 0.25  # of those at a face terminal with nothing at hand; the others leave no record
TRIES_AGAIN = 0.8  # of who was not recognised
TRIES_CARD = 0.6  # of those who try again and have one
REFUSED = 0.004  # of passes with another credential than a face


def identify(town: Town, doors: Doors, noticed: Noticed, withdraws: Ints) -> Passes:
    """The records of all who were noticed; `withdraws`: (members,) days on which consents are taken back."""
    rng, record = town.rng, town.record
    everybody = _Everybody(town)
    checks_face = np.array([point.checks_face for point in doors.points])
    kind, has_nothing = _choose_means(town, doors, noticed, checks_face)
    is_stranger = has_nothing & checks_face[noticed.point] & (everybody.member[noticed.person] < 0)
    mistaken = is_stranger & (rng.random(len(kind)) < record.face_mistaken * 3)
    refused = is_stranger & ~mistaken & (rng.random(len(kind)) < FACE_OF_STRANGER_REFUSED)
    leaves_record = ~has_nothing | mistaken | refused
    noticed, mistaken, refused = noticed.take(leaves_record), mistaken[leaves_record], refused[leaves_record]
    kind = np.where(mistaken | refused, Kind.FACE, kind[leaves_record])

    missed = (kind == Kind.FACE) & ~mistaken & ~refused
    missed &= rng.random(len(kind)) < everybody.face_missed[noticed.person]
    again = np.flatnonzero(missed & (rng.random(len(kind)) < TRIES_AGAIN))
    has_card = everybody.card[noticed.person[again]] >= 0
    second_kind = np.where(has_card & (rng.random(len(again)) < TRIES_CARD), Kind.CARD, Kind.FACE)
    second = noticed.take(again)
    noticed = joined([noticed, Noticed(second.person, second.minute + 0.4, second.point, second.inward)])
    none = np.zeros(len(again), bool)
    unknown = np.concatenate([missed | refused, none])
    look = _Look(town, doors, everybody, noticed, np.concatenate([kind, second_kind]))
    look.faces(unknown, np.concatenate([mistaken, none]))
    look.other_credentials()
    look.refuse_some()
    look.hide_without_consent(withdraws)
    return look.passes()


class _Everybody:
    """The people of a city in one, (people,) each."""

    def __init__(self, town: Town) -> None:
        people = town.people
        self.dwelling = np.array([person.dwelling for person in people])
        self.estate = town.places.estate_of[self.dwelling]
        self.member = np.array([person.member for person in people])
        self.card = np.array([person.card for person in people])
        self.face_missed = np.array([person.face_missed for person in people])
        self.one_day_pass = np.array([person.one_day_pass for person in people], bool)
        self.pass_days = np.array([person.pass_days for person in people])


def _choose_means(town: Town, doors: Doors, noticed: Noticed, checks_face: Bools) -> tuple[Ints, Bools]:
    """(passes,) kinds of credentials, and whether nothing that the door takes is at hand."""
    rng, points, people = town.rng, doors.points, town.people
    registers = np.array([town.places.estates[point.estate].registers_visitors for point in points])
    has_pin = np.array([point.has_pin for point in points])
    is_lock = np.array([point.is_lock for point in points])[noticed.point]
    changes = np.array([person.changes_on for person in people], float) * DAY_MIN
    first = np.array([person.means for person in people], np.float32)
    later = np.array([person.later_means for person in people], np.float32)
    has_changed = noticed.minute >= changes[noticed.person]
    inclined = np.where(has_changed[:, None], later[noticed.person], first[noticed.person])
    takes = np.ones_like(inclined)
    takes[:, Kind.FACE] = checks_face[noticed.point]
    takes[:, Kind.PIN] = has_pin[noticed.point]
    takes[:, Kind.VISITOR] = ~is_lock * registers[noticed.point]
    takes[:, Kind.QR] = ~is_lock * QR_READERS
    takes[is_lock, Kind.PIN] = PIN_AT_LOCK
    sums = np.cumsum(inclined * takes, 1)
    chosen = rng.random(len(noticed)) * np.maximum(sums[:, -1], 1e-9)
    kind = np.minimum((chosen[:, None] > sums).sum(1), Kind.VISITOR)
    has_nothing = sums[:, -1] < 0.02
    has_nothing |= rng.random(len(noticed)) > np.minimum(1, sums[:, -1] * 1.6)
    return kind, has_nothing


class _Look:
    """The records of a city's passes while they are made."""

    def __init__(self, town: Town, doors: Doors, everybody: _Everybody, noticed: Noticed, kind: Ints) -> None:
        self.town = town
        self.rng = town.rng
        self.doors = doors
        self.everybody = everybody
        self.noticed = noticed
        self.kind = kind
        self.person = noticed.person
        self.day = (noticed.minute // DAY_MIN).astype(np.int64)
        count = len(noticed)
        self.member = np.full(count, NOBODY)
        self.credential = np.full(count, NOBODY)
        self.dwelling = everybody.dwelling[noticed.person].copy()
        self.granted = np.ones(count, np.int8)

    def faces(self, unknown: Bools, mistaken: Bools) -> None:
        """Faces that are known, unknown (refused), and taken for somebody else."""
        known = (self.kind == Kind.FACE) & ~unknown
        self.member[known] = self.everybody.member[self.person[known]]
        self.granted[unknown] = 0
        self.dwelling[unknown] = NOBODY
        self.take_for_neighbours(np.flatnonzero(mistaken))
        self.take_for_family()

    def take_for_neighbours(self, rows: Ints) -> None:
        """Strangers who are taken for somebody of the estate, if that face is on record."""
        members = self.town.members
        estate_of = self.town.places.estate_of[np.array([member.dwelling for member in members])]
        for row in rows:
            of_estate = np.flatnonzero(estate_of == self.everybody.estate[self.person[row]])
            number = int(of_estate[self.rng.integers(len(of_estate))])
            if members[number].enrolled:
                self.member[row], self.dwelling[row] = number, members[number].dwelling
            else:
                self.granted[row], self.dwelling[row] = 0, NOBODY

    def take_for_family(self) -> None:
        """Faces that are taken for another's of the same home."""
        families: dict[int, list[int]] = defaultdict(list)
        for number, member in enumerate(self.town.members):
            if member.enrolled:
                families[member.dwelling].append(number)
        recognised = (self.kind == Kind.FACE) & (self.member >= 0)
        alike = recognised & (self.rng.random(len(self.kind)) < self.town.record.taken_for_family)
        for row in np.flatnonzero(alike):
            family = families.get(int(self.dwelling[row]), [])
            if len(family) > 1:
                self.member[row] = family[int(self.rng.integers(len(family)))]

    def other_credentials(self) -> None:
        self.cards()
        self.pins()
        self.qr_codes()
        self.visitor_passes()

    def cards(self) -> None:
        """Name their dwelling, and their holder where they are personal."""
        cards, which = self.town.cards, self.kind == Kind.CARD
        number = self.everybody.card[self.person[which]]
        self.member[which] = np.array([*(card.holder for card in cards), NOBODY])[number]
        self.dwelling[which] = np.array([*(card.dwelling for card in cards), NOBODY])[number]
        self.credential[which] = number

    def pins(self) -> None:
        """Name a dwelling, but at doors where all have one PIN."""
        which = self.kind == Kind.PIN
        self.credential[which] = Credential.PINS + self.dwelling[which]
        is_common = [
            not point.is_lock and self.town.places.estates[point.estate].pin_is_common for point in self.doors.points
        ]
        common = which & np.array(is_common)[self.noticed.point]
        self.credential[common] = self.dwelling[common] = NOBODY

    def qr_codes(self) -> None:
        """Name a member; who is none shows that of the first of the home."""
        which = self.kind == Kind.QR
        first_of: dict[int, int] = {}
        for number, member in enumerate(self.town.members):
            first_of.setdefault(member.dwelling, number)
        first = np.array([first_of.get(dwelling, NOBODY) for dwelling in range(self.town.places.dwellings)])
        own = self.everybody.member[self.person]
        holder = np.where(own >= 0, own, first[self.everybody.dwelling[self.person]])[which]
        self.member[which] = holder
        self.credential[which] = Credential.QR_CODES + np.maximum(holder, 0)

    def visitor_passes(self) -> None:
        """One for all visits of somebody, or another one for each period."""
        which = self.kind == Kind.VISITOR
        person = self.person[which]
        period = self.day[which] // self.everybody.pass_days[person]
        number = person * 1000 + np.where(self.everybody.one_day_pass[person], period, 0) + 1
        self.credential[which] = Credential.VISITOR_PASSES + number

    def refuse_some(self) -> None:
        """Now and then a credential is refused."""
        refused = (self.kind != Kind.FACE) & (self.rng.random(len(self.kind)) < REFUSED)
        self.granted[refused] = 0

    def hide_without_consent(self, withdraws: Ints) -> None:
        """Faces of those who do not consent have no person, but in estates that show them all the same."""
        is_shown = np.array([estate.without_consent == "shown" for estate in self.town.places.estates])
        consents = np.array([member.consents for member in self.town.members])
        agrees = consents[self.member] & (self.day < withdraws[self.member])
        hidden = (self.kind == Kind.FACE) & (self.member >= 0) & ~agrees
        hidden &= ~is_shown[self.everybody.estate[self.person]]
        self.member[hidden] = self.dwelling[hidden] = NOBODY

    def passes(self) -> Passes:
        """All records; of who has no card there is none of a card."""
        noticed = self.noticed
        knows_direction = np.array([point.knows_direction for point in self.doors.points])[noticed.point]
        direction = np.where(noticed.inward, Direction.IN, Direction.OUT)
        everything = Passes(
            minute=noticed.minute,
            point=noticed.point,
            member=self.member,
            credential=self.credential,
            kind=self.kind,
            dwelling=self.dwelling,
            granted=self.granted,
            direction=np.where(knows_direction, direction, Direction.UNKNOWN),
        )
        has_no_card = (self.kind == Kind.CARD) & (self.credential < 0)
        return everything.take(~has_no_card)

"""Which homes are in violation, and how: the kinds of the history format, their mix after `detection.md` section 1.1.

A third of them runs since before the history (`detection.md` section 3). What a violator does is made of the same parts
as honest life: `absences.leave_home`, outsiders with lent cards, numbers and visitor passes.
"""

from __future__ import annotations

import numpy as np

from simulators.city_of_lookalikes.absences import REASONS, declare, first_day, leave_home, vacancy_manner
from simulators.city_of_lookalikes.calendar import length
from simulators.city_of_lookalikes.dice import NOBODY, Bools
from simulators.city_of_lookalikes.estates import Reader
from simulators.city_of_lookalikes.people import Actor, Case, Household, Rhythm, Town, Violation

KINDS = {
    "vacancy": 0.35,
    "sublet_whole": 0.21,
    "sublet_part": 0.13,
    "lent": 0.10,
    "visitor_abuse": 0.07,
    "vacant_used": 0.03,
    "over_occupancy": 0.05,
    "enrolment_fraud": 0.06,
}
"""Kind of violation: mean share."""

MIX_STEADINESS = 180
EVERY_KIND_FROM = 30  # violations; a city with fewer may lack some kinds
KEPT_FOR_GUESTS = ("token", "sitter", "staff", "builder")  # come also when nobody lives there
LODGERS_MEANS = (
    ["members_card", "number"],
    ["family_card", "members_card"],
    ["members_card", "members_code"],
    ["members_card", "visitor_pass"],
    ["visitor_pass", "number"],
    ["members_card", "let_in"],
)
LODGERS_MEANS_WEIGHTS = (0.3, 0.2, 0.12, 0.13, 0.1, 0.15)
WORKER, HOMEBODY, NIGHT, COURIER = Rhythm.WORKER, Rhythm.HOMEBODY, Rhythm.NIGHT, Rhythm.COURIER
VACANCY_REASONS = (0.42, 0.2, 0.12, 0.16, 0.04, 0.06)  # weights of the first six reasons


def draw_violations(town: Town, times: float) -> None:
    """Chooses homes, kinds and intervals, and the cases that end a few; `times` multiplies the prevalence.

    Raises:
        ValueError: more violations than there are homes for them.
    """
    dice, days = town.dice, town.calendar.days
    mix = dice.rng.dirichlet(MIX_STEADINESS * np.array(list(KINDS.values())))
    total = round(len(town.households) * town.world.prevalence * times)
    counts = np.maximum(dice.rng.multinomial(total, mix), np.minimum(1, total // EVERY_KIND_FROM))
    homes = town.steady
    dice.rng.shuffle(homes)
    vacant = sorted(town.vacant)
    if counts.sum() > len(homes):
        raise ValueError(f"{counts.sum()} violations, but {len(homes)} homes are let the whole time")
    for kind, count in zip(KINDS, counts.tolist(), strict=True):
        for _ in range(count):
            if kind == "vacant_used":
                if not vacant:
                    continue
                home = vacant.pop(dice.whole(0, len(vacant) - 1))
            else:
                home = homes.pop()
            has_family = town.households[home].kind in ("three_gen", "family")
            if kind in ("vacancy", "sublet_whole") and has_family and dice.chance(0.35):
                homes.insert(0, home)  # families leave or let their home less often
                home = homes.pop()
            _violate(town, home, kind)
    town.cases = [case for case in town.cases if case.closed_on < days]


def _violate(town: Town, home: int, kind: str) -> None:
    dice, days = town.dice, town.calendar.days
    begin, began, end = _interval(town)
    if dice.chance(0.10) and end > days and begin < days - 120:
        closed_on = begin + dice.whole(60, 200)
        if closed_on < days - 5:
            town.cases.append(Case(home, kind, closed_on, "confirmed"))
            end = closed_on + dice.whole(5, 60)
    town.violations[home] = Violation(kind, begin, began, end)
    town.truth.append((home, kind, began, None if end > days else end))


def _interval(town: Town) -> tuple[int, int, int]:
    """(first day in the history, real first day, day after the last)."""
    dice, days = town.dice, town.calendar.days
    dice.whole(120, 500)  # drawn for nothing: a seed keeps its city
    if dice.chance(town.world.running):
        begin, began = 0, -dice.whole(1, 400)
    else:
        around_festivals = days > 100 and dice.chance(0.55)
        latest = days - 5 if days > 100 else days - 2
        begin = first_day(town, 100) if around_festivals else dice.whole(1, latest)
        if begin <= 0 or begin > days - 5:
            begin = dice.whole(1, days - 5)
        began = begin
    end = days + 1 if dice.chance(town.world.goes_on) else begin + dice.whole(60, 220)
    return begin, began, end


def live_in_violation(town: Town) -> None:
    """Draws what happens in the chosen homes."""
    for home, violation in town.violations.items():
        _ViolatingHome(town, home, violation).live()


def empty_homes_of_guests(town: Town) -> None:
    """Guests, carers and partners do not stay on in an empty home; a few honest ones do."""
    for home in town.let:
        household = town.households[home]
        for begin, end, violates in household.empty:
            _send_away(town, household, begin, end, 0 if violates else 0.06)
        violation = town.violations.get(home)
        if violation and violation.kind in ("sublet_whole", "lent"):
            _send_away(town, household, violation.begin, violation.end, 0.12)


def _send_away(town: Town, household: Household, begin: int, end: int, share_stays: float) -> None:
    for actor in household.actors:
        is_guest = actor not in household.members and actor.role not in KEPT_FOR_GUESTS and not actor.lodges
        if is_guest and not town.dice.chance(share_stays):
            days = town.calendar.span(begin, end)
            actor.present[days] = False
            actor.visits[days] = 0


class _ViolatingHome:
    """The year of one home in violation."""

    def __init__(self, town: Town, home: int, violation: Violation) -> None:
        self.town = town
        self.home = home
        self.violation = violation
        self.dice = town.dice
        self.calendar = town.calendar
        self.days = town.calendar.days
        self.members = town.households[home].members
        self.span = town.calendar.span(violation.begin, violation.end)

    def live(self) -> None:
        {
            "vacancy": self.vacancy,
            "sublet_whole": self.others_instead,
            "lent": self.others_instead,
            "sublet_part": self.others_too,
            "visitor_abuse": self.visitor_abuse,
            "over_occupancy": self.crowd,
            "enrolment_fraud": self.enrolment_fraud,
            "vacant_used": self.vacant_used,
        }[self.violation.kind]()

    @property
    def runs(self) -> bool:
        """Already before the history."""
        return self.violation.began < 0

    def vacancy(self) -> None:
        dice, world, began = self.dice, self.town.world, self.violation.began
        begin = -2 if self.runs else self.violation.begin
        end = min(self.violation.end, self.days + 90)
        leave_home(self.town, self.home, begin, end, vacancy_manner(self.town), violates=True)
        last = min(began + dice.whole(40, 300), self.days + 200)
        reason = dice.pick(REASONS[:6], VACANCY_REASONS)
        share = world.honest_declares * world.violator_declares * 1.1
        declare(self.town, self.home, max(began, -60), last, reason, share)

    def others_instead(self) -> None:
        """The members are gone, others live there; one member may keep a bed, or come for the post."""
        dice, violation = self.dice, self.violation
        is_let = violation.kind == "sublet_whole"
        first = self.members[0]
        keeps_bed = dice.chance(0.25 if is_let else 0.5)
        for actor in self.members:
            if keeps_bed and actor is first:
                actor.present[self.span] = dice.days_at(length(self.span), 0.04, 0.2 if is_let else 0.35)
            else:
                actor.present[self.span] = False
        if dice.chance(0.6):
            first.visits[self.span] |= dice.days_at(length(self.span), 0.01, 0.12)
        begin = violation.begin + (0 if self.runs else dice.whole(0, 25))
        persons = dice.pick([1, 2, 3, 4], [0.25, 0.35, 0.25, 0.15]) if is_let else dice.pick([1, 2, 3])
        self.lodgers(begin, violation.end, persons)
        if dice.chance(0.25):
            last = min(violation.began + dice.whole(60, 300), self.days + 100)
            reason = dice.pick(["work", "care", "home_visit"])
            begins = max(violation.began, -60)
            declare(self.town, self.home, begins, last, reason, self.town.world.honest_declares)

    def others_too(self) -> None:
        """A room is let; at times a member is there less."""
        dice = self.dice
        self.lodgers(self.violation.begin, self.violation.end, dice.pick([1, 2], [0.7, 0.3]))
        if dice.chance(0.3):
            dice.pick(self.members).present[self.span] &= dice.days_at(length(self.span), 0.2, 0.8)

    def visitor_abuse(self) -> None:
        """Others live there on visitor passes: the same people all the time, or ever new ones."""
        dice, violation = self.dice, self.violation
        persons = dice.whole(1, 4)
        day = violation.begin
        if dice.chance(0.4):
            self.lodgers(violation.begin, violation.end, persons, on_passes=True)
        else:
            last = min(violation.end, self.days)
            while day < last:
                stay = dice.whole(4, 45)
                self.lodgers(day, min(day + stay, last), dice.whole(1, 3), on_passes=True)
                day += stay + dice.whole(0, 6)
        if dice.chance(0.5):
            for actor in self.members:
                actor.present[self.span] &= dice.days_at(length(self.span), 0.05, 0.6)

    def crowd(self) -> None:
        self.lodgers(self.violation.begin, self.violation.end, self.dice.whole(3, 7))

    def enrolment_fraud(self) -> None:
        """Others are put on the list as members, with faces and cards of their own."""
        dice, town, violation = self.dice, self.town, self.violation
        for actor in self.lodgers(violation.begin, violation.end, dice.whole(1, 3)):
            listed = max(violation.begin + dice.whole(-10, 40), -400 if self.runs else 0)
            member = town.add_member(self.home, listed)
            actor.member = actor.face = actor.card_holder = member
            actor.enrolled_on = violation.begin
            actor.card = town.add_credential("C")
            actor.unknown_face = 0
            actor.likes_face = 2.0
        if dice.chance(0.55):
            for actor in self.members:
                actor.present[self.span] &= dice.days_at(length(self.span), 0.0, 0.4)

    def vacant_used(self) -> None:
        """Somebody lives in a home that is recorded vacant."""
        dice, town, violation = self.dice, self.town, self.violation
        last = None
        for _ in range(dice.whole(1, 3)):
            rhythm = dice.pick([WORKER, HOMEBODY, COURIER])
            errands = dice.between(0.5, 1.3)
            there = self.calendar.mask(violation.begin, violation.end) & dice.days_at(self.days, 0.5, 0.98)
            last = town.add_actor(
                self.home,
                rhythm,
                errands,
                there,
                knows_number=dice.chance(0.6),
                card=town.add_credential("S") if dice.chance(0.5) else NOBODY,
                unknown_face=dice.between(0.2, 1.0),
                seen=dice.between(0.3, 0.9),
                role="vacant_used",
                lodges=True,
            )
        if dice.chance(0.4) and last:
            last.visitor_pass = town.add_credential("V")

    def lodgers(self, begin: int, end: int, persons: int, *, on_passes: bool = False) -> list[Actor]:
        """People who live there from day `begin` up to `end`, with what the members lend them or visitor passes."""
        dice, town, kind = self.dice, self.town, self.violation.kind
        are_listed = dice.chance(town.world.fraud) and kind in ("sublet_whole", "sublet_part", "lent")
        lent = dice.pick(LODGERS_MEANS, LODGERS_MEANS_WEIGHTS)
        block = town.places.blocks[town.places.dwellings[self.home].block]
        arrived = []
        for number in range(persons):
            if number < 2:
                rhythms = [WORKER, HOMEBODY, NIGHT, COURIER, Rhythm.STUDENT]
                rhythm = dice.pick(rhythms, [0.5, 0.2, 0.08, 0.12, 0.1])
            else:
                rhythm = dice.pick([HOMEBODY, Rhythm.STUDENT, WORKER])
            stay = self._stay(begin + (dice.whole(0, 5) if number else 0), end)
            errands = dice.rng.gamma(3, 0.25)
            is_seen = block.reader == Reader.FACE and not on_passes
            unknown_face = dice.between(0.3, 1.2) if is_seen else 0.0
            means = ["visitor_pass"] if on_passes else lent
            actor = town.add_outsider(
                self.home, rhythm, errands, stay, means, kind, unknown_face=unknown_face, lodges=True
            )
            if are_listed:
                listed = begin + dice.whole(3, 60)
                actor.member = actor.face = town.add_member(self.home, max(listed, -30))
                actor.enrolled_on = listed + dice.whole(0, 10)
                actor.likes_face = 3.0
            if dice.chance(0.25) and not on_passes and not are_listed:
                actor.seen *= 0.5
            arrived.append(actor)
        return arrived

    def _stay(self, begin: int, end: int) -> Bools:
        """(days,) at home: not on all days, and mostly not at Spring Festival."""
        dice, calendar = self.dice, self.calendar
        stay = calendar.mask(begin, end)
        if dice.chance(0.35):
            stay &= dice.days_at(self.days, 0.7, 0.97)
        for festival in calendar.festivals:
            if dice.chance(0.6):
                first, last = festival - dice.whole(1, 12), festival + dice.whole(3, 14)
                stay[calendar.span(first, last)] = False
        return stay

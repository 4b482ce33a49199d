"""(P) One household of the simulated estate: its members, habits, absences and, where there is one, its violation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import SupportsInt

from numpy.random import Generator

from simulators.people import Household, HouseholdKind, Person, Register, Routine, Spell, Violation
from simulators.spring_festivals import spring_festivals

K, R = HouseholdKind, Routine
FUTURE_DAYS = 400  # how far beyond the history habits are drawn, for the estate that goes on living
SPRING_FESTIVALS = spring_festivals(2024, 2030)
SPRING_FESTIVAL_SHARE = {K.FAMILY: 0.45, K.COUPLE: 0.55, K.SINGLE: 0.65, K.SEASONAL_WORKER: 0.9, K.TRAVELLER: 0.6}
# (relation, routine, age from, age to) of the members; the applicant comes first
COMPOSITION: dict[HouseholdKind, tuple[tuple[str, Routine, int, int], ...]] = {
    K.FAMILY: (("applicant", R.WORKER, 27, 46), ("spouse", R.WORKER, 26, 45), ("child", R.STUDENT, 1, 17)),
    K.THREE_GENERATIONS: (
        ("applicant", R.WORKER, 30, 45),
        ("spouse", R.WORKER, 29, 44),
        ("child", R.STUDENT, 2, 16),
        ("parent", R.ELDER, 58, 74),
    ),
    K.COUPLE: (("applicant", R.WORKER, 23, 52), ("spouse", R.WORKER, 23, 50)),
    K.SINGLE: (("applicant", R.WORKER, 22, 55),),
    K.LONE_ELDER: (("applicant", R.ELDER, 66, 88),),
    K.ELDER_COUPLE: (("applicant", R.ELDER, 62, 82), ("spouse", R.ELDER, 60, 80)),
    K.NIGHT_SHIFT: (("applicant", R.NIGHT, 25, 50), ("spouse", R.HOME, 24, 48)),
    K.TRAVELLER: (("applicant", R.WORKER, 26, 48),),
    K.CARED_FOR: (("applicant", R.ELDER, 74, 90),),
    K.SEASONAL_WORKER: (("applicant", R.WORKER, 28, 54), ("spouse", R.WORKER, 27, 52)),
    K.HOSPITAL_DECLARED: (("applicant", R.ELDER, 68, 80),),
    K.WORK_UNDECLARED: (("applicant", R.WORKER, 30, 50), ("spouse", R.WORKER, 29, 48)),
    K.VACANCY_OLD: (("applicant", R.WORKER, 35, 55), ("spouse", R.HOME, 33, 52)),
    K.VACANCY_NEW: (("applicant", R.WORKER, 28, 45),),
    K.SUBLET_CARDS: (
        ("applicant", R.WORKER, 33, 46),
        ("spouse", R.WORKER, 32, 44),
        ("child", R.STUDENT, 8, 14),
    ),
    K.SUBLET_LENT_CARD: (("applicant", R.WORKER, 30, 50), ("spouse", R.HOME, 29, 48)),
}
ELDER_KINDS = (K.LONE_ELDER, K.ELDER_COUPLE, K.CARED_FOR)
SPECIAL_KINDS = (
    K.HOSPITAL_DECLARED,
    K.WORK_UNDECLARED,
    K.VACANCY_OLD,
    K.VACANCY_NEW,
    K.SUBLET_CARDS,
    K.SUBLET_LENT_CARD,
)


@dataclass(slots=True)
class Maker:
    """Draws one household of `kind`; `rng` belongs to this household alone, so that others do not shift it."""

    rng: Generator
    register: Register
    end: date
    days: int
    kind: HouseholdKind
    metered: bool

    def household(self, dwelling: str, block: str) -> Household:
        """The household in `dwelling`, with everything that will happen to it."""
        special = self.kind in SPECIAL_KINDS
        members = self._members(special)
        lent: tuple[str, ...] = ()
        if self.kind is K.CARED_FOR:
            lent = members[0].cards[1:2]
        elif self.kind is K.SUBLET_CARDS:
            lent = (members[0].cards[0], members[1].cards[0])
        elif self.kind is K.SUBLET_LENT_CARD:
            lent = (members[0].cards[0],)
        violation = self._violation()
        return Household(
            dwelling=dwelling,
            block=block,
            kind=self.kind,
            members=members,
            let_from=self._let_from(special),
            observed=0.92 if special else self._observed(),
            metered=self.metered,
            away=() if violation else self._away(),
            violation=violation,
            lent_cards=lent,
            leak=self._leak() if not special else None,
            fridge_off_when_away=self.rng.random() < 0.3,
        )

    def _chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def _members(self, special: bool) -> tuple[Person, ...]:
        surname = self.register.surname()
        rows = list(COMPOSITION[self.kind])
        if self.kind is K.FAMILY and self._chance(0.4):
            rows.append(("child", R.STUDENT, 1, 15))
        refuser = not special and self._chance(0.05)
        applicant_male = self.kind is K.NIGHT_SHIFT or self._chance(0.55)
        return tuple(self._member(row, surname, applicant_male, refuser, special) for row in rows)

    def _member(
        self, row: tuple[str, Routine, int, int], surname: str, applicant_male: bool, refuser: bool, special: bool
    ) -> Person:
        relation, routine, youngest, oldest = row
        age = int(self.rng.integers(youngest, oldest + 1))
        birth = date(self.end.year - age, 1, 1) - timedelta(days=int(self.rng.integers(1, 360)))
        male = applicant_male if relation == "applicant" else not applicant_male
        if relation in ("child", "parent"):
            male = self._chance(0.5)
        family_name = surname if relation in ("applicant", "child") else self.register.surname()
        routine = R.INFANT if routine is R.STUDENT and age < 6 else routine
        unenrolled = relation in ("spouse", "parent") and not special and self._chance(0.06)
        has_face, consents = self._consents(routine, age, refuser or unenrolled, special)
        cards: tuple[str, ...] = ()
        if routine is not R.INFANT and not unenrolled:
            count = 2 if relation == "applicant" and (self.kind is K.CARED_FOR or self._chance(0.2)) else 1
            cards = tuple(self.register.card() for _ in range(count))
        return Person(
            person_id=self.register.person_id(),
            name=self.register.name(family_name, male),
            id_number=self.register.id_number(birth, male),
            birth=birth,
            relation=relation,
            routine=routine,
            cards=cards,
            face="good" if has_face else "none",
            consents=consents,
        )

    def _consents(
        self, routine: Routine, age: int, refuses: bool, special: bool
    ) -> tuple[bool, tuple[bool, bool, bool]]:
        """(has handed in a photo, consents a, b, c). Children under 14 need a guardian's: rarely given."""
        if refuses or routine is R.INFANT:
            return False, (False, False, False)
        a = self._chance(0.3 if age < 14 else 0.8 if routine is R.ELDER else 0.93) or (special and age >= 14)
        b = a and (special or self._chance(0.75))
        return a, (a, b, a and self._chance(0.3))

    def _let_from(self, special: bool) -> date:
        if not special and self._chance(0.04):  # moved in during the history
            return self.end - timedelta(days=int(self.rng.integers(12, self.days)))
        return self.end - timedelta(days=self.days + int(self.rng.integers(40, 700)))

    def _observed(self) -> float:
        if self._chance(0.06):  # a household that always walks in behind others
            return 0.35
        return float(self.rng.uniform(0.82, 0.97))

    def _leak(self) -> Spell | None:
        if not self._chance(0.03):
            return None
        first = self._day(self.rng.integers(20, self.days))
        return Spell(first, first + timedelta(days=int(self.rng.integers(6, 45))), "leak")

    def _day(self, index: SupportsInt) -> date:
        return self.end - timedelta(days=self.days) + timedelta(days=int(index))

    def _violation(self) -> Violation | None:
        if self.kind is K.VACANCY_OLD:
            return Violation("vacancy", self._day(self.rng.integers(0, 18)))
        if self.kind is K.VACANCY_NEW:
            return Violation("vacancy", self._day(max(5, self.days - 120 + int(self.rng.integers(-3, 4)))))
        if self.kind is K.SUBLET_CARDS:
            return Violation("sublet_whole", self._day(self.days * 0.45 + self.rng.integers(-5, 6)))
        if self.kind is K.SUBLET_LENT_CARD:
            return Violation("sublet_whole", self._day(self.days * 0.55 + self.rng.integers(-5, 6)))
        return None

    def _away(self) -> tuple[Spell, ...]:
        if self.kind is K.HOSPITAL_DECLARED:
            first = self.end - timedelta(days=min(78, self.days - 5))
            return (Spell(first, self.end + timedelta(days=45), "hospital", first + timedelta(days=2)),)
        if self.kind is K.WORK_UNDECLARED:
            first = self.end - timedelta(days=min(104, self.days - 5))
            return (Spell(first, self.end + timedelta(days=70), "work"),)
        spells = [*self._trips(), *self._festival(), *self._season(), *self._illness()]
        return tuple(sorted(spells, key=lambda s: s.first))

    def _trips(self) -> list[Spell]:
        """Short trips: days between two, then 2–4 days (a traveller: weekly, 2–9 days)."""
        gap, longest = (9, 9) if self.kind is K.TRAVELLER else (75, 5)
        if self.kind in ELDER_KINDS:
            gap = 120
        spells, index = [], float(self.rng.exponential(gap))
        while index < self.days + FUTURE_DAYS:
            length = int(self.rng.integers(2, longest + 1))
            first = self._day(index)
            spells.append(Spell(first, first + timedelta(days=length - 1), "travel"))
            index += length + 2 + float(self.rng.exponential(gap))
        return spells

    def _festival(self) -> list[Spell]:
        share = SPRING_FESTIVAL_SHARE.get(self.kind, 0.15)
        out = []
        for day in SPRING_FESTIVALS:
            before, after = int(self.rng.integers(2, 12)), int(self.rng.integers(4, 16))
            if self._chance(share):
                out.append(Spell(day - timedelta(days=before), day + timedelta(days=after), "home_visit"))
        return out

    def _season(self) -> list[Spell]:
        """Away for a season of work once in the history; half of them say so."""
        if self.kind is not K.SEASONAL_WORKER:
            return []
        first = self._day(self.rng.integers(5, max(6, self.days - 60)))
        declared = first - timedelta(days=3) if self._chance(0.5) else None
        return [Spell(first, first + timedelta(days=int(self.rng.integers(35, 75))), "work", declared)]

    def _illness(self) -> list[Spell]:
        """A stay in hospital of some days, or weeks at a child's home: elders who live alone only."""
        if self.kind not in (K.LONE_ELDER, K.ELDER_COUPLE) or not self._chance(0.3):
            return []
        first = self._day(self.rng.integers(0, self.days))
        reason = "hospital" if self._chance(0.5) else "home_visit"
        declared = first + timedelta(days=3) if self._chance(0.5) else None
        return [Spell(first, first + timedelta(days=int(self.rng.integers(6, 35))), reason, declared)]

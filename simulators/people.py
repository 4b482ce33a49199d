"""(P) Persons and households of the simulated estate: words, names, card and identity numbers.

Everybody here is made up: the identity numbers carry the area code 990000, which GB/T 2260 does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from numpy.random import Generator

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_MALE = "伟强磊军勇杰涛明超刚平辉鹏华飞斌波浩宇建国志文博凯晨峰健亮东海林成龙振家俊"
GIVEN_FEMALE = "芳娜敏静丽艳娟霞秀英玉兰桂梅婷雪琳慧红燕萍莉颖欣怡佳雨涵梦洁月春晓云凤珍"
FICTITIOUS_AREA = "990000"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, 4.2
_CHECK = "10X98765432"


class HouseholdKind(StrEnum):
    """How a household lives. The first group is ordinary; the second carries the demo's questions."""

    FAMILY = "family"
    THREE_GENERATIONS = "three_generations"
    COUPLE = "couple"
    SINGLE = "single"
    LONE_ELDER = "lone_elder"
    ELDER_COUPLE = "elder_couple"
    NIGHT_SHIFT = "night_shift"
    TRAVELLER = "traveller"
    CARED_FOR = "cared_for"
    SEASONAL_WORKER = "seasonal_worker"
    HOSPITAL_DECLARED = "hospital_declared"
    WORK_UNDECLARED = "work_undeclared"
    VACANCY_OLD = "vacancy_old"
    VACANCY_NEW = "vacancy_new"
    SUBLET_CARDS = "sublet_cards"
    SUBLET_LENT_CARD = "sublet_lent_card"


class Routine(StrEnum):
    """The rhythm of one body's days (tables in `movement`)."""

    WORKER = "worker"
    NIGHT = "night"
    STUDENT = "student"
    HOME = "home"
    ELDER = "elder"
    INFANT = "infant"
    CARER = "carer"


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the tenancy records know them, and how they use the doors.

    `face` is what the office holds: a "good" photo, a "blank" one (the terminal finds no face) or "none".
    `consents` are (a) open doors by face, (b) face passes may be used in the occupancy check, (c) further notices.
    """

    person_id: str
    name: str
    id_number: str
    birth: date
    relation: str
    routine: Routine
    cards: tuple[str, ...]
    face: str
    consents: tuple[bool, bool, bool]


@dataclass(frozen=True, slots=True)
class Spell:
    """Days `first`..`last` (both included) on which the household is away; `reason` as in a declaration."""

    first: date
    last: date
    reason: str
    declared_on: date | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """The true label: what is really wrong with the use of a dwelling, from when (`to` None: still)."""

    kind: str
    first: date
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """A let dwelling and those who are registered in it. `observed` is P(a homecoming leaves a record)."""

    dwelling: str
    block: str
    kind: HouseholdKind
    members: tuple[Person, ...]
    let_from: date
    observed: float
    metered: bool
    away: tuple[Spell, ...] = ()
    violation: Violation | None = None
    lent_cards: tuple[str, ...] = ()
    leak: Spell | None = None
    fridge_off_when_away: bool = False


@dataclass(slots=True)
class Register:
    """Hands out person ids, names, identity and card numbers: each once."""

    rng: Generator
    next_person: int = 1
    used_ids: set[str] = field(default_factory=set)
    used_cards: set[str] = field(default_factory=set)

    def person_id(self) -> str:
        self.next_person += 1
        return f"P-{self.next_person - 1:06d}"

    def name(self, surname: str, male: bool) -> str:
        pool = GIVEN_MALE if male else GIVEN_FEMALE
        count = 2 if self.rng.random() < 0.75 else 1
        return surname + "".join(pool[int(i)] for i in self.rng.choice(len(pool), count, replace=False))

    def surname(self) -> str:
        return SURNAMES[int(self.rng.integers(len(SURNAMES)))]

    def id_number(self, birth: date, male: bool) -> str:
        for serial in self._serials(male):
            number = with_check_digit(f"{FICTITIOUS_AREA}{birth:%Y%m%d}{serial:03d}")
            if number not in self.used_ids:
                self.used_ids.add(number)
                return number
        raise ValueError(f"no serial number left for {birth}")

    def _serials(self, male: bool) -> Iterator[int]:
        start = int(self.rng.integers(0, 49))
        for step in range(50):
            yield 900 + 2 * ((start + step) % 50) + (1 if male else 0)

    def card(self) -> str:
        """A 10-digit decimal card number as printed on EM/Mifare cards (32 bits)."""
        while True:
            number = f"{int(self.rng.integers(3_000_000, 16_000_000)):010d}"
            if number not in self.used_cards:
                self.used_cards.add(number)
                return number


def with_check_digit(body: str) -> str:
    """The 18-digit identity number of 17 digits: GB 11643-1999 (ISO 7064 MOD 11-2)."""
    return body + _CHECK[sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True)) % 11]


def id_number_is_valid(number: str) -> bool:
    """True when 18 characters carry the right check digit; says nothing about the area or the date."""
    return len(number) == 18 and number[:17].isdigit() and with_check_digit(number[:17]) == number

"""(P) A person who goes through doors because of one dwelling: what is carried, how doors know it, habits."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.city_by_diaries.arrays import NEVER, Generator

GUEST_ROLES = ("carer", "dropin", "partner")
"""Who comes from outside and leaves again: their coming is a visit, not presence."""


@dataclass(slots=True)
class Habits:
    """What one person's days have of their own."""

    leaves: float  # minutes later than others
    returns: float  # minutes later than others
    often: float  # propensities 0..1 to three kinds of outing, see `diaries`
    sometimes: float
    seldom: float
    saturdays: bool  # works
    phase: int  # of shifts, days
    shifts: str  # turns by the `week`, four on two off (`42`), or nights only (`fixed`)
    dances: bool  # on the square, in the evening
    works_late: bool
    home_for_lunch: bool
    school_run: bool = False  # brings a child to school and back


@dataclass(slots=True, eq=False)
class Person:
    """A member, lodger, carer or guest. Days are numbers from the first day on."""

    dwelling: int
    role: str  # whose days these are, see `diaries`; `none` has no days, only `visits`
    age: int
    habits: Habits
    weight: float = 1.0  # of a full person, in meters
    member: int = -1  # number in the register of members, -1 is in none
    since: float = -NEVER  # day: lives (or comes) there from then
    until: float = NEVER
    away: list[tuple[float, float]] = field(default_factory=list)  # (day, day)
    visits: list[tuple[float, float]] = field(default_factory=list)  # (minute in, minute out)
    has_face: bool = False  # enrolled
    prefers_face: float = 0.8
    face_missed: float = 0.02
    card: int = -1  # number of a card, -1 has none
    second_card: int = -1  # of another in the home
    uses_second: float = 0.0
    card_replaced: int = NEVER  # day
    uses_qr: float = 0.0
    visitor_pass: float = 0.0  # share of passes with a visitor's pass
    pass_days: int = 1  # a visitor's pass is valid for
    tailgates: float = 0.1
    rings: float = 0.0  # is let in from the dwelling by intercom
    uses_pin: float = 0.0


def draw_habits(rng: Generator) -> Habits:
    """Habits of anybody."""
    return Habits(
        leaves=rng.normal(0, 28),
        returns=rng.normal(0, 40),
        often=rng.beta(4, 3),
        sometimes=rng.beta(3, 3),
        seldom=rng.beta(2, 3),
        saturdays=rng.random() < 0.35,
        phase=int(rng.integers(0, 12)),
        shifts=str(rng.choice(["week", "42", "fixed"], p=[0.45, 0.35, 0.2])),
        dances=rng.random() < 0.4,
        works_late=rng.random() < 0.15,
        home_for_lunch=rng.random() < 0.1,
    )


def make_person(rng: Generator, dwelling: int, role: str, age: int, weight: float = 1.0) -> Person:
    """Somebody with habits and without any means of passing."""
    return Person(dwelling, role, age, draw_habits(rng), weight)

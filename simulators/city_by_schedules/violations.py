"""Violations laid over honest households: who leaves, who lives there instead, by what means; and the true label.

Ways and shares after `detection.md` section 3, kinds after the rules of `law_and_practice.md` section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.absences import declare, leave, stay_away
from simulators.city_by_schedules.arrays import HOUR_MIN, one_of
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.episodes import leave_by_degrees, live_through
from simulators.city_by_schedules.people import Household, Person, Presence, inclined
from simulators.city_by_schedules.town import STRANGERS_MEANS, Case, Town, Violation

LODGERS = ("worker", "service", "home", "night", "school")
LODGERS_SHARES = (0.42, 0.28, 0.13, 0.07, 0.10)
LODGERS_MEANS = (0.42, 0.1, 0.17, 0.09, 0.05, 0.17)  # of STRANGERS_MEANS
LEAVES_HOME = ("vacancy", "sublet_whole", "lent", "enrolment_fraud")
GUESTS_STAY_AWAY = {"vacancy": 0.0, "lent": 0.6}  # of guests; 0.85 of other kinds
BEYOND = 400  # days after the history: the end of what goes on


@dataclass(frozen=True, slots=True)
class LooksAfter:
    """How the tenant comes to see a home that others live in."""

    share: float  # of tenants
    every: float  # days, about


LOOKS_AFTER = {
    "sublet_whole": LooksAfter(0.35, 35),
    "lent": LooksAfter(0.65, 14),
    "enrolment_fraud": LooksAfter(0.35, 30),
}


def violate(town: Town, household: Household, kind: str, is_running: bool) -> None:
    """Carries out a violation, which may close a case and end the lease, and writes down the truth."""
    rng, days = town.rng, town.days
    first = _draw_first(town, kind, is_running)
    end = _draw_case(town, household.dwelling, kind, first)
    if kind == "lent" and town.chance(0.55):
        end = min(end, first + int(rng.uniform(25, 230)))
    elif town.chance(0.12):
        end = min(end, first + int(rng.uniform(50, 300)))
    if end <= 1:
        end = days + BEYOND
    ends_lease = end < days and town.chance(0.4)
    deed = _Deed(town, household, kind, first, end)
    deed.forget_absences()
    deed.carry_out()
    if ends_lease:
        household.lease_ends = end + int(rng.integers(-5, 25))
        leave(town, town.by_dwelling[household.dwelling], end, days + 1)
    town.truth.append(Violation(household.dwelling, kind, first, end if end < days else None))


def _draw_first(town: Town, kind: str, is_running: bool) -> int:
    """The first day. Some go with the festival, the summer or holidays, and stay away."""
    rng, days, calendar = town.rng, town.days, town.calendar
    first = -int(rng.exponential(110)) - 4 if is_running else int(rng.uniform(4, days - 6))
    if kind == "vacancy" and not is_running and town.chance(0.3):
        occasions = [festival - 6 for festival in calendar.festivals if 10 < festival < days - 8]
        occasions += calendar.summers * 2
        occasions += [holiday.first for holiday in calendar.holidays if holiday.days >= 5]
        occasions = [day for day in occasions if 4 < day < days - 20]
        if occasions:
            day = occasions[int(rng.integers(len(occasions)))]
            first = int(np.clip(day + rng.integers(-6, 16), 4, days - 6))
    return first


def _draw_case(town: Town, dwelling: int, kind: str, first: int) -> int:
    """Closes a case, or none; the day after the violation's last, as far as it is due to that."""
    rng, record = town.rng, town.record
    goes_on = town.days + BEYOND
    if not town.chance(record.violation_cases):
        return goes_on
    closed_on = max(first + 35, 0) + int(rng.uniform(5, 170))
    if closed_on >= town.days - 3:
        return goes_on
    if town.chance(record.case_overlooks):
        town.cases.append(Case(dwelling, kind, closed_on, "unfounded"))
        return goes_on
    town.cases.append(Case(dwelling, kind, closed_on, "confirmed"))
    return closed_on + int(rng.uniform(3, 60)) if town.chance(0.8) else goes_on


class _Deed:
    """One household's violation while it is drawn."""

    def __init__(self, town: Town, household: Household, kind: str, first: int, end: int) -> None:
        self.town = town
        self.rng = town.rng
        self.household = household
        self.dwelling = household.dwelling
        self.kind = kind
        self.first = first
        self.end = end
        self.span = town.calendar.span(first, end)
        self.residents = list(household.residents)

    def forget_absences(self) -> None:
        """Where the household leaves for good, nothing that it would have declared, switched off or used holds; most
        guests of honest days stay away."""
        if self.kind not in LEAVES_HOME:
            return
        town, dwelling = self.town, self.dwelling
        self.leave(self.guests(GUESTS_STAY_AWAY.get(self.kind, 0.85)))
        town.off[dwelling, self.span] = False
        town.extra_litres[dwelling, self.span] = 0
        goes_on = self.end >= town.days
        town.declared = [
            one
            for one in town.declared
            if one.dwelling != dwelling or one.first < self.first - 1 or not (goes_on or one.first < self.end)
        ]

    def carry_out(self) -> None:
        deeds: dict[str, Callable[[], None]] = {
            "vacancy": self.vacancy,
            "sublet_whole": self.let_others_in,
            "lent": self.let_others_in,
            "enrolment_fraud": self.let_others_in,
            "sublet_part": self.sublet_part,
            "over_occupancy": self.over_occupancy,
            "visitor_abuse": self.visitor_abuse,
        }
        deeds[self.kind]()

    def leave(self, people: list[Person]) -> None:
        """These are away as long as it goes on."""
        leave(self.town, people, self.first, self.end)

    def guests(self, share: float) -> list[Person]:
        """A share of those who come and go and are none of the household."""
        people = self.town.by_dwelling[self.dwelling]
        return [person for person in people if person not in self.residents and self.town.chance(share)]

    def vacancy(self) -> None:
        town, rng = self.town, self.rng
        if town.chance(0.16):
            leave_by_degrees(town, self.residents, self.first)
        if not town.chance(town.life.vacant_used_by_day):
            stay_away(town, self.household, self.first, self.end, "other", honest=False)
            return
        people = town.by_dwelling[self.dwelling]
        self.leave([person for person in people if person in self.residents or town.chance(0.85)])
        tenant = self.residents[0]
        tenant.calls_at, tenant.calls_for = rng.uniform(8.5, 14) * HOUR_MIN, rng.uniform(90, 480)
        tenant.water_by_day = rng.uniform(0.05, 0.3)
        comes = rng.random(length(self.span))
        is_weekday = town.calendar.weekday[self.span] < 5
        shares = np.where(is_weekday, rng.uniform(0.3, 0.85), rng.uniform(0.05, 0.6))
        tenant.presence[self.span][comes < shares] = Presence.BY_DAY

    def let_others_in(self) -> None:
        """The household leaves, others live there: as subtenants, lent, or registered as if they were family."""
        town, rng, kind = self.town, self.rng, self.kind
        self.leave(self.residents)
        is_lent, is_fraud = kind == "lent", kind == "enrolment_fraud"
        count = int(rng.integers(1, 4 if is_lent else 5))
        self.take_lodgers(count, enrolled=is_fraud, at_once=is_lent)
        if is_fraud and town.chance(0.6):
            self.household.lawful += count
        self.look_after(LOOKS_AFTER[kind])
        if not is_lent and town.chance(town.life.declares_falsely * 0.5):
            declare(town, self.dwelling, self.first, self.first + 120, "work")

    def look_after(self, manner: LooksAfter) -> None:
        """The tenant calls by day now and then."""
        rng = self.rng
        if not self.town.chance(manner.share):
            return
        every = manner.every * rng.lognormal(0, 0.4)
        time = self.first + rng.exponential(every)
        while time < self.end:
            if 0 <= time < self.town.days:
                self.residents[0].presence[int(time)] = Presence.BY_DAY
            time += max(2, rng.exponential(every))

    def sublet_part(self) -> None:
        if len(self.residents) > 1 and self.town.chance(0.35):
            self.leave(self.residents[-1:])
        self.take_lodgers(2 if self.town.chance(0.35) else 1, ages=("worker", "service", "night"))

    def over_occupancy(self) -> None:
        self.take_lodgers(int(self.rng.integers(3, 7)), ages=("worker", "service", "home", "night"))

    def visitor_abuse(self) -> None:
        """Lodgers who pass as visitors, or short lets."""
        town, rng = self.town, self.rng
        if town.chance(0.6):
            self.leave(self.residents if town.chance(0.6) else self.residents[1:])
        if town.chance(0.55):
            for person in self.take_lodgers(int(rng.integers(1, 4)), passes_by="visitor"):
                person.means = inclined(visitor=1, pin=0.05)
                person.one_day_pass = town.chance(0.6)
            return
        for _ in range(int(rng.integers(1, 3))):
            guest = town.add_stranger(self.dwelling, "guest", "home", "visitor")
            guest.one_day_pass, guest.pass_days = True, int(rng.integers(2, 6))
            day = self.first
            while day < self.end and day < town.days:
                nights = int(rng.integers(1, 6))
                guest.presence[town.calendar.span(day, min(day + nights, self.end))] = Presence.LIVES
                day += nights + int(rng.exponential(2.5))

    def take_lodgers(
        self,
        count: int,
        *,
        ages: tuple[str, ...] | None = None,
        enrolled: bool = False,
        at_once: bool = False,
        passes_by: str | None = None,
    ) -> list[Person]:
        """So many live here until the end, mostly all passing by the same means; `enrolled`: on record, but children."""
        town, rng, dwelling = self.town, self.rng, self.dwelling
        mostly = passes_by or one_of(rng, STRANGERS_MEANS, LODGERS_MEANS)
        moved_in = self.first + (0 if at_once else int(rng.integers(0, 9)))
        mobility, is_migrant = rng.lognormal(0, 0.5), town.chance(0.7)
        lodgers = Household(dwelling, "young_couple", mobility, is_migrant, lawful=count)
        for _ in range(count):
            age = one_of(rng, ages or LODGERS, None if ages else LODGERS_SHARES)
            if enrolled and age != "school":
                since = max(-20, moved_in) + int(rng.integers(-8, 15))
                person = town.add_member(dwelling, age, since, role="subtenant")
                person.presence[:] = Presence.AWAY
            else:
                person = town.add_stranger(dwelling, "subtenant", age, mostly if town.chance(0.75) else None)
            person.presence[max(0, moved_in) :] = Presence.LIVES
            lodgers.residents.append(person)
        self.let_live(lodgers, moved_in)
        return lodgers.residents

    def let_live(self, lodgers: Household, moved_in: int) -> None:
        """Lodgers have lives of their own, of which the office hears nothing and which change nothing for others here."""
        town, dwelling = self.town, self.dwelling
        others = [person for person in town.by_dwelling[dwelling] if person not in lodgers.residents]
        presences = [person.presence.copy() for person in others]
        off, litres = town.off[dwelling].copy(), town.extra_litres[dwelling].copy()
        count, declared = len(town.people), len(town.declared)
        live_through(town, lodgers, 0.7)
        del town.declared[declared:]
        town.off[dwelling] = off
        for person, presence in zip(others, presences, strict=True):
            person.presence[:] = presence
        span = town.calendar.span(moved_in, self.end)
        town.extra_litres[dwelling, : span.start] = litres[: span.start]
        town.extra_litres[dwelling, span.stop :] = litres[span.stop :]
        for person in [*lodgers.residents, *town.people[count:]]:
            person.presence[: span.start] = Presence.AWAY
            person.presence[span.stop :] = Presence.AWAY

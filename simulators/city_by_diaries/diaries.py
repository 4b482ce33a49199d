"""(P) One person's days, event by event: when the home's door is crossed, by role and habit; and who was at home.

Trips and going out after `law_and_practice.md` 5.3 (some 1.7 returns a person and day, elders' short walks, exercise);
roles after the honest kinds of `detection.md` 3: night shifts, travellers, carers, part-time partners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from simulators.city_by_diaries.arrays import DAY_MIN, Bools, Floats, Generator, Ints, Singles
from simulators.city_by_diaries.calendar import Calendar
from simulators.city_by_diaries.person import GUEST_ROLES, Person

FAR_OFF_MIN = 1e8  # times beyond are never or always
FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Crossings:
    """Crossings of the home's door by one person, or by many: arrays of one length."""

    person: Ints
    minute: Floats
    inward: Bools
    near: Bools  # stays within the estate: passes no gate


class Presence:
    """Who was at home: arrays (dwellings, days) of persons who live there, and of those who visit."""

    def __init__(self, dwellings: int, days: int) -> None:
        self.living: Singles = np.zeros((dwellings, days), np.float32)
        self.visiting: Singles = np.zeros((dwellings, days), np.float32)


def live(rng: Generator, calendar: Calendar, people: list[Person], dwellings: int) -> tuple[Crossings, Presence]:
    """Everybody's crossings, in the order of people, and who was at home."""
    presence = Presence(dwellings, calendar.days)
    parts = [_Diary(rng, calendar, number, person).live(presence) for number, person in enumerate(people)]
    crossings = Crossings(
        person=np.concatenate([part.person for part in parts]),
        minute=np.concatenate([part.minute for part in parts]),
        inward=np.concatenate([part.inward for part in parts]),
        near=np.concatenate([part.near for part in parts]),
    )
    return crossings, presence


class _Diary:
    """One person's history while it is drawn."""

    def __init__(self, rng: Generator, calendar: Calendar, number: int, person: Person) -> None:
        self.rng = rng
        self.calendar = calendar
        self.days = calendar.days
        self.number = number
        self.person = person
        self.habits = person.habits
        self.every_day = np.ones(self.days, np.bool_)
        self.workdays = ~calendar.weekend
        self.leaves: list[Floats] = []  # minutes
        self.returns: list[Floats] = []
        self.near: list[Bools] = []

    def live(self, presence: Presence) -> Crossings:
        days_of: dict[str, Callable[[], None]] = {
            "worker": self.worker,
            "shift": self.shift_worker,
            "gig": self.gig_worker,
            "home": self.at_home,
            "old": self.at_home,
            "frail": self.at_home,
            "pupil": self.pupil,
            "teen": self.pupil,
            "boarder": self.boarder,
            "uni": self.student,
            "traveller": self.traveller,
            "tourist": self.tourist,
            "partner": self.partner,
            "carer": self.carer,
            "dropin": self.drops_in,
        }
        if self.person.role in days_of:  # toddlers are carried; `none` only visits
            days_of[self.person.role]()
        return self.crossings(presence)

    # Days, by role. A trip: on which days, how likely; leaves at, spread; lasts, spread (minutes); share that stays near.

    def trip(
        self, on: Bools, share: float, at: float, spread: float, lasts: float, lasts_spread: float, near: float
    ) -> None:
        """Goes out and comes back once on a `share` of these days."""
        rng = self.rng
        days = np.nonzero(on & (rng.random(self.days) < share))[0]
        count = len(days)
        if count == 0:
            return
        leaves = days * DAY_MIN + rng.normal(at, spread, count)
        self.leaves.append(leaves)
        self.returns.append(leaves + np.maximum(6, rng.normal(lasts, lasts_spread, count)))
        self.near.append(rng.random(count) < near)

    def worker(self) -> None:
        habits, calendar = self.habits, self.calendar
        saturdays = (calendar.weekday == 5) & ~calendar.public_holiday
        work = self.workdays | (saturdays if habits.saturdays else False)
        leaves = 460 + habits.leaves
        returns = 1090 + habits.returns + 60 * habits.works_late
        self.trip(work, 0.96, leaves, 11, returns - leaves, 32, 0)
        self.trip(work, 0.12 + 0.3 * habits.often, 1170, 25, 55, 20, 0.5)
        self.trip(~work, 0.3 + 0.5 * habits.sometimes, 610, 60, 130, 60, 0.15)
        self.trip(~work, 0.25 + 0.4 * habits.seldom, 940, 70, 150, 70, 0.15)
        if habits.home_for_lunch:
            self.trip(work, 0.5, 725, 10, 60, 12, 0)

    def shift_worker(self) -> None:
        habits = self.habits
        shift = self.shifts()
        night, day, free = shift == 0, shift == 1, shift == 2
        self.trip(night, 0.96, 1290 + habits.leaves, 12, 610, 20, 0)
        self.trip(night, 0.3 + 0.3 * habits.often, 960, 50, 60, 25, 0.3)
        self.trip(day, 0.96, 410 + habits.leaves, 10, 560, 20, 0)
        self.trip(day, 0.3, 1150, 40, 50, 20, 0.4)
        self.trip(free, 0.75, 620, 80, 140, 70, 0.2)
        self.trip(free, 0.4, 1020, 80, 90, 40, 0.3)

    def shifts(self) -> Ints:
        """Of each day: 0 night shift, 1 day shift, 2 free."""
        day, phase, weekday = np.arange(self.days), self.habits.phase, self.calendar.weekday
        free_days = (weekday + phase) % 7 >= 5
        if self.habits.shifts == "week":
            by_week = np.minimum((day // 7 + phase) % 3, 1)
            return np.where(free_days, 2, by_week)
        if self.habits.shifts == "42":
            return np.where((day + phase) % 6 < 4, 0, 2)
        return np.where(free_days, 2, 0)

    def gig_worker(self) -> None:
        work: Bools = self.rng.random(self.days) < 0.88
        self.trip(work, 0.97, 590 + self.habits.leaves, 25, 270, 40, 0)
        self.trip(work, 0.95, 990 + self.habits.returns, 25, 330, 50, 0)
        self.trip(~work, 0.7, 700, 90, 120, 60, 0.2)

    def at_home(self) -> None:
        habits, every_day = self.habits, self.every_day
        vigour = 0.28 if self.person.role == "frail" else 1.0
        morning = 470 if self.person.role == "home" else 405
        self.trip(every_day, vigour * (0.45 + 0.5 * habits.often), morning + habits.leaves, 35, 60, 22, 0.15)
        self.trip(every_day, vigour * (0.15 + 0.45 * habits.sometimes), 610 + habits.returns, 40, 60, 25, 0.4)
        self.trip(every_day, vigour * (0.2 + 0.5 * habits.seldom), 920 + habits.leaves, 45, 95, 40, 0.45)
        evening = 0.65 if habits.dances else 0.18
        self.trip(every_day, vigour * evening, 1135 + habits.returns / 4, 15, 75, 15, 0.5)
        if habits.school_run:
            self.trip(self.calendar.school, 0.93, 450, 6, 30, 6, 0)
            self.trip(self.calendar.school, 0.93, 970, 10, 38, 8, 0)

    def pupil(self) -> None:
        habits, school = self.habits, self.calendar.school
        hours = 555 if self.person.role == "pupil" else 790
        self.trip(school, 0.97, 438 + habits.leaves / 4, 6, hours, 18, 0)
        self.trip(~school, 0.3 + 0.4 * habits.sometimes, 600, 70, 100, 40, 0.5)
        self.trip(~school, 0.3 + 0.4 * habits.often, 950, 60, 110, 40, 0.5)

    def boarder(self) -> None:
        """At school from Sunday evening to Friday evening."""
        for day in range(4, self.days + 5):
            is_friday = self.calendar.day_of(day).weekday() == FRIDAY
            of_week = min(max(day - 2, 0), self.days - 1)
            if is_friday and self.calendar.school[of_week]:
                self.person.away.append((day - 5 + 0.74, day + 0.74))
        self.trip(self.every_day, 0.6, 600, 80, 120, 50, 0.4)

    def student(self) -> None:
        """Away for two terms a year from the end of August on."""
        normal, start = self.rng.normal, self.calendar.start
        for year in (start.year - 1, start.year, start.year + 1):
            term = (date(year, 8, 30) - start).days
            self.person.away.append((term + normal(0, 3), term + 140 + normal(0, 4)))
            self.person.away.append((term + 178 + normal(0, 4), term + 312 + normal(0, 4)))
        self.trip(self.every_day, 0.7, 680, 100, 170, 80, 0.2)
        self.trip(self.every_day, 0.3, 1150, 60, 100, 40, 0.2)

    def traveller(self) -> None:
        """Away for some days again and again, for work."""
        day = self.rng.uniform(-6, 0)
        while day < self.days:
            length = self.rng.uniform(1.5, 8.5)
            self.person.away.append((day, day + length))
            day += length + self.rng.uniform(1, 5.5)
        self.trip(self.every_day, 0.7, 640, 90, 120, 60, 0.3)
        self.trip(self.every_day, 0.3, 1120, 50, 60, 30, 0.4)

    def tourist(self) -> None:
        self.trip(self.every_day, 0.9, 600, 70, 480, 150, 0)
        self.trip(self.every_day, 0.4, 1180, 50, 90, 30, 0)

    def partner(self) -> None:
        """Comes some evenings and leaves in the morning."""
        days = self.days_of_visits(0.25 + 0.5 * self.habits.often)
        comes = days * DAY_MIN + self.rng.normal(1120, 50, len(days))
        leaves = days * DAY_MIN + DAY_MIN + self.rng.normal(470, 30, len(days))
        self.come(comes, leaves)

    def carer(self) -> None:
        """Comes most days, or most days of the week, for two to six hours."""
        days_of_week = self.calendar.weekday < 5 if self.habits.sometimes < 0.5 else self.every_day
        days = self.days_of_visits(0.55 + 0.4 * self.habits.often, days_of_week)
        comes = days * DAY_MIN + self.rng.normal(530 + self.habits.leaves, 22, len(days))
        hours = self.rng.normal(150 + 200 * self.habits.seldom, 40, len(days))
        self.come(comes, comes + np.maximum(40, hours))

    def drops_in(self) -> None:
        days = self.days_of_visits(0.12 + 0.6 * self.habits.often**2)
        comes = days * DAY_MIN + self.rng.normal(990 + 2 * self.habits.returns, 70, len(days))
        hours = self.rng.normal(90, 60, len(days))
        self.come(comes, comes + np.maximum(10, hours))

    def days_of_visits(self, share: float, on: Bools | None = None) -> Ints:
        likely: Bools = self.rng.random(self.days) < share
        return np.nonzero(likely if on is None else on & likely)[0]

    def come(self, comes: Floats, leaves: Floats) -> None:
        self.person.visits += list(zip(comes, leaves, strict=True))

    # From days to crossings and presence.

    def crossings(self, presence: Presence) -> Crossings:
        since, until = self.person.since * float(DAY_MIN), self.person.until * float(DAY_MIN)
        away = self.absences()
        leaves, returns, near = self.trips_taken(since, until, away)
        at_home = self.days_at_home(away)
        single_leaves, single_returns = self.single_crossings(since, until, away)
        self.visits_made(since, until, away, single_leaves, single_returns, presence)
        if self.person.role not in (*GUEST_ROLES, "none"):
            presence.living[self.person.dwelling] += self.person.weight * at_home
        out, back = np.concatenate([leaves, single_leaves]), np.concatenate([returns, single_returns])
        not_near = np.zeros(len(single_leaves), np.bool_), np.zeros(len(single_returns), np.bool_)
        return Crossings(
            person=np.full(len(out) + len(back), self.number, np.int64),
            minute=np.concatenate([out, back]),
            inward=np.repeat([False, True], [len(out), len(back)]),
            near=np.concatenate([near, not_near[0], near, not_near[1]]),
        )

    def absences(self) -> list[tuple[float, float]]:
        """Absences in minutes, apart and in order; nobody leaves or returns in the depth of the night."""
        merged: list[tuple[float, float]] = []
        drawn = ((first * float(DAY_MIN), last * float(DAY_MIN)) for first, last in self.person.away if last > first)
        for first, last in sorted(drawn):
            first = self.by_day(first)
            last = self.by_day(last)
            if last <= first + 400:
                continue
            if merged and first <= merged[-1][1] + 300:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return merged

    def by_day(self, minute: float) -> float:
        """This time, or another of the same day if it lies in the night."""
        if 390 < minute % DAY_MIN < 1400 or abs(minute) > FAR_OFF_MIN:
            return minute
        return float(np.floor(minute / DAY_MIN) * DAY_MIN + self.rng.uniform(430, 1250))

    def trips_taken(self, since: float, until: float, away: list[tuple[float, float]]) -> tuple[Floats, Floats, Bools]:
        """(leaves, returns, near) of the trips that fall into no absence."""
        leaves = np.concatenate(self.leaves) if self.leaves else np.zeros(0)
        returns = np.concatenate(self.returns) if self.returns else np.zeros(0)
        near = np.concatenate(self.near) if self.near else np.zeros(0, np.bool_)
        kept = (leaves > since + 200) & (returns < until - 30) & (leaves > 0)
        for first, last in away:
            during = (leaves > first - 40) & (leaves < last + 25)
            into = (leaves <= first) & (returns > first - 20)
            kept &= ~during & ~into
        return leaves[kept], returns[kept], near[kept]

    def days_at_home(self, away: list[tuple[float, float]]) -> Floats:
        """Of each day 0..1: how much of it this person lived here."""
        days = self.days
        at_home = np.zeros(days)
        first_day, end_day = max(0, self.person.since), min(days, self.person.until)
        if end_day > first_day:
            at_home[int(first_day) : int(end_day)] = 1
        for first, last in away:
            leaves = int(np.clip(np.floor(first / DAY_MIN), -1, days))
            returns = int(np.clip(np.floor(last / DAY_MIN), -1, days))
            if returns > leaves:
                at_home[max(0, leaves + 1) : returns] = 0
            if 0 <= leaves < days:
                at_home[leaves] *= 0.4
            if 0 <= returns < days:
                at_home[returns] *= 0.5
        return at_home

    def single_crossings(
        self, since: float, until: float, away: list[tuple[float, float]]
    ) -> tuple[list[float], list[float]]:
        """(leaves, returns) of absences, of moving in and of moving out."""
        end = self.days * DAY_MIN
        leaves = [first for first, _ in away if since < first < until and 0 < first < end]
        returns = [last for _, last in away if since < last < until and 0 < last < end]
        if 0 < since < end:
            returns.append(np.floor(since / DAY_MIN) * DAY_MIN + self.rng.uniform(540, 1200))
        if 0 < until < end:
            leaves.append(np.floor(until / DAY_MIN) * DAY_MIN + self.rng.uniform(540, 1200))
        return leaves, returns

    def visits_made(
        self,
        since: float,
        until: float,
        away: list[tuple[float, float]],
        leaves: list[float],
        returns: list[float],
        presence: Presence,
    ) -> None:
        """Adds comings from outside (visits, carer, partner) to the crossings, and to who was there."""
        person, visiting = self.person, presence.visiting
        is_guest = person.role in GUEST_ROLES
        for comes, goes in person.visits:
            if not (0 <= comes < self.days * DAY_MIN and since < comes < until):
                continue
            if is_guest and any(first < comes < last for first, last in away):
                continue
            returns.append(comes)
            leaves.append(goes)
            day = int(comes // DAY_MIN)
            if person.role == "partner":
                if day + 1 < self.days:  # half of two days
                    visiting[person.dwelling, day] += 0.5
                    visiting[person.dwelling, day + 1] += 0.5
            elif is_guest:
                visiting[person.dwelling, day] += person.weight
            else:
                stays_over = goes - comes > 500
                visiting[person.dwelling, day] += 1.5 if stays_over else 0.5

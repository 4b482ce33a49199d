"""The ways of everybody, week by week: when somebody leaves the home or comes to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulators.city_by_lives.basics import DAY_S, HOUR_S, Bools, Floats, Generator, Ints
from simulators.city_by_lives.calendar import Calendar
from simulators.city_by_lives.crowd import Crowd
from simulators.city_by_lives.jobs import FREE_DAY, WORK_DAY, Habit, Job
from simulators.city_by_lives.whereabouts import Where

WEEK = 7  # days drawn at once
LATEST_S = 900  # before the end of the history: the way from gate to door has to fit in
LATE_SHIFT_H = 7.5
LONGEST_VISIT_H = 12
GOES_OUT_ILL = 0.06
BACK_BY = 22.8  # hour after which nobody sets out for an errand
LEAVING_HOURS = (7.0, 9.5, 14.0, 18.0)
ARRIVING_HOURS, ARRIVING_SHARES = (11.0, 15.0, 19.0, 21.5), (0.15, 0.3, 0.4, 0.15)


@dataclass(frozen=True, slots=True)
class Legs:
    """(legs,) arrays."""

    actor: Ints
    second: Ints  # of the history
    is_inward: Bools


def is_at_work(crowd: Crowd, calendar: Calendar, actor: Ints, day: Ints) -> Bools:
    """Whether an actor works on a day (goes to school, for pupils), for pairs of both."""
    job, weekday, turn = crowd.job[actor], calendar.weekday[day], day + crowd.phase[actor]
    works: Bools = ((weekday < 5) | ((weekday == 5) & crowd.works_saturdays[actor])) & ~calendar.is_holiday[day]
    works = np.where(job == Job.PUPIL, calendar.is_school[day], works)
    works = np.where(job == Job.SHIFTS, turn % 6 < 4, works)
    works = np.where(job == Job.NIGHTS, turn % 7 < 5, works)
    return np.where((job == Job.GIGS) | (job == Job.LATE), turn % 7 < 6, works)


class _Week:
    """The legs of some days: of each (actor, day) on which an actor is not away."""

    def __init__(self, rng: Generator, crowd: Crowd, calendar: Calendar, first: int) -> None:
        self.rng, self.crowd, self.calendar = rng, crowd, calendar
        self.actor, day = np.nonzero(crowd.where[:, first : first + WEEK])
        self.day = day + first
        self.where = crowd.where[self.actor, self.day]
        self.job = crowd.job[self.actor]
        self.works = is_at_work(crowd, calendar, self.actor, self.day)
        self.parts: list[tuple[Ints, Ints, Floats, Bools]] = []

    def normal(self) -> Floats:
        """A standard normal draw for each (actor, day)."""
        return self.rng.normal(size=len(self.actor))

    def happens(self, chance: Floats) -> Bools:
        """True with these chances."""
        drawn: Bools = self.rng.random(len(self.actor)) < chance
        return drawn

    def add(self, who: Bools, hour: Floats, is_inward: bool) -> None:
        """A leg of each of `who` at this hour of the day, which may be beyond midnight."""
        self.parts.append((self.actor[who], self.day[who], hour[who], np.full(who.sum(), is_inward)))

    def draw_residents(self) -> None:
        """The main way of the day, night shifts, and errands."""
        rng, crowd, count = self.rng, self.crowd, len(self.actor)
        habit = Habit.of(np.where(self.works[:, None], WORK_DAY[self.job], FREE_DAY[self.job]))
        mobility, runs_late = crowd.mobility[self.actor], crowd.runs_late[self.actor]
        lives = self.where == Where.LIVES
        weather = rng.normal(0, 0.08, self.calendar.days)[self.day]
        chance = np.where(lives, habit.main * np.minimum(1, mobility * (1 + weather * (self.job == Job.RETIRED))), 0)
        chance = np.where(self.where == Where.STAYS_IN, GOES_OUT_ILL * mobility, chance)
        goes = self.happens(chance)
        is_late_shift = (self.job == Job.SHIFTS) & self.works & ((self.day + crowd.phase[self.actor]) % 6 >= 2)
        out = habit.out + habit.out_spread * self.normal() + LATE_SHIFT_H * is_late_shift
        out += runs_late * np.where(self.works & (self.job != Job.PUPIL), 0.8, 0.3)
        back = out + np.maximum(0.2, habit.lasts + habit.lasts_spread * self.normal())
        self.add(goes, out, False)
        self.add(goes, back, True)

        on_nights = lives & (self.job == Job.NIGHTS)
        goes_tonight = on_nights & self.works
        worked = is_at_work(crowd, self.calendar, self.actor, np.maximum(self.day - 1, 0))
        self.add(goes_tonight, 20.4 + 0.5 * self.normal() + 0.5 * runs_late, False)
        self.add(on_nights & worked, 7.6 + 0.5 * self.normal() + 0.5 * runs_late, True)

        at_home = np.where(rng.random(count) < 0.45, rng.normal(9.3, 1.2, count), rng.normal(18.8, 1.0, count))
        sets_out = np.where(goes, back + rng.uniform(0.3, 1.6, count), at_home)
        sets_out = np.where(goes_tonight, rng.normal(16.5, 1.0, count), sets_out)
        lasts = rng.gamma(2, 0.4, count) + 0.12
        errand = lives & self.happens(habit.errand * mobility) & (sets_out < BACK_BY)
        self.add(errand, sets_out, False)
        self.add(errand, sets_out + lasts, True)
        again = np.where(goes, back + rng.uniform(0.5, 2, count), rng.normal(15, 2.0, count))
        again = np.where(errand, sets_out + lasts + rng.uniform(0.3, 2, count), again)
        second = lives & self.happens(habit.second * mobility) & (again < BACK_BY - 0.3) & ~goes_tonight
        self.add(second, again, False)
        self.add(second, again + 0.7 * lasts, True)

    def draw_others(self) -> None:
        """Journeys, and visits by day or in the evening."""
        rng, count = self.rng, len(self.actor)
        hours = self.crowd.visit_hours[self.actor]
        self.add(self.where == Where.LEAVES, rng.choice(LEAVING_HOURS, count) + self.normal(), False)
        arrives = rng.choice(ARRIVING_HOURS, count, p=ARRIVING_SHARES) + self.normal()
        self.add(self.where == Where.ARRIVES, arrives, True)
        by_day, comes = self.where == Where.DAY_VISIT, rng.uniform(8, 16.5, count)
        self.add(by_day, comes, True)
        self.add(by_day, comes + np.clip(hours * rng.gamma(4, 0.25, count), 0.15, LONGEST_VISIT_H), False)
        in_evening, comes = self.where == Where.EVENING_VISIT, rng.normal(18.6, 0.9, count)
        self.add(in_evening, comes, True)
        self.add(in_evening, comes + np.clip(hours * rng.gamma(4, 0.2, count), 0.2, 4.5), False)

    def legs(self) -> Legs:
        """All that was added, within the history."""
        actor, day, hour, is_inward = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        second = day * DAY_S + (hour * HOUR_S).astype(np.int64)
        inside = (second >= 0) & (second < self.calendar.days * DAY_S - LATEST_S)
        return Legs(actor[inside], second[inside], is_inward[inside])


def draw_legs(rng: Generator, crowd: Crowd, calendar: Calendar) -> Iterator[Legs]:
    """All legs of the history, a week at a time: one has a few for each actor who is here and day."""
    for first in range(0, calendar.days, WEEK):
        week = _Week(rng, crowd, calendar, first)
        week.draw_residents()
        week.draw_others()
        yield week.legs()

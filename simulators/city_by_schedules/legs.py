"""Every going-out and coming-in of everybody: to work and school, on errands, out together, on leaving and homecoming,
and of who calls by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from simulators.city_by_schedules.arrays import DAY_MIN, Bools, Floats, Generator, Ints, Numbers
from simulators.city_by_schedules.calendar import Calendar
from simulators.city_by_schedules.people import Person, Presence

GOES_OUT_TOGETHER = ("member", "unenrolled", "subtenant", "grandparent", "partner")
TOGETHER_AT = (9.5, 14.5, 18.6)
TOGETHER_SHARES = (0.35, 0.25, 0.4)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody, (people,) each but where it is told; times are minutes of a day."""

    dwelling: Ints
    role: Numbers  # words
    age: Numbers  # words
    lives: Bools  # (people, days) sleeps there
    calls: Bools  # (people, days) is there by day
    works: Floats  # (people, 7)
    leaves: Floats
    returns: Floats
    spread: Floats
    errands: Floats
    errands_am: Floats
    errands_pm: Floats
    calls_at: Floats
    calls_for: Floats

    @property
    def comes(self) -> Bools:
        """(people, days) the first of some days there."""
        return self.lives & ~self._before

    @property
    def goes(self) -> Bools:
        """(people, days) the first of some days elsewhere."""
        return ~self.lives & self._before

    @property
    def _before(self) -> Bools:
        return np.concatenate([self.lives[:, :1], self.lives[:, :-1]], 1)


def make_crowd(people: Sequence[Person]) -> Crowd:
    """The people of a city in one."""
    presence = np.array([person.presence for person in people])
    schedules = [person.schedule for person in people]
    return Crowd(
        dwelling=np.array([person.dwelling for person in people]),
        role=np.array([person.role for person in people]),
        age=np.array([person.age for person in people]),
        lives=presence == Presence.LIVES,
        calls=presence == Presence.BY_DAY,
        works=np.array([schedule.works for schedule in schedules]),
        leaves=np.array([schedule.leaves for schedule in schedules]),
        returns=np.array([schedule.returns for schedule in schedules]),
        spread=np.array([schedule.spread for schedule in schedules]),
        errands=np.array([schedule.errands for schedule in schedules]),
        errands_am=np.array([person.errands_am for person in people]),
        errands_pm=np.array([person.errands_pm for person in people]),
        calls_at=np.array([person.calls_at for person in people]),
        calls_for=np.array([person.calls_for for person in people], float),
    )


@dataclass(frozen=True, slots=True)
class Legs:
    """(legs,) each."""

    person: Ints
    minute: Floats  # at the block's door
    inward: Bools
    follows: Bools  # behind another of the household

    def take(self, rows: Numbers) -> Legs:
        """Some of the legs."""
        return Legs(**{one.name: getattr(self, one.name)[rows] for one in fields(Legs)})


def draw_legs(rng: Generator, calendar: Calendar, crowd: Crowd, dwellings: int, errands: float) -> Legs:
    """All legs of a history; `errands` is a factor on the ways out beside work."""
    works = _works_on(rng, calendar, crowd)
    parts = [
        *_to_work(rng, crowd, works),
        *_errands(rng, calendar, crowd, works, errands),
        *_together(rng, calendar, crowd, dwellings),
        *_there_and_away(rng, crowd),
        *_calls(rng, crowd),
    ]
    legs = Legs(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Legs)})
    return legs.take((legs.minute >= 0) & (legs.minute < calendar.days * DAY_MIN - 2))


def _legs(person: Ints, day: Ints, minute: Floats, inward: bool, follows: Bools | None = None) -> Legs:
    count = len(person)
    behind = np.zeros(count, bool) if follows is None else follows
    return Legs(person, day * DAY_MIN + minute, np.full(count, inward), behind)


def _works_on(rng: Generator, calendar: Calendar, crowd: Crowd) -> Bools:
    """(people, days) goes to work or school; not on the day of a homecoming."""
    shares = crowd.works[:, calendar.weekday]
    shares[np.ix_(crowd.age == "worker", calendar.free)] *= 0.25
    shares[np.isin(crowd.age, ["service", "night"])] *= np.where(calendar.free, 0.7, 1)[None]
    shares[np.isin(crowd.age, ["school", "teen"])] *= (calendar.schooling * np.where(calendar.free, 0.05, 1))[None]
    works: Bools = crowd.lives & ~crowd.comes & (rng.random(shares.shape) < shares)
    return works


def _to_work(rng: Generator, crowd: Crowd, works: Bools) -> list[Legs]:
    person, day = np.nonzero(works)
    count, spread = len(person), crowd.spread[person]
    leaves = crowd.leaves[person] + rng.normal(0, 1, count) * spread
    returns = crowd.returns[person] + rng.normal(0, 1, count) * spread * 1.7
    stays_longer = rng.random(count) < 0.12
    returns = returns + stays_longer * rng.exponential(110, count)
    returns = np.maximum(returns, leaves + 60)
    return [_legs(person, day, leaves, False), _legs(person, day, returns, True)]


def _errands(rng: Generator, calendar: Calendar, crowd: Crowd, works: Bools, factor: float) -> list[Legs]:
    """At favourite hours of morning and afternoon, some about noon; after work on days of work."""
    by_weekday = np.where(calendar.weekday >= 5, 1.3, 0.9)[None]
    rates = crowd.errands[:, None] * factor * by_weekday * crowd.lives * np.where(crowd.comes, 0.4, 1)
    counts = rng.poisson(rates)
    person, day = np.nonzero(counts)
    times = counts[person, day]
    person, day = np.repeat(person, times), np.repeat(day, times)
    count = len(person)
    hour = rng.random(count)
    afternoon_or_noon = np.where(hour < 0.8, crowd.errands_pm[person], 13.5 * 60)
    favourite = np.where(hour < 0.4, crowd.errands_am[person], afternoon_or_noon)
    leaves = favourite + rng.normal(0, 55, count) * np.where(hour < 0.8, 1, 3)
    is_at_work = works[person, day] & (leaves > crowd.leaves[person] - 30) & (leaves < crowd.returns[person])
    leaves = np.where(is_at_work, crowd.returns[person] + rng.uniform(25, 110, count), leaves)
    leaves = np.clip(leaves, 330, 1400)
    lasts = np.clip(rng.lognormal(np.log(48), 0.75, count), 4, 420)
    return [_legs(person, day, leaves, False), _legs(person, day, leaves + lasts, True)]


def _together(rng: Generator, calendar: Calendar, crowd: Crowd, dwellings: int) -> list[Legs]:
    """A household goes out together, oftener on free days: one in front, the others behind."""
    days = calendar.days
    shares = np.where((calendar.weekday >= 5) | calendar.free, 0.28, 0.08)
    goes_out = rng.random((dwellings, days)) < shares[None] * rng.lognormal(-0.1, 0.4, (dwellings, 1))
    may_go = np.isin(crowd.role, GOES_OUT_TOGETHER) & (crowd.age != "bound")
    together = crowd.lives & goes_out[crowd.dwelling] & may_go[:, None]
    together &= rng.random(crowd.lives.shape) < 0.75
    person, day = np.nonzero(together)
    hour = rng.choice(TOGETHER_AT, (dwellings, days), p=TOGETHER_SHARES)
    leaves = hour * 60 + rng.normal(0, 50, (dwellings, days))
    lasts = np.clip(rng.lognormal(np.log(110), 0.6, (dwellings, days)), 15, 500)
    dwelling = crowd.dwelling[person]
    outing = dwelling.astype(np.int64) * days + day
    order = np.lexsort((rng.random(len(person)), outing))
    is_first = np.ones(len(person), bool)
    is_first[order[1:]] = outing[order[1:]] != outing[order[:-1]]
    apart = rng.uniform(0, 1.2, len(person))
    return [
        _legs(person, day, leaves[dwelling, day] + apart, False, ~is_first),
        _legs(person, day, (leaves + lasts)[dwelling, day] + apart, True, ~is_first),
    ]


def _there_and_away(rng: Generator, crowd: Crowd) -> list[Legs]:
    """Homecoming after days elsewhere, and leaving for days."""
    person, day = np.nonzero(crowd.comes)
    minute = rng.uniform(600, 1330, len(person))
    comes = _legs(person, day, minute, True, rng.random(len(person)) < 0.3)
    person, day = np.nonzero(crowd.goes)
    minute = rng.uniform(330, 1200, len(person))
    return [comes, _legs(person, day, minute, False, rng.random(len(person)) < 0.3)]


def _calls(rng: Generator, crowd: Crowd) -> list[Legs]:
    """Visits by day."""
    person, day = np.nonzero(crowd.calls)
    comes = np.clip(crowd.calls_at[person] + rng.normal(0, 45, len(person)), 360, 1300)
    stays = crowd.calls_for[person] * rng.lognormal(0, 0.35, len(person))
    return [_legs(person, day, comes, True), _legs(person, day, comes + stays, False)]

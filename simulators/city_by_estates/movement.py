"""When people of an estate go out and come in, from where they are on each day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_estates.calendar import Calendar, Weather
from simulators.city_by_estates.crowd import Crowd
from simulators.city_by_estates.dice import DAY_S, HOUR_S, Bools, Dice, Floats, Ints, Singles
from simulators.city_by_estates.people import Presence, Role

MAIN_WAY = np.array(
    [
        [0.94, 0.68, 0.0, 0.0, 0.96, 0.95, 0.0, 0.55, 0.74],
        [0.22, 0.6, 0.0, 0.0, 0.15, 0.05, 0.0, 0.45, 0.6],
        [0.12, 0.5, 0.0, 0.0, 0.05, 0.02, 0.0, 0.4, 0.45],
    ],
    np.float32,
)
"""P of the way to work or school, by DayKind and Role."""

MAIN_WAY_OFF_TERM = 0.12  # of students and children
ERRANDS = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1],
        [2.6, 1.2, 0.95, 0.9, 2.8, 2.6, 1.4, 1.1, 1.2],
        [2.6, 1.3, 1, 1, 2.6, 2.6, 1.5, 1.2, 1.4],
    ],
    np.float32,
)
"""Factors on errands, by DayKind and Role."""

ILL = 0.02  # of weeks
ILL_GOES = 0.15  # factor on main ways
LAST_MINUTES_S = 400  # of the history: a way would end after it


@dataclass(frozen=True, slots=True)
class Moves:
    """(moves,) each."""

    actor: Ints
    second: Ints
    is_in: Bools


def draw_moves(dice: Dice, crowd: Crowd, calendar: Calendar, weather: Weather, actors: Ints) -> Moves:
    """All ways of `actors` in the history; in no order."""
    lives = crowd.presence[actors] == Presence.HOME
    week = (np.arange(calendar.days) + 3) // 7
    ways = [
        *_main_ways(dice, crowd, calendar, actors, lives, week),
        *_errands(dice, crowd, calendar, weather, actors, lives, week),
        *_arrivals(dice, lives),
        *_visits(dice, crowd, actors),
    ]
    person, day = (np.concatenate([way[place] for way in ways]) for place in range(2))
    hour = np.concatenate([way[2] for way in ways])
    is_in = np.repeat([way[3] for way in ways], [len(way[0]) for way in ways])
    second = (day * DAY_S + np.clip(hour, -1, 47) * HOUR_S).astype(np.int64) + dice.rng.integers(
        0, 60, len(hour), dtype=np.int32
    )
    within = (second >= 0) & (second < calendar.days * DAY_S - LAST_MINUTES_S)
    return Moves(actors[person[within]], second[within], is_in[within])


Way = tuple[Ints, Ints, Floats, bool]
"""Places in `actors`, days, hours of the day (beyond 24 the next day), and whether it leads in."""


def _main_ways(dice: Dice, crowd: Crowd, calendar: Calendar, actors: Ints, lives: Bools, week: Ints) -> tuple[Way, Way]:
    """To work or school and back; shifts move on every four days."""
    rng, role = dice.rng, crowd.role[actors]
    goes = MAIN_WAY[calendar.kind][:, role].T.copy()
    goes[np.ix_((role == Role.STUDENT) | (role == Role.CHILD), ~calendar.is_term)] = MAIN_WAY_OFF_TERM
    goes *= np.where(rng.random((len(actors), int(week[-1]) + 1)) < ILL, ILL_GOES, 1.0).astype(np.float32)[:, week]
    person, day = np.nonzero((rng.random(lives.shape, np.float32) < goes) & lives)
    actor = actors[person]
    leaves, returns = crowd.leaves[actor].copy(), crowd.returns[actor].copy()
    on_shift = role[person] == Role.SHIFT
    shift = ((day // 4 + actor) % 3) * 8.0
    leaves[on_shift] += shift[on_shift]
    returns[on_shift] += shift[on_shift] + 0.4
    out = leaves + rng.standard_normal(len(actor), np.float32) * crowd.spread[actor]
    back = returns + rng.standard_normal(len(actor), np.float32) * crowd.spread[actor] * 1.6
    return (person, day, out, False), (person, day, np.maximum(back, out + 0.2), True)


def _errands(
    dice: Dice, crowd: Crowd, calendar: Calendar, weather: Weather, actors: Ints, lives: Bools, week: Ints
) -> tuple[Way, Way]:
    """Shopping, walks; after work on working days, else in the morning or the afternoon."""
    rng, role = dice.rng, crowd.role[actors]
    mood = rng.gamma(5, 0.2, (len(actors), int(week[-1]) + 1)).astype(np.float32)[:, week]
    tempts_out: Singles = weather.tempts_out.astype(np.float32)
    rate = crowd.errands[actors][:, None] * ERRANDS[calendar.kind][:, role].T * tempts_out[None] * lives * mood
    times = rng.poisson(rate).astype(np.uint8)
    person, day = np.nonzero(times)
    often = times[person, day]
    person, day = np.repeat(person, often), np.repeat(day, often)
    count, who = len(person), role[person]
    after_work = (calendar.kind[day] == 0) & np.isin(who, (Role.WORKER, Role.STUDENT, Role.CHILD))
    in_morning = rng.random(count, np.float32) < 0.55
    evening = 19.6 + 1.1 * rng.standard_normal(count, np.float32)
    by_day = np.where(in_morning, 9.3, 16.2) + 2.0 * rng.standard_normal(count, np.float32)
    out = np.clip(np.where(after_work, evening, by_day), 5, 23.3)
    length = rng.standard_exponential(count, np.float32) * np.where(who == Role.ELDER, 0.9, 1.2)
    return (person, day, out, False), (person, day, out + 0.15 + length, True)


def _arrivals(dice: Dice, lives: Bools) -> tuple[Way, Way]:
    """Who lives there again comes in the afternoon, about; who leaves, in the morning."""
    rng = dice.rng
    before = np.concatenate([lives[:, :1], lives[:, :-1]], 1)
    person, day = np.nonzero(lives & ~before)
    comes = np.clip(16.5 + 4 * rng.standard_normal(len(person)), 1, 23.8)
    leaver, leaves_on = np.nonzero(~lives & before)
    goes = np.clip(9.5 + 3.5 * rng.standard_normal(len(leaver)), 4, 23)
    return (person, day, comes, True), (leaver, leaves_on, goes, False)


def _visits(dice: Dice, crowd: Crowd, actors: Ints) -> tuple[Way, Way]:
    rng = dice.rng
    person, day = np.nonzero(crowd.presence[actors] == Presence.VISIT)
    actor = actors[person]
    comes = np.clip(crowd.visit_hour[actor] + 1.3 * rng.standard_normal(len(person)), 5, 22.5)
    goes = comes + 0.1 + crowd.visit_hours[actor] * rng.gamma(4, 0.25, len(person))
    return (person, day, comes, True), (person, day, goes, False)

"""The trips that follow from the nights: to work, for errands, home after a night away, and visits by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.calendar import Calendar, Weather
from simulators.city_by_nights.crowd import Crowd
from simulators.city_by_nights.dice import DAY_H, DAY_S, HOUR_S, Bools, Bytes, Floats, Generator, Ints
from simulators.city_by_nights.people import Role

IN, OUT = 0, 1
MOST_WALKS = 5  # a day


@dataclass(frozen=True, slots=True)
class Moves:
    """(moves,) each: somebody comes in, or goes out."""

    actor: Ints
    second: Ints  # of the history
    way: Bytes  # IN or OUT

    def __len__(self) -> int:
        return len(self.actor)


def draw_moves(rng: Generator, crowd: Crowd, calendar: Calendar, weather: Weather, actors: Ints) -> Moves:
    """All moves of these actors within the history, in no order of time."""
    return _Mover(rng, crowd, calendar, weather, actors).moves()


class _Mover:
    """Some actors on all days; the order of the draws is part of what a seed means."""

    def __init__(self, rng: Generator, crowd: Crowd, calendar: Calendar, weather: Weather, actors: Ints) -> None:
        self.rng = rng
        self.crowd = crowd
        self.calendar = calendar
        self.weather = weather
        self.actors = actors
        self.role = crowd.role[actors]
        nights = crowd.nights[actors]
        self.before, self.after = nights[:, :-1], nights[:, 1:]  # (actors, days)
        self.parts: list[tuple[Ints, Floats, int]] = []  # actor, hour of the history, way

    def moves(self) -> Moves:
        has_duty = self.has_duty()
        stays = self.before & self.after
        drawn = self.rng.random(stays.shape, dtype=np.float32)
        goes = stays & has_duty & (drawn < self.crowd.outings[self.actors][:, None])
        walks = np.minimum(self.rng.poisson(self.rate(has_duty) * stays), MOST_WALKS)
        self.go_to_work(goes)
        self.walk(walks, goes)
        self.come_home()
        self.leave_home()
        self.visit()
        actor = np.concatenate([part[0] for part in self.parts])
        hour = np.concatenate([part[1] for part in self.parts])
        way = np.concatenate([np.full(len(part[0]), part[2], np.int8) for part in self.parts])
        second = (hour * HOUR_S).astype(np.int64) + self.rng.integers(0, 60, len(hour))
        inside = (second >= 0) & (second < self.calendar.days * DAY_S)
        return Moves(actor[inside], second[inside], way[inside])

    def has_duty(self) -> Bools:
        """(actors, days) work or school."""
        workday = ~self.calendar.is_off
        works = (self.role == Role.WORKER) | (self.role == Role.NIGHT)
        learns = (self.role == Role.TEEN) | (self.role == Role.CHILD)
        on_duty: Bools = works[:, None] & workday[None]
        on_duty |= learns[:, None] & (workday & self.calendar.is_term)[None]
        return on_duty

    def rate(self, has_duty: Bools) -> Floats:
        """(actors, days) mean short trips; rain and cold keep people at home."""
        usual, is_wet = self.crowd.walks[self.actors][:, None], self.weather.is_wet
        busy = usual * np.where(is_wet, 0.72, 1.0)[None] * np.where(has_duty, 1.0, 1.9)
        is_home_all_day = ((self.role == Role.ELDER) | (self.role == Role.AT_HOME))[:, None]
        rate = np.where(is_home_all_day, usual * np.where(is_wet, 0.7, 1.0)[None], busy * 1.25)
        cooled: Floats = rate * np.where(self.weather.is_cold, 0.85, 1.0)[None]
        return cooled

    def add(self, rows: Ints, hour: Floats, way: int) -> None:
        self.parts.append((self.actors[rows], hour, way))

    def go_to_work(self, goes: Bools) -> None:
        rng, (row, day) = self.rng, np.nonzero(goes)
        actor = self.actors[row]
        leaves: Floats = self.crowd.leaves_at[actor] + rng.normal(0, 0.45, len(row))
        hours = np.maximum(1, self.crowd.hours_out[actor] + rng.normal(0, 1.1, len(row)))
        self.add(row, day * DAY_H + leaves, OUT)
        self.add(row, day * DAY_H + leaves + hours, IN)

    def walk(self, walks: Ints, goes: Bools) -> None:
        """Short trips: in the evening after work, else in the morning or the afternoon."""
        rng, (row, day) = self.rng, np.nonzero(walks)
        times = walks[row, day]
        row, day = np.repeat(row, times), np.repeat(day, times)
        count, worked, is_old = len(row), goes[row, day], self.role[row] == Role.ELDER
        evening = rng.normal(19.4, 1.0, count)
        in_morning = rng.random(count) < 0.55
        morning = rng.normal(np.where(is_old, 8.0, 10.3), 1.5)
        afternoon = rng.normal(16.3, 2.0)  # one hour for all these people and days: part of what a seed means
        leaves: Floats = np.where(worked, evening, np.where(in_morning, morning, afternoon))
        before_night = rng.normal(15.5, 1.8, count)
        leaves = np.where(worked & (self.role[row] == Role.NIGHT), before_night, np.clip(leaves, 5.2, 22))
        hours = np.exp(rng.normal(np.where(worked, -0.3, 0.2), 0.7))
        self.add(row, day * DAY_H + leaves, OUT)
        back: Floats = np.minimum(leaves + hours, 23.6)
        self.add(row, day * DAY_H + back, IN)

    def come_home(self) -> None:
        """After a night elsewhere."""
        self.between_nights(~self.before & self.after, (19.2, 1.4), (15.8, 3.4), IN)

    def leave_home(self) -> None:
        """For a night elsewhere."""
        self.between_nights(self.before & ~self.after, (8.2, 0.8), (9.8, 2.7), OUT)

    def between_nights(self, when: Bools, late: tuple[float, float], usual: tuple[float, float], way: int) -> None:
        """Hours (mean, spread) of who comes for the evening, and of others."""
        rng, (row, day) = self.rng, np.nonzero(when)
        by_evening = self.crowd.by_evening[self.actors][row]
        of_evening, of_day = rng.normal(*late, len(row)), rng.normal(*usual, len(row))
        self.add(row, day * DAY_H + np.clip(np.where(by_evening, of_evening, of_day), 0.2, 23.7), way)

    def visit(self) -> None:
        mine = set(self.actors.tolist())
        visits = [(actor, visit) for actor, visit in self.crowd.visits if actor in mine]
        actor = np.array([actor for actor, _ in visits], int)
        day = np.array([visit.day for _, visit in visits], float)
        hour = np.array([visit.hour for _, visit in visits], float)
        hours = np.array([visit.hours for _, visit in visits], float)
        self.parts.append((actor, day * DAY_H + hour, IN))
        self.parts.append((actor, day * DAY_H + np.minimum(hour + hours, 23.8), OUT))

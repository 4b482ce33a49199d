"""(P) Water (m³ a day) and electricity (kWh a day) of each dwelling, and what its register shows of them.

Daily use is assumed (some 85 l a head), faults after `detection.md` 3 (gaps, leaks). Whoever visits an empty home
uses water like anybody else, and a fridge is switched off in honest absences as in vacancies: either was a leak once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.city_by_diaries.arrays import Bools, Bytes, Floats, Generator, Ints
from simulators.city_by_diaries.diaries import Presence
from simulators.city_by_diaries.town import Town


class Readings(NamedTuple):
    """One meter's readings: arrays of one length."""

    dwelling: int
    kind: str
    day: Ints
    value: Floats  # NaN is lost
    ok: Bytes  # 0 or 1


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of meter in this city."""

    name: str
    step: float  # that a register shows at least
    share: float  # of dwellings read


def read_meters(town: Town, presence: Presence) -> list[Readings]:
    """Everything that this city's meters tell."""
    form, world, rng = town.form, town.world, town.rng
    kinds = (
        _Kind("water", form.water_step, world.water_meters),
        _Kind("electricity", form.electricity_step, world.electricity_meters),
    )
    readings = []
    for kind in kinds:
        if kind.name not in form.meters:
            continue
        dead = [_dead_gateway(rng, town.days) for _ in town.places.estates]
        for dwelling in range(town.dwellings):
            if rng.random() > kind.share:
                continue
            living = presence.living[dwelling].astype(np.float64)
            visiting = presence.visiting[dwelling].astype(np.float64)
            used = _water(town, living, visiting) if kind.name == "water" else _electricity(town, living, visiting)
            lost_with_others = dead[town.places.estate_of[dwelling]]
            readings.append(_read(town, dwelling, kind, np.maximum(used, 0), lost_with_others))
    return readings


def _dead_gateway(rng: Generator, days: int) -> Bools:
    """Days on which the gateway of an estate brings nothing."""
    dead = np.zeros(days, np.bool_)
    for _ in range(rng.poisson(1.2 * days / 365)):
        first = int(rng.integers(0, days))
        dead[first : first + int(rng.integers(1, 13))] = True
    return dead


def _water(town: Town, living: Floats, visiting: Floats) -> Floats:
    rng, days = town.rng, town.days
    noise = rng.gamma(6, 1 / 6, days)
    a_head = rng.lognormal(np.log(0.085), 0.35)
    washing = (living > 0.3) * (rng.random(days) < 0.25) * rng.uniform(0.03, 0.1, days)
    used: Floats = a_head * living**0.85 * noise + washing
    used += visiting * (rng.random(days) < 0.6) * rng.lognormal(np.log(0.035), 0.6, days)
    if rng.random() < town.world.leak * 1.5:
        first = int(rng.integers(0, days))
        end = first + int(rng.exponential(40)) + 3
        used[first:end] += rng.lognormal(np.log(0.04), 1.0)
    if rng.random() < 0.06:  # a cistern that drips all year
        used += rng.uniform(0.002, 0.02)
    return used


def _electricity(town: Town, living: Floats, visiting: Floats) -> Floats:
    rng, days = town.rng, town.days
    noise = rng.gamma(6, 1 / 6, days)
    idle = rng.uniform(0.5, 1.7)
    a_head = rng.lognormal(np.log(1.1), 0.35)
    air_conditioner = rng.lognormal(0, 0.6)
    switched_on = _switched_on(rng, living)
    used: Floats = (
        idle * switched_on * rng.normal(1, 0.06, days)
        + a_head * living**0.75 * noise * (1 + air_conditioner * 2 * town.calendar.season)
        + visiting * rng.lognormal(np.log(0.35), 0.6, days)
    )
    return used


def _switched_on(rng: Generator, living: Floats) -> Floats:
    """Of each day the share of idle use that goes on: some switch the fridge off when they leave."""
    switched_on = np.ones(len(living))
    empty = np.concatenate([[0], (living < 0.2).astype(np.int64), [0]])
    begins = np.nonzero(np.diff(empty) == 1)[0]
    ends = np.nonzero(np.diff(empty) == -1)[0]
    for begin, end in zip(begins, ends, strict=True):
        length = end - begin
        if length >= 5 and rng.random() < (0.35 if length >= 20 else 0.1):
            switched_on[begin:end] = rng.uniform(0, 0.12)
    return switched_on


def _read(town: Town, dwelling: int, kind: _Kind, used: Floats, lost_with_others: Bools) -> Readings:
    """Reads a register every day, with steps, gaps and failures."""
    rng, world, days = town.rng, town.world, town.days
    lost = (rng.random(days) < world.reading_lost) | lost_with_others
    stuck = np.zeros(days, np.bool_)
    if rng.random() < world.meter_fails:
        first = int(rng.integers(0, days))
        end = min(days, first + int(rng.exponential(70)) + 7)
        stands_still = rng.random() < world.stuck
        (stuck if stands_still else lost)[first:end] = True
    before = rng.random() * kind.step
    register = np.floor((np.cumsum(np.where(stuck, 0, used)) + before) / kind.step + 1e-9)
    value = np.diff(np.concatenate([[0], register]))
    value[0] = np.floor(used[0] / kind.step)
    value *= kind.step
    if town.form.catches_up:
        _catch_up(value, lost)
    shown = np.arange(days) if town.form.rows_for_gaps else np.nonzero(~lost)[0]
    rounded = np.where(lost, np.nan, np.round(value, 3))
    return Readings(dwelling, kind.name, shown, rounded[shown], (~lost)[shown].astype(np.int8))


def _catch_up(value: Floats, lost: Bools) -> None:
    """Adds to the first reading after a gap what the gap missed."""
    missed = 0.0
    for day in np.nonzero(lost)[0]:
        missed += value[day]
        if day + 1 < len(value) and not lost[day + 1]:
            value[day + 1] += missed
            missed = 0.0

"""Daily water and electricity from who is there, what leaks, and what meters and gateways do to the readings.

Water: detection.md section 2.1 (dry homes, leaks); a visit in an empty home may use water whoever pays the rent (section 3,
the leak of an earlier simulator). Electricity: refrigerator and stand-by load go on in an empty home, unless switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.calendar import WARM_UP
from simulators.city_by_states.model import BY_DAY, SLEPT, Town, skewed
from simulators.city_by_states.movement import Crowd

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

METERS = ("water", "electricity")
ELECTRICITY_STEP_KWH = 0.01


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one kind of meter, one entry each, by dwelling and day."""

    kind: str  # of METERS
    dwelling: Ints
    day: Ints  # of the history
    value: Floats  # m³ or kWh of the day, to three places
    ok: Flags  # else the value is not known


class _Use(NamedTuple):
    """Of dwellings on days of the history, each (dwellings, days)."""

    people: Floats  # who slept here, adults about 1
    callers: Floats  # who came by day
    occupied: Flags
    fridge_off: Flags
    standby: Floats  # share of the stand-by load that is on
    water_shut: Flags


def draw_meters(town: Town, crowd: Crowd) -> list[Readings]:
    """All readings of the history, water first."""
    rng, world = town.rng, town.world
    use = _use(town, crowd)
    water = _water(town, use)
    electricity = _electricity(town, use)
    return [
        _read(rng, town, "water", water, world.water_meters, world.water_step_m3),
        _read(rng, town, "electricity", electricity, world.electricity_meters, ELECTRICITY_STEP_KWH),
    ]


def _use(town: Town, crowd: Crowd) -> _Use:
    shape = (town.dwellings, town.calendar.days)
    presence = crowd.presence[:, WARM_UP : WARM_UP + town.calendar.days]
    weight = np.array([person.water for person in town.people])
    people, callers = np.zeros(shape), np.zeros(shape)
    np.add.at(people, crowd.dwelling, (presence == SLEPT) * weight[:, None])
    np.add.at(callers, crowd.dwelling, (presence == BY_DAY) * 1.0)
    occupied = people > 0
    fridge_off, standby, water_shut = np.zeros(shape, np.bool_), np.ones(shape), np.zeros(shape, np.bool_)
    for quiet in town.quiet:
        days = slice(max(0, quiet.first - WARM_UP), max(0, quiet.end - WARM_UP))
        fridge_off[quiet.dwelling, days] = True
        standby[quiet.dwelling, days] = quiet.standby
        if quiet.water_shut:
            water_shut[quiet.dwelling, days] = True
    return _Use(
        people=people,
        callers=callers,
        occupied=occupied,
        fridge_off=fridge_off & ~occupied,
        standby=np.where(occupied, 1, standby),
        water_shut=water_shut & ~occupied & (callers == 0),
    )


def _water(town: Town, use: _Use) -> Floats:
    """(dwellings, days) m³."""
    rng, world = town.rng, town.world
    homes, days = town.dwellings, town.calendar.days
    shape = (homes, days)
    a_person = world.water_a_person * rng.lognormal(0, 0.35, homes)
    frugal = rng.random(homes) < world.frugal
    a_person[frugal] *= 0.25
    base = np.where(use.occupied, 0.015, 0)
    water: Floats = base + a_person[:, None] * use.people**0.85 * rng.lognormal(-0.08, 0.4, shape)
    washes = use.occupied & (rng.random(shape) < 0.28)
    water += washes * rng.uniform(0.04, 0.11, shape)
    out_all_day = use.occupied & (rng.random(shape) < 0.03)
    water *= np.where(out_all_day, 0.2, 1)
    caller_uses = (use.callers > 0) * (rng.random(shape) < 0.75)
    water += caller_uses * np.clip(rng.lognormal(-3.9, 0.9, shape), 0.001, 0.3)
    leak = np.zeros(shape)
    for home in np.flatnonzero(rng.random(homes) < world.leaks):
        first = int(rng.integers(-60, days))
        a_day = np.exp(rng.normal(-3.4, 0.9))
        leak[home, max(0, first) : max(0, first + int(rng.integers(20, 220)))] = a_day
    water += np.where(use.water_shut, 0, leak)
    return water


def _electricity(town: Town, use: _Use) -> Floats:
    """(dwellings, days) kWh."""
    rng, world, calendar = town.rng, town.world, town.calendar
    homes, days = town.dwellings, town.calendar.days
    shape = (homes, days)
    day_of_year = calendar.day_of_year[WARM_UP : WARM_UP + days]
    from_january = np.abs(day_of_year - 15)
    summer = np.exp(-(((day_of_year - 205) / 32.0) ** 2))
    winter = np.exp(-((np.minimum(from_january, 365 - from_january) / 35.0) ** 2))
    heat = np.clip(summer + rng.normal(0, 0.15, days), 0, None)
    fridge = rng.uniform(0.45, 1.1, homes)
    standby = rng.lognormal(np.log(0.25), 0.5, homes)
    has_cooler = rng.random(homes) < world.air_conditioning
    cooling = has_cooler * rng.lognormal(0.8, 0.5, homes)
    heating = rng.lognormal(np.log(world.winter_heating + 0.05), 0.8, homes)
    is_let = town.is_let()
    furnished = np.where(is_let, 1, rng.random(homes) < 0.1)
    fridge_load = fridge[:, None] * furnished[:, None] * rng.normal(1, 0.06, shape) * (1 + 0.2 * summer)
    standby_load = standby[:, None] * use.standby * np.where(furnished[:, None] > 0, 1, 0.05)
    habit = rng.lognormal(np.log(0.55), 0.3, homes)
    people_load = 0.5 + habit[:, None] * use.people**0.8 * rng.lognormal(0, 0.3, shape)
    load: Floats = np.where(use.fridge_off, 0, fridge_load) + standby_load + use.occupied * people_load
    cooling_load = cooling[:, None] * heat * rng.lognormal(0, 0.4, shape)
    weather_load = use.occupied * (cooling_load + heating[:, None] * winter)
    load += weather_load + (use.callers > 0) * rng.uniform(0.02, 0.5, shape)
    in_use_unlet = (~is_let)[:, None] & use.occupied
    load += in_use_unlet * fridge[:, None] * 0.5
    return load


def _read(rng: Generator, town: Town, kind: str, true: Floats, share: float, step: float) -> Readings:
    """What the meters of a share of dwellings say, block by block, in steps of `step`."""
    world, layout = town.world, town.layout
    homes, shape = town.dwellings, true.shape
    fitted = rng.random(layout.blocks) < min(1, share * 1.15)
    in_block = rng.random(homes) < min(1, share / max(0.3, fitted.mean()))
    metered = fitted[layout.dwelling_block] & in_block
    used = np.maximum(true, 0).copy()
    ok, missing = np.ones(shape, np.bool_), np.zeros(shape, np.bool_)
    for home in np.flatnonzero(rng.random(homes) < world.meter_fault).tolist():
        _meter_fault(rng, used, ok, missing, home)
    index = np.floor(np.cumsum(used, 1) / step + rng.random(homes)[:, None])
    rng.random(homes)  # not used: drawn so that a seed keeps its city
    before = index[:, :1] - np.floor(used[:, :1] / step)
    value = np.diff(index, axis=1, prepend=before) * step
    ok &= rng.random(shape) >= world.meter_gap
    for block in range(layout.blocks):
        _gateway_outages(rng, town, value, ok, missing, np.flatnonzero(layout.dwelling_block == block))
    dwelling, day = np.nonzero(metered[:, None] & ~missing)
    return Readings(kind, dwelling, day, np.round(value[dwelling, day], 3), ok[dwelling, day])


def _meter_fault(rng: Generator, used: Floats, ok: Flags, missing: Flags, home: int) -> None:
    """One meter stands still, repeats an average, counts a neighbour too, or gives nothing, for some weeks."""
    homes, days = used.shape
    chance = rng.random()
    first = int(rng.integers(-20, days))
    length = skewed(rng, 3.3, 0.9, 5, 300)
    when = slice(max(0, first), max(0, first + length))
    if chance < 0.25:
        used[home, when] = 0
    elif chance < 0.45:
        past = used[home, max(0, first - 30) : max(1, first)] if first > 5 else used[home]
        used[home, when] = past.mean()
    elif chance < 0.55:
        used[home] += 0.5 * used[int(rng.integers(0, homes))]
    elif chance < 0.8:
        ok[home, when] = False
    else:
        missing[home, when] = True


def _gateway_outages(rng: Generator, town: Town, value: Floats, ok: Flags, missing: Flags, homes: Ints) -> None:
    """A block's gateway is silent for days; half the time the first reading afterwards has all of them."""
    days = value.shape[1]
    for _ in range(rng.poisson(town.world.gateway_outages * days / 365)):
        first = int(rng.integers(0, days))
        length = skewed(rng, 1.2, 0.7, 1, 14)
        after = first + length
        if after < days and rng.random() < 0.5:
            value[homes, after] += value[homes, first:after].sum(1)
        if rng.random() < 0.5:
            ok[homes, first:after] = False
        else:
            missing[homes, first:after] = True

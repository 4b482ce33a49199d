"""Water and electricity of every home and day, and what the meters show of them.

Levels are assumptions (a person uses some 85 litres and 1 kWh a day beside the base load); that honest homes run dry for
weeks follows `detection.md` section 2.1. Failures are of meters (stuck, dead, catching up, drifting) and of the gateway
of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_of_lookalikes.calendar import length
from simulators.city_of_lookalikes.days import Days
from simulators.city_of_lookalikes.dice import Bools, Floats, Ints
from simulators.city_of_lookalikes.people import Household, Town

ELECTRICITY_STEP_KWH = 0.01
METER_WORDS = ("water", "electricity")
CALLED = 0.62  # of visits: water is drawn at all
LONGEST_VISIT_HOURS = 6


@dataclass(frozen=True, slots=True)
class Readings:
    """(readings,) each."""

    home: Ints
    day: Ints
    kind: Ints  # place in METER_WORDS
    value: Floats  # m³ or kWh a day, NaN where unknown
    ok: Bools


def read_meters(town: Town, days: Days) -> Readings | None:
    """What the meters of all homes show; None where no home has one that is read."""
    water, electricity = _use(town, days)
    gateway_down = _gateway_failures(town)
    places = town.places
    parts = []
    with_water = np.array([home for home, place in enumerate(places.dwellings) if place.water], int)
    if len(with_water):
        steps = np.array([places.estates[places.dwellings[home].estate].water_step for home in with_water])
        parts.append(_read(town, 0, with_water, water[with_water], steps[:, None], gateway_down[with_water]))
    with_power = np.array([home for home, place in enumerate(places.dwellings) if place.electricity], int)
    if len(with_power):
        step = np.full((len(with_power), 1), ELECTRICITY_STEP_KWH)
        parts.append(_read(town, 1, with_power, electricity[with_power], step, gateway_down[with_power]))
    if not parts:
        return None
    return Readings(
        home=np.concatenate([part.home for part in parts]),
        day=np.concatenate([part.day for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        ok=np.concatenate([part.ok for part in parts]),
    )


def _use(town: Town, days: Days) -> tuple[Floats, Floats]:
    """(homes, days) m³ and kWh a day."""
    rng, actors, households = town.dice.rng, town.actors, town.households
    homes, people = days.residents.shape, days.present.shape
    temperature = town.weather.temperature
    water, electricity = np.zeros(homes), np.zeros(homes)
    drinks = np.array([actor.water for actor in actors], float)[:, None]
    draws_power = np.array([actor.electricity for actor in actors], float)[:, None]
    hours = np.array([actor.visit_hours for actor in actors], float)[:, None]
    visited, at_home = days.visits > 0, days.residents > 0

    living = np.where(days.present, drinks * rng.lognormal(-0.06, 0.35, people), 0)
    draws_water = rng.random(people) < CALLED
    calling = np.where(draws_water, rng.exponential(0.012, people) * (0.5 + hours * 0.5), 0)
    np.add.at(water, days.home, living + np.where(visited, calling, 0))
    living = np.where(days.present, draws_power * rng.lognormal(-0.05, 0.3, people), 0)
    calling = 0.12 * np.minimum(hours, 5) * rng.lognormal(0, 0.6, people)
    np.add.at(electricity, days.home, living + np.where(visited, calling, 0))
    water *= 1 + 0.18 * np.clip((temperature - 20) / 12, -1, 1)
    laundry = (rng.random(homes) < 0.3) & at_home
    water += laundry * rng.exponential(0.05, homes)

    visits = np.zeros(homes)
    np.add.at(visits, days.home, days.visits * np.minimum(hours, LONGEST_VISIT_HOURS) / 12)
    in_use = np.clip(at_home * (1 - 0.25 * town.calendar.workday) + visits, 0, 1)
    cooling = np.array([one.cooling for one in households])[:, None]
    heating = np.array([one.heating for one in households])[:, None]
    hot = np.clip(temperature - 26.5, 0, None) ** 1.15
    cold = np.clip(9.5 - temperature, 0, None)
    climate = 0.75 * cooling * hot + 0.45 * heating * cold
    electricity += in_use * climate * rng.lognormal(-0.06, 0.35, homes)
    for home, household in enumerate(households):
        electricity[home] += _standing_load(town, household, at_home[home])
        for begin, end, flow in household.leaks:
            span = town.calendar.span(begin, end)
            water[home, span] += flow * rng.lognormal(0, 0.15, length(span))
    return water, electricity


def _standing_load(town: Town, household: Household, at_home: Bools) -> Floats:
    """(days,) kWh of the fridge and of all that is plugged in."""
    rng, calendar = town.dice.rng, town.calendar
    has_fridge = household.let_from is not None or household.fridge_on
    fridge = np.full(calendar.days, household.fridge if has_fridge else 0.0)
    if household.let_from and household.let_from > 0:
        fridge[calendar.span(0, household.moved_in)] = 0
    for begin, end in household.fridge_off:
        fridge[calendar.span(begin, end)] = 0
    fridge *= 1 + 0.02 * np.clip(town.weather.temperature - 15, -10, 15)
    cooled = fridge * rng.lognormal(0, 0.08, calendar.days)
    base: Floats = household.base_load * (0.25 + 0.3 * at_home) * rng.lognormal(0, 0.1, calendar.days)
    return cooled + base


def _gateway_failures(town: Town) -> Bools:
    """(homes, days) when the gateway of the home's block sent nothing."""
    dice, days = town.dice, town.calendar.days
    down = np.zeros((len(town.places.blocks), days), bool)
    for block in range(len(town.places.blocks)):
        for _ in range(dice.rng.poisson(0.5 * town.world.meter_failures)):
            begin = dice.whole(0, days - 1)
            down[block, begin : begin + dice.whole(1, 12)] = True
    of_homes: Bools = down[[dwelling.block for dwelling in town.places.dwellings]]
    return of_homes


def _read(town: Town, kind: int, homes: Ints, used: Floats, step: Floats, gateway_down: Bools) -> Readings:
    """Readings of one kind; `used` (homes, days) is changed, `step` (homes, 1) is what a register shows at least."""
    rng, count = town.dice.rng, len(homes)
    used *= rng.normal(1, 0.02, (count, 1))  # of each meter's calibration
    total = np.cumsum(used, 1) + rng.random((count, 1)) * step
    before = np.floor((total[:, :1] - used[:, :1]) / step) * step
    value = np.diff(np.floor(total / step) * step, axis=1, prepend=before)
    failures = town.world.meter_failures
    bad: Bools = gateway_down | (rng.random(value.shape) < 0.004 * failures)
    for meter in range(count):
        _fail(town, value[meter], bad[meter])
    lost = rng.random(value.shape) < 0.003
    which, day = np.nonzero(~lost)
    return Readings(
        home=homes[which],
        day=day,
        kind=np.full(len(which), kind),
        value=np.where(bad, np.nan, np.round(value, 3))[which, day],
        ok=~bad[which, day],
    )


def _fail(town: Town, value: Floats, bad: Bools) -> None:
    """Lets some meters fail: (days,) of one meter, changed in place."""
    dice, days = town.dice, len(value)
    if dice.chance(0.02 * town.world.meter_failures):
        begin = dice.whole(0, days - 1)
        end = min(days, begin + dice.whole(5, 120))
        lot = dice.rng.random()
        if lot < 0.45:
            bad[begin:end] = True
        elif lot < 0.8:
            value[begin:end] = 0  # stuck, and says so to nobody
        else:
            value[end - 1] += value[begin : end - 1].sum()  # catches up
            value[begin : end - 1] = 0
    if dice.chance(0.01):
        value *= np.linspace(1, dice.between(0.8, 1.3), days)

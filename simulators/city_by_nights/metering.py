"""What the meters show of the true use: registers that count in steps, gaps, gateways and meters that fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.consumption import Use
from simulators.city_by_nights.dice import YEAR_DAYS, Bools, Floats, Ints
from simulators.city_by_nights.town import Town

METER_WORDS = ("water", "electricity")
ELECTRICITY_STEP_KWH = 0.01


@dataclass(frozen=True, slots=True)
class Readings:
    """Of one kind of meter."""

    kind: int  # place in METER_WORDS
    value: Floats  # (dwellings, days) m³ or kWh
    ok: Bools  # (dwellings, days)
    has_meter: Bools  # (dwellings,)


def read_meters(town: Town, use: Use) -> list[Readings]:
    """What all meters show, in an order of draws that is part of what a seed means."""
    estates, estate_of = town.places.estates, town.places.estate_of
    steps = np.array([estates[estate].water_step for estate in estate_of])
    water = use.litres[_meter_of(town)] / 1000
    return [
        _read(town, 0, water, steps),
        _read(town, 1, use.kwh, np.full(town.dwellings, ELECTRICITY_STEP_KWH)),
    ]


def _meter_of(town: Town) -> Ints:
    """(dwellings,) whose water the meter measures: some pairs of an estate are mixed up."""
    rng = town.rng
    measured = np.arange(town.dwellings)
    for estate in town.places.estates:
        homes = np.flatnonzero(town.places.estate_of == estate.number)
        for _ in range(rng.binomial(len(homes), town.world.swapped)):
            one, other = rng.choice(homes, 2, replace=False)
            measured[one], measured[other] = measured[other], measured[one]
    return measured


def _read(town: Town, kind: int, used: Floats, steps: Floats) -> Readings:
    """Readings of one kind; `steps` (dwellings,) is what a register shows at least."""
    rng, world, count, days = town.rng, town.world, town.dwellings, town.days
    estates = [town.places.estates[estate] for estate in town.places.estate_of]
    register = np.floor(np.cumsum(used, 1) / steps[:, None] + rng.random((count, 1)))
    value = np.diff(np.concatenate([np.zeros((count, 1)), register], 1), axis=1) * steps[:, None]
    drawn = rng.random((count, days))
    ok: Bools = drawn > np.exp(rng.normal(np.log(world.meter_gap), 0.6, count))[:, None]
    for block in range(len(town.places.blocks)):
        homes = town.places.block_of == block
        for _ in range(rng.poisson(1.3 * days / YEAR_DAYS)):  # the gateway is dead
            first = int(rng.integers(0, days))
            ok[homes, first : first + int(1 + rng.gamma(1.5, 2.5))] = False
    for home in np.flatnonzero(rng.random(count) < world.dead):
        ok[home, int(rng.integers(0, days)) :] = False
    for home in np.flatnonzero(rng.random(count) < world.stuck):
        first = int(rng.integers(0, days))
        value[home, first : first + int(rng.integers(20, 200))] = 0
    for home in np.flatnonzero(np.array([estate.catches_up for estate in estates])):
        for day in np.flatnonzero(~ok[home, :-1]):
            value[home, day + 1] += value[home, day]
    is_fitted = np.array(
        [estate.meters == "both" or (estate.meters == "water" and METER_WORDS[kind] == "water") for estate in estates]
    )
    has_meter = is_fitted & (rng.random(count) < np.array([estate.meter_share for estate in estates]))
    return Readings(kind, np.round(value, 3), ok, has_meter)

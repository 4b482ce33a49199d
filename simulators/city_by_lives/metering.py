"""What meters tell of the water and power that homes use: registers in steps, gateways that fail, meters that stand still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_lives.basics import YEAR_DAYS, Bools, Floats, Generator, Ints, happens, pick, whole
from simulators.city_by_lives.consumption import Use
from simulators.city_by_lives.town import Town

FAILURES_A_YEAR = 1.1  # of a gateway
MISSING, MISSING_SHARES = (0.0, 0.004, 0.02, 0.08), (0.4, 0.35, 0.2, 0.05)  # of the readings of a meter
EXCHANGED = 0.0015  # pairs of meters taken for each other, of the dwellings


@dataclass(frozen=True, slots=True)
class Readings:
    """Of one kind of meter: (dwellings, days)."""

    kind: str
    value: Floats  # m³ or kWh a day
    is_ok: Bools
    is_there: Bools  # has a row


def read_meters(rng: Generator, town: Town, use: Use) -> list[Readings]:
    """Water and electricity; `use` is used up."""
    water, power = _read(rng, town, "water", use.water), _read(rng, town, "electricity", use.power)
    estates, estate_of = town.places.estates, town.places.estate_of
    has_water = np.array([one.has_water_meters for one in estates])[estate_of] & (rng.random(len(estate_of)) < 0.95)
    has_power = np.array([one.has_power_meters for one in estates])[estate_of] & (rng.random(len(estate_of)) < 0.96)
    step = np.array([one.water_step for one in estates])[estate_of][:, None]
    register = np.floor(np.cumsum(water.value, 1) / step + rng.random((len(step), 1))) * step
    water.value[:] = np.diff(register, axis=1, prepend=0).clip(0)
    water.is_there[~has_water] = False
    power.is_there[~has_power] = False
    return [water, power]


def _read(rng: Generator, town: Town, kind: str, value: Floats) -> Readings:
    readings = Readings(kind, value, np.ones(value.shape, bool), np.ones(value.shape, bool))
    first_block, blocks = 0, len(town.places.blocks)
    while first_block < blocks:
        end_block = first_block + whole(rng, 1, 4)
        _fail(rng, readings, np.flatnonzero((town.places.block_of >= first_block) & (town.places.block_of < end_block)))
        first_block = end_block
    homes, days = value.shape
    for home in np.flatnonzero(rng.random(homes) < 0.012).tolist():  # stands still, or tells the same every day
        first = whole(rng, 0, days)
        told = 0 if happens(rng, 0.6) else value[home].mean()
        value[home, first : first + 8 + int(rng.gamma(1.2, 50))] = told
    for home in np.flatnonzero(rng.random(homes) < 0.02).tolist():
        first = whole(rng, 0, days)
        readings.is_ok[home, first : first + 2 + int(rng.gamma(1.2, 20))] = False
    missing = rng.choice(MISSING, homes, p=MISSING_SHARES)[:, None]
    readings.is_there[rng.random(value.shape) < missing] = False
    for _ in range(rng.poisson(homes * EXCHANGED)):
        home = whole(rng, 0, homes - 1)
        value[[home, home + 1]] = value[[home + 1, home]]
    return readings


def _fail(rng: Generator, readings: Readings, homes: Ints) -> None:
    """Failures of one gateway: no rows, rows that say so, or zeros that are told as fine and the sum after them."""
    value = readings.value
    days = value.shape[1]
    for _ in range(rng.poisson(FAILURES_A_YEAR * days / YEAR_DAYS)):
        first = whole(rng, 0, days)
        end = min(days, first + 1 + int(rng.gamma(0.8, 9)))
        match pick(rng, ("no rows", "not ok", "zeros"), (0.45, 0.35, 0.2)):
            case "no rows":
                readings.is_there[homes, first:end] = False
            case "not ok":
                readings.is_ok[homes, first:end] = False
            case _:
                if end < days:
                    value[homes, end] += value[homes, first:end].sum(1)
                value[homes, first:end] = 0

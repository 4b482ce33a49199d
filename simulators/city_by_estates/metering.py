"""What meters tell of the use: registers that count in steps, gateways and meters that fall silent, registers that stick."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulators.city_by_estates.consumption import Use
from simulators.city_by_estates.dice import YEAR_DAYS, Bools, Floats, Ints, Singles
from simulators.city_by_estates.estates import CatchUp, Estate
from simulators.city_by_estates.town import Home, Town

ELECTRICITY_STEP = 0.01  # kWh
METER_SILENT, METER_STUCK = 0.02, 0.006  # of meters, once in the history
ROW_LOST = 0.5  # of missing readings: there is no row at all


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of one kind of meters of an estate, (rows,) each: home by home, day by day."""

    kind: str  # water or electricity
    home: Ints
    day: Ints
    value: Floats  # m³ or kWh
    is_missing: Bools
    is_ok: Bools


def read_meters(town: Town, use: Use) -> Iterator[Readings]:
    """Estate by estate; nothing of estates without meters."""
    for estate in town.estates:
        homes = [home for home in town.homes if home.estate is estate]
        with_water = [home for home in homes if home.has_water_meter]
        with_electricity = [home for home in homes if home.has_electricity_meter]
        if with_water and estate.water_step is not None:
            yield _read(town, estate, "water", use.water, estate.water_step, with_water)
        if with_electricity:
            yield _read(town, estate, "electricity", use.electricity, ELECTRICITY_STEP, with_electricity)


def _read(town: Town, estate: Estate, kind: str, use: Singles, step: float, homes: list[Home]) -> Readings:
    rng = town.dice.rng
    numbers = np.array([home.number for home in homes])
    register = count(use[numbers].astype(np.float64), rng.uniform(0, step, len(homes)), step)
    is_missing = _fall_silent(town, estate, homes)
    _stick(town, register)
    value = np.diff(register, axis=1) * step
    is_ok = ~is_missing
    if estate.catch_up != CatchUp.LOST:
        catch_up(value, is_missing, is_ok, marks=estate.catch_up == CatchUp.MARKED)
    value = np.maximum(value, 0).round(3)
    has_row = ~(is_missing & (rng.random(is_missing.shape) < ROW_LOST))
    home, day = np.nonzero(has_row)
    return Readings(kind, numbers[home], day, value[has_row], is_missing[has_row], is_ok[has_row])


def count(use: Floats, already: Floats, step: float) -> Floats:
    """(meters, days + 1) whole steps that registers show at midnights; `already` is what was used since their last step."""
    total = np.concatenate([np.zeros((len(use), 1)), np.cumsum(use, 1)], 1) + already[:, None]
    shown: Floats = np.floor(total / step + 1e-9)
    return shown


def _fall_silent(town: Town, estate: Estate, homes: list[Home]) -> Bools:
    """(meters, days) without a reading: gateways of blocks, single readings, single meters."""
    dice, rng, days = town.dice, town.dice.rng, town.days
    is_missing = np.zeros((len(homes), days), bool)
    block = np.array([home.block_number for home in homes])
    for one in np.unique(block):
        for _ in range(rng.poisson(estate.gateway_gaps * days / YEAR_DAYS)):
            first = dice.whole(0, days)
            end = min(days, first + int(dice.skewed(3, 0.8, 1, 30)))
            is_missing[block == one, first:end] = True
    is_missing |= rng.random((len(homes), days)) < dice.between(0.001, 0.015)
    for meter in range(len(homes)):
        if dice.chance(METER_SILENT):
            first = dice.whole(0, days)
            is_missing[meter, first : first + int(dice.skewed(40, 0.9, 5, 300))] = True
    return is_missing


def _stick(town: Town, register: Floats) -> None:
    """Some registers stand still for weeks and then jump to where they should be."""
    dice, days = town.dice, town.days
    for meter in range(len(register)):
        if dice.chance(METER_STUCK):
            first = dice.whole(0, days)
            end = min(days, first + int(dice.skewed(60, 0.8, 8, 300)))
            register[meter, first + 1 : end + 1] = register[meter, first]


def catch_up(value: Floats, is_missing: Bools, is_ok: Bools, *, marks: bool) -> None:
    """The first reading after a gap carries the gap's use, marked as no day's use or not; all (meters, days)."""
    last_missing = is_missing[:, :-1] & ~is_missing[:, 1:]
    for meter, last in zip(*np.nonzero(last_missing), strict=True):
        first = last
        while first > 0 and is_missing[meter, first - 1]:
            first -= 1
        value[meter, last + 1] += value[meter, first : last + 1].sum()
        if marks:
            is_ok[meter, last + 1] = False

"""Water and electricity a day, from who is there; and what the meters of it tell. Levels and noise are assumptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.arrays import YEAR_DAYS, Bools, Floats, Ints, Numbers
from simulators.city_by_schedules.estates import Estate
from simulators.city_by_schedules.legs import Crowd
from simulators.city_by_schedules.town import Town

METER_WORDS = ("water", "electricity")
WATER, ELECTRICITY = range(2)
ELECTRICITY_STEP = 0.01  # kWh
COLD, HOT = 9, 26  # °C: below, rooms are heated; above, cooled


@dataclass(frozen=True, slots=True)
class Readings:
    """(readings,) each, in order of days and dwellings."""

    dwelling: Ints
    day: Ints
    kind: Ints  # by METER_WORDS
    value: Floats  # m³ or kWh a day; NaN is not known
    ok: Numbers  # 0 or 1


def read_meters(town: Town, crowd: Crowd) -> Readings:
    """What meters tell of all homes that have some."""
    heads = _heads(town, crowd)
    litres = _litres(town, heads)
    kwh = _kwh(town, heads)
    parts = [_Register(town, WATER, litres / 1000.0).read(), _Register(town, ELECTRICITY, kwh).read()]
    dwelling, day, kind, value, ok = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((dwelling, day))
    return Readings(dwelling[order], day[order], kind[order], value[order], ok[order])


def _heads(town: Town, crowd: Crowd) -> Numbers:
    """(dwellings, days) persons' worth of water use; less on days of leaving and coming."""
    lives, calls = crowd.lives, crowd.calls
    whole = np.array([person.schedule.water for person in town.people])[:, None]
    by_day = np.array([person.water_by_day for person in town.people])[:, None]
    use = np.where(lives, whole, np.where(calls, by_day, 0)).astype(np.float32)
    after = np.concatenate([lives[:, 1:], lives[:, -1:]], 1)
    before = np.concatenate([lives[:, :1], lives[:, :-1]], 1)
    use *= np.where(lives & (~after | ~before), 0.6, 1)
    heads = np.zeros((town.places.dwellings, town.days), np.float32)
    np.add.at(heads, crowd.dwelling, use)
    return heads


def _litres(town: Town, heads: Numbers) -> Numbers:
    """(dwellings, days) by people, washing days, drips, leaks, and who looks in."""
    rng, record, (homes, days) = town.rng, town.record, heads.shape
    usual = np.array([household.litres for household in town.households])[:, None]
    noise = record.water_noise * rng.lognormal(0, 0.3, (homes, 1))
    swings = _swings(town, homes)
    drift = np.cumsum(rng.normal(0, 0.02, (homes, days)), 1)
    day_of_year = np.arange(days) + town.calendar.day_of_year
    season = 1 + 0.12 * np.sin(2 * np.pi * (day_of_year - 110) / YEAR_DAYS)[None]
    washes = rng.random((homes, days)) < np.where(town.calendar.weekday >= 5, 0.4, 0.18)[None]
    washing = washes * rng.uniform(30, 90, (homes, 1)) * np.minimum(1, heads)
    litres = usual * heads**0.85 * np.exp(noise * swings - noise**2 / 2 + drift) * season + washing
    litres *= np.where(heads > 0, 1, 0)
    litres += town.extra_litres
    barely = (heads > 0) & (rng.random((homes, days)) < 0.02)  # at home, and hardly a drop
    litres[barely] *= rng.uniform(0, 0.15, barely.sum())
    drips = (rng.random(homes) < record.drips) * np.exp(rng.uniform(np.log(1.5), np.log(60), homes))
    litres += drips[:, None] * rng.uniform(0.8, 1.2, (homes, days))
    for home in np.flatnonzero(rng.random(homes) < record.leaks * days / YEAR_DAYS):
        first, lasts = int(rng.uniform(-20, days)), int(rng.exponential(18)) + 1
        litres[home, max(0, first) : max(0, first + lasts)] += np.exp(rng.normal(4.8, 1.1))
    return litres


def _swings(town: Town, homes: int) -> Floats:
    """(dwellings, days) of unit variance, each home with its own memory of the day before."""
    rng, days = town.rng, town.days
    swings = np.empty((homes, days))
    swings[:, 0] = rng.normal(size=homes)
    memory = np.clip(town.record.water_memory + rng.normal(0, 0.15, (homes, 1)), 0, 0.9)[:, 0]
    news = rng.normal(size=(homes, days))
    for day in range(1, days):
        swings[:, day] = memory * swings[:, day - 1] + np.sqrt(1 - memory**2) * news[:, day]
    return swings


def _kwh(town: Town, heads: Numbers) -> Numbers:
    """(dwellings, days) by the fridge and what else is left on, people, and the weather."""
    rng, record, (homes, days) = town.rng, town.record, heads.shape
    temperature = _temperature(town)
    fridge = rng.uniform(0.3, 1.1, (homes, 1))
    fridge = fridge + (rng.random((homes, 1)) < 0.7) * rng.uniform(0.08, 0.3, (homes, 1))
    left_on = np.where(town.off, rng.uniform(0, 0.25, (homes, 1)), 1)
    base = fridge * left_on * rng.lognormal(0, 0.07, (homes, days))
    a_head = rng.uniform(0.5, 1.6, (homes, 1))
    cools = (rng.random((homes, 1)) < 0.9) * record.cooling * rng.uniform(0.3, 1.3, (homes, 1))
    cooling = cools * np.maximum(0, temperature - HOT)[None]
    heats = (rng.random((homes, 1)) < record.heating) * rng.uniform(0.1, 0.7, (homes, 1))
    air = cooling + heats * np.maximum(0, COLD - temperature)[None]
    by_people = a_head * heads**0.8 + air * np.minimum(1, heads)
    kwh: Numbers = base + by_people * np.exp(0.3 * rng.normal(size=(homes, days)) - 0.045)
    return kwh


def _temperature(town: Town) -> Floats:
    """(days,) °C."""
    record, days = town.record, town.days
    day_of_year = np.arange(days) + town.calendar.day_of_year
    season = record.summer_above_mean * np.cos(2 * np.pi * (day_of_year - 20) / YEAR_DAYS)
    weather = np.convolve(town.rng.normal(0, 2.2, days + 6), np.ones(7) / 2.6, "valid")
    temperature: Floats = record.mean_temperature - season + weather
    return temperature


class _Register:
    """All meters of one kind, while they are read."""

    def __init__(self, town: Town, kind: int, used: Numbers) -> None:
        self.town = town
        self.rng = town.rng
        self.kind = kind
        self.value = used.copy()  # a day, and in the end what is told of it
        self.exists: Bools = np.zeros(used.shape, bool)  # a reading
        self.ok = np.ones(used.shape, np.int8)

    def read(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
        """Columns of the readings."""
        for number, estate in enumerate(self.town.places.estates):
            if estate.water if self.kind == WATER else estate.electricity:
                inside = np.flatnonzero(self.town.places.estate_of == number)
                metered = inside[self.rng.random(len(inside)) < estate.metered]
                self.exists[metered] = True
                self.cross_some(metered)
                self.stop_some(metered)
                self.read_estate(metered, estate)
        dwelling, day = np.nonzero(self.exists)
        kind = np.full(len(dwelling), self.kind)
        return dwelling, day, kind, np.round(self.value[dwelling, day], 3), self.ok[dwelling, day]

    def cross_some(self, metered: Ints) -> None:
        """Two water meters that were taken for each other on the wall."""
        if self.kind == WATER and len(metered) > 40:
            for _ in range(self.rng.poisson(0.002 * len(metered))):
                one, other = self.rng.choice(metered, 2, replace=False)
                self.value[[one, other]] = self.value[[other, one]]

    def stop_some(self, metered: Ints) -> None:
        """Meters that stand still for weeks; most are found out."""
        rng, days = self.rng, self.town.days
        for dwelling in metered:
            if rng.random() < 0.02:
                first, lasts = int(rng.uniform(-30, days)), int(rng.uniform(10, 160))
                stopped = slice(max(0, first), max(0, first + lasts))
                self.value[dwelling, stopped] = 0
                if rng.random() < 0.6:
                    self.ok[dwelling, stopped] = 0

    def read_estate(self, metered: Ints, estate: Estate) -> None:
        """Counts in whole steps; what is not read is a row without a value, or none."""
        rng, count, days = self.rng, len(metered), self.town.days
        step = estate.meter_step if self.kind == WATER else ELECTRICITY_STEP
        counted = np.cumsum(self.value[metered], 1) + rng.uniform(0, step, (count, 1))
        missed = rng.random((count, days)) < 0.006
        for _ in range(rng.poisson(estate.gateway_faults)):
            first, lasts = int(rng.uniform(0, days)), int(rng.uniform(1, 16))
            missed[rng.random(count) < rng.uniform(0.3, 1), first : first + lasts] = True
        shown = np.floor(counted / step + 1e-9) * step
        told = np.diff(np.concatenate([np.zeros((count, 1)), shown], 1), axis=1)
        told[:, 0] = self.value[metered][:, 0]
        if estate.sends_late:
            _add_late(told, missed)
        self.ok[metered] = np.where(missed, 0, self.ok[metered])
        has_no_row = missed & (rng.random((count, 1)) < 0.5)
        self.exists[metered] &= ~has_no_row
        self.value[metered] = np.where(missed & ~has_no_row, np.nan, told)


def _add_late(told: Floats, missed: Bools) -> None:
    """On the first day that is read again stands all that was counted meanwhile."""
    waiting = np.zeros(len(told))
    for day in range(told.shape[1]):
        waiting = np.where(missed[:, day], waiting + told[:, day], waiting)
        is_back = ~missed[:, day] & (waiting > 0)
        told[is_back, day] += waiting[is_back]
        waiting[is_back] = 0

"""When access points are down, propped open or wrong in their clocks, and what of it the coverage says.

Rates are assumptions around `law_and_practice.md` section 5.3 (3-20 days down a year); hidden outages are those that no
device reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulators.city_of_lookalikes.dice import DAY_S, HOUR_S
from simulators.city_of_lookalikes.estates import AccessPoint
from simulators.city_of_lookalikes.passes import Passes
from simulators.city_of_lookalikes.people import Town

CLOCK_ERRORS_S = (-8 * HOUR_S, 12 * HOUR_S, -1800, 900, -DAY_S)


@dataclass(frozen=True, slots=True)
class Fault:
    """From second `begin` up to `end` of the history."""

    begin: int
    end: int
    kept: float  # share of passes that are recorded all the same
    clock_error: int = 0  # seconds added to times


@dataclass(frozen=True, slots=True)
class Covered:
    """A row of the coverage table; times in seconds of the history."""

    point: int
    begin: int
    end: int
    state: str


@dataclass(slots=True)
class Faults:
    """Of all access points."""

    by_point: dict[int, list[Fault]] = field(default_factory=dict)
    covered: list[Covered] = field(default_factory=list)

    def add(self, point: int, fault: Fault) -> None:
        """Notes a fault of a point."""
        self.by_point.setdefault(point, []).append(fault)


Segment = tuple[int, int, str | None]
"""(begin, end, state): what the coverage says besides `ok`; None is no row at all."""


def draw_faults(town: Town) -> Faults:
    """Faults of devices, of whole estates, and block doors put in during the history."""
    dice, places, days = town.dice, town.places, town.calendar.days
    faults = Faults()
    installed = []
    for _ in places.blocks:
        is_late = dice.chance(0.06) and days > 60
        installed.append(dice.whole(10, min(150, days - 1)) * DAY_S if is_late else 0)
    estate_outages = [_draw_estate_outages(town) for _ in places.estates]
    for number, point in enumerate(places.points):
        observed_from = installed[point.block] if point.block >= 0 else 0
        if observed_from:
            faults.add(number, Fault(0, observed_from, 0))
        segments = _draw_point(town, faults, number, point, estate_outages[point.estate])
        faults.covered += _coverage(number, segments, observed_from, days * DAY_S)
    return faults


def _draw_estate_outages(town: Town) -> list[tuple[int, int]]:
    """(begin, seconds) of cuts that take all doors of an estate."""
    dice = town.dice
    count = dice.rng.poisson(0.25 * town.world.outages)
    return [(dice.whole(0, town.calendar.days - 2) * DAY_S, dice.whole(1, 14) * DAY_S) for _ in range(count)]


def _draw_point(
    town: Town, faults: Faults, number: int, point: AccessPoint, estate_outages: list[tuple[int, int]]
) -> list[Segment]:
    """Adds the point's faults; what the coverage says of them."""
    dice, world, rng = town.dice, town.world, town.dice.rng
    last = town.calendar.days * DAY_S
    segments: list[Segment] = []
    is_dwelling = point.scope == "dwelling"
    for _ in range(rng.poisson(world.outages * (0.5 if is_dwelling else 1.0))):
        begin = dice.whole(0, last)
        end = min(last, begin + int(rng.lognormal(np.log(1.2 * DAY_S), 1.3)))
        faults.add(number, Fault(begin, end, 0))
        if not dice.chance(world.hidden_outages):
            segments.append((begin, end, "down"))
    if not is_dwelling:
        for begin, seconds in estate_outages:
            end = min(last, begin + seconds)
            faults.add(number, Fault(begin, end, 0))
            segments.append((begin, end, "down" if dice.chance(0.9) else None))
        for _ in range(rng.poisson(world.propped)):
            begin = dice.whole(0, last)
            end = min(last, begin + int(rng.lognormal(np.log(2.5 * DAY_S), 1.1)))
            faults.add(number, Fault(begin, end, dice.between(0.05, 0.4)))
            if dice.chance(0.55):
                segments.append((begin, end, "propped"))
    elif dice.chance(0.03):  # flat battery; from then on a mechanical key
        begin = dice.whole(0, last)
        faults.add(number, Fault(begin, last, 0))
        if dice.chance(0.5):
            segments.append((begin + dice.whole(0, 20) * DAY_S, last, "down"))
    if dice.chance(world.clock_wrong * 0.6):
        begin = dice.whole(0, last)
        end = min(last, begin + dice.whole(6 * HOUR_S, 20 * DAY_S))
        faults.add(number, Fault(begin, end, 1, dice.pick(CLOCK_ERRORS_S)))
        if dice.chance(0.6):
            segments.append((begin, end, "clock"))
    return segments


def _coverage(point: int, segments: list[Segment], observed_from: int, last: int) -> list[Covered]:
    """Rows without overlap: the segments in order of their begin, and `ok` in between."""
    rows: list[Covered] = []
    now = observed_from
    for begin, end, state in sorted((one for one in segments if one[0] < last), key=lambda one: one[0]):
        begins = max(begin, now)
        if end <= begins:
            continue
        if begins > now:
            rows.append(Covered(point, now, begins, "ok"))
        if state:
            rows.append(Covered(point, begins, end, state))
        now = end
    if now < last:
        rows.append(Covered(point, now, last, "ok"))
    return rows


def suffer(town: Town, passes: Passes, faults: Faults) -> Passes:
    """The passes that were recorded, at the times devices gave them, in order of time."""
    last = town.calendar.days * DAY_S
    second = passes.second.astype(np.int64)
    kept = (second >= 0) & (second < last)
    by_point = np.argsort(passes.point, kind="stable")
    bounds = np.searchsorted(passes.point[by_point], np.arange(len(town.places.points) + 1))
    for point, of_point in faults.by_point.items():
        rows = by_point[bounds[point] : bounds[point + 1]]
        if not len(rows):
            continue
        true_second = second[rows].copy()
        for fault in of_point:
            during = rows[(true_second >= fault.begin) & (true_second < fault.end)]
            if fault.clock_error:
                second[during] += fault.clock_error
            elif fault.kept == 0:
                kept[during] = False
            else:
                kept[during] &= town.dice.shares(len(during), fault.kept)
    kept &= (second >= 0) & (second < last)
    rows = np.flatnonzero(kept)
    rows = rows[np.argsort(second[rows], kind="stable")]
    recorded = passes.take(rows)
    recorded.second = second[rows]
    return recorded

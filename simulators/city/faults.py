"""(P) When doors and meters could not be trusted: natural faults of a world, and faults put in on purpose.

Injected faults change nothing but what is recorded: the people of the city live the same year with and without them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from random import Random

from simulators.city.doors import Layout
from simulators.city.world import World

DAY_S = 86_400
PROPPED_FOR = 30  # days an injected propped door stands open


@dataclass(frozen=True, slots=True)
class Injected:
    """Faults put in on purpose, as negative controls. They begin in the middle of the history."""

    outage_days: int = 0  # of the largest estate: all its access points are down
    propped: int = 0  # so many doors stand open for PROPPED_FOR days
    propped_seen: float = 0.5  # of these: the coverage says so
    dead_meter_days: int = 0  # the meter gateway of the largest estate
    silent_days: int = 0  # of the largest estate: its access points record nobody and go on saying that they observe


@dataclass(frozen=True, slots=True)
class Fault:
    """Access point `point` in seconds [first_s, last_s) of the history. `lost` and unseen ones leave no coverage row."""

    point: int
    state: str  # down, propped, clock, lost
    first_s: int
    last_s: int
    seen: bool
    shift_s: int = 0


@dataclass(frozen=True, slots=True)
class MeterFault:
    """No readings of an estate on days `first`..`last`."""

    estate: int
    first: int
    last: int


def largest_estate(layout: Layout) -> int:
    """The number of the estate with the most dwellings."""
    counts = [0] * len(layout.estates)
    for estate in layout.dwelling_estate.tolist():
        counts[estate] += 1
    return counts.index(max(counts))


def door_faults(seed: int, layout: Layout, world: World, days: int, injected: Injected) -> list[Fault]:
    """All faults by access point and time; at most one at a time at an access point."""
    d = world.devices
    natural: list[Fault] = []
    for number in range(len(layout.points)):
        rng = Random(f"{seed}:faults:{number}")
        for first in _times(rng, d.outages, days):
            length = int(600 + rng.expovariate(1 / (d.outage_hours * 3600)))
            natural.append(Fault(number, "down", first, first + length, True))
        for first in _times(rng, d.propped, days):
            length = rng.randint(*d.propped_days) * DAY_S
            natural.append(Fault(number, "propped", first, first + length, rng.random() < d.propped_seen))
        for first in _times(rng, d.silent_loss, days):
            length = rng.randint(*d.silent_loss_days) * DAY_S
            natural.append(Fault(number, "lost", first, first + length, False))
        for first in _times(rng, d.clock, days):
            length, shift = rng.randint(*d.clock_hours) * 3600, rng.choice((-1, 1)) * rng.randint(120, 10_800)
            natural.append(Fault(number, "clock", first, first + length, True, shift))
    return _one_at_a_time(_injected_doors(seed, layout, days, injected), natural, days)


def meter_faults(seed: int, layout: Layout, world: World, days: int, injected: Injected) -> list[MeterFault]:
    """Spells in which an estate's meter gateway delivered nothing."""
    found = []
    for estate in range(len(layout.estates)):
        rng = Random(f"{seed}:gateways:{estate}")
        for first_s in _times(rng, world.meters.gateway_outages, days):
            first = first_s // DAY_S
            found.append(MeterFault(estate, first, first + rng.randint(*world.meters.gateway_days) - 1))
    if injected.dead_meter_days:
        middle = days // 2
        found.append(MeterFault(largest_estate(layout), middle, middle + injected.dead_meter_days - 1))
    return found


def _times(rng: Random, rate: float, days: int) -> list[int]:
    found, day = [], rng.expovariate(rate / 365) if rate > 0 else float(days)
    while day < days:
        found.append(int(day * DAY_S))
        day += rng.expovariate(rate / 365)
    return found


def _injected_doors(seed: int, layout: Layout, days: int, injected: Injected) -> list[Fault]:
    middle, rng, found = days // 2, Random(f"{seed}:injected"), []
    points = [i for i, point in enumerate(layout.points) if point.estate == largest_estate(layout)]
    for state, length, seen in (("down", injected.outage_days, True), ("lost", injected.silent_days, False)):
        if length:
            found += [Fault(i, state, middle * DAY_S, (middle + length) * DAY_S, seen) for i in points]
    doors = [i for i, point in enumerate(layout.points) if point.scope == "block"]
    for i in rng.sample(doors, min(injected.propped, len(doors))):
        seen = rng.random() < injected.propped_seen
        found.append(Fault(i, "propped", middle * DAY_S, (middle + PROPPED_FOR) * DAY_S, seen))
    return found


def _one_at_a_time(injected: list[Fault], natural: list[Fault], days: int) -> list[Fault]:
    """A natural fault that would overlap an earlier one of its access point is dropped; injected ones cut into them."""
    until: dict[int, int] = {}
    cuts: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in injected:
        cuts[fault.point].append(fault)
    kept = list(injected)
    for fault in sorted(natural, key=lambda f: f.first_s):
        if not until.get(fault.point, 0) <= fault.first_s < days * DAY_S:
            continue
        until[fault.point] = fault.last_s
        kept += _without(fault, cuts[fault.point])
    return sorted(kept, key=lambda f: (f.point, f.first_s))


def _without(fault: Fault, cuts: list[Fault]) -> list[Fault]:
    """What is left of a fault outside other spells."""
    parts = [fault]
    for cut in cuts:
        pieces = ((p, (p.first_s, min(p.last_s, cut.first_s)), (max(p.first_s, cut.last_s), p.last_s)) for p in parts)
        parts = [replace(p, first_s=a, last_s=b) for p, *spans in pieces for a, b in spans if a < b]
    return parts


def coverage(fault_list: list[Fault], points: int, days: int) -> list[tuple[int, int, int, str]]:
    """What the system knows of its own sight: (access point, first second, last second, state), without gaps."""
    by_point: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in fault_list:
        if fault.seen:
            by_point[fault.point].append(fault)
    rows, end = [], days * DAY_S
    for point in range(points):
        at = 0
        for fault in by_point[point]:
            if fault.first_s > at:
                rows.append((point, at, fault.first_s, "ok"))
            at = min(fault.last_s, end)
            rows.append((point, fault.first_s, at, fault.state))
        if at < end:
            rows.append((point, at, end, "ok"))
    return rows

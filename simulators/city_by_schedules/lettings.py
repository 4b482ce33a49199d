"""Who lives where, and when: homes let throughout, let anew, left, vacant; and which of them break rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.absences import leave, stay_away
from simulators.city_by_schedules.arrays import Ints
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.episodes import live_through
from simulators.city_by_schedules.households import add_company, add_stale_member, draw_household, grow
from simulators.city_by_schedules.people import Household, Presence
from simulators.city_by_schedules.town import Town
from simulators.city_by_schedules.vacant import keep_vacant, use_vacant
from simulators.city_by_schedules.violations import violate
from simulators.city_by_schedules.world import HOUSEHOLDS, VIOLATIONS

BREAKS_RULES = {
    "single_worker": 1.3,
    "young_couple": 1.2,
    "seasonal": 1.6,
    "traveller": 1.4,
    "weekender": 1.2,
    "three_gen": 0.6,
    "disabled": 0.5,
    "single_parent": 0.8,
}
"""How likely kinds of households are to, beside the others: who is seldom at home may also leave for good."""

EVERY_KIND_FROM = 32  # violations: each kind occurs twice at least
VACANT_USED = list(VIOLATIONS).index("vacant_used")
BEYOND = 300  # days after the history


@dataclass(frozen=True, slots=True)
class Plan:
    """Of all dwellings, before anybody lives there."""

    let: Ints  # dwellings, shuffled
    kinds: dict[int, str]  # of the households that they are let to
    violations: dict[int, str]  # kinds of those that break rules
    vacant: set[int]
    used: set[int]  # recorded vacant, and lived in
    running: dict[int, bool]  # of violations: on the first day already


def draw_plan(town: Town) -> Plan:
    """Which dwellings are vacant, and which are in violation of what: `Life.prevalence` of all."""
    rng, life, dwellings = town.rng, town.life, town.places.dwellings
    shuffled = rng.permutation(dwellings)
    vacant_count = int(life.recorded_vacant * dwellings)
    vacant = set(shuffled[:vacant_count].tolist())
    count = round(life.prevalence * dwellings)
    counts = rng.multinomial(count, life.violations)
    while count >= EVERY_KIND_FROM and counts.min() < 2:
        counts[counts.argmax()] -= 1
        counts[counts.argmin()] += 1
    numbers = np.repeat(np.arange(len(VIOLATIONS)), counts)
    used_count = min(int(counts[VACANT_USED]), max(1, vacant_count // 3))
    used = set(shuffled[:used_count].tolist())
    let = shuffled[vacant_count:]
    kinds = {int(dwelling): str(rng.choice(list(HOUSEHOLDS), p=life.households)) for dwelling in let}
    weights = np.array([BREAKS_RULES.get(kinds[int(dwelling)], 1.0) for dwelling in let])
    others = count - int(counts[VACANT_USED])
    chosen = rng.choice(len(let), size=others, replace=False, p=weights / weights.sum())
    dealt = rng.permutation(numbers[numbers != VACANT_USED])
    words = list(VIOLATIONS)
    violations = {int(let[place]): words[number] for place, number in zip(chosen, dealt, strict=True)}
    all_of_them = [*violations, *used]
    runs = np.arange(len(all_of_them)) < round(life.running * len(all_of_them))
    running = dict(zip(all_of_them, rng.permutation(runs).tolist(), strict=True))
    return Plan(let, kinds, violations, vacant, used, running)


def populate(town: Town, plan: Plan) -> None:
    """Fills a city's dwellings, and lets a history's life go on in them."""
    for dwelling in range(town.places.dwellings):
        if dwelling in plan.vacant:
            is_used = dwelling in plan.used
            home = use_vacant(town, dwelling, plan.running[dwelling]) if is_used else keep_vacant(town, dwelling)
            town.households.append(home)
        else:
            _let(town, dwelling, plan)


def _let(town: Town, dwelling: int, plan: Plan) -> None:
    rng, days, life, lease = town.rng, town.days, town.life, town.leases[dwelling]
    violation = plan.violations.get(dwelling)
    since, moved_in = -int(rng.gamma(1.3, 520)) - 40, None
    if violation is None and town.chance(life.newly_let):
        since = int(rng.uniform(3, days - 5))
        moved_in = since + int(rng.exponential(16))
        moved_in -= int(rng.integers(3, 40)) if town.chance(0.12) else 0
    lease.first = since
    household = draw_household(town, dwelling, plan.kinds[dwelling], since)
    town.households.append(household)
    if town.chance(life.stale_member):
        add_stale_member(town, household, since)
    add_company(town, household)
    live_through(town, household)
    if violation:
        violate(town, household, violation, plan.running[dwelling])
    elif town.chance(life.marriage):
        grow(town, household)
    elif household.kind in ("single_old", "disabled", "old_couple") and town.chance(life.death * 1.6):
        _die(town, household)
    elif moved_in is None and town.chance(life.lease_ends):
        _move_out(town, dwelling)
    if moved_in is not None:
        _move_in(town, household, since, moved_in)
    if household.lease_ends is not None:
        lease.last = household.lease_ends
    if rng.random() > town.record.expected_unknown:
        is_wrong = town.chance(town.record.expected_wrong)
        error = int(rng.choice([-1, 1])) if is_wrong else 0
        town.expected[dwelling] = max(1, household.lawful + error)
    town.groups += [(dwelling, group) for group in sorted(household.groups)]


def _die(town: Town, household: Household) -> None:
    """One of a couple lives on; else the home is empty until, mostly, the lease is ended, weeks or months later."""
    rng, days = town.rng, town.days
    day = int(rng.uniform(-30, days))
    if household.kind == "old_couple":
        leave(town, household.residents[:1], day, days + 1)
        return
    ends = day + int(rng.uniform(30, 190))
    stay_away(town, household, day, days + BEYOND, "other")
    dwelling = household.dwelling
    town.declared = [one for one in town.declared if not (one.dwelling == dwelling and one.first == day)]
    if town.chance(0.7):
        town.leases[dwelling].last = ends


def _move_out(town: Town, dwelling: int) -> None:
    """About when the lease ends, before or after."""
    rng, days = town.rng, town.days
    ends = int(rng.uniform(10, days - 5))
    town.leases[dwelling].last = ends
    leave(town, town.by_dwelling[dwelling], max(0, ends + int(rng.normal(-6, 12))), days + 1)


def _move_in(town: Town, household: Household, since: int, moved_in: int) -> None:
    """Nobody lives there before; half of them carry things in from the begin of the lease on."""
    dwelling = household.dwelling
    leave(town, town.by_dwelling[dwelling], 0, moved_in)
    town.declared = [one for one in town.declared if not (one.dwelling == dwelling and one.first < moved_in)]
    if town.chance(0.5):
        span = town.calendar.span(max(since, moved_in - 25), moved_in)
        household.residents[0].presence[span][town.some_days(length(span), 0.4)] = Presence.BY_DAY

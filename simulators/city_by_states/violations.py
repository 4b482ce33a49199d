"""What is against the lease, kind by kind: who is gone, who lives there instead, what the register is told.

The kinds and their sub-kinds are those of detection.md section 3: token visits and day use of vacancies, the subtenant enrolled
as family, the lodger, the lent card, the visitor's pass that never ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulators.city_by_states.absences import declare, leave_home, long_length, look_in
from simulators.city_by_states.model import (
    AWAY,
    BY_DAY,
    Flags,
    Home,
    Planned,
    Spell,
    Town,
    Violation,
    one_of,
    some_days,
)
from simulators.city_by_states.people import add_others

CLAIMS = ("work", "care", "home_visit", "hospital", "travel", "other")
CLAIM_ODDS = (0.5, 0.14, 0.16, 0.06, 0.06, 0.08)


def _true(town: Town, home: Home, kind: str, first: int, end: int) -> None:
    town.truth.append(Violation(home.dwelling, kind, first, end))


def _within(days: Flags, first: int, end: int) -> Flags:
    days[: max(0, first)] = False
    days[end:] = False
    return days


def _vacancy(town: Town, home: Home, first: int, end: int) -> None:
    """Nobody lives here any more: most look in now and then, some use it by day."""
    rng, world, calendar = town.rng, town.world, town.calendar
    by_day = rng.random() < world.day_use
    claimed = long_length(town, seasonal=rng.random() < 0.4)
    absence = Planned(first, end, one_of(rng, CLAIMS, CLAIM_ODDS), "vacancy")
    town.spells.append(Spell(home.dwelling, first, end, absence.cause, False))
    looked_after = 0 if by_day else world.token_visits
    leave_home(town, home.dwelling, home.members, absence, honest=False, looked_after=looked_after, claimed=claimed)
    if by_day:
        user = int(rng.choice(home.adults))
        on = some_days(rng, 0.25, 0.75)[calendar.weekday] & (rng.random(calendar.total) < 0.8)
        town.presence[user][_within(on, first, end)] = BY_DAY
        town.people[user].visits = (rng.choice([9.5, 12.2, 14.5]), rng.uniform(1, 6))
    _true(town, home, "vacancy", first, end)


def _tenants_gone(
    town: Town, home: Home, first: int, end: int, looked_after: float, tenants: list[int] | None = None
) -> None:
    """The tenants (all in the register, unless told) live elsewhere on days [first, end); few tell a reason."""
    tenants = home.members if tenants is None else tenants
    rng = town.rng
    town.spells.append(Spell(home.dwelling, first, end, "sublet", False))
    for person in tenants:
        town.presence[person][max(0, first) : end] = AWAY
    look_in(town, home.dwelling, max(0, first), end, looked_after, tenants)
    if rng.random() < town.world.declared * 0.25:
        declare(town, home.dwelling, first, long_length(town, seasonal=True), "work", end - first)


def _enrol(town: Town, home: Home, people: list[int], first: int) -> None:
    """Strangers enter the register as family, some days before they move in."""
    let_from = town.let_from[home.dwelling]
    for number in people:
        since = first - int(town.rng.integers(0, 20))
        town.people[number].since = since if let_from is None else max(since, let_from)
        home.members.append(number)
    expected = town.expected[home.dwelling] or len(home.members) - len(people)
    town.expected[home.dwelling] = expected + len(people)


def _sublet_whole(town: Town, home: Home, first: int, end: int) -> None:
    """Others live here instead; some change once, some are enrolled as family."""
    rng, world, calendar = town.rng, town.world, town.calendar
    stays_near = rng.random() < 0.1
    gap = int(rng.integers(0, 26)) if rng.random() < 0.6 else 0
    _tenants_gone(town, home, max(0, first - gap), end, 0.45)
    if stays_near:
        caller = int(rng.choice(home.adults))
        on = rng.random(calendar.total) < 0.25
        town.presence[caller][_within(on, first, end)] = BY_DAY
    by_fraud = rng.random() < world.enrolled_by_fraud
    count = int(rng.choice([1, 2, 3, 4], p=[0.25, 0.4, 0.25, 0.1]))
    profile = "subvis" if rng.random() < 0.15 else "sub"
    change = end
    if not by_fraud and rng.random() < 0.2 and end - first > 120:
        change = first + int(rng.integers(60, end - first - 30))
    subtenants = add_others(town, home.dwelling, count, profile, first, change, registered=by_fraud, tag="sublet_whole")
    if change < end:
        next_count = int(rng.integers(1, 4))
        next_first = change + int(rng.integers(1, 15))
        add_others(town, home.dwelling, next_count, profile, next_first, end, tag="sublet_whole")
    _true(town, home, "sublet_whole", first, end)
    if by_fraud:
        _enrol(town, home, subtenants, first)
        _true(town, home, "enrolment_fraud", first, end)


def _sublet_part(town: Town, home: Home, first: int, end: int) -> None:
    """Lodgers beside the household."""
    rng = town.rng
    on = some_days(rng, 0.75, 1)[town.calendar.weekday]
    count = int(rng.choice([1, 2], p=[0.65, 0.35]))
    add_others(town, home.dwelling, count, "lodger", first, end, only=on, tag="sublet_part")
    _true(town, home, "sublet_part", first, end)
    if len(home.members) > 2 and rng.random() < 0.3:  # a member makes room
        town.presence[int(rng.choice(home.members))][max(0, first) : end] = AWAY


def _lent(town: Town, home: Home, first: int, end: int) -> None:
    """Kin live here instead; or the tenant is here and an outsider comes and goes with a card of the household."""
    rng = town.rng
    if rng.random() < 0.6:
        _tenants_gone(town, home, first, end, 0.7)
        count = int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))
        add_others(town, home.dwelling, count, "kin", first, end, tag="lent")
    else:
        on = some_days(rng, 0.5, 1)[town.calendar.weekday]
        outsider = add_others(town, home.dwelling, 1, "kin", first, end, only=on, tag="lent")[0]
        if rng.random() < 0.5:
            town.presence[outsider] = (town.presence[outsider] > AWAY).astype(np.uint8) * BY_DAY
    _true(town, home, "lent", first, end)


def _visitor_abuse(town: Town, home: Home, first: int, end: int) -> None:
    """Guests who live here on visitors' passes."""
    rng, total = town.rng, town.calendar.total
    if rng.random() < 0.4:
        _tenants_gone(town, home, first, end, 0.7)
    for _ in range(int(rng.integers(1, 4))):
        chances = rng.random(total)
        on = chances < rng.uniform(0.5, 0.95)
        guest = add_others(town, home.dwelling, 1, "guest", first, end, only=on, tag="visitor_abuse", every_day=True)[0]
        town.people[guest].pass_days = int(rng.choice([1, 4, 10, 400]))
    _true(town, home, "visitor_abuse", first, end)


def _over_occupancy(town: Town, home: Home, first: int, end: int) -> None:
    """Many more than the register has, the household among them."""
    count = int(town.rng.integers(3, 7))
    add_others(town, home.dwelling, count, "crowd", first, end, tag="over_occupancy")
    _true(town, home, "over_occupancy", first, end)


def _enrolment_fraud(town: Town, home: Home, first: int, end: int) -> None:
    """Strangers enrolled as family live here; of half of these homes everybody in the register is soon gone."""
    rng, tenants = town.rng, [*home.members]
    count = int(rng.choice([1, 2], p=[0.7, 0.3]))
    strangers = add_others(town, home.dwelling, count, None, first, end, registered=True, tag="enrolment_fraud")
    _enrol(town, home, strangers, first)
    if rng.random() < 0.5:
        _tenants_gone(town, home, first, end, 0.5, tenants)
    _true(town, home, "enrolment_fraud", first, end)


HAPPENS: dict[str, Callable[[Town, Home, int, int], None]] = {
    "vacancy": _vacancy,
    "sublet_whole": _sublet_whole,
    "sublet_part": _sublet_part,
    "lent": _lent,
    "visitor_abuse": _visitor_abuse,
    "over_occupancy": _over_occupancy,
    "enrolment_fraud": _enrolment_fraud,
}
"""What draws a violation of a kind on days [first, end)."""

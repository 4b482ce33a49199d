"""Homes that the register calls vacant: looked after, fitted out, let already, or lived in by somebody."""

from __future__ import annotations

from simulators.city_by_schedules.arrays import HOUR_MIN, one_of
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.people import Household, Presence, inclined
from simulators.city_by_schedules.town import Lease, Town, Violation


def keep_vacant(town: Town, dwelling: int) -> Household:
    """A home that is recorded vacant, for now."""
    rng, household = town.rng, _nobody(town, dwelling)
    kind = rng.random()
    if kind < 0.25:
        staff = town.add_person(dwelling, "staff", "home", water_by_day=0.05)
        staff.presence[town.some_days(town.days, 0.02)] = Presence.BY_DAY
    elif kind < 0.36:
        _fit_out(town, dwelling)
    elif kind < 0.42:
        _let_late(town, household)
    return household


def use_vacant(town: Town, dwelling: int, is_running: bool) -> Household:
    """A home that is recorded vacant, in which somebody lives (`vacant_used`)."""
    rng, days, household = town.rng, town.days, _nobody(town, dwelling)
    first = -int(rng.exponential(90)) - 3 if is_running else int(rng.uniform(4, days - 6))
    goes_on = town.chance(0.7)
    end = days + 200 if goes_on else first + int(rng.uniform(25, 200))
    if end < 5:
        end = days + 200
    by = one_of(rng, ("spare", "pin", "tail", "visitor"), (0.35, 0.3, 0.25, 0.1))
    span = town.calendar.span(first, end)
    for _ in range(int(rng.integers(1, 4))):
        person = town.add_stranger(dwelling, "squatter", one_of(rng, ("worker", "service", "home")), by)
        stays = rng.random(length(span)) < rng.uniform(0.5, 1)
        person.presence[span][stays] = Presence.LIVES
    town.off[dwelling, span] = False
    town.truth.append(Violation(dwelling, "vacant_used", first, end if end < days else None))
    return household


def _nobody(town: Town, dwelling: int) -> Household:
    """No household; a lease that ended long ago, or none."""
    rng = town.rng
    household = Household(dwelling, "vacant", 1, False, litres=town.record.litres * rng.lognormal(0, 0.3))
    town.off[dwelling] = town.chance(0.8)
    if town.chance(0.35):
        first = -int(rng.uniform(200, 1500))
        town.leases[dwelling] = Lease(first, first + int(rng.uniform(30, -first - 5)))
    return household


def _fit_out(town: Town, dwelling: int) -> None:
    """By contractors who use water and current; some sleep there."""
    rng = town.rng
    first = int(rng.uniform(0, town.days))
    fitter = town.add_stranger(dwelling, "fitter", "worker", calls_at=8.5 * HOUR_MIN, calls_for=400, water_by_day=0.4)
    end = first + int(rng.uniform(5, 35))
    fitter.presence[first:end] = Presence.BY_DAY if town.chance(0.75) else Presence.LIVES
    town.off[dwelling, first:end] = False


def _let_late(town: Town, household: Household) -> None:
    """They live there already, with what the office lent them, until the register knows and they get their own."""
    rng, days, dwelling = town.rng, town.days, household.dwelling
    first = int(rng.uniform(5, days - 12))
    registered = min(days - 2, first + int(rng.uniform(5, 42)))
    for _ in range(int(rng.integers(1, 4))):
        person = town.add_member(dwelling, one_of(rng, ("worker", "service", "home", "elder")), registered)
        person.presence[:first] = Presence.AWAY
        person.later_means, person.changes_on = person.means, registered
        person.means = inclined(card=0.5, pin=0.8, visitor=0.3)
        household.lawful += 1
    town.off[dwelling, first:] = False
    town.leases[dwelling] = Lease(registered)
    town.expected[dwelling] = household.lawful

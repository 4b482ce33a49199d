"""Homes that are recorded vacant: staff and viewers come by, some are cleaned, and in a few somebody lives."""

from __future__ import annotations

import numpy as np

from simulators.city_by_nights.dice import NOBODY, pick
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.people import Carried, Means, Role
from simulators.city_by_nights.town import Violation


def keep_vacant(home: Home) -> None:
    """The year of a home that nobody rents; the register still names the last tenant of some."""
    rng, town = home.rng, home.town
    last_tenant = NOBODY
    if rng.random() < 0.3:
        since, until = -int(rng.integers(700, 2500)), -int(rng.integers(10, 500))
        consents = bool(rng.random() < home.estate.consents)
        last_tenant = home.register_member(since, until, consents=consents, has_card=True, has_face=False)
    staff = home.add(Role.AT_HOME, home.no_night(), Carried({Means.PIN: 0.5, Means.FOLLOWS: 4}, NOBODY))
    staff.is_staff = True
    drawn = rng.random(home.days)
    looked_in = np.flatnonzero(drawn < rng.uniform(0.005, 0.05))
    home.visit(staff, looked_in, hours=(0.1, 2), litres=(1, 40), draws_water=0.35)
    if rng.random() < 0.08:  # cleaning or fitting out
        first = int(rng.integers(0, home.days))
        days = range(first, first + int(rng.integers(3, 25)))
        home.visit(staff, days, hour=(9, 1), hours=(4, 8), litres=(10, 150))
    if violation := town.violations.get(home.dwelling):
        _live_there(home, violation, last_tenant)


def _live_there(home: Home, violation: Violation, last_tenant: int) -> None:
    """One or two, by the lock's PIN, behind others, with the last tenant's card; some are staff."""
    rng = home.rng
    means = {
        Means.PIN: 5.0,
        Means.FOLLOWS: 4 * home.estate.follows,
        Means.BORROWED: 0.0 if last_tenant == NOBODY else 3.0,
        Means.VISITOR: 0.2,
    }
    for _ in range(1 + int(rng.random() < 0.4)):
        nights = home.nights_of(violation.first, violation.end)
        if rng.random() < 0.4:  # now and then: five nights at once, or none of them
            nights &= np.repeat(rng.random(home.days // 5 + 2) < 0.6, 5)[: home.days + 1]
        role = pick(rng, [Role.WORKER, Role.NIGHT, Role.AT_HOME])
        dweller = home.add(role, nights, Carried(means, last_tenant))
        dweller.is_staff = bool(rng.random() < 0.35)

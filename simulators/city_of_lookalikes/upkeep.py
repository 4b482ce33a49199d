"""Homes without a lease (cleaning, viewings, repairs, a fridge left on), and cases that ended without a violation."""

from __future__ import annotations

import numpy as np

from simulators.city_of_lookalikes.people import Case, Rhythm, Town

SUSPECTED = ("vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse")


def keep_up_vacant_homes(town: Town) -> None:
    """What staff and the building do in homes that are recorded vacant (rule U: IE24, IE32)."""
    dice, calendar = town.dice, town.calendar
    days = calendar.days
    for home in town.vacant:  # in the set's own order, which numbers alone determine
        household = town.households[home]
        household.fridge_on = dice.chance(0.12) or home in town.violations
        staff = town.add_actor(home, Rhythm.CALLER, 0, calendar.never(), role="staff", seen=0.8, water=0.03)
        staff.visits[:] = dice.days_at(days, 0.003, 0.04)
        if dice.chance(0.3):
            begin = dice.whole(0, days - 10)
            staff.visits[calendar.span(begin, begin + dice.whole(3, 25))] = 1  # repairs before letting
        if dice.chance(0.06):
            begin = dice.whole(-50, days - 5)
            end = begin + dice.whole(10, 200)
            household.leaks.append((begin, end, dice.rng.lognormal(np.log(0.02), 1.0)))
        household.base_load *= 0.6 if household.fridge_on else 0.3


def close_cases(town: Town, absent: set[int]) -> None:
    """Earlier checks that found a good cause or nothing: of long absences, and of homes by chance."""
    dice, world, days = town.dice, town.world, town.calendar.days
    for home in set(absent):
        begin = town.households[home].long_absence
        if dice.chance(world.cases * 6) and begin is not None:
            closed_on = begin + dice.whole(40, 120)
            if 0 < closed_on < days:
                outcome = dice.pick(["good_cause", "unfounded"], [0.75, 0.25])
                town.cases.append(Case(home, "vacancy", closed_on, outcome))
    checked = dice.rng.choice(town.let, int(len(town.households) * world.cases), replace=False)
    for home in checked.tolist():
        if home not in town.violations:
            kind = dice.pick(SUSPECTED)
            closed_on = dice.whole(3, days - 1)
            town.cases.append(Case(home, kind, closed_on, dice.pick(["unfounded", "good_cause"])))

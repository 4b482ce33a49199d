"""Cases that were closed without a violation: long absences, strangers that were family, nothing at all."""

from __future__ import annotations

from simulators.city_by_schedules.arrays import Ints, one_of
from simulators.city_by_schedules.town import Case, Town

OTHERS_LIVE_THERE = ("sublet_whole", "sublet_part", "lent", "over_occupancy", "visitor_abuse")
ANY = ("vacancy", "sublet_whole", "sublet_part")


def close_cases(town: Town, let: Ints) -> None:
    """Adds cases against the honest, and keeps of each dwelling the first that was closed; `let` are dwellings."""
    rng, days = town.rng, town.days
    guilty = {one.dwelling for one in town.truth}
    spells = [spell for spell in town.honest_spells if spell[0] not in guilty]
    with_company = [dwelling for dwelling, group in town.groups if group != "lone_elderly" and dwelling not in guilty]
    for _ in range(rng.poisson(town.record.honest_cases * town.places.dwellings)):
        if spells and town.chance(0.55):
            dwelling, first = spells[int(rng.integers(len(spells)))]
            closed_on = first + int(rng.uniform(45, 130))
            if 0 <= closed_on < days:
                outcome = "good_cause" if town.chance(0.75) else "unfounded"
                town.cases.append(Case(dwelling, "vacancy", closed_on, outcome))
        elif with_company and town.chance(0.75):
            dwelling = with_company[int(rng.integers(len(with_company)))]
            kind, closed_on = one_of(rng, OTHERS_LIVE_THERE), int(rng.uniform(5, days))
            outcome = "unfounded" if town.chance(0.8) else "good_cause"
            town.cases.append(Case(dwelling, kind, closed_on, outcome))
        else:
            dwelling = int(let[int(rng.integers(len(let)))])
            if dwelling not in guilty:
                kind, closed_on = one_of(rng, ANY), int(rng.uniform(5, days))
                town.cases.append(Case(dwelling, kind, closed_on, "unfounded"))
    first_of: dict[int, Case] = {}
    for case in sorted(town.cases, key=lambda case: case.closed_on):
        first_of.setdefault(case.dwelling, case)
    town.cases = list(first_of.values())

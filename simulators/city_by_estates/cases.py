"""Closed cases: violations that ended when they were found, and innocent homes that caught somebody's eye."""

from __future__ import annotations

from simulators.city_by_estates.town import Case, Home, Town

CATCHES_THE_EYE = 70  # days of absence
UNFOUNDED_KINDS = {"sublet_whole": 0.4, "vacancy": 0.25, "sublet_part": 0.2, "lent": 0.15}


def close_cases(town: Town) -> None:
    """Adds the cases that were closed within the history."""
    dice, days = town.dice, town.days
    for one in town.violations:
        if 5 < one.end < days and dice.chance(0.35):
            closed_on = min(days - 1, one.end + dice.delay(10))
            town.cases.append(Case(one.dwelling, one.kind, closed_on, "confirmed"))
        elif one.first < days - 80 and dice.chance(0.03):  # nobody opened, or a good story was told
            closed_on = dice.whole(max(one.first, 0) + 20, days)
            town.cases.append(Case(one.dwelling, one.kind, closed_on, "unfounded"))
    guilty = {one.dwelling for one in town.violations}
    for home in town.homes:
        if home.is_stable and home.number not in guilty:
            _suspect(town, home)


def _suspect(town: Town, home: Home) -> None:
    dice, days = town.dice, town.days
    if home.longest_absence > CATCHES_THE_EYE and dice.chance(0.08):
        closed_on = dice.whole(20, days)
        outcome = dice.pick({"good_cause": 0.75, "unfounded": 0.25})
        town.cases.append(Case(home.number, "vacancy", closed_on, outcome))
    elif dice.chance(0.0025):
        kind, closed_on = dice.pick(UNFOUNDED_KINDS), dice.whole(5, days)
        outcome = dice.pick({"unfounded": 0.75, "good_cause": 0.25})
        town.cases.append(Case(home.number, kind, closed_on, outcome))

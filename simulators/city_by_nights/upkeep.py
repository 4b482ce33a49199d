"""What the estate office gets wrong and what it looked into: cards booked to other households, counts, closed cases."""

from __future__ import annotations

import numpy as np

from simulators.city_by_nights.dice import Ints
from simulators.city_by_nights.town import Case, Town

INSPECTED = ("vacancy", "sublet_whole", "sublet_part", "lent", "over_occupancy", "visitor_abuse")


def book_cards(town: Town) -> Ints:
    """(members,) the household that each one's card is booked to: wrong for a few pairs."""
    rng = town.rng
    booked = np.array([member.dwelling for member in town.members], int)
    estate = town.places.estate_of[booked]
    has_card = np.array([member.has_card for member in town.members], bool)
    for number in range(len(town.places.estates)):
        cards = np.flatnonzero(has_card & (estate == number))
        for _ in range(rng.binomial(len(cards), town.world.card_swap)):
            one, other = rng.choice(cards, 2, replace=False)
            booked[one], booked[other] = booked[other], booked[one]
    return booked


def close_cases(town: Town) -> None:
    """Cases of homes without a violation: most look like one at the time, the others were drawn by lot."""
    rng, days, leases = town.rng, town.days, town.leases
    seen = {case.dwelling for case in town.cases}
    looks = [
        one for one in town.looks if one.dwelling not in town.violations and one.end > 10 and one.first < days - 15
    ]
    for _ in range(round(town.world.inspected * town.dwellings)):
        if looks and rng.random() < 0.72:
            dwelling, kind, first, end = looks[int(rng.integers(len(looks)))]
            earliest, latest = max(first + 15, 4), min(max(end + 25, first + 40), days - 1)
            if latest <= earliest:
                continue
            day = int(rng.integers(earliest, latest + 1))
            explained = rng.random() < (0.65 if kind == "vacancy" else 0.45)
            outcome = "good_cause" if explained else "unfounded"
        else:
            dwelling = int(rng.integers(town.dwellings))
            kind = str(rng.choice(INSPECTED))
            day, outcome = int(rng.integers(5, days)), "unfounded"
        is_let = not leases.recorded_vacant[dwelling] and leases.let_from[dwelling] <= day <= leases.let_to[dwelling]
        if is_let and dwelling not in town.violations and dwelling not in seen:
            seen.add(dwelling)
            town.cases.append(Case(dwelling, kind, day, outcome))


def expected_members(town: Town) -> list[int | None]:
    """Of each home how many the office expects there; None where it does not know."""
    rng, world, count = town.rng, town.world, town.dwellings
    is_wrong = rng.random(count) < world.expected_wrong
    expected = np.maximum(town.registered + np.where(is_wrong, rng.choice([-1, 1, 1, 2], count), 0), 1)
    is_unknown = (rng.random(count) < world.expected_missing) | town.leases.recorded_vacant
    return [None if unknown else number for unknown, number in zip(is_unknown, expected.tolist(), strict=True)]

"""Who lives in each home, and on which days when nothing special happens.

Twelve kinds of household; their mix is an assumption that comes near the sizes of `law_and_practice.md` section 5.2
(24 % of one person, 30 % of two). Several look odd to a detector and are lawful: night shifts, factory dormitories,
parents apart.
"""

from __future__ import annotations

import numpy as np

from simulators.city_of_lookalikes.dice import Bools
from simulators.city_of_lookalikes.people import Actor, Household, Rhythm, Town

KINDS = {
    "single_old": 0.15,
    "old_couple": 0.12,
    "family": 0.25,
    "young": 0.12,
    "night_shift": 0.05,
    "courier": 0.035,
    "traveller": 0.045,
    "seasonal": 0.035,
    "three_gen": 0.09,
    "weekend_home": 0.02,
    "alternating": 0.02,
    "single_mid": 0.065,
}
"""Kind of household: mean share; a city's own shares lie around it."""

MIX_STEADINESS = 60  # of a city's shares: the larger, the nearer to the means
LEASES_CHANGE_FROM_DAYS = 90  # shorter histories have no home let or left during them

WORKER, HOMEBODY, NIGHT, COURIER = Rhythm.WORKER, Rhythm.HOMEBODY, Rhythm.NIGHT, Rhythm.COURIER


def populate(town: Town) -> None:
    """Fills every home that is let, and says which are recorded vacant."""
    dice, dwellings = town.dice, len(town.places.dwellings)
    town.households = [_draw_home(town) for _ in range(dwellings)]
    kinds = list(KINDS)
    mix = dice.rng.dirichlet(MIX_STEADINESS * np.array(list(KINDS.values())))
    order = dice.rng.permutation(dwellings)
    town.vacant = set(order[: int(dwellings * town.world.recorded_vacant)].tolist())
    for home, household in enumerate(town.households):
        if home in town.vacant:
            household.kind = "recorded_vacant"
            household.let_from = None
            continue
        _draw_lease(town, household)
        household.kind = dice.pick(kinds, mix.tolist())
        _FillHome(town, home).fill(household.kind)
        if household.kind == "single_old":
            household.groups.add("lone_elderly")
        if household.let_from is not None and household.let_from > 0:
            _move_in(town, home, household.let_from)
        if household.let_to:
            _move_out(town, household, household.let_to)


def _draw_home(town: Town) -> Household:
    rng, dice = town.dice.rng, town.dice
    return Household(
        kind="",
        base_load=rng.lognormal(np.log(0.75), 0.35),
        fridge=rng.lognormal(np.log(0.75), 0.3),
        cooling=rng.gamma(2, 0.5),
        heating=rng.gamma(2, 0.5) * (0.25 if town.world.north else 1),
        has_number=dice.chance(0.8),
        let_from=-dice.whole(60, 2600),
    )


def _draw_lease(town: Town, household: Household) -> None:
    """Lets a few homes, and ends a few leases, during the history."""
    dice, days = town.dice, town.calendar.days
    if dice.chance(0.03):
        if days > LEASES_CHANGE_FROM_DAYS:
            household.let_from = dice.whole(25, max(26, days - 60))
    elif dice.chance(0.02) and days > LEASES_CHANGE_FROM_DAYS:
        household.let_to = dice.whole(60, days - 5)


def _move_in(town: Town, home: int, let_from: int) -> None:
    """A fresh allotment not yet on the list, or a household that decorates for weeks (IE25, IE32)."""
    dice, calendar, household = town.dice, town.calendar, town.households[home]
    moved = let_from + (dice.whole(-8, 15) if dice.chance(0.75) else dice.whole(20, 60))
    for actor in household.actors:
        actor.present[: max(0, moved)] = False
    if dice.chance(0.6) and moved > let_from:
        builder = town.add_caller(home, ["visitor_pass", "number"], "builder")
        works = calendar.span(let_from, moved)
        builder.visits[works] = dice.shares(works.stop - works.start, 0.5)
    household.moved_in = moved


def _move_out(town: Town, household: Household, let_to: int) -> None:
    """Most leave before the last day of the lease, some weeks after it."""
    dice = town.dice
    left = let_to + (dice.whole(-20, 0) if dice.chance(0.75) else dice.whole(1, 45))
    for actor in household.actors:
        actor.present[max(0, left) :] = False
    for actor in household.members:
        town.members[actor.member].until = let_to


class _FillHome:
    """Puts the members of one household into the home."""

    def __init__(self, town: Town, home: int) -> None:
        self.town = town
        self.home = home
        self.dice = town.dice
        self.rng = town.dice.rng
        self.calendar = town.calendar

    def old(self) -> Actor:
        errands = self.rng.gamma(5, 0.28)
        return self.town.add_resident(self.home, HOMEBODY, errands, self.dice.whole(62, 88))

    def grown(self, rhythm: Rhythm = WORKER) -> Actor:
        errands = self.rng.gamma(3, 0.22)
        return self.town.add_resident(self.home, rhythm, errands, self.dice.whole(23, 57))

    def child(self, youngest: int = 1, oldest: int = 17) -> Actor:
        age = self.dice.whole(youngest, oldest)
        rhythm = Rhythm.STUDENT if age >= 6 else HOMEBODY
        return self.town.add_resident(self.home, rhythm, self.rng.gamma(2, 0.2), age)

    def fill(self, kind: str) -> None:
        chance, pick = self.dice.chance, self.dice.pick
        match kind:
            case "single_old":
                self.old()
            case "old_couple":
                self.old()
                self.old()
            case "family":
                self.family()
            case "young":
                self.grown()
                if chance(0.5):
                    self.grown()
            case "night_shift":
                self.grown(NIGHT)
                if chance(0.5):
                    self.grown(pick([NIGHT, WORKER, HOMEBODY]))
            case "courier":
                self.grown(COURIER)
                if chance(0.5):
                    self.grown(pick([COURIER, WORKER, HOMEBODY]))
                if chance(0.3):
                    self.child()
            case "single_mid":
                self.grown(pick([WORKER, HOMEBODY, WORKER, COURIER]))
            case "traveller":
                self.travellers()
            case "seasonal":
                self.grown()
                if chance(0.45):
                    self.grown()
                self.town.households[self.home].groups.add("seasonal_worker")
            case "three_gen":
                self.grown()
                self.grown()
                self.child()
                self.old()
                if chance(0.4):
                    self.old()
            case "weekend_home":
                self.weekend_home()
            case "alternating":
                self.alternating()

    def family(self) -> None:
        chance, calendar = self.dice.chance, self.calendar
        self.grown()
        self.grown(HOMEBODY if chance(0.35) else WORKER)
        self.child()
        if chance(0.35):
            self.child()
        if chance(0.18):  # a boarder, or at university: home at weekends or in the holidays only
            age = self.dice.whole(15, 21)
            boarder = self.town.add_resident(self.home, Rhythm.STUDENT, 0.5, age)
            at_university = chance(0.4)
            holidays = calendar.school_holiday | calendar.public_holiday
            boarder.present = holidays if at_university else (calendar.weekday >= 4) | calendar.school_holiday
            boarder.present = boarder.present.copy()

    def travellers(self) -> None:
        """Away for two to twelve days, again and again."""
        dice, calendar = self.dice, self.calendar
        self.grown()
        if dice.chance(0.25):
            self.grown()
        day = dice.whole(0, 20)
        at_home = np.ones(calendar.days, bool)
        while day < calendar.days:
            away = dice.whole(2, 12)
            at_home[calendar.span(day, day + away)] = False
            day += away + dice.whole(4, 25)
        self.only_on(self.members[: 1 if dice.chance(0.3) else 2], at_home)

    def weekend_home(self) -> None:
        """A factory's dormitory, or night shifts, in the week."""
        dice, calendar = self.dice, self.calendar
        persons = dice.pick([1, 2])
        weekdays = dice.pick([[5, 6], [4, 5, 6], [6], [1, 2], [5, 6]])
        at_home: Bools = np.isin(calendar.weekday, weekdays) | calendar.public_holiday
        at_home &= dice.shares(calendar.days, 0.88)
        for _ in range(persons):
            self.only_on([self.grown(dice.pick([NIGHT, WORKER]))], at_home)

    def alternating(self) -> None:
        """Parents apart: the child, and mostly the parent too, is here every second week."""
        dice, days = self.dice, self.calendar.days
        parent = self.grown()
        child = self.child(5, 16)
        even_week = (np.arange(days) + dice.whole(0, 13)) // 7 % 2 == 0
        swapped = np.repeat(dice.shares(days // 7 + 1, 0.1), 7)[:days]
        here = even_week ^ swapped
        self.only_on([child], here)
        if dice.chance(0.6):
            self.only_on([parent], here | dice.shares(days, 0.08))

    @property
    def members(self) -> list[Actor]:
        return self.town.households[self.home].members

    @staticmethod
    def only_on(actors: list[Actor], days: Bools) -> None:
        for actor in actors:
            actor.present &= days

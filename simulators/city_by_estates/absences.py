"""Honest absences: of single members, of the whole household, and those that the calendar brings."""

from __future__ import annotations

import numpy as np

from simulators.city_by_estates.dice import Bools
from simulators.city_by_estates.empty_homes import declare, fade, send_away, stand_empty
from simulators.city_by_estates.household import Away, Household
from simulators.city_by_estates.people import Presence, Role

LONG = 14  # days; of shorter absences nobody tells the office


def leave_one_by_one(house: Household) -> None:
    """Members who are elsewhere while others stay, and those who live alone and are home at times only."""
    dice, days, kind = house.dice, house.days, house.home.kind
    weekday, is_holiday = house.town.calendar.weekday, house.town.calendar.is_holiday
    alone = len(house.residents) == 1
    for adult in house.adults:
        if not alone and dice.chance(0.055):  # works elsewhere in the week
            adult.presence[_of_lease(house) & (weekday < 4) & ~is_holiday] = Presence.AWAY
        elif not alone and dice.chance(0.04):  # comes for festivals only
            first = dice.whole(-200, days)
            adult.be_away(first, first + int(dice.skewed(150, 0.6, 40, 900)))
        elif alone and kind != "seasonal" and dice.chance(0.035):  # home on weekends only, or sleeps at work
            free_from = 5 - (int(dice.rng.integers(2, 5)) > 3)
            nights = np.flatnonzero(_of_lease(house) & (weekday < free_from) & ~is_holiday)
            adult.presence[nights[dice.rng.random(len(nights)) < 0.93]] = Presence.AWAY
    if kind == "single_mid" and dice.chance(0.05):  # half of the week with a partner
        house.residents[0].presence[dice.rng.random(days) < 0.5] = Presence.AWAY
    for child in house.children:
        if child.role == Role.STUDENT and dice.chance(0.3):  # boards at school
            child.presence[house.town.calendar.is_term & (weekday < 4)] = Presence.AWAY
    for elder in house.elders if kind != "lone_elderly" else ():
        for first_day in house.times(0.35):
            elder.be_away(first_day, first_day + dice.skewed(10, 0.8, 2, 120))


def _of_lease(house: Household) -> Bools:
    """(days,) on which the household has the home."""
    day = np.arange(house.days)
    mine: Bools = (day >= house.moves_in) & (day < house.moves_out)
    return mine


def leave_together(house: Household) -> list[Away]:
    """The whole household leaves, for reasons that depend on its kind. All that was drawn, also outside the history."""
    away = _draw_away(house)
    for one in away:
        if one.end > max(one.first, 0) and one.first < house.days:
            _leave_empty(house, one)
    return away


def _leave_empty(house: Household, away: Away) -> None:
    town, home, dice, days = house.town, house.home, house.dice, house.days
    first, end = away.first, away.end
    send_away(house.residents, first, end)
    looks_in = 2.0 if dice.chance(0.27) else 1.0
    stand_empty(town, home, first, end, house.residents, looks_in=looks_in)
    if end - first > 25 and dice.chance(0.2):
        fade(town, house.residents, first, dice.whole(8, 50), 0.25)
    home.longest_absence = max(home.longest_absence, min(end, days) - max(first, 0))
    if end - first > LONG:
        declare(town, home, first, end, away.reason)
    if away.reason in ("hospital", "care") and dice.chance(0.06):  # a child sleeps in the home to be near
        house.add_guest(Role.WORKER, first, min(end, first + 25)).minds_home = True


def _draw_away(house: Household) -> list[Away]:
    dice, kind, away = house.dice, house.home.kind, list[Away]()

    def draw(rate: float, median: float, spread: float, least: float, most: float, reason: str) -> None:
        for first in house.times(rate * house.town.world.absences):
            away.append(Away(int(first), int(first + dice.skewed(median, spread, least, most)), reason))

    draw(0.55, 5, 0.5, 2, 20, "travel")
    match kind:
        case "single_young" | "single_mid" | "shift_workers":
            draw(0.105, 55, 0.75, 12, 300, "work")
            draw(0.04, 45, 0.75, 10, 260, "other")
        case "couple":
            draw(0.04, 45, 0.5, 20, 120, "home_visit")
            draw(0.06, 45, 0.75, 10, 280, "work")
        case "seasonal":
            draw(1.15, 80, 0.5, 25, 240, "work")
        case "lone_elderly":
            draw(0.16, 50, 0.8, 10, 300, "home_visit")
            for first in house.times(0.33):
                end = first + dice.skewed(9, 0.7, 2, 60)
                away.append(Away(int(first), int(end), "hospital"))
                if dice.chance(0.12):
                    away.append(Away(int(end), int(end + dice.skewed(70, 0.7, 15, 300)), "care"))
        case "old_couple":
            draw(0.13, 45, 0.8, 10, 280, "home_visit")
            draw(0.05, 50, 0.7, 15, 240, "care")
        case _:  # families
            draw(0.06, 38, 0.8, 10, 280, "other")
            draw(0.035, 35, 0.65, 12, 160, "home_visit")
    draw(0.012, 30, 0.5, 12, 90, "renovation")
    draw(0.003, 120, 0.6, 30, 320, "other")
    return away


def leave_with_the_calendar(house: Household) -> None:
    """Spring Festival, the National Day holidays, the school holidays."""
    town, home, dice, residents = house.town, house.home, house.dice, house.residents
    leaves_early = 1.25 if home.kind in ("seasonal", "single_young") else 0.55 if house.elders else 1
    for festival in town.calendar.festivals:
        if dice.chance(town.world.festival_trips * leaves_early):
            first = festival - int(abs(dice.rng.normal(2, 4)))
            end = festival + 2 + int(dice.skewed(5, 0.5, 1, 30))
            send_away(residents, first, end)
            if home.kind == "seasonal" and dice.chance(0.4):
                send_away(residents, festival - dice.whole(8, 20), festival + dice.whole(8, 25))
            declare(town, home, first, end, "home_visit", 0.06)
    for first in town.calendar.golden_weeks:
        if dice.chance(0.22):
            first -= int(dice.rng.integers(0, 2))
            send_away(residents, first, first + int(dice.rng.integers(3, 8)))
    for summer in town.calendar.summers if house.children else ():
        if dice.chance(0.3):
            first = summer + dice.whole(0, 25)
            send_away(house.children, first, first + dice.whole(12, 50))
        if dice.chance(0.12):
            first = summer + dice.whole(0, 35)
            end = first + dice.whole(6, 32)
            send_away(residents, first, end)
            declare(town, home, first, end, "travel", 0.1)

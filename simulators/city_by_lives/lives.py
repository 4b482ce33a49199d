"""A city's lives from the first day to the last, home by home; nothing is recorded yet."""

from __future__ import annotations

from datetime import date

from simulators.city_by_lives.basics import Generator, happens, pick, whole
from simulators.city_by_lives.calendar import make_calendar
from simulators.city_by_lives.company import keep_company
from simulators.city_by_lives.deeds import EMPTY_OF_HOUSEHOLD, violate
from simulators.city_by_lives.estates import draw_places
from simulators.city_by_lives.habits import draw_habits
from simulators.city_by_lives.households import populate
from simulators.city_by_lives.long_absences import be_long_away
from simulators.city_by_lives.town import Case, Home, Town
from simulators.city_by_lives.turns import take_over, turn
from simulators.city_by_lives.vacant import stand_empty, use_unlawfully
from simulators.city_by_lives.violations import choose_violators
from simulators.city_by_lives.whereabouts import keep_within
from simulators.city_by_lives.year import spend_year

LONG_ENOUGH = 45  # days of absence until somebody opens a case


def live(rng: Generator, dwellings: int, days: int, start: date, prevalence: float | None) -> Town:
    """A city with everybody's whereabouts on every day."""
    habits = draw_habits(rng, prevalence)
    town = Town(rng, habits, make_calendar(start, days), draw_places(rng, dwellings))
    populate(town)
    choose_violators(town)
    for home in town.homes:
        if home.kind is not None:
            _live_in(town, home)
    for home in town.homes:
        if home.is_let_late or home.let_from is None:
            stand_empty(town, home)
        if home.violation is not None and home.let_from is None:
            use_unlawfully(town, home, home.violation)
    _close_cases_of_honest(town)
    return town


def _live_in(town: Town, home: Home) -> None:
    """Nobody of a household, and nobody who comes to it, is here before it moves in or after it has moved out."""
    violation = home.violation
    spend_year(town, home)
    if violation is None or violation.kind not in EMPTY_OF_HOUSEHOLD:
        be_long_away(town, home)
        turn(town, home)
        keep_company(town, home)
        take_over(town, home)
    if violation is not None:
        violate(town, home, violation)
    for actor in home.actors:
        keep_within(actor.where, home.lived_in_from(), home.moves_out)


def _close_cases_of_honest(town: Town) -> None:
    """Cases that came to nothing: about long absences, and about people who lawfully live with others."""
    rng, days = town.rng, town.days
    honest = [home for home in town.homes if home.kind is not None and home.violation is None]
    away = [home for home in honest if any(end - first > LONG_ENOUGH for first, end in home.empty)]
    for number in rng.permutation(len(away))[: max(3, len(town.homes) // 350)].tolist():
        first, _ = max(away[number].empty, key=lambda one: one[1] - one[0])
        _close(town, away[number], "vacancy", max(first, 0) + whole(rng, 35, 80))
    shared = [home for home in honest if home.has_lawful_others]
    for number in rng.permutation(len(shared))[: max(3, len(town.homes) // 400)].tolist():
        kind = pick(rng, ("sublet_part", "sublet_whole"))
        _close(town, shared[number], kind, whole(rng, 20, days))


def _close(town: Town, home: Home, kind: str, day: int) -> None:
    assert home.let_from is not None
    if max(home.let_from, 0) < day < min(town.days, home.lease_ends):
        outcome = "unfounded" if happens(town.rng, 0.3) else "good_cause"
        town.cases.append(Case(home.number, kind, day, outcome))

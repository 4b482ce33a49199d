"""What happens to everybody in an ordinary year: festivals, journeys, illness."""

from __future__ import annotations

from simulators.city_by_lives.absences import be_away
from simulators.city_by_lives.basics import Bytes, gamma_days, happens, whole
from simulators.city_by_lives.jobs import Job
from simulators.city_by_lives.means import add_guest
from simulators.city_by_lives.people import HouseholdKind, Role
from simulators.city_by_lives.town import Home, Town
from simulators.city_by_lives.whereabouts import Where, go_away, stay

FESTIVAL_FACTORS = {
    HouseholdKind.ELDER_ALONE: 0.35,
    HouseholdKind.ELDER_COUPLE: 0.35,
    HouseholdKind.FAMILY: 1.0,
    HouseholdKind.SINGLE_PARENT: 0.8,
    HouseholdKind.YOUNG_ALONE: 1.35,
    HouseholdKind.YOUNG_COUPLE: 1.35,
    HouseholdKind.THREE_GENERATIONS: 0.7,
    HouseholdKind.PARENTS_OF_GROWN: 0.75,
    HouseholdKind.OLDER_ALONE: 0.8,
}
ILLNESS_FACTORS = {Role.ELDER: 2.0, Role.CHILD: 0.5, Role.ADULT: 0.7, Role.GROWN_CHILD: 0.7}


def spend_year(town: Town, home: Home) -> None:
    """The ordinary absences and days indoors of one household."""
    for festival in town.calendar.festivals:
        _celebrate(town, home, festival)
    _travel(town, home)
    for first, end in town.calendar.summers:
        _send_children(town, home, first, end)
    _fall_ill(town, home)


def _celebrate(town: Town, home: Home, festival: int) -> None:
    """Goes to the family at the Spring Festival, for one to four weeks; or the family comes."""
    rng = town.rng
    assert home.kind is not None
    if happens(rng, town.habits.leaves_at_festival * FESTIVAL_FACTORS[home.kind]):
        first, end = festival - whole(rng, 1, 15), festival + whole(rng, 4, 13)
        end += whole(rng, 0, 14) if happens(rng, 0.25) else 0
        be_away(town, home, first, end, reason="home_visit", declares=0.05)
    elif happens(rng, 0.28):
        for _ in range(whole(rng, 1, 4)):
            first = festival - whole(rng, 0, 6)
            end = festival + whole(rng, 2, 9)
            if first >= 0:
                add_guest(town, home, stay(town.days, first, end), Job.HOMEMAKER)


def _travel(town: Town, home: Home) -> None:
    """Short journeys of all together, and of adults alone for work or family."""
    rng = town.rng
    for first, end in town.calendar.golden_weeks:
        if happens(rng, 0.2):
            be_away(town, home, first + whole(rng, -1, 2), end - whole(rng, 0, 3), has_callers=False)
    for _ in range(rng.poisson(0.9 * town.years)):
        first = whole(rng, 0, town.days)
        be_away(town, home, first, first + whole(rng, 2, 8), has_callers=False)
    for actor in home.residents:
        if actor.role in (Role.ADULT, Role.GROWN_CHILD):
            for _ in range(rng.poisson((2.5 if happens(rng, 0.15) else 0.7) * town.years)):
                first = whole(rng, 0, town.days)
                go_away(actor.where, first, first + whole(rng, 2, 7))


def _send_children(town: Town, home: Home, first: int, end: int) -> None:
    """Children go to their grandparents in summer, sometimes with the parent who can be spared."""
    rng, residents = town.rng, home.residents
    away = [actor for actor in residents if actor.role == Role.CHILD]
    if not away or not happens(rng, 0.38):
        return
    leaves = first + whole(rng, -3, 15)
    returns = min(leaves + whole(rng, 18, 58), end + 2)
    if happens(rng, 0.22) and residents[1].role == Role.ADULT:
        away.append(residents[1])
    be_away(town, home, leaves, returns, who=away)


def _fall_ill(town: Town, home: Home) -> None:
    """Stays in hospital with some days indoors after them; colds; the old who live alone may go to their children after it."""
    rng, residents = town.rng, home.residents
    is_alone = len(residents) == 1
    for actor in residents:
        for _ in range(rng.poisson(town.habits.hospital_stays * ILLNESS_FACTORS[actor.role] * town.years)):
            first = whole(rng, 0, town.days)
            end = first + 2 + gamma_days(rng, 1.2, 7.2)
            be_away(town, home, first, end, who=[actor], reason="hospital" if is_alone or happens(rng, 0.1) else None)
            _stay_in(actor.where, end + 1, end + 1 + whole(rng, 2, 14))
            if is_alone and actor.role == Role.ELDER and happens(rng, 0.1):
                be_away(town, home, end, end + 20 + gamma_days(rng, 2, 70), reason="care", may_fade=True)
    for actor in residents:
        for _ in range(rng.poisson(2.0 * town.years)):
            first = whole(rng, 0, town.days)
            _stay_in(actor.where, first, first + whole(rng, 1, 5))


def _stay_in(where: Bytes, first: int, end: int) -> None:
    days = where[first:end]
    days[days == Where.LIVES] = Where.STAYS_IN

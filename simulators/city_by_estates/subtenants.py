"""Those who live in a home instead of its tenants, or beside them, and how tenants keep away meanwhile."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.city_by_estates.dice import MONTH_DAYS, NOBODY
from simulators.city_by_estates.empty_homes import fade, send_away
from simulators.city_by_estates.household import draw_times
from simulators.city_by_estates.living import COMMON_CARDS, COMMON_FACES, add_guest
from simulators.city_by_estates.people import Actor, Presence, Role
from simulators.city_by_estates.town import Home, Town

WORKING = {Role.WORKER: 0.72, Role.SHIFT: 0.14, Role.NIGHT: 0.06, Role.FREE: 0.08}
OLD, AT_HOME, STUDENT = {Role.ELDER: 1.0}, {Role.HOMEMAKER: 1.0}, {Role.STUDENT: 1.0}
YOUNG = {Role.CHILD: 0.5, Role.INFANT: 0.25, Role.STUDENT: 0.25}
PARTIES = {
    "single": [WORKING],
    "couple": [WORKING, WORKING],
    "family": [WORKING, AT_HOME, YOUNG],
    "mates": [WORKING, WORKING, WORKING],
    "old": [OLD, OLD],
    "student": [STUDENT],
}
"""Who moves in together, each by the shares of roles."""

RAREST_RETURNS = 0.02  # a month; who returns less often does not return


def leave(town: Town, home: Home, first: int, end: int, returns: float, *, leaves_slowly: bool | None = None) -> None:
    """The tenants live elsewhere on days [first, end); one of them comes `returns` times a month."""
    dice, days = town.dice, town.days
    if leaves_slowly is None:
        leaves_slowly = dice.chance(0.28)
    if leaves_slowly and first > 0:
        fade(town, home.residents, first, dice.whole(10, 60), 0.3)
    send_away(home.actors, first, end)
    able = home.adults or home.residents
    moment, usual = float(max(first, 0)), dice.one_of(able)
    if dice.chance(0.5):
        usual.visit_hour = dice.between(17.5, 20.5)
    while returns > RAREST_RETURNS:
        moment += dice.rng.exponential(MONTH_DAYS / returns)
        if moment >= min(end, days):
            break
        comes = usual if dice.chance(0.75) else dice.one_of(able)
        comes.presence[int(moment)] = Presence.HOME if dice.chance(0.12) else Presence.VISIT


def move_in(
    town: Town, home: Home, first: int, end: int, parties: Mapping[str, float], way_in: str | None = None
) -> list[Actor]:
    """A party of strangers lives there on days [first, end), with days and feasts spent elsewhere."""
    dice, world = town.dice, town.world
    strangers: list[Actor] = []
    for roles in PARTIES[dice.pick(parties)]:
        role = dice.pick(roles) if len(roles) > 1 else next(iter(roles))
        own_way = way_in
        if roles is YOUNG and dice.chance(0.6):
            own_way = "unseen"
        if not dice.chance(0.8):
            own_way = None
        stranger = add_guest(town, home, role, first, end, way_in=own_way)
        strangers.append(stranger)
        for begins in draw_times(town, 0.7, 10):
            stranger.be_away(begins, begins + dice.skewed(6, 0.8, 2, 60))
    for festival in town.calendar.festivals:
        if dice.chance(world.festival_trips * 1.15):
            leaves = festival - int(abs(dice.rng.normal(3, 5)))
            send_away(strangers, leaves, festival + 2 + int(dice.skewed(7, 0.5, 1, 30)))
    for golden_week in town.calendar.golden_weeks:
        if dice.chance(0.22):
            send_away(strangers, golden_week, golden_week + int(dice.rng.integers(3, 8)))
    return strangers


def subtenants_way(town: Town, home: Home) -> str:
    """How those get in who pay rent to the tenants."""
    estate = home.estate
    has_pin = estate.has_pins or home.lock != NOBODY
    return town.dice.pick(
        {
            "card": 0.36 if home.cards else 0,
            "pin": 0.2 if has_pin else 0,
            "visitor": 0.1 if estate.has_visitor_passes else 0,
            "face": 0.16 if estate.face_share > COMMON_FACES else 0,
            "spare": 0.12 if estate.card_share > COMMON_CARDS else 0,
            "unseen": 0.12,
            "guard": estate.guard_weight * 2,
            "qr": 0.15 if home.codes else 0,
        }
    )

"""Turns of life: births, deaths, separations, children who leave or take over."""

from __future__ import annotations

from simulators.city_by_lives.absences import look_in
from simulators.city_by_lives.basics import NEVER, NOBODY, happens, pick, whole
from simulators.city_by_lives.jobs import Job
from simulators.city_by_lives.long_absences import ELDERLY
from simulators.city_by_lives.means import Manner, add_actor, add_guest
from simulators.city_by_lives.people import Age, HouseholdKind, Role
from simulators.city_by_lives.town import Declared, Home, Town
from simulators.city_by_lives.whereabouts import Where, go_away, stay


def turn(town: Town, home: Home) -> None:
    """What changes in one household for good."""
    rng = town.rng
    young = (HouseholdKind.YOUNG_COUPLE, HouseholdKind.FAMILY)
    if home.kind in young and happens(rng, 0.06 * town.years):
        _bear(town, home)
    _die(town, home)
    _part(town, home)


def _bear(town: Town, home: Home) -> None:
    """A baby, registered late or never; grandparents or a nurse come, or mother and baby go to hers."""
    rng, days, residents = town.rng, town.days, home.residents
    birth = whole(rng, 0, days)
    baby = add_actor(town, home, stay(days, birth, NEVER), Job.TODDLER, Manner.UNSEEN, age=Age.TODDLER)
    if happens(rng, 0.5):
        town.register(home, birth + whole(rng, 20, 150))
    match pick(rng, ("nurse", "grandparents", "alone"), (0.35, 0.4, 0.25)):
        case "nurse":
            first = birth + whole(rng, -3, 3) if birth > 3 else birth
            add_guest(town, home, stay(days, first, birth + whole(rng, 26, 43)), Job.HOMEMAKER)
        case "grandparents":
            for _ in range(whole(rng, 1, 3)):
                first = max(0, birth - whole(rng, 5, 30))
                add_guest(town, home, stay(days, first, birth + whole(rng, 60, 240)), Job.RETIRED)
        case _ if len(residents) > 1 and happens(rng, 0.6):
            go_away(residents[1].where, birth + 2, birth + whole(rng, 30, 110))
            go_away(baby.where, birth + 2, birth + 70)


def _die(town: Town, home: Home) -> None:
    """The old die; the register is slow, and so may be the lease of a home in which nobody is left."""
    rng, residents = town.rng, home.residents
    for actor in residents:
        if actor.role != Role.ELDER or not happens(rng, 0.035 * town.years):
            continue
        death = whole(rng, 5, town.days)
        actor.where[death:] = Where.AWAY
        if actor.member != NOBODY and happens(rng, 0.6):
            town.members[actor.member].until = death + whole(rng, 10, 120)
        if len(residents) > 1:
            continue
        home.empty.append((death, town.days))
        if happens(rng, 0.6):
            look_in(town, home, death + 2, min(town.days, death + 50), by_resident=False, every=5)
            home.lease_ends = min(home.lease_ends, death + whole(rng, 30, 120))
            home.moves_out = min(home.moves_out, home.lease_ends)
        else:
            look_in(town, home, death + 2, town.days, by_resident=False, every=20)
            told = death + whole(rng, 20, 60)
            town.declared.append(Declared(home.number, death, None, "other", told))


def _part(town: Town, home: Home) -> None:
    """Couples separate, grown children leave, and some had left long ago."""
    rng, days, residents = town.rng, town.days, home.residents
    adults = [actor for actor in residents if actor.role in (Role.ADULT, Role.GROWN_CHILD)]
    if len(adults) > 1 and happens(rng, 0.02 * town.years):
        leaver, day = pick(rng, adults[:2]), whole(rng, 0, days)
        leaver.where[day:] = Where.AWAY
        if leaver.member != NOBODY and happens(rng, 0.25):
            town.members[leaver.member].until = day + whole(rng, 30, 150)
    if home.kind == HouseholdKind.PARENTS_OF_GROWN:
        left_long_ago = happens(rng, 0.06)
        if left_long_ago or happens(rng, 0.12 * town.years):
            residents[2].where[0 if left_long_ago else whole(rng, 0, days) :] = Where.AWAY


def take_over(town: Town, home: Home) -> None:
    """A child of the old, registered with them, moves in; some of the old then go to live elsewhere."""
    rng, days = town.rng, town.days
    is_moving_out = home.moves_out < days
    if home.kind not in ELDERLY or home.violation is not None or is_moving_out or not happens(rng, 0.02):
        return
    day = whole(rng, 0, days)
    member = town.register(home, day + whole(rng, -30, 1))
    add_actor(town, home, stay(days, day, NEVER), Job.REGULAR, Manner.ENROLLED, member=member)
    if happens(rng, 0.5):
        for actor in home.residents:
            if actor.role == Role.ELDER:
                actor.where[min(days, day + 20) :] = Where.AWAY
        town.declared.append(Declared(home.number, day + 20, None, "care", day + 25))

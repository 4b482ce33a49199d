"""Who lives in each dwelling, and the order in which their year is drawn: honest life, who else comes, violations."""

from __future__ import annotations

from simulators.city_by_nights.company import keep_company
from simulators.city_by_nights.deeds import goes_away, violate
from simulators.city_by_nights.dice import NEVER, Generator
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.honest import live_honestly
from simulators.city_by_nights.people import Means, Role
from simulators.city_by_nights.town import Town
from simulators.city_by_nights.vacant import keep_vacant

WARM_UP = 250  # days before the history from which absences may last into it


def populate(town: Town) -> None:
    """Puts people into all dwellings and draws their nights, dwelling by dwelling."""
    rng, leases = town.rng, town.leases
    town.is_frugal = rng.random(town.dwellings) < town.world.frugal
    for dwelling in range(town.dwellings):
        home = Home(town, dwelling)
        if leases.recorded_vacant[dwelling]:
            keep_vacant(home)
        else:
            _let(home)


def _let(home: Home) -> None:
    town, rng = home.town, home.rng
    _move_in(home)
    violation = town.violations.get(home.dwelling)
    home.first = max(-WARM_UP, home.move_in)
    home.end = min(home.days + 60, home.let_to)
    if violation and goes_away(home.dwelling, violation):
        home.end = min(home.end, violation.first)
    live_honestly(home)
    keep_company(home)
    if violation:
        violate(home, violation)
    if home.let_to < home.days:
        for actor in reversed(home.actors):
            home.send_away(actor, home.let_to - int(rng.integers(0, 9)), NEVER)


def _move_in(home: Home) -> None:
    """The household with its register, and one who was never enrolled."""
    town, rng, world = home.town, home.rng, home.world
    tailgates = bool(rng.random() < world.tailgates)
    home.roles = _draw_roles(rng, home.kind)
    hidden = _draw_hidden(home)
    for place, role in enumerate(home.roles):
        if place != hidden:
            actor = home.enrol(role, tailgates=tailgates)
            home.members.append(actor)
            home.register.append(actor.member)
    home.residents = list(home.members)
    if hidden is not None:
        _live_unenrolled(home, home.roles[hidden])
    for actor in home.members:  # cards wander inside the family
        lenders = [one for one in home.register if one != actor.member and town.members[one].has_card]
        if lenders:
            actor.borrows = int(rng.choice(lenders))
    if rng.random() < world.ghost_member:
        consents = bool(rng.random() < home.estate.consents)
        ghost = home.register_member(home.let_from, None, consents=consents, has_card=True, has_face=False)
        home.register.append(ghost)
    if home.kind == "single_old":
        home.belongs_to("lone_elderly")
    if home.kind == "seasonal":
        home.belongs_to("seasonal_worker")
    town.registered[home.dwelling] = len(home.register)
    if home.move_in > 0:
        _move_in_later(home)


def _draw_roles(rng: Generator, kind: str) -> list[Role]:
    """Who lives in a household of this kind. What each small kind would be is drawn for every household."""
    worker, night = Role.WORKER, Role.NIGHT
    young = [worker] if rng.random() < 0.6 else [worker, worker]
    by_night = [night] if rng.random() < 0.5 else [night, worker if rng.random() < 0.6 else Role.AT_HOME]
    traveller = [worker] if rng.random() < 0.6 else [worker, Role.AT_HOME if rng.random() < 0.5 else worker]
    seasonal = [worker] if rng.random() < 0.6 else [worker, worker]
    small = {
        "single_old": [Role.ELDER],
        "old_couple": [Role.ELDER, Role.ELDER],
        "young": young,
        "night": by_night,
        "traveller": traveller,
        "seasonal": seasonal,
    }
    if kind in small:
        return small[kind]
    parents = [worker]
    if rng.random() >= 0.22:
        parents.append(worker if rng.random() < 0.65 else Role.AT_HOME)
    count = 1 + (rng.random() < 0.35)
    children = [Role.CHILD if rng.random() < 0.58 else Role.TEEN for _ in range(count)]
    elders: list[Role] = []
    if kind == "three_gen":
        elders = [Role.ELDER, Role.ELDER] if rng.random() < 0.45 else [Role.ELDER]
    return [*elders, *parents, *children]


def _draw_hidden(home: Home) -> int | None:
    """Which of the household was never enrolled; in some homes another one lives there beside it."""
    rng, world, roles = home.rng, home.world, home.roles
    if len(roles) > 1 and rng.random() < world.unenrolled * 1.6:
        home.hides_one = True
        return int(rng.integers(1, len(roles)))
    if rng.random() < world.unenrolled * 0.5:
        home.hides_one = True
        roles.append(Role.ELDER if rng.random() < 0.3 else Role.WORKER)
        return len(roles) - 1
    return None


def _live_unenrolled(home: Home, role: Role) -> None:
    rng = home.rng
    weights = {
        Means.SPARE: rng.exponential(5),
        Means.BORROWED: rng.exponential(3),
        Means.FOLLOWS: rng.exponential(2.5) + 0.3,
        Means.VISITOR: rng.exponential(0.3),
    }
    seen = home.world.child_seen if role == Role.CHILD else 1.0
    home.residents.append(home.add(role, home.every_night(), home.guests_means(weights), seen=seen))
    home.belongs_to("unenrolled_member")
    home.looks_like("sublet_part", 0, home.days)


def _move_in_later(home: Home) -> None:
    """Nobody sleeps there before; where the lease began long before, somebody fits the home out."""
    rng = home.rng
    for actor in home.residents:
        home.send_away(actor, -NEVER, home.move_in)
    if home.move_in - home.let_from <= 15:
        return
    home.looks_like("vacancy", home.let_from, home.move_in)
    if rng.random() < home.estate.declares:
        home.declare(home.let_from, home.move_in, "renovation", home.let_from + int(rng.integers(0, 12)))
    weights = {Means.VISITOR: 3, Means.SPARE: 1, Means.FOLLOWS: 2, Means.PIN: 3}
    fitter = home.add(Role.AT_HOME, home.no_night(), home.guests_means(weights), pass_days=20)
    days = [day for day in range(home.let_from + 3, home.move_in) if rng.random() < 0.4]
    home.visit(fitter, days, hour=(9, 1), hours=(3, 8), litres=(5, 80))

"""(P) One honest household: members, habits, innocent peculiarities. Drawn before anybody knows of a violation."""

from __future__ import annotations

from random import Random

from simulators.city.absences import away_spells, body_absences, without_overlap
from simulators.city.model import FAR, AwayStyle, Body, Habits, Household, Member, Routine
from simulators.city.world import World

R = Routine
COMPOSITION: dict[str, tuple[Routine, ...]] = {
    "single_old": (R.ELDER,),
    "old_couple": (R.ELDER, R.ELDER),
    "family": (R.WORKER, R.WORKER, R.STUDENT),
    "couple": (R.WORKER, R.WORKER),
    "young": (R.WORKER,),
    "night_shift": (R.NIGHT, R.HOME),
    "traveller": (R.WORKER,),
    "seasonal": (R.WORKER, R.WORKER),
    "three_generations": (R.WORKER, R.WORKER, R.STUDENT, R.ELDER),
}
OLD = ("single_old", "old_couple")
WITH_CHILDREN = ("family", "three_generations")
WEIGHT = {R.INFANT: 0.6, R.STUDENT: 0.8, R.ELDER: 0.9}


def draw_household(seed: int, index: int, world: World, days: int, festival: int | None) -> Household:
    """The household of dwelling number `index`; the same for every run with this seed, world and number of days."""
    rng = Random(f"{seed}:{index}")
    register = world.register
    if rng.random() < register.not_let:
        return Household(index, "not_let", [], [], [], _style(rng, world), let_from=FAR, let_to=-FAR)
    kind = rng.choices(list(world.kinds), list(world.kinds.values()))[0]
    household = Household(index, kind, [], [], [], _style(rng, world))
    _lease(rng, household, world, days)
    _residents(rng, household, world, days)
    _peculiarities(rng, household, world, days)
    household.frugal = 0.3 if rng.random() < world.overlays.frugal else 1.0
    household.away, household.works = away_spells(rng, household, world, days, festival)
    household.away = without_overlap(household.away)
    for body in household.bodies:
        body_absences(rng, household, body, world, days)
    return household


def _style(rng: Random, world: World) -> AwayStyle:
    away = world.away
    u = rng.random()
    every = 0.0
    if u >= away.visits_none:
        u = (u - away.visits_none) / max(1e-9, 1 - away.visits_none)
        every = rng.uniform(*away.sparse_days)
        if u < away.visits_weekly:
            every = 7.0
        elif u < away.visits_weekly + away.visits_daily:
            every = 1.6
    return AwayStyle(
        every=every,
        jitter=rng.uniform(0.1, 0.9),
        visitor=rng.choice(("member", "member", "relative", "unseen")),
        uses_water=rng.random() < away.visit_uses_water,
        fridge_off=rng.random() < away.fridge_off,
    )


def _lease(rng: Random, household: Household, world: World, days: int) -> None:
    register = world.register
    household.let_from = household.moved_in = -rng.randint(40, 1500)
    if rng.random() < register.let_during:
        household.let_from = rng.randint(5, max(6, days - 5))
        early = rng.random() < register.register_lag
        household.moved_in = household.let_from + (-rng.randint(2, 10) if early else rng.randint(1, 25))
    elif rng.random() < register.ends_during:
        household.let_to = rng.randint(min(30, days // 2), days)


def _residents(rng: Random, household: Household, world: World, days: int) -> None:
    overlays, register = world.overlays, world.register
    routines = list(COMPOSITION[household.kind])
    if household.kind in WITH_CHILDREN and rng.random() < 0.35:
        routines.append(R.STUDENT)
    # the family lets each other in, or walks in with the crowd
    recorded = rng.uniform(0.2, 0.45) if rng.random() < overlays.tailgating else 1.0
    refuses = rng.random() < register.face_refuser
    for routine in routines:
        child = routine is R.STUDENT and rng.random() < 0.3
        routine = R.INFANT if child else routine
        if routine is R.ELDER and rng.random() < overlays.housebound:
            routine = R.HOUSEBOUND
        member = Member(first=household.let_from, last=household.let_to)
        number = len(household.members)
        member.face = not refuses and routine is not R.INFANT and rng.random() < 0.93
        if not (member.face and rng.random() < register.consent_b):
            member.consent_until = -FAR
        elif rng.random() < register.consent_b_withdrawn:
            member.consent_until = rng.randint(0, days)
        household.members.append(member)
        body = Body("member", routine, _habits(rng, member, routine), shows=number, recorded=recorded)
        body.first, body.last = household.moved_in, household.let_to
        body.weight = WEIGHT.get(routine, 1.0)
        body.missed = rng.uniform(0.2, 0.7) if rng.random() < overlays.bad_face else rng.uniform(0, 0.03)
        household.bodies.append(body)
        _changes(rng, household, body, world, days)


def _habits(rng: Random, member: Member, routine: Routine) -> Habits:
    if routine in (R.INFANT, R.HOUSEBOUND):
        return Habits()
    if member.face:
        face = rng.uniform(0.75, 0.98)
        return Habits(face=face, card=(1 - face) * 0.6, qr=(1 - face) * 0.2, pin=(1 - face) * 0.1)
    if routine is R.ELDER or rng.random() < 0.6:
        return Habits(card=0.95)
    return Habits(card=0.35, qr=0.45, pin=0.15)


def _changes(rng: Random, household: Household, body: Body, world: World, days: int) -> None:
    """A member may one day change to another credential (a new phone, a face that no longer matches) or stop."""
    switches = rng.random() < world.overlays.habit_switch
    member = household.members[body.shows]
    day = rng.randint(0, days)
    if 0 <= member.consent_until < FAR and rng.random() < 0.5:
        switches, day = True, member.consent_until
    if not switches or body.routine in (R.INFANT, R.HOUSEBOUND) or not body.first < day < body.last:
        return
    later = Habits(card=0.9) if rng.random() < 0.7 else Habits(card=0.2, pin=0.6)
    household.bodies.append(
        Body("member", body.routine, later, body.shows, first=day, last=body.last, recorded=body.recorded)
    )
    household.bodies[-1].weight = body.weight
    body.last = day - 1


def _peculiarities(rng: Random, household: Household, world: World, days: int) -> None:
    overlays, kind = world.overlays, household.kind
    chance = {
        "carer": overlays.carer if kind in OLD else 0.0,
        "live_in": overlays.live_in_carer if kind in OLD else 0.0,
        "unenrolled": overlays.unenrolled_member if len(household.members) > 1 else 0.0,
        "unlisted": overlays.unlisted_member,
        "shared_card": overlays.family_card_shared if len(household.members) > 1 else 0.0,
        "friends": overlays.teen_friends if kind in WITH_CHILDREN else 0.0,
        "grandparents": overlays.grandparents if kind in ("family", "couple") else 0.0,
        "partner": overlays.partner if kind in ("young", "traveller", "single_old") else 0.0,
        "relatives": overlays.relatives,
        "joins": overlays.joins,
    }
    befalls = {name: rng.random() < p for name, p in chance.items()}
    if kind == "single_old":
        household.groups.add("lone_elderly")
    if kind == "seasonal":
        household.groups.add("seasonal_workers")
    if befalls["carer"] or befalls["live_in"]:
        household.groups.add("carers")
        household.bodies.append(_carer(rng, household, world, live_in=befalls["live_in"]))
    if befalls["unenrolled"] or befalls["unlisted"]:
        household.groups.add("unenrolled_members")
        _unenrolled(rng, household, listed=befalls["unenrolled"])
    if befalls["shared_card"]:  # one member's card is used by another (IE22)
        household.bodies[-1].shows, household.bodies[-1].habits = 0, Habits(card=0.9)
    if befalls["friends"]:
        household.bodies.append(guest(rng, "friend", R.VISIT, chance=rng.uniform(0.1, 0.35), weight=0.15))
    if befalls["grandparents"]:
        _grandparents(rng, household, world, days)
    if befalls["partner"]:
        household.bodies.append(guest(rng, "partner", R.WORKER, chance=rng.uniform(0.25, 0.6), weight=0.8))
    if befalls["relatives"]:
        household.bodies.append(guest(rng, "relative", R.VISIT, chance=rng.uniform(0.03, 0.25), weight=0.2))
    if befalls["joins"]:
        join(rng, household, rng.randint(0, days), R.WORKER, world)


def guest(rng: Random, role: str, routine: Routine, *, chance: float, weight: float, follows: bool = True) -> Body:
    """Somebody who is not of the household, with a spare card, the PIN, a visitor pass, or let in by the household."""
    habits = rng.choice(
        (Habits(card=0.9), Habits(pin=0.7), Habits(visitor=0.85), Habits(), Habits(card=0.4), Habits(pin=0.4))
    )
    return Body(
        role,
        routine,
        habits,
        shows=0 if habits.card else -1,
        card=1,
        visitor=rng.randint(1, 8),
        chance=chance,
        weight=weight,
        follows=follows,
    )


def join(rng: Random, household: Household, day: int, routine: Routine, world: World, last: int = FAR) -> Body:
    """A new registered member from `day` on: a marriage, an approved co-resident (or one enrolled by fraud)."""
    member = Member(first=day - rng.randint(0, 15), last=household.let_to)
    member.consent_until = FAR if rng.random() < world.register.consent_b else -FAR
    household.members.append(member)
    body = Body("member", routine, _habits(rng, member, routine), shows=len(household.members) - 1)
    body.first, body.last = max(day, household.moved_in), min(last, household.let_to)
    household.bodies.append(body)
    return body


def _carer(rng: Random, household: Household, world: World, *, live_in: bool) -> Body:
    visitor = rng.random() < world.overlays.carer_visitor_pass
    habits = Habits(visitor=0.9) if visitor else Habits(card=0.85)
    body = Body("carer", R.HOME if live_in else R.CARER, habits, shows=-1 if visitor else 0, card=1)
    body.chance, body.weight = (0.97, 0.9) if live_in else (0.85, 0.3)
    body.first, body.last, body.visitor = household.moved_in, household.let_to, 9
    return body


def _unenrolled(rng: Random, household: Household, *, listed: bool) -> None:
    """A lawful member without credentials of his own: on the list but never enrolled, or not on it at all."""
    if listed:
        member = household.members[-1]
        member.face, member.consent_until = False, -FAR
        for body in household.bodies:
            if body.shows == len(household.members) - 1 and body.role == "member":
                body.habits, body.shows, body.card = (
                    (Habits(card=0.5), 0, 1) if rng.random() < 0.5 else (Habits(), 0, 0)
                )
        return
    body = guest(rng, "unlisted", rng.choice((R.WORKER, R.HOME)), chance=0.97, weight=1.0)
    body.first, body.last = household.moved_in, household.let_to
    if body.habits.visitor:
        body.habits, body.shows = Habits(card=0.6), 0
    household.bodies.append(body)


def _grandparents(rng: Random, household: Household, world: World, days: int) -> None:
    first = rng.randint(-60, days)
    last = first + rng.randint(*world.overlays.grandparent_days)
    for number in range(rng.randint(1, 2)):
        body = guest(rng, "grandparent", R.ELDER, chance=1.0, weight=1.0)
        body.first, body.last = first, last
        if body.habits.visitor:  # the pass is for some days; then they get a spare card
            body.visitor = 10 + number
            body.last = min(last, first + rng.randint(5, 16))
            later = Body("grandparent", R.ELDER, Habits(card=0.6), 0, 1, first=body.last + 1, last=last)
            household.bodies.append(later)
        household.bodies.append(body)

"""What happens in a home in violation: who leaves, who comes instead, and how they come in."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.city_by_lives.absences import depart, look_in
from simulators.city_by_lives.basics import NOBODY, Bytes, happens, pick, whole
from simulators.city_by_lives.jobs import Job, draw_job
from simulators.city_by_lives.means import Manner, add_actor, add_guest, card_of_resident
from simulators.city_by_lives.people import Age
from simulators.city_by_lives.town import Case, Declared, Home, Town, Violation
from simulators.city_by_lives.whereabouts import Where, go_away, stay

EMPTY_OF_HOUSEHOLD = ("vacancy", "sublet_whole", "lent", "enrolment_fraud")
"""Whoever does this has no ordinary long absences and no company."""


def violate(town: Town, home: Home, violation: Violation) -> None:
    """Does what the violation is; some are confirmed by a case shortly before they end."""
    match violation.kind:
        case "vacancy":
            _leave_empty(town, home, violation)
        case "sublet_whole" | "lent":
            _hand_over(town, home, violation)
        case "sublet_part" | "visitor_abuse":
            _take_lodgers(town, home, violation)
        case "over_occupancy":
            _fill_with_bunks(town, home, violation)
        case "enrolment_fraud":
            _enrol_others(town, home, violation)
    if violation.end < town.days and happens(town.rng, 0.22):
        closed_on = max(1, violation.first + 1, violation.end - whole(town.rng, 3, 40))
        town.cases.append(Case(home.number, violation.kind, closed_on, "confirmed"))


def _pretend(town: Town, home: Home, first: int, end: int | None, reasons: Sequence[str]) -> None:
    """Declares an absence that is none."""
    told = first + whole(town.rng, -5, 40)
    town.declared.append(Declared(home.number, first, end, pick(town.rng, reasons), told))


def _leave_empty(town: Town, home: Home, violation: Violation) -> None:
    """Lives elsewhere: has bought a home, lives with a partner or children, works far away, or stores goods here."""
    rng, first, end = town.rng, violation.first, violation.end
    motive = pick(rng, ("bought", "partner", "work", "children", "storage"), (0.42, 0.2, 0.22, 0.1, 0.06))
    depart(town, home, first, end, fades=whole(rng, 10, 60) if happens(rng, 0.4) else 0)
    begin, stop = max(first, 0), min(end, town.days)
    if motive == "storage":
        every, hours = rng.uniform(1.5, 4.5), rng.uniform(0.7, 5)
        look_in(town, home, begin, stop, by_resident=True, every=every, overnight=0.05, hours=hours)
    elif happens(rng, town.habits.looks_in):
        overnight = 0.35 if motive == "partner" else 0.2
        look_in(town, home, begin + 2, stop, by_resident=happens(rng, 0.8), overnight=overnight)
    if happens(rng, 0.12):
        returns = end if happens(rng, 0.5) else None
        _pretend(town, home, first, returns, ("work", "travel", "care", "other"))
    if end < town.days and happens(rng, 0.45):  # the home is recovered
        home.lease_ends = home.moves_out = end


def _hand_over(town: Town, home: Home, violation: Violation) -> None:
    """Others live here instead of the household: tenants of theirs or an agent's, guests by the night, relatives, friends."""
    rng, estate, first, end = town.rng, home.estate, violation.first, violation.end
    is_lent = violation.kind == "lent"
    gap = pick(rng, (0, 3, 12, 35), (0.4, 0.3, 0.2, 0.1)) if first > 0 else 0
    fades = whole(rng, 5, 25) if happens(rng, 0.25) else 0
    depart(town, home, first - gap, end + whole(rng, 0, 15), fades=fades)
    takes_pins = estate.blocks_take_pins or estate.has_locks
    begin, stop = max(first, 0), min(end, town.days)
    if not is_lent and happens(rng, 0.1):
        _let_by_night(town, home, begin, stop, takes_pins)
    else:
        is_student = is_lent and happens(rng, 0.35)
        moment = first
        while moment < stop:
            until = end if is_lent or happens(rng, 0.6) else min(end, max(moment, 0) + whole(rng, 80, 260))
            persons = (
                pick(rng, (1, 2, 3), (0.6, 0.3, 0.1)) if is_lent else pick(rng, (1, 2, 3, 4), (0.36, 0.36, 0.2, 0.08))
            )
            manners = (Manner.CARD, Manner.VISITOR, Manner.UNSEEN, Manner.PIN, Manner.MIXED)
            manner = pick(rng, manners, (0.40, 0.14, 0.22, 0.14 if takes_pins else 0.03, 0.10))
            jobs = [pick(rng, (Job.STUDENT, Job.REGULAR))] if is_student else None
            move_others_in(town, home, moment, until, persons, manner, jobs=jobs)
            moment = until + whole(rng, 3, 35) if until < end else stop
    if happens(rng, 0.45):  # for the rent, the post, the boiler
        every = rng.uniform(18, 45)
        look_in(town, home, begin + 5, stop, by_resident=True, every=every, overnight=0.03, hours=0.7)
    if happens(rng, 0.05):
        _pretend(town, home, first, None, ("work", "care"))


def _let_by_night(town: Town, home: Home, begin: int, stop: int, takes_pins: bool) -> None:
    rng = town.rng
    manner = Manner.VISITOR if happens(rng, 0.5) else Manner.PIN if takes_pins else Manner.CARD
    day = begin
    while day < stop:
        nights = whole(rng, 1, 7)
        for _ in range(whole(rng, 1, 4)):
            add_guest(town, home, stay(town.days, day, day + nights + 1), Job.HOMEMAKER, manner)
        day += nights + whole(rng, 0, 5)


def _take_lodgers(town: Town, home: Home, violation: Violation) -> None:
    """One or two more people; in a third of these homes the tenant is mostly away for work."""
    rng, first, end = town.rng, violation.first, violation.end
    manners = (Manner.CARD, Manner.UNSEEN, Manner.PIN, Manner.MIXED)
    is_visitor = violation.kind == "visitor_abuse"
    manner = Manner.LONG_VISITOR if is_visitor else pick(rng, manners, (0.45, 0.28, 0.15, 0.12))
    move_others_in(town, home, first, end, 1 if happens(rng, 0.8) else 2, manner)
    if happens(rng, 0.35):
        day = first + whole(rng, 0, 20)
        while day < min(end, town.days):
            away = whole(rng, 6, 40)
            go_away(home.residents[0].where, day, min(day + away, end))
            day += away + whole(rng, 2, 9)


def _fill_with_bunks(town: Town, home: Home, violation: Violation) -> None:
    rng, first, end = town.rng, violation.first, violation.end
    manners = (Manner.CARD, Manner.UNSEEN, Manner.MIXED, Manner.VISITOR, Manner.PIN)
    manner = pick(rng, manners, (0.3, 0.3, 0.2, 0.1, 0.1))
    jobs = [pick(rng, (Job.GIGS, Job.SHIFTS, Job.REGULAR, Job.LATE)) for _ in range(3)]
    move_others_in(town, home, first, end, whole(rng, 3, 8), manner, jobs=jobs)
    if happens(rng, 0.5):
        depart(town, home, first - whole(rng, 0, 10), end)


def _enrol_others(town: Town, home: Home, violation: Violation) -> None:
    """Subtenants are registered as family; or a member stands in the register who was never here."""
    rng, days = town.rng, town.days
    residents = home.residents
    assert home.let_from is not None
    if len(residents) > 1 and happens(rng, 0.3):
        phantom = residents[-1]
        phantom.where[:] = Where.AWAY
        if phantom.member == NOBODY:
            phantom.member = town.register(home, home.let_from)
        violation.first, violation.end = home.let_from, days + 1
        return
    first, end = violation.first, violation.end
    persons = pick(rng, (1, 2, 3), (0.5, 0.4, 0.1))
    enrolled = []
    for _ in range(persons):
        leaves = end + whole(rng, 0, 60) if end < days and happens(rng, 0.5) else None
        enrolled.append(town.register(home, max(home.let_from, first + whole(rng, -15, 1)), leaves))
    move_others_in(town, home, first, end, persons if happens(rng, 0.8) else persons + 1, None, enrolled=enrolled)
    if happens(rng, 0.85):
        fades = whole(rng, 5, 40) if happens(rng, 0.4) else 0
        depart(town, home, first + whole(rng, -10, 25), end, fades=fades)


def move_others_in(
    town: Town,
    home: Home,
    first: int,
    end: int,
    persons: int,
    manner: Manner | None,
    *,
    jobs: Sequence[Job] | None = None,
    enrolled: Sequence[int] = (),
) -> None:
    """So many people live here from day `first` to `end` with lives of their own; the first of them as the members `enrolled`."""
    rng, days = town.rng, town.days
    leaves_at_festival = happens(rng, 1.15 * town.habits.leaves_at_festival)
    for serial in range(persons):
        where = stay(days, first, end)
        _live_apart(town, where, leaves_at_festival)
        job, age = jobs[serial % len(jobs)] if jobs else draw_job(rng, is_young=True), Age.ADULT
        if serial < len(enrolled):
            add_actor(town, home, where, job, Manner.ENROLLED, member=enrolled[serial])
            continue
        if persons >= 3 and serial == persons - 1 and jobs is None and happens(rng, 0.5):
            job, age = pick(rng, ((Job.PUPIL, Age.PUPIL), (Job.TODDLER, Age.TODDLER)))
        card = card_of_resident(town, home, serial) if manner is Manner.CARD else None
        add_guest(town, home, where, job, manner, card=card, age=age)


def _live_apart(town: Town, where: Bytes, leaves_at_festival: bool) -> None:
    """Festivals, journeys, and for some the nights elsewhere, of people who live in another's home."""
    rng, days = town.rng, town.days
    if leaves_at_festival:
        for festival in town.calendar.festivals:
            go_away(where, festival - whole(rng, 2, 13), festival + whole(rng, 4, 18))
    for _ in range(rng.poisson(1.8)):
        day = whole(rng, 0, days)
        go_away(where, day, day + whole(rng, 2, 9))
    if happens(rng, 0.15):
        where[(where == Where.LIVES) & (rng.random(days) < rng.uniform(0.15, 0.5))] = Where.AWAY

"""Others who lawfully live in a home or come there: partners, carers, grandparents, friends; the register knows few of them."""

from __future__ import annotations

import numpy as np

from simulators.city_by_lives.basics import NEVER, gamma_days, happens, pick, whole
from simulators.city_by_lives.jobs import Job, draw_job
from simulators.city_by_lives.means import Manner, add_actor, add_guest
from simulators.city_by_lives.people import Actor, HouseholdKind, Role
from simulators.city_by_lives.town import Home, Town
from simulators.city_by_lives.whereabouts import Where, go_away, stay

PARTNERS = {
    HouseholdKind.YOUNG_ALONE: 0.10,
    HouseholdKind.OLDER_ALONE: 0.07,
    HouseholdKind.SINGLE_PARENT: 0.06,
    HouseholdKind.ELDER_ALONE: 0.02,
}
WITH_FRIENDS = (HouseholdKind.YOUNG_ALONE, HouseholdKind.SINGLE_PARENT, HouseholdKind.OLDER_ALONE)
SATURDAY, WEDNESDAY = 5, 2

RELATIVES: tuple[tuple[float, float, int, int, tuple[Job, ...], int], ...] = (
    (0.016, 0.3, 30, 80, (Job.UNEMPLOYED, Job.GIGS, Job.REGULAR), 1),  # a brother between two jobs
    (0.012, 0.3, 40, 80, (Job.RETIRED,), 2),  # for months
    (0.012, 0.2, 30, 130, (Job.RETIRED,), 1),  # parents who move in
)
"""(chance, chance that they are here already, least days, mean days above these, jobs, persons at most)"""


def keep_company(town: Town, home: Home) -> None:
    """Everybody who lawfully lives in or comes to one home beside its household."""
    _partner(town, home)
    elders = [actor for actor in home.residents if actor.role == Role.ELDER]
    if elders:
        _carers(town, home, elders)
    _relatives(town, home)
    if home.kind in WITH_FRIENDS and happens(town.rng, 0.12):
        _weekend_friend(town, home)
    _house_sitter(town, home)


def _draw_stay(town: Town, already: float, least: int, mean: float) -> tuple[int, int]:
    """(first, end); -1 is here already, with this chance."""
    first = -1 if happens(town.rng, already) else whole(town.rng, 0, town.days)
    return first, max(first, 0) + least + gamma_days(town.rng, 1.5, mean)


def _partner(town: Town, home: Home) -> None:
    """Moves in; a few are registered after some months, and have a card and a face of their own from then on."""
    rng, days = town.rng, town.days
    if home.kind not in PARTNERS or not happens(rng, PARTNERS[home.kind]):
        return
    home.has_lawful_others = True
    first, end = _draw_stay(town, 0.45, 40, 400)
    where = stay(days, first, end)
    if end - first > 90 and happens(rng, 0.12):  # keeps the home while the tenant works away
        leaves = max(first, 0) + whole(rng, 10, 60)
        go_away(home.residents[0].where, leaves, leaves + whole(rng, 30, 110))
    since = NEVER
    if not happens(rng, town.habits.never_registers) and max(first, 0) + 150 < days:
        since = max(first, 0) + whole(rng, 20, 150)
        later = where.copy()
        later[:since], where[since:] = Where.AWAY, Where.AWAY
        job = draw_job(rng, is_young=True)
        add_actor(town, home, later, job, Manner.ENROLLED, member=town.register(home, since))
    add_guest(town, home, where, draw_job(rng, is_young=True))


def _carers(town: Town, home: Home, elders: list[Actor]) -> None:
    """Who comes by the day, who lives in, and the child who brings meals."""
    rng, days = town.rng, town.days
    if happens(rng, 0.06):
        first, end = _draw_stay(town, 0.6, 60, 300)
        is_on_duty = (np.arange(days) >= first) & (np.arange(days) < end) & (rng.random(days) < rng.uniform(0.45, 0.95))
        is_needed = np.any([np.isin(elder.where, (Where.LIVES, Where.STAYS_IN)) for elder in elders], axis=0)
        where = np.where(is_on_duty & is_needed, Where.DAY_VISIT, Where.AWAY).astype(np.int8)
        manners = (Manner.CARD, Manner.VISITOR, Manner.LONG_VISITOR, Manner.PIN)
        manner = pick(rng, manners, (0.35, 0.3, 0.25, 0.1))
        add_guest(town, home, where, Job.HOMEMAKER, manner, visit_hours=rng.uniform(1.5, 7.0))
        home.has_lawful_others = True
        town.subgroups.add((home.number, "carer"))
    if happens(rng, 0.018):
        manner = pick(rng, (Manner.CARD, Manner.LONG_VISITOR, Manner.UNSEEN))
        add_guest(town, home, stay(days, *_draw_stay(town, 0.6, 60, 300)), Job.CARER, manner)
        town.subgroups.add((home.number, "carer"))
    if happens(rng, 0.22):
        is_there = np.max([elder.where for elder in elders], axis=0) != Where.AWAY
        comes = is_there & (rng.random(days) < rng.uniform(0.1, 0.5))
        visit = rng.choice((Where.DAY_VISIT, Where.EVENING_VISIT), days)
        where = np.where(comes, visit, Where.AWAY).astype(np.int8)
        add_guest(town, home, where, Job.HOMEMAKER, visit_hours=rng.uniform(0.5, 3))


def _relatives(town: Town, home: Home) -> None:
    rng, days = town.rng, town.days
    has_children = any(actor.role == Role.CHILD for actor in home.residents)
    if has_children and home.kind != HouseholdKind.THREE_GENERATIONS and happens(rng, 0.085):
        first, end = _draw_stay(town, 0.4, 25, 110)
        home.has_lawful_others = True
        for _ in range(whole(rng, 1, 3)):
            add_guest(town, home, stay(days, first, end), Job.RETIRED)
    if happens(rng, 0.13):
        first = whole(rng, 0, days)
        end = first + whole(rng, 4, 24)
        for _ in range(whole(rng, 1, 3)):
            add_guest(town, home, stay(days, first, end), Job.HOMEMAKER)
    for chance, already, least, mean, jobs, most in RELATIVES:
        if happens(rng, chance):
            first, end = _draw_stay(town, already, least, mean)
            home.has_lawful_others |= most > 1
            for _ in range(whole(rng, 1, most + 1)):
                add_guest(town, home, stay(days, first, end), pick(rng, jobs))


def _weekend_friend(town: Town, home: Home) -> None:
    """Comes on Saturdays until Sunday, and on some evenings in the week."""
    rng, days = town.rng, town.days
    where, tenant = np.zeros(days, np.int8), home.residents[0].where
    first, end = _draw_stay(town, 0.5, 40, 200)
    for day in range(max(first, 0), min(end, days - 2)):
        weekday = town.calendar.weekday[day]
        if weekday == SATURDAY and tenant[day] != Where.AWAY and happens(rng, 0.7):
            where[day], where[day + 1] = Where.ARRIVES, Where.LEAVES
        elif weekday == WEDNESDAY and happens(rng, 0.3):
            where[day] = Where.EVENING_VISIT
    add_guest(town, home, where, Job.HOMEMAKER)


def _house_sitter(town: Town, home: Home) -> None:
    """A daughter sleeps in the empty home for some days."""
    rng = town.rng
    longest = max(home.empty, key=lambda one: one[1] - one[0], default=(0, 0))
    if longest[1] - longest[0] > 25 and happens(rng, 0.07):
        first = max(longest[0], 0) + whole(rng, 2, 20)
        end = min(first + whole(rng, 4, 22), longest[1])
        add_guest(town, home, stay(town.days, first, end), Job.REGULAR)

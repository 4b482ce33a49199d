"""Homes that are not let: workmen, people who look at them, and those who use one unlawfully."""

from __future__ import annotations

import numpy as np

from simulators.city_by_lives.basics import NOBODY, happens, pick, whole
from simulators.city_by_lives.jobs import Job, draw_job
from simulators.city_by_lives.means import Manner, add_actor, add_guest
from simulators.city_by_lives.town import Home, Town, Violation
from simulators.city_by_lives.whereabouts import Where, stay

SHORTEST = 5  # days


def stand_empty(town: Town, home: Home) -> None:
    """What happens in a home until it is lived in."""
    rng, days = town.rng, town.days
    end = days
    if home.let_from is not None:
        end = min(days, max(home.let_from, home.lived_in_from()) - 1, home.lived_in_from() - 1)
    if end < SHORTEST:
        return
    if happens(rng, 0.3):
        first = whole(rng, 0, end)
        works = np.arange(first, min(end, first + whole(rng, 2, 25)))
        where = np.zeros(days, np.int8)
        where[works[rng.random(len(works)) < 0.8]] = Where.DAY_VISIT
        add_actor(town, home, where, Job.HOMEMAKER, Manner.WORKMAN, visit_hours=6, water=0.05)
    for _ in range(rng.poisson(end / 60)):
        where = np.zeros(days, np.int8)
        where[whole(rng, 0, end)] = Where.DAY_VISIT
        add_actor(town, home, where, Job.HOMEMAKER, Manner.UNSEEN, face=NOBODY, visit_hours=0.4, water=0.01)


def use_unlawfully(town: Town, home: Home, violation: Violation) -> None:
    """A guard's relative, workers, a store, a card room, a tenant of old who kept a card."""
    rng, days = town.rng, town.days
    motive = pick(rng, ("relative", "workers", "storage", "cards", "old tenant"), (0.3, 0.25, 0.15, 0.15, 0.15))
    manner = pick(rng, (Manner.CARD, Manner.UNSEEN, Manner.VISITOR, Manner.PIN), (0.4, 0.4, 0.1, 0.1))
    card = town.issue(), NOBODY
    if motive in ("storage", "cards"):
        during = np.arange(max(violation.first, 0), min(violation.end, days))
        for _ in range(1 if motive == "storage" else 3):
            where = np.zeros(days, np.int8)
            share, visit = (0.35, Where.DAY_VISIT) if motive == "storage" else (0.6, Where.EVENING_VISIT)
            where[during[rng.random(len(during)) < share]] = visit
            add_guest(town, home, where, Job.HOMEMAKER, manner, card=card, visit_hours=1.5)
    else:
        for _ in range(whole(rng, 3, 7) if motive == "workers" else whole(rng, 1, 3)):
            where = stay(days, violation.first, violation.end)
            add_guest(town, home, where, draw_job(rng, is_young=True), manner, card=card)

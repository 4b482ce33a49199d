"""Everybody as arrays, for the many days and doors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.dice import Bools, Floats, Ints, Singles
from simulators.city_by_nights.people import Actor, Visit
from simulators.city_by_nights.town import Town


@dataclass(frozen=True, slots=True)
class Crowd:
    """(actors,) each unless it says otherwise; see `people.Actor`."""

    dwelling: Ints
    role: Ints
    member: Ints
    nights: Bools  # (actors, days + 1)
    means: Singles  # (actors, 8)
    walks: Floats
    outings: Floats
    leaves_at: Floats
    hours_out: Floats
    litres: Floats
    usual_gate: Floats
    seen: Floats
    missed: Floats
    face_from: Ints
    face_until: Ints
    borrows: Ints
    pass_days: Ints
    by_evening: Bools
    is_staff: Bools
    visits: list[tuple[int, Visit]]  # with the actor, actor by actor
    own_nights: Bools  # (dwellings, days + 1): somebody sleeps there


def gather(town: Town) -> Crowd:
    """The arrays of all actors as they are now."""
    actors = town.actors
    dwelling = np.array([actor.dwelling for actor in actors], int)
    nights = np.array([actor.nights for actor in actors], bool)
    own_nights = np.zeros((town.dwellings, town.days + 1), bool)
    np.logical_or.at(own_nights, dwelling, nights)
    return Crowd(
        dwelling=dwelling,
        role=np.array([actor.role for actor in actors], int),
        member=np.array([actor.member for actor in actors], int),
        nights=nights,
        means=np.array([actor.means for actor in actors], np.float32),
        walks=np.array([actor.walks for actor in actors], float),
        outings=np.array([actor.outings for actor in actors], float),
        leaves_at=np.array([actor.leaves_at for actor in actors], float),
        hours_out=np.array([actor.hours_out for actor in actors], float),
        litres=np.array([actor.litres for actor in actors], float),
        usual_gate=np.array([actor.usual_gate for actor in actors], float),
        seen=np.array([actor.seen for actor in actors], float),
        missed=np.array([actor.missed for actor in actors], float),
        face_from=np.array([actor.face_from for actor in actors], int),
        face_until=np.array([actor.face_until for actor in actors], int),
        borrows=np.array([actor.borrows for actor in actors], int),
        pass_days=np.array([actor.pass_days for actor in actors], int),
        by_evening=np.array([actor.by_evening for actor in actors], bool),
        is_staff=np.array([actor.is_staff for actor in actors], bool),
        visits=list(_visits(actors)),
        own_nights=own_nights,
    )


def _visits(actors: list[Actor]) -> Iterator[tuple[int, Visit]]:
    for number, actor in enumerate(actors):
        for visit in actor.visits:
            yield number, visit

"""All actors of a city as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_lives.basics import Bools, Bytes, Floats, Ints
from simulators.city_by_lives.town import Town
from simulators.city_by_lives.whereabouts import SLEEPS_HERE


@dataclass(frozen=True, slots=True)
class Crowd:
    """(actors,) arrays of what `Actor` says, and `where` (actors, days)."""

    dwelling: Ints
    where: Bytes
    job: Ints
    means: Floats
    member: Ints
    face: Ints
    card: Ints
    card_member: Ints
    code: Ints
    visitor_pass: Ints
    runs_late: Floats
    phase: Ints
    works_saturdays: Bools
    side_way: Floats
    is_refused: Floats
    water: Floats
    visit_hours: Floats
    mobility: Floats
    gate: Ints

    def sleepers(self, dwellings: int) -> Bools:
        """(dwellings, days): somebody sleeps there."""
        sleeps = np.zeros((dwellings, self.where.shape[1]), bool)
        np.logical_or.at(sleeps, self.dwelling, np.isin(self.where, SLEEPS_HERE))
        return sleeps


def gather(town: Town) -> Crowd:
    """The actors of a city, in the order of `Town.actors`."""
    actors = town.actors
    return Crowd(**{name: np.array([getattr(actor, name) for actor in actors]) for name in Crowd.__dataclass_fields__})

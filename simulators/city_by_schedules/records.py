"""What devices wrote down in the end: times by their own clocks, some passes twice; and all identifiers of a city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulators.city_by_schedules.access_points import Doors
from simulators.city_by_schedules.arrays import DAY_MIN, NEVER, NOBODY, Generator, Ints
from simulators.city_by_schedules.faults import Faults
from simulators.city_by_schedules.passes import Passes
from simulators.city_by_schedules.town import Town

SENT_TWICE = 0.0008  # of passes
SHORT_NUMBERS = 10**7  # of fewer numbers all are shuffled; else some are drawn, as hexadecimal ones


def draw_withdrawals(town: Town) -> Ints:
    """(members,) the day on which a member takes back the consent."""
    withdraws = np.full(len(town.members), NEVER)
    for number, member in enumerate(town.members):
        if member.consents and town.chance(town.life.withdraws):
            withdraws[number] = int(town.rng.uniform(5, town.days))
    return withdraws


@dataclass(frozen=True, slots=True)
class Written:
    """Passes in order of time, as devices sent them."""

    second: Ints  # of the history, (passes,)
    passes: Passes  # `credential` is a place in the list of identifiers


def write_down(town: Town, passes: Passes, faults: Faults) -> tuple[Written, int]:
    """The passes that lie within the history by the clocks of their devices; and how many credentials they name."""
    minute = passes.minute + faults.clock_error[passes.point, faults.hour(passes.minute)]
    inside = (minute >= 0) & (minute < town.days * DAY_MIN)
    passes, second = passes.take(inside), (minute[inside] * 60).astype(np.int64)
    twice = np.flatnonzero(town.rng.random(len(second)) < SENT_TWICE)
    rows = np.concatenate([np.arange(len(second)), twice])
    rows = rows[np.argsort(second[rows], kind="stable")]
    passes, second = passes.take(rows), second[rows]
    used, place = np.unique(passes.credential, return_inverse=True)
    passes = replace(passes, credential=np.where(passes.credential < 0, NOBODY, place))
    return Written(second, passes), len(used)


@dataclass(frozen=True, slots=True)
class Names:
    """Identifiers by number; they tell nothing but what belongs to which estate."""

    dwellings: Sequence[str]
    members: Sequence[str]
    estates: Sequence[str]
    blocks: Sequence[str]
    points: Sequence[str]
    credentials: Sequence[str]


def draw_names(town: Town, doors: Doors, credentials: int) -> Names:
    """Identifiers of everything that the tables name."""
    rng, places = town.rng, town.places
    dwellings = _identifiers(rng, "D", places.dwellings, 6)
    members = _identifiers(rng, "P", len(town.members), 6)
    estates = [f"E{number + 1:02d}" for number in range(len(places.estates))]
    blocks = [f"{estates[estate]}-B{block + 1:03d}" for block, estate in enumerate(places.estate_of_block)]
    points = _identifiers(rng, "A", len(doors.points), 5)
    return Names(dwellings, members, estates, blocks, points, _identifiers(rng, "C", credentials, 8))


def _identifiers(rng: Generator, prefix: str, count: int, width: int) -> list[str]:
    """So many different ones, of a prefix and `width` digits."""
    if count == 0:
        return []
    if 10**width < SHORT_NUMBERS:
        return [f"{prefix}{number:0{width}d}" for number in rng.permutation(10**width - 1)[:count]]
    return [f"{prefix}{number:0{width}x}" for number in rng.choice(16**width, count, replace=False)]

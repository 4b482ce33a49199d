"""(P) The people of one estate, seeded: who lives where, how, and the true label of every dwelling.

`population(seed, end, days, layout)` gives the same estate for the same arguments; no clock, no chance of its own.
Shares follow the demo estate's purpose (each case occurs), not prevalence: true violations are rarer in reality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from simulators.households import SPECIAL_KINDS, Maker
from simulators.people import Household, HouseholdKind, Register

K = HouseholdKind
SHARES: dict[HouseholdKind, float] = {
    K.FAMILY: 0.37,
    K.THREE_GENERATIONS: 0.07,
    K.COUPLE: 0.17,
    K.SINGLE: 0.09,
    K.LONE_ELDER: 0.08,
    K.ELDER_COUPLE: 0.08,
    K.NIGHT_SHIFT: 0.04,
    K.TRAVELLER: 0.04,
    K.CARED_FOR: 0.03,
    K.SEASONAL_WORKER: 0.03,
}
NOT_LET_SHARE = 0.045
METERED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """The estate's shape: `blocks` of `floors` × `per_floor` dwellings."""

    estate: str = "E001"
    blocks: int = 4
    floors: int = 15
    per_floor: int = 4

    def dwellings(self) -> tuple[tuple[str, str, int, int], ...]:
        """(dwelling code, block code, floor, number on the floor) in order."""
        return tuple(
            (f"{self.estate}-B{b}-{f:02d}{n:02d}", f"B{b}", f, n)
            for b in range(1, self.blocks + 1)
            for f in range(1, self.floors + 1)
            for n in range(1, self.per_floor + 1)
        )


@dataclass(frozen=True, slots=True)
class Population:
    """The estate's people over `days` days of history that end on `end` (local dates)."""

    seed: int
    end: date
    days: int
    layout: Layout
    households: tuple[Household, ...]
    not_let: tuple[str, ...]
    metered: frozenset[str]

    @property
    def start(self) -> date:
        """The first day of the history."""
        return self.end - timedelta(days=self.days)


def population(seed: int, end: date, days: int = 200, layout: Layout | None = None) -> Population:
    """All households of the estate. `days` (≥ 30) is the length of the history which ends on `end`."""
    if days < 30:
        raise ValueError("a history of less than 30 days holds none of the stories this estate tells")
    layout = layout or Layout()
    rng = np.random.default_rng([seed, 1])
    places = layout.dwellings()
    order = [int(i) for i in rng.permutation(len(places))]
    if len(order) < 2 * len(SPECIAL_KINDS):
        raise ValueError(f"an estate needs at least {2 * len(SPECIAL_KINDS)} dwellings")
    not_let_count = max(1, round(NOT_LET_SHARE * len(places)))
    special = dict(zip(order, SPECIAL_KINDS, strict=False))
    not_let = set(order[len(SPECIAL_KINDS) : len(SPECIAL_KINDS) + not_let_count])
    metered = _metered(rng, order, special, len(places))
    kinds = _ordinary_kinds(rng, len(places) - len(special) - len(not_let))
    register = Register(np.random.default_rng([seed, 2]))
    households = []
    for index, (code, block, _floor, _number) in enumerate(places):
        if index in not_let:
            continue
        kind = special[index] if index in special else kinds.pop()
        maker = Maker(np.random.default_rng([seed, 3, index]), register, end, days, kind, index in metered)
        households.append(maker.household(code, block))
    return Population(
        seed=seed,
        end=end,
        days=days,
        layout=layout,
        households=_with_blank_photos(rng, households),
        not_let=tuple(places[i][0] for i in sorted(not_let)),
        metered=frozenset(places[i][0] for i in metered),
    )


def _metered(rng: Generator, order: list[int], special: dict[int, HouseholdKind], total: int) -> frozenset[int]:
    """The dwellings of the special households and chance ones up to the share."""
    wanted = round(METERED_SHARE * total)
    others = [i for i in order if i not in special]
    extra = rng.choice(others, max(0, wanted - len(special)), replace=False)
    return frozenset(special) | {int(i) for i in extra}


def _ordinary_kinds(rng: Generator, count: int) -> list[HouseholdKind]:
    """`count` kinds in the shares of SHARES (largest remainder), shuffled."""
    exact = {kind: share * count for kind, share in SHARES.items()}
    whole = {kind: int(value) for kind, value in exact.items()}
    rest = sorted(exact, key=lambda kind: whole[kind] - exact[kind])[: count - sum(whole.values())]
    kinds = [kind for kind, n in whole.items() for _ in range(n + (kind in rest))]
    return [kinds[int(i)] for i in rng.permutation(len(kinds))]


def _with_blank_photos(rng: Generator, households: list[Household], count: int = 3) -> tuple[Household, ...]:
    """The office holds a useless (blank) picture of three persons of ordinary households."""
    candidates = [i for i, h in enumerate(households) if h.kind in (K.FAMILY, K.COUPLE) and h.members[0].face == "good"]
    chosen = {int(i) for i in rng.choice(candidates, min(count, len(candidates)), replace=False)}
    out = []
    for i, household in enumerate(households):
        if i in chosen:
            first = replace(household.members[0], face="blank")
            household = replace(household, members=(first, *household.members[1:]))
        out.append(household)
    return tuple(out)

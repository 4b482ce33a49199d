"""(P) How likely it is that a home stands empty, and that others live in it: for every day of a record, learned from cities.

The chances come from the signs alone; what may follow from a chance is decided by the pack's law and by what could be observed
(`course`). Fitted on simulated cities of many parameters (`tools.fit_others`, `tools.fit_vacancy`), with the direction of each
sign fixed where it is known: residents seen can only speak against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.absence_signs import ABSENCE_COLUMN, ABSENCE_SIGNS, absence_signs
from hub.occupancy.columns import Days, columns_of
from hub.occupancy.outcomes import OTHERS, VACANCY
from hub.occupancy.pack import PolicyPack
from hub.occupancy.runs import covered_until
from hub.occupancy.signs import COLUMN, SIGNS, drawn, registered_recent
from hub.occupancy.trees import Trees
from hub.occupancy.values import DwellingRecord, Household, PresenceDay

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
SETTLED_DAYS = 14
"""Of a tenancy or a record so young nothing is said."""

AWAY_DAYS = 14

ENROLLED, NIGHTLY, OFTEN, PASSES, SEEN_DAYS = 0.3, 0.3, 0.5, 0.3, 10
"""What tells the rules on others apart: only newcomers of the register are seen; visitors come home at night, or on so many
days; the household itself passes on so many days, and not longer ago than SEEN_DAYS."""

WHILE_SEEN = -0.5
"""Log-odds by which others are less likely while the household itself comes and goes (S4): guests, carers, a partner. In cities
that were not fitted on, such chances were stated too high in some and too low in others (of 8,000 to 20,000 homes each)."""

WHILE_UNNAMED = -1.5
"""Log-odds by which others are less likely while the home was let to more people than the register names: whoever is there may
be the one who is not enrolled yet (IE27). In fifteen cities of 6,000 to 20,000 homes a fifth of the questions put to such
households was right, of those put to others more than a half."""


CLEARED, CLEARED_DAYS = -2.5, 730
"""Log-odds by which a lead is less likely once people have looked into one of its kind on this household and found nothing:
what explained it (a carer, a child who is not enrolled, work elsewhere each spring) mostly lasts, or comes back. It fades until
after so many days nothing is left of it. In seven cities none of 194 leads was right that opened or rose 60 days and more after a
wrong one, at a mean chance of 0.55; it is weaker than that, for a check can err, and people change. Nothing is added where a
lead was confirmed: what somebody did before is no sign."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """From which chance on a household is asked, visited, and a file is made for people."""

    yellow: float
    orange: float
    red: float


@dataclass(frozen=True, slots=True)
class Model:
    """What likely.json holds."""

    version: str
    others: Trees
    vacancy: Trees
    others_tiers: Tiers
    vacancy_tiers: Tiers

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Model:
        """ValueError when it was fitted on other signs than are drawn."""
        return cls(
            data["version"],
            Trees.read(data["others"], SIGNS),
            Trees.read(data["vacancy"], ABSENCE_SIGNS),
            Tiers(**data["others"]["tiers"]),
            Tiers(**data["vacancy"]["tiers"]),
        )


@dataclass(frozen=True, slots=True)
class Likely:
    """Of the days of a tenancy (`days[0]` is day `offset` of the record): chances and the signs they come from.

    `away_from`: the first day of the absence that reaches each day. `declared`, `paused`: days of a declared absence, of the
    pause around Spring Festival. `joined_recent`, `before_recent`: shares of recent days with own credentials of members who
    joined lately, and of those before them (`registered_recent`). `unnamed`: how many the home was let to and the register never
    named.
    """

    offset: int
    days: tuple[PresenceDay, ...]
    others: Floats
    vacancy: Floats
    signs: Floats
    absence: Floats
    away_from: Ints
    declared: Bools
    paused: Bools
    joined_recent: Floats
    before_recent: Floats
    unnamed: int = 0


def likely(
    record: DwellingRecord,
    household: Household,
    pack: PolicyPack,
    festival: Callable[[date], bool],
    model: Model,
    recognised: Sequence[float | None] | None = None,
) -> Likely | None:
    """None when the tenancy is too young. `recognised`: by day of the record; None: as `record.recognised` on all days."""
    start = household.handover or household.first
    offset = len(record.days) - len(record.since(start))
    days = record.days[offset:]
    if len(days) < SETTLED_DAYS:
        return None
    days = days if isinstance(days, Days) else Days(days)
    declared = declared_days(days, household, pack)
    paused = np.array([festival(day) for day in columns_of(days).dates()], np.bool_)
    rate = [record.recognised] * len(days) if recognised is None else recognised[offset : offset + len(days)]
    found, look = drawn(days, household, rate, declared)
    absence, away_from = absence_signs(days, household.size, paused, declared)
    others, vacancy = np.zeros(len(days)), np.zeros(len(days))
    settled = np.arange(len(days)) >= SETTLED_DAYS
    look &= settled
    if look.any():
        others[look] = while_seen(model.others.chance(found[look]), found[look])
        if household.unnamed:
            others = shifted(others, WHILE_UNNAMED)
    away = (absence[:, 0] >= AWAY_DAYS) & settled
    if away.any():
        vacancy[away] = _emptiness(model.vacancy, absence[away])
    if household.cleared:
        others = shifted(others, cleared_by(days, household, OTHERS))
        vacancy = shifted(vacancy, cleared_by(days, household, VACANCY))
    joined, before = registered_recent(days, household)
    return Likely(
        offset, days, others, vacancy, found, absence, away_from, declared, paused, joined, before, household.unnamed
    )


def _emptiness(trees: Trees, absence: Floats) -> Floats:
    """The fitted chance that nobody lives there, and never more than if whatever could not be observed had been
    seen and nobody had passed: the trees took blind doors for a sign of absence."""
    chance, unknown = trees.chance(absence), ABSENCE_COLUMN["unknown"]
    blind = absence[:, unknown] > 0
    if blind.any():
        seen = absence[blind]
        seen[:, ABSENCE_COLUMN["absent"]] += seen[:, unknown]
        seen[:, unknown] = 0
        chance[blind] = np.minimum(chance[blind], trees.chance(seen))
    return chance


def rules_of(signs: Floats) -> NDArray[np.str_]:
    """By day, the rule of the catalogue under which others would be told of: S2, P1, S4 or S1."""
    s = {name: signs[:, number] for name, number in COLUMN.items()}
    seen = (s["own_recent"] >= PASSES) & (s["unseen_own"] < SEEN_DAYS)
    nightly = (s["late_recent"] >= NIGHTLY) | (s["visitors_recent"] >= OFTEN)
    return np.select([s["newcomer_only"] >= ENROLLED, nightly, seen], ["S2", "P1", "S4"], "S1")


def while_seen(chance: Floats, signs: Floats) -> Floats:
    """The fitted chance of others, made smaller on days on which the household itself is still seen."""
    return np.where(rules_of(signs) == "S4", shifted(chance, WHILE_SEEN), chance)


def cleared_by(days: Days, household: Household, family: str) -> Floats:
    """By day, the log-odds by which leads of this family are less likely for what people found out by then: the most of all."""
    found, at = np.zeros(len(days)), columns_of(days).first + np.arange(len(days))
    for one in household.cleared:
        age = at - one.on.toordinal()
        if one.family == family:
            found = np.where(age >= 0, np.minimum(found, CLEARED * np.maximum(1 - age / CLEARED_DAYS, 0)), found)
    return found


def shifted(chance: Floats, by: float | Floats) -> Floats:
    """The chance with its log-odds moved."""
    odds = chance / (1 - chance) * np.exp(by)
    return np.asarray(odds / (1 + odds), np.float64)


def declared_days(days: Sequence[PresenceDay], household: Household, pack: PolicyPack) -> Bools:
    """Days that a declared absence covers, as far as the pack lets it."""
    found = np.zeros(len(days), np.bool_)
    first = columns_of(days).first if len(days) else 0
    for absence in household.absences:
        begin, end = absence.first.toordinal() - first, covered_until(absence, pack.pauses).toordinal() - first
        found[max(0, begin) : max(0, end + 1)] = True
    return found

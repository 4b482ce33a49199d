"""(P) Counting days: runs of absence with their pauses, sums of meters, how often a household is recorded at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from statistics import fmean, pstdev

from hub.occupancy.pack import Calendar, Pauses
from hub.occupancy.values import DayState, DeclaredAbsence, Household, PresenceDay

SIGNS = (DayState.PRESENT, DayState.OTHER_USE)
IDLE_WATER_SHARE = 0.1
IDLE_ELECTRICITY_SHARE = 0.4
METER_DAYS_SHARE = 0.8
LEAK_SPREAD = 0.15
SHORT_RUN = 7
MIN_OBSERVED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Run:
    """Days without a sign that somebody lives there, up to the last day. `absent` counts; `unknown` and `paused` neither
    count nor reset.

    `days`: from the first absent day to the last. `last_sign`: the day of the last sign of use before it, if any.
    """

    days: tuple[PresenceDay, ...]
    absent: int
    unknown: int
    paused: int
    declared: tuple[DeclaredAbsence, ...]
    last_sign: date | None

    @property
    def first(self) -> date | None:
        return self.days[0].day if self.days else None


def festival_days(calendar: Calendar, pauses: Pauses) -> Callable[[date], bool]:
    """Whether a day lies in the pause around Spring Festival."""
    festivals = tuple(sorted(calendar.spring_festival.items()))
    return _festival_days(festivals, pauses.spring_festival_before, pauses.spring_festival_after)


@lru_cache
def _festival_days(festivals: tuple[tuple[int, date], ...], before: int, after: int) -> Callable[[date], bool]:
    paused: set[date] = set()
    for _year, festival in festivals:
        paused |= {festival + timedelta(days=n) for n in range(-before, after + 1)}
    return paused.__contains__


def covers(absence: DeclaredAbsence, day: date, pauses: Pauses) -> bool:
    """Whether a declared absence pauses this day."""
    return absence.first <= day <= covered_until(absence, pauses)


def covered_until(absence: DeclaredAbsence, pauses: Pauses) -> date:
    """The last day that a declared absence pauses."""
    longest = pauses.declared_max_days if absence.last is None else pauses.reviewed_max_days
    end = absence.first + timedelta(days=longest - 1)
    return end if absence.last is None else min(end, absence.last)


def absence_run(
    days: Sequence[PresenceDay],
    household: Household,
    pauses: Pauses,
    festival: Callable[[date], bool],
) -> Run:
    """The run of absence that reaches the last day, within the tenancy."""
    absent = unknown = paused = 0
    declared: list[DeclaredAbsence] = []
    since, start, last_sign = len(days), household.handover or household.first, None
    for index in range(len(days) - 1, -1, -1):
        day = days[index]
        if day.day < start:
            break
        if day.state in SIGNS:
            last_sign = day.day
            break
        cover = next((a for a in household.absences if covers(a, day.day, pauses)), None)
        if cover is not None and cover not in declared:
            declared.append(cover)
        if cover is not None or festival(day.day):
            paused += 1
        elif day.state is DayState.UNKNOWN:
            unknown += 1
        else:
            absent += 1
            since = index
    return Run(tuple(days[since:]), absent, unknown, paused, tuple(declared), last_sign)


def absent_in_all(
    days: Sequence[PresenceDay],
    household: Household,
    pauses: Pauses,
    festival: Callable[[date], bool],
    shortest: int = 15,
) -> int:
    """Absent days in all within the record, in runs of at least `shortest`: single days are weak. Pauses do not count."""
    total = current = 0
    start = household.handover or household.first
    for day in days:
        if day.day < start or day.state is DayState.UNKNOWN:
            continue
        if day.state in SIGNS:
            total, current = total + (current if current >= shortest else 0), 0
        elif not festival(day.day) and not any(covers(a, day.day, pauses) for a in household.absences):
            current += 1
    return total + (current if current >= shortest else 0)


def observability(days: Sequence[PresenceDay]) -> float | None:
    """Share of days on which this household leaves a door record while it lives there; None: too little known.

    Taken between its first and last sign, leaving out absences of a week and more.
    """
    seen = missed = gap = 0
    for day in days:
        if day.state is DayState.UNKNOWN:
            continue
        if day.passes:
            missed += gap if 0 < gap < SHORT_RUN and seen else 0
            seen, gap = seen + 1, 0
        else:
            gap += 1
    return seen / (seen + missed) if seen + missed >= MIN_OBSERVED_DAYS else None


def mean_of(values: Sequence[float | None], of: int) -> float | None:
    """Mean of the known values when at least 80 % of `of` days are known."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) >= METER_DAYS_SHARE * of else None


def looks_like_leak(values: Sequence[float | None]) -> bool:
    """Nearly the same amount every day: water that runs, not people who use it."""
    known = [value for value in values if value is not None]
    return len(known) >= SHORT_RUN and fmean(known) > 0 and pstdev(known) / fmean(known) < LEAK_SPREAD

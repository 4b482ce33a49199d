"""(P) About so many questions a stock of homes can bear, the likelier ones first.

A chance that was fitted on other cities may be stated too high in this one, and then questions go to more homes than can have
anything to answer for. So the stock itself sets from which chance on its questions are put: such that, had it held for the last
months, no more than `SHARE` of the homes a year had been asked. What is less likely waits as a note. Visits and files are not
held up, nor the question that a law makes due. Before leads have begun there is nothing to go by: the first weeks of a
history put somewhat more (a hub reads history that comes at once before it asks, `asking_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.course import Now
from hub.occupancy.finding import Stage

SHARE = 0.06
"""Of all homes a year. Where two in five questions are to be right, and 350 homes of 10,000 may be asked in vain, no more than so
many can be asked. In cities like those that the model learned from 2.3 to 5.3 % are; in one unlike them 7 % were, and one
question in three was right."""

WINDOW_DAYS = 120
"""What began in so many days before a Monday decides on its week: longer than guests stay, shorter than a season."""

NONE_ASKED = 1.0
"""No chance is above it."""

FEWEST = 10
"""So many in that time are put in any case: in a small estate more than its share is luck."""


@dataclass(slots=True)
class Question:
    """A lead that may become a question, as a stock counts it. `first`: the day it began (days since 1970-01-01), `peaks`: the
    highest chance it had by each Monday after that, `last`: by now."""

    first: int
    peaks: list[float] = field(default_factory=list)
    last: float = 0.0

    def by(self, monday: int) -> float:
        """The highest chance before this Monday."""
        place = (monday - next_monday(self.first)) // 7
        return self.peaks[place] if place < len(self.peaks) else self.last


class Questions:
    """Those of a dwelling, as days go by."""

    def __init__(self) -> None:
        self.all: list[Question] = []
        self._open: dict[str, tuple[int, Question]] = {}

    def day(self, day: int, family: str, chance: float, due: bool) -> None:
        """A lead stands on this day. One that begins as a due question is none of those that compete."""
        last, one = self._open.get(family, (-2, None))
        if one is None or last != day - 1:
            one = Question(day)
            if not due:
                self.all.append(one)
        elif is_monday(day) and day - one.first <= WINDOW_DAYS:
            one.peaks.append(one.last)
        one.last = max(one.last, chance)
        self._open[family] = (day, one)


def is_monday(day: int) -> bool:
    """1970-01-01 (day 0) was a Thursday."""
    return (day + 3) % 7 == 0


def next_monday(day: int) -> int:
    """The first Monday after a day."""
    return day + 7 - (day + 3) % 7


def most_of(homes: int) -> int:
    """So many leads of WINDOW_DAYS may become questions."""
    return max(FEWEST, int(SHARE * homes * WINDOW_DAYS / 365))


def asked_above(peaks: Iterable[float], homes: int) -> float:
    """The chance above which questions are put. `peaks`: highest chances of the leads that began within WINDOW_DAYS; 0: all."""
    best, most = sorted(peaks, reverse=True), most_of(homes)
    return best[most] if len(best) > most else 0.0


def by_week(questions: Sequence[Question], homes: int, first: int, last: int) -> tuple[tuple[date, float], ...]:
    """(Monday, the chance above which questions are put in its week) of `first`..`last`. Each looks back only."""
    found = []
    by_day = sorted(questions, key=lambda one: one.first)
    begun = np.array([one.first for one in by_day], np.int64)
    for monday in range(next_monday(first), last + 1, 7):
        low, high = np.searchsorted(begun, [monday - WINDOW_DAYS, monday])
        peaks = (one.by(monday) for one in by_day[low:high])
        found.append((date(1970, 1, 1) + timedelta(days=monday), asked_above(peaks, homes)))
    return tuple(found)


def waits(course: Sequence[Now | None], chance: NDArray[np.float64], above: NDArray[np.float64]) -> NDArray[np.bool_]:
    """By day, whether the question that stands is not put yet. `above`: by day, the chance above which questions are put. What
    was asked once stays asked as long as the lead stands; what waits and lacks data waits on, unless it might be put now."""
    found = np.zeros(len(course), np.bool_)
    if not above.any():
        return found
    asked = False
    for i, now in enumerate(course):
        if now is None:
            asked = False
        elif now.stage is Stage.INSUFFICIENT_DATA:
            found[i] = i > 0 and found[i - 1] and chance[i] <= above[i]
        elif not asked:
            asked = now.stage is not Stage.YELLOW or now.due or not above[i] or bool(chance[i] > above[i])
            found[i] = not asked
    return found

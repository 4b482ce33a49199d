"""(P) Days of a record as columns: what rules that look at all days at once read, without an object for each day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.values import KNOWN_COVERAGE, DayState, PresenceDay

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STATES = tuple(DayState)
STATE_NUMBER = {state: number for number, state in enumerate(STATES)}
_UNKNOWN = STATE_NUMBER[DayState.UNKNOWN]
_SIGNS = (STATE_NUMBER[DayState.PRESENT], STATE_NUMBER[DayState.OTHER_USE])


@dataclass(frozen=True, slots=True)
class Columns:
    """One value a day. `known`: doors could observe the day; `sign`: somebody used the dwelling. Amounts are NaN where not known.
    `faces`, `cards`: token → days on which it was used with and without the person's face compared, by token."""

    first: int
    known: Bools
    sign: Bools
    visit: Bools
    passes: Ints
    others: Ints
    late: Ints
    hours: Ints
    water: Floats
    power: Floats
    usual_water: Floats
    usual_power: Floats
    faces: Mapping[str, Bools]
    cards: Mapping[str, Bools]

    def __len__(self) -> int:
        return len(self.known)

    def dates(self) -> list[date]:
        """The days themselves: they follow each other."""
        return [date.fromordinal(self.first + number) for number in range(len(self))]


class Days(tuple[PresenceDay, ...]):
    """Days that follow each other, and their columns once these were drawn."""

    _columns: Columns | None = None

    def columns(self) -> Columns:
        """Drawn at the first call."""
        if self._columns is None:
            self._columns = _drawn(tuple(self))
        return self._columns


def columns_of(days: Sequence[PresenceDay]) -> Columns:
    """The columns of days that follow each other."""
    return days.columns() if isinstance(days, Days) else _drawn(days)


def by_state(state: NDArray[np.uint8], coverage: Floats, passed: Bools) -> tuple[Bools, Bools]:
    """(known, sign) of numbers of states. What doors did not see is no day on which they saw nobody, though water ran."""
    known = (state != _UNKNOWN) & ((coverage >= KNOWN_COVERAGE) | passed)
    return known, np.asarray((state == _SIGNS[0]) | (state == _SIGNS[1]), np.bool_)


def _drawn(days: Sequence[PresenceDay]) -> Columns:
    def whole(value: Callable[[PresenceDay], int]) -> Ints:
        return np.array([value(day) for day in days], np.int64)

    def amount(value: Callable[[PresenceDay], float | None]) -> Floats:
        return np.array([value(day) for day in days], np.float64)  # None becomes NaN

    known, sign = by_state(
        np.array([STATE_NUMBER[day.state] for day in days], np.uint8),
        amount(lambda day: day.coverage),
        np.array([day.passes > 0 or day.others > 0 for day in days], np.bool_),
    )
    return Columns(
        first=days[0].day.toordinal() if days else 0,
        known=known,
        sign=sign,
        visit=np.array([day.visit for day in days], np.bool_),
        passes=whole(lambda day: day.passes),
        others=whole(lambda day: day.others),
        late=whole(lambda day: day.late_others),
        hours=whole(lambda day: day.hours),
        water=amount(lambda day: day.water),
        power=amount(lambda day: day.electricity),
        usual_water=amount(lambda day: day.usual_water),
        usual_power=amount(lambda day: day.usual_electricity),
        faces=_tokens([day.identified_by for day in days]),
        cards=_tokens([day.cards_of for day in days]),
    )


def _tokens(used: Sequence[tuple[str, ...]]) -> dict[str, Bools]:
    places: dict[str, list[int]] = {}
    for number, tokens in enumerate(used):
        for token in tokens:
            places.setdefault(token, []).append(number)
    found: dict[str, Bools] = {}
    for token in sorted(places):
        found[token] = np.zeros(len(used), np.bool_)
        found[token][places[token]] = True
    return found

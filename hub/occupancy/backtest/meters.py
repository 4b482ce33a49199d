"""Daily readings of a history, a chunk at a time, as records of those that can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.chunk import BAD, Chunk
from hub.occupancy.backtest.gathered import METER, Gathered, Ints
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.tables import Tables

MOST = (400.0, 20.0)  # kWh, m³ a day: beyond it a meter lies


RISES, FALLS_SHARE = 12, 0.05
"""So many times more than the day before, and hardly ever less: a home's use of a day does not behave so (1 in 10^9)."""


class _Rising:
    """Of each meter how often it showed more, and less, than the reading before."""

    def __init__(self, meters: int) -> None:
        self._day, self._value = np.full(meters, -1, np.int64), np.zeros(meters)
        self._more, self._less = np.zeros(meters, np.int64), np.zeros(meters, np.int64)

    def add(self, meter: Ints, day: Ints, value: NDArray[np.float64]) -> None:
        order = np.lexsort((day, meter))
        meter, day, value = meter[order], day[order], value[order]
        before_day, before = self._day[meter], self._value[meter]
        same = meter[1:] == meter[:-1]
        before_day[1:], before[1:] = np.where(same, day[:-1], before_day[1:]), np.where(same, value[:-1], before[1:])
        known = (before_day >= 0) & (before_day < day)
        np.add.at(self._more, meter[known & (value > before)], 1)
        np.add.at(self._less, meter[known & (value < before)], 1)
        last = np.append(~same, True)[: len(meter)]
        newer = last & (day > self._day[meter])
        self._day[meter[newer]], self._value[meter[newer]] = day[newer], value[newer]

    def only(self) -> Ints:
        """Meters that hardly ever showed less."""
        return np.nonzero((self._more >= RISES) & (self._less <= FALLS_SHARE * self._more))[0]


def until_rising(days: Sequence[float | None]) -> list[float | None]:
    """(P) The use of each day without those on which a meter was known to show a register, by what it had shown up to then."""
    found, more, less, before = list[float | None](), 0, 0, None
    for amount in days:
        if amount is not None:
            more, less = (
                more + (before is not None and amount > before),
                less + (before is not None and amount < before),
            )
            before = amount
        found.append(None if more >= RISES and less <= FALLS_SHARE * more else amount)
    return found


class _Twice:
    """Which days of a meter were read already: a bit each."""

    def __init__(self, meters: int, days: int) -> None:
        self._width = -(-days // 8)
        self._seen = np.zeros(meters * self._width, np.uint8)

    def again(self, meter: Ints, day: Ints) -> NDArray[np.bool_]:
        """Readings of a day that was read before, in this chunk or an earlier one."""
        place, bit = meter * self._width + day // 8, np.left_shift(1, day % 8).astype(np.uint8)
        _days, first = np.unique(place * 8 + day % 8, return_index=True)
        again = np.ones(len(place), np.bool_)
        again[first] = (self._seen[place[first]] & bit[first]) != 0
        np.bitwise_or.at(self._seen, place, bit)
        return again


class Meters:
    """Reads chunks in their order; what was counted beside the records goes into `found`."""

    def __init__(self, tables: Tables, history: History, found: Gathered) -> None:
        self._problems, self._history, self._found = tables.problems, history, found
        meters = 2 * len(history.dwellings)
        self._twice = _Twice(meters, history.last - history.first + 1)
        self._rising = _Rising(meters)
        self._estates, self._estate_of = np.unique(history.estate, return_inverse=True)
        self._water_days = np.zeros((len(self._estates), 2, history.last - history.first + 1), np.int64)

    def read(self, chunk: Chunk) -> NDArray[np.void]:
        """One record a reading that can be used."""
        history, problems = self._history, self._problems
        day, value, ok = chunk.days("date"), chunk.numbers("value"), chunk.numbers("ok")
        named = chunk.coded("dwelling_id")
        dwelling = named.mapped(history.number)
        kind = chunk.coded("kind").mapped({"electricity": 0, "water": 1})
        problems.note_rows("reading of an unknown dwelling or kind", chunk, (dwelling < 0) | (kind < 0))
        known = (dwelling >= 0) & (kind >= 0) & (day != BAD)
        inside = known & (day >= history.first) & (day <= history.last)
        problems.note_rows("reading outside the days of the history, kept out", chunk, known & ~inside)
        for one in np.unique(dwelling[inside] * 2 + kind[inside]).tolist():
            self._found.metered.add((one // 2, bool(one % 2)))
        good = inside & (ok == 1) & ~np.isnan(value)
        backwards = good & (value < 0)
        problems.note_rows("meter that runs backwards, reading kept out", chunk, backwards)
        too_much = good & (value > np.array(MOST)[np.maximum(kind, 0)])
        problems.note_rows("impossible reading, kept out", chunk, too_much)
        use = good & ~backwards & ~too_much
        meter, since = dwelling[use] * 2 + kind[use], day[use] - history.first
        again = np.zeros_like(use)
        again[use] = self._twice.again(meter, since)
        problems.note_rows("second reading of a day; where they differ none counts", chunk, again)
        self._rising.add(meter, since, value[use])
        rows = np.zeros(int(use.sum()), METER)
        rows["dwelling"], rows["day"] = dwelling[use], since
        rows["water"], rows["value"] = kind[use], value[use]
        used = rows[(rows["water"] == 1) & (rows["value"] > 0)]
        whole = used[used["value"] == np.round(used["value"])]
        for row, those in enumerate((used, whole)):
            np.add.at(self._water_days, (self._estate_of[those["dwelling"]], row, those["day"].astype(np.int64)), 1)
        return rows

    def close(self) -> None:
        """After the last chunk. A meter that shows a register tells nothing of the use of a day: it is read until that shows."""
        counted = zip(self._estates, self._water_days.tolist(), strict=True)
        self._found.water_days = {str(estate): count for estate, count in counted}
        for meter in self._rising.only().tolist():
            dwelling, water = meter // 2, bool(meter % 2)
            what = (
                "meter that only ever rises, kept out once that showed: a register's readings; give the use of each day"
            )
            self._problems.note(what, f"{self._history.dwellings[dwelling]} {'water' if water else 'electricity'}")

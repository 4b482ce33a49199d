"""What a bucket of dwellings has on disk, loaded: who used its doors, its meters, and whom its doors recognised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.gathered import (
    IDENTIFIED,
    NAMELESS,
    PERSONAL,
    VISITOR,
    Gathered,
    bucket_rows,
    bucket_starts,
)
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.meters import until_rising
from hub.occupancy.presence import WHOLE_MIN
from hub.occupancy.recognised import WITHIN_DAYS, share
from hub.occupancy.values import SOMEBODY, CredentialUse

NAMED_SHARE = 0.2
"""Where fewer card passes than this name their holder, a card of the household is some member's own, whoever it is."""

WHOLE_SHARE = 0.9
"""An estate's meters count whole cubic metres if so many of its days with use say so."""

Uses = Mapping[int, tuple[CredentialUse, ...]]
Meters = Mapping[int, list[float | None]]
Held = Mapping[int, tuple[Uses, Meters]]
Recognised = dict[tuple[str, str], list[float | None]]


class Buckets:
    """Loads buckets, and keeps nothing of them. Persons are their tokens, as on a device."""

    def __init__(self, history: History, gathered: Gathered) -> None:
        self._history, self._gathered = history, gathered
        self._person = {number: f"P:{name}" for name, number in history.persons.items()}
        self._cards: dict[int, int] = {}
        for person, number in gathered.holdings:
            self._cards[person] = max(number, self._cards.get(person, 1))
        self._unnamed = {estate: _unnamed(*by_day) for estate, by_day in gathered.carded.items()}
        self._whole = {estate: _mostly_whole(*by_day) for estate, by_day in gathered.water_days.items()}
        self._starts = [*bucket_starts(history).tolist(), len(history.dwellings)]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def dwellings(self, number: int) -> range:
        """Those of a bucket."""
        return range(self._starts[number], self._starts[number + 1])

    # --- who is who ------------------------------------------------------------------------------------------------
    def token(self, person: int) -> str:
        """A person's face and first card are one credential; further cards are others of theirs."""
        return self._person[person]

    def tokens(self, person: int) -> frozenset[str]:
        """All of them."""
        further = range(2, self._cards.get(person, 1) + 1)
        return frozenset({self.token(person), *(_further(self.token(person), number) for number in further)})

    def unnamed(self, dwelling: int, day: int) -> bool:
        """Whether card passes in its estate hardly ever named their holder up to this day of the history."""
        return self._unnamed[self._history.estate[dwelling]][day]

    def _credential(self, cls: int, code: int) -> str:
        if cls == IDENTIFIED:
            return self.token(code)
        if cls == PERSONAL:
            person, number = self._gathered.holdings[code]
            return _further(self.token(person), number)
        return self._gathered.credentials[code] if code >= 0 else "?"

    # --- what was recorded -----------------------------------------------------------------------------------------
    def held(self, directory: Path, number: int, only: Collection[int] | None = None) -> Held:
        """What is recorded of each dwelling of a bucket; `only`: of these."""
        uses, meters = self._uses(directory, number, only), self._meters(directory, number, only)
        wanted = self.dwellings(number) if only is None else only
        return {dwelling: (uses.get(dwelling, {}), meters.get(dwelling, {})) for dwelling in wanted}

    def _uses(self, directory: Path, number: int, only: Collection[int] | None) -> Mapping[int, Uses]:
        merged: dict[tuple[int, int, str, bool], list[int]] = {}
        for dwelling, day, cls, code, count, late, hours in _rows(directory, "uses", number, only):
            token = self._credential(cls, code)
            if cls == NAMELESS and self.unnamed(dwelling, day):
                token = SOMEBODY + token
            kept = merged.setdefault((dwelling, day, token, cls != VISITOR), [0, 0, 0, 0])
            kept[0 if cls == IDENTIFIED else 1] += count
            kept[2] += 0 if cls == IDENTIFIED else late
            kept[3] |= hours
        found: dict[int, dict[int, tuple[CredentialUse, ...]]] = defaultdict(dict)
        for (dwelling, day, token, resident), counted in sorted(merged.items()):
            days = found[dwelling]
            days[day] = (*days.get(day, ()), CredentialUse(token, resident, *counted))
        return found

    def _meters(self, directory: Path, number: int, only: Collection[int] | None) -> Mapping[int, Meters]:
        count = self._history.last - self._history.first + 1
        found: dict[int, dict[int, list[float | None]]] = {}
        differ: list[tuple[list[float | None], int]] = []
        for dwelling, day, water, value in _rows(directory, "meters", number, only):
            series = found.setdefault(dwelling, {}).setdefault(water, [None] * count)
            amount = round(value, 4)
            if series[day] not in (None, amount):
                differ.append((series, day))
            series[day] = amount
        for series, day in differ:  # two readings that contradict each other say nothing
            series[day] = None
        for dwelling, of in found.items():
            of.update({water: until_rising(series) for water, series in of.items()})
            if 1 in of:
                of[1] = self._readable(dwelling, of[1])
        return found

    def _readable(self, dwelling: int, water: Sequence[float | None]) -> list[float | None]:
        """Without the days on which the meter was known to count whole cubic metres: by the home's own days with use up to
        then; one that had used none has the meter of its estate."""
        of_estate = self._whole.get(self._history.estate[dwelling], ())
        found, used, whole = list[float | None](), 0, 0
        for day, amount in enumerate(water):
            if amount:
                used, whole = used + 1, whole + (amount == round(amount))
            known = whole == used if used >= WHOLE_MIN else bool(of_estate) and of_estate[day]
            found.append(None if known else amount)
        return found

    # --- whom the doors recognised ---------------------------------------------------------------------------------
    def recognised(self, directory: Path, number: int) -> Recognised:
        """Block → for each day the share of its consenting members whom its doors identified in the last 30 days."""
        history, count = self._history, self._history.last - self._history.first + 1
        expected = self._expected(number, count)
        rows = bucket_rows(directory, "uses", number)
        faces = rows[rows["cls"] == IDENTIFIED]
        faces = faces[np.lexsort((faces["day"], faces["credential"], faces["dwelling"]))]
        day = faces["day"].astype(np.int64)
        until = np.minimum(day + WITHIN_DAYS, count)
        if len(faces) > 1:
            same = (faces["credential"][1:] == faces["credential"][:-1]) & (
                faces["dwelling"][1:] == faces["dwelling"][:-1]
            )
            until[:-1] = np.where(same, np.minimum(until[:-1], day[1:]), until[:-1])
        names = sorted(expected)
        place = {name: i for i, name in enumerate(names)}
        dwellings = self.dwellings(number)
        block_of = np.array([place[history.block[d]] for d in dwellings], np.int64)
        which = block_of[faces["dwelling"] - dwellings.start]
        table = np.zeros((len(names), count + 1), np.int64)
        np.add.at(table, (which, day), 1)
        np.add.at(table, (which, until), -1)
        found: Recognised = {}
        for name in names:
            of, got = np.cumsum(expected[name])[:count], np.cumsum(table[place[name]])[:count]
            found[name] = [share(g, o) for g, o in zip(got.tolist(), of.tolist(), strict=True)]
        return found

    def _expected(self, number: int, count: int) -> dict[tuple[str, str], NDArray[np.int64]]:
        """Block → by how much the number of its consenting members changes, by day."""
        history = self._history
        expected: dict[tuple[str, str], NDArray[np.int64]] = {}
        for dwelling in self.dwellings(number):
            change = expected.setdefault(history.block[dwelling], np.zeros(count + 1, np.int64))
            for row in history.members.get(dwelling, ()):
                first = max(0, row.first - history.first)
                last = count if row.last is None else row.last - history.first + 1
                if row.consent and first < min(last, count):
                    change[first] += 1
                    change[min(last, count)] -= 1
        return expected


def _rows(directory: Path, name: str, number: int, only: Collection[int] | None) -> list[tuple[Any, ...]]:
    rows = bucket_rows(directory, name, number)
    found: list[tuple[Any, ...]] = (rows if only is None else rows[np.isin(rows["dwelling"], list(only))]).tolist()
    return found


def _unnamed(named: Sequence[int], unnamed: Sequence[int]) -> list[bool]:
    """By day, whether card passes up to it hardly ever named their holder."""
    with_name, without = np.cumsum(named), np.cumsum(unnamed)
    return [bool(x) for x in (without > 0) & (with_name < NAMED_SHARE * (with_name + without))]


def _mostly_whole(used: Sequence[int], whole: Sequence[int]) -> list[bool]:
    """By day, whether an estate's meters had shown up to it that they count whole cubic metres."""
    of, ones = np.cumsum(used), np.cumsum(whole)
    return [bool(x) for x in (of >= WHOLE_MIN) & (ones > WHOLE_SHARE * of)]


def _further(token: str, number: int) -> str:
    return token if number == 1 else f"{token}#{number}"

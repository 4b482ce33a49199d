"""Who is registered where in a history, and which doors lead there: whose home a pass may have been on the way to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.gathered import Ints
from hub.occupancy.backtest.history import History


class Ways:
    """Which doors are on the way to which dwellings."""

    def __init__(self, history: History) -> None:
        blocks = {name: number for number, name in enumerate(sorted(set(history.block)))}
        estates = {name: number for number, name in enumerate(sorted(set(history.estate)))}
        self._estate = np.array([estates[name] for name in history.estate], np.int64)
        self._block = np.array([blocks[name] for name in history.block], np.int64)
        self._to = np.full((3, len(history.points) + 1), -2)  # estate, block, dwelling; the last: an unknown point
        for estate, points in history.gates.items():
            self._to[0, points] = estates.get(estate, -2)
        for block, points in history.doors.items():
            self._to[1, points] = blocks.get(block, -2)
        for dwelling, points in history.locks.items():
            self._to[2, points] = dwelling

    def lead(self, point: Ints, dwelling: Ints) -> NDArray[np.bool_]:
        """Whether this door is on the way to this dwelling (-1: none)."""
        estate, block, own = self._to[:, point]
        found: NDArray[np.bool_] = (
            (estate == self._estate[dwelling]) | (block == self._block[dwelling]) | (own == dwelling)
        )
        return found & (dwelling >= 0)


@dataclass(frozen=True)
class Register:
    """The member rows as arrays: persons × rows a person."""

    dwelling: Ints
    first: Ints
    last: Ints
    consent: NDArray[np.bool_]

    @classmethod
    def of(cls, history: History) -> Register:
        rows: list[list[tuple[int, int, int, bool]]] = [[] for _ in history.persons]
        for dwelling, members in history.members.items():
            for m in members:
                rows[m.person].append((dwelling, m.first, 10**7 if m.last is None else m.last, m.consent))
        width = max((len(r) for r in rows), default=1)
        shape = (len(rows) + 1, width)
        made = cls(np.full(shape, -1), np.full(shape, 10**7), np.full(shape, -(10**7)), np.zeros(shape, np.bool_))
        for person, found in enumerate(rows):
            for k, (dwelling, first, last, consent) in enumerate(sorted(found)):
                made.dwelling[person, k], made.first[person, k] = dwelling, first
                made.last[person, k], made.consent[person, k] = last, consent
        return made

    def look_up(self, person: Ints, dwelling: Ints, day: Ints, ways: Ways, point: Ints) -> tuple[Ints, Ints]:
        """The person's dwelling that day: the one named if it is one of theirs, else -1. Of who is registered in two homes and
        named none of them: the one whose way home leads through this door, and where it is on the way to both, both."""
        found = [
            np.full(len(person), -1, np.int64) for _ in range(4)
        ]  # through this door: one, another; anywhere: one, another
        for k in range(self.dwelling.shape[1]):
            theirs = self.dwelling[person, k]
            live = self._live(person, day, k) & ((dwelling < 0) | (theirs == dwelling))
            for which, one, two in ((live & ways.lead(point, theirs), 0, 1), (live, 2, 3)):
                another = which & (found[one] >= 0) & (found[one] != theirs) & (found[two] < 0)
                found[two] = np.where(another, theirs, found[two])
                found[one] = np.where(which & (found[one] < 0), theirs, found[one])
        here = found[0] >= 0
        return np.where(here, found[0], found[2]), np.where(here, found[1], found[3])

    def consents(self, person: Ints, home: Ints, day: Ints) -> NDArray[np.bool_]:
        """Whether consent (b) is live that day in the register of this home."""
        consent = np.zeros(len(person), np.bool_)
        for k in range(self.dwelling.shape[1]):
            consent |= self._live(person, day, k) & self.consent[person, k] & (self.dwelling[person, k] == home)
        return consent

    def moved_out(self, person: Ints, home: Ints, day: Ints) -> NDArray[np.bool_]:
        """Whether the person was registered in this home until a day before, and is no more."""
        was, live = np.zeros(len(person), np.bool_), np.zeros(len(person), np.bool_)
        for k in range(self.dwelling.shape[1]):
            here = self.dwelling[person, k] == home
            was |= here & (self.last[person, k] < day)
            live |= here & self._live(person, day, k)
        return was & ~live

    def _live(self, person: Ints, day: Ints, k: int) -> NDArray[np.bool_]:
        first, last = self.first[person, k], self.last[person, k]
        live: NDArray[np.bool_] = (first <= day) & (day <= last) & (self.dwelling[person, k] >= 0)
        return live

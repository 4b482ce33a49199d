"""What practice uses, on the same history: fixed days without a pass, and an isolation forest over monthly counts."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.absence_signs import ENOUGH, NEAR
from hub.occupancy.backtest.gathered import VISITOR, bucket_rows, bucket_starts
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.score import Scored

THRESHOLDS = (30, 90, 180)
MONTH = 30
ODD_SHARE = 0.01
TREES = 100
"""Of an isolation forest."""


class BaselineCounter:
    """Collects what the baselines need, a bucket at a time: bits of days, and monthly sums."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._days = history.last - history.first + 1
        count = len(history.dwellings)
        self._packed = np.zeros((count, -(-self._days // 8)), np.uint8)
        months = max(1, self._days // MONTH)
        self._monthly = np.zeros((count, months, 4), np.float32)  # days with passes, passes, visitor days, water

    def add(self, work: Path, number: int) -> None:
        """Counts one bucket."""
        starts = [*bucket_starts(self._history).tolist(), len(self._history.dwellings)]
        begin, end = starts[number], starts[number + 1]
        uses, meters = bucket_rows(work, "uses", number), bucket_rows(work, "meters", number)
        dwelling, day = uses["dwelling"] - begin, uses["day"].astype(np.int64)
        seen = np.zeros((end - begin, self._days), np.bool_)
        seen[dwelling, day] = True
        self._packed[begin:end] = np.packbits(seen, axis=1)
        visitors = np.zeros_like(seen)
        mask = uses["cls"] == VISITOR
        visitors[dwelling[mask], day[mask]] = True
        months = self._monthly.shape[1]
        table = self._monthly[begin:end]
        whole = months * MONTH
        for place, days in ((0, seen), (2, visitors)):
            padded = days[:, :whole] if self._days >= MONTH else np.pad(days, ((0, 0), (0, MONTH - self._days)))
            table[:, :, place] = padded.reshape(end - begin, months, MONTH).sum(axis=2)
        month = day // MONTH
        inside = month < months
        np.add.at(table[:, :, 1], (dwelling[inside], month[inside]), uses["count"][inside])
        water = meters[(meters["water"] == 1) & (meters["day"] // MONTH < months)]
        np.add.at(table[:, :, 3], (water["dwelling"] - begin, water["day"] // MONTH), water["value"])

    def absent_at(self, dwelling: int, day: int) -> int:
        """Days of the whole absence around this day, as the record shows it in hindsight (scoring only). One day with passes
        is a visit to an empty home: only two within six end an absence, as for detection."""
        seen = _lived(self._seen(dwelling))
        at = day - self._history.first
        before, after = np.nonzero(seen[: at + 1])[0], np.nonzero(seen[at + 1 :])[0]
        start = int(before[-1]) + 1 if len(before) else 0
        end = at + 1 + int(after[0]) if len(after) else self._days
        return end - start

    def _seen(self, dwelling: int) -> NDArray[np.bool_]:
        return np.unpackbits(self._packed[dwelling], count=self._days).astype(np.bool_)

    def leads(self) -> dict[str, list[Scored]]:
        """Baseline name → its alarms, all of the highest tier: practice knows only one."""
        found = {f"fixed {days} days": self._fixed(days) for days in THRESHOLDS}
        if find_spec("sklearn") is not None:
            found["isolation forest 1 % a month"] = self._forest()
        return found

    def _fixed(self, days: int) -> list[Scored]:
        alarms = []
        for dwelling in range(len(self._history.dwellings)):
            if not self._history.leases[dwelling] or dwelling in self._history.excluded:
                continue
            signs = np.nonzero(self._seen(dwelling))[0]
            edges = np.concatenate([[-1], signs, [self._days]])
            for before, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                if after - before > days:
                    alarms.append(self._alarm(dwelling, "vacancy", before + days))
        return alarms

    def _alarm(self, dwelling: int, kind: str, day: int) -> Scored:
        return Scored(dwelling, kind, "red", self._history.first + day, True, 1.0)

    def _forest(self) -> list[Scored]:
        from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

        let = np.array([d for d in range(len(self._history.dwellings)) if self._history.leases[d]], np.int64)
        alarms: list[Scored] = []
        if not len(let):
            return alarms
        for month in range(self._monthly.shape[1]):
            table: NDArray[np.float32] = self._monthly[let, month]
            forest: Any = IsolationForest(n_estimators=TREES, random_state=1).fit(table)
            scores = forest.score_samples(table)
            usual = float(np.median(table[:, 0]))
            for place in np.argsort(scores)[: max(1, int(ODD_SHARE * len(let)))].tolist():
                kind = "vacancy" if table[place, 0] < usual / 2 else "sublet_whole"
                alarms.append(self._alarm(int(let[place]), kind, min(self._days, (month + 1) * MONTH) - 1))
        return alarms


def _lived(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Days with passes that are no lone visit."""
    sums = np.concatenate([[0], np.cumsum(seen)])
    at = np.arange(len(seen))
    lately = sums[at + 1] - sums[np.maximum(0, at + 1 - NEAR)]
    return np.asarray(seen & (lately >= ENOUGH), np.bool_)

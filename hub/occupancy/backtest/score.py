"""Scores leads against the truth, exactly as the history format says. Detection never reads what is read here.

Where the format leaves a choice: a due question (a question about an absence of 150 days or more, as the passes show it in
hindsight) is not counted where it is wrong; `due_right` of those counted as right stood on such an absence too. Recall looks at
every entry, also of leads that come too soon after another to be counted. Innocent are dwellings without a label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from hub.occupancy.backtest.chunk import BAD
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.kinds import OTHERS, family
from hub.occupancy.backtest.tables import Tables

STAGES = ("yellow", "orange", "red")
ENDED_DAYS, ONE_IN_DAYS, DUE_DAYS = 14, 90, 150
WITHIN = (60, 120, 210)
SEEN_DAYS = (120, 210)
"""Recall is told again of the cases that ran so long within the history. 120: the goals were measured on those, for what began a
month before the end can't be found within four. 210: before the law's six months a vacancy can have no file at all."""

FAR = 10**7
KINDS = OTHERS | {"vacancy", "vacant_used", "over_occupancy"}


@dataclass(frozen=True, slots=True)
class Scored:
    """A row of leads as scoring needs it: `day` it opened or changed stage."""

    dwelling: int
    kind: str
    stage: str
    day: int
    begins: bool
    chance: float


@dataclass(frozen=True, slots=True)
class Label:
    """A truth interval; `last` is FAR when it has not ended."""

    kind: str
    first: int
    last: int

    def covers(self, day: int) -> bool:
        """Whether a lead of this day is right: it runs, or ended at most 14 days before."""
        return self.first <= day <= self.last + ENDED_DAYS


@dataclass
class Truth:
    """Labels and groups by dwelling, and true long absences where a history names them."""

    labels: dict[int, list[Label]] = field(default_factory=lambda: defaultdict(list))
    groups: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


def read_truth(tables: Tables, history: History) -> Truth | None:
    """None where no truth stands."""
    if not tables.has("truth"):
        return None
    truth = Truth()
    for chunk in tables.chunks("truth"):
        names, kinds = chunk.coded("dwelling_id").texts(), chunk.coded("kind").texts()
        for name, kind, first, last in zip(
            names, kinds, chunk.days("from").tolist(), chunk.days("to").tolist(), strict=True
        ):
            if kind not in KINDS:
                tables.problems.note("truth of an unknown kind, kept out", f"{name}: {kind!r}")
            elif name in history.number and first != BAD and first <= history.last:
                truth.labels[history.number[name]].append(Label(kind, first, FAR if last == BAD else last))
    for chunk in tables.chunks("subgroups"):
        for name, group in zip(chunk.coded("dwelling_id").texts(), chunk.coded("group").texts(), strict=True):
            if name in history.number:
                truth.groups[group].add(history.number[name])
    return truth


def score(
    rows: Sequence[Scored], truth: Truth, history: History, runs: Mapping[tuple[int, int], int]
) -> dict[str, Any]:
    """The figures of each tier and above, of all dwellings and of each group. `runs`: (dwelling, day) → days of absence a vacancy
    lead on that day stands on."""
    made = _figures(rows, truth, history, runs, set(range(len(history.dwellings))))
    made["subgroups"] = {
        group: _figures(rows, truth, history, runs, members) for group, members in sorted(truth.groups.items())
    }
    return made


def _figures(
    rows: Sequence[Scored], truth: Truth, history: History, runs: Mapping[tuple[int, int], int], among: set[int]
) -> dict[str, Any]:
    of = sorted((row for row in rows if row.dwelling in among), key=lambda r: (r.day, r.dwelling, r.kind))
    made: dict[str, Any] = {}
    for place, stage in enumerate(STAGES):
        entered = _entries(of, STAGES[place:])
        tier = _tier(_one_in_days(entered), stage, truth, history, runs, among)
        made[stage if stage == "red" else f"{stage}+"] = tier | {"recall": _recall(entered, truth, history, among)}
    made["calibration_error"] = _calibration(of, truth)
    return made


def _entries(rows: Sequence[Scored], stages: tuple[str, ...]) -> list[Scored]:
    """Rows, given by day, at which a lead entered the tier: it opened there, or came from another stage."""
    inside: dict[tuple[int, str], bool] = {}
    entered: list[Scored] = []
    for row in rows:
        key = (row.dwelling, family(row.kind))
        was, now = inside.get(key, False) and not row.begins, row.stage in stages
        inside[key] = now
        if now and not was:
            entered.append(row)
    return entered


def _one_in_days(entered: Sequence[Scored]) -> list[Scored]:
    """At most one a dwelling and family in 90 days."""
    newest: dict[tuple[int, str], int] = {}
    found: list[Scored] = []
    for row in entered:
        key = (row.dwelling, family(row.kind))
        if row.day - newest.get(key, -FAR) >= ONE_IN_DAYS:
            newest[key] = row.day
            found.append(row)
    return found


def right(row: Scored, truth: Truth) -> bool:
    """A compatible label covers the day."""
    wanted = family(row.kind)
    return any(family(label.kind) == wanted and label.covers(row.day) for label in truth.labels.get(row.dwelling, ()))


def _tier(
    entries: Sequence[Scored],
    stage: str,
    truth: Truth,
    history: History,
    runs: Mapping[tuple[int, int], int],
    among: set[int],
) -> dict[str, Any]:
    def long_absent(row: Scored) -> bool:
        return stage == "yellow" and row.kind == "vacancy" and runs.get((row.dwelling, row.day), 0) >= DUE_DAYS

    good = [row for row in entries if right(row, truth)]
    due = [row for row in entries if not right(row, truth) and long_absent(row)]
    wrong = [row for row in entries if not right(row, truth) and not long_absent(row)]
    years = (history.last - history.first + 1) / 365
    groups = {
        group: _per_10000(sum(r.dwelling in members for r in wrong), len(members - truth.labels.keys()), years)
        for group, members in sorted(truth.groups.items())
    }
    by_kind: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in (*good, *wrong):
        by_kind[row.kind][0] += right(row, truth)
        by_kind[row.kind][1] += 1
    return {
        "leads": len(good) + len(wrong),
        "right": len(good),
        "due_questions": len(due),
        "due_right": sum(long_absent(row) for row in good),
        "precision": round(len(good) / (len(good) + len(wrong)), 4) if good or wrong else None,
        "false_per_10000_dwelling_years": _per_10000(len(wrong), len(among - truth.labels.keys()), years),
        "subgroups_false_per_10000": groups,
        "precision_by_kind": {kind: round(g / n, 4) for kind, (g, n) in sorted(by_kind.items())},
    }


def _per_10000(count: int, dwellings: int, years: float) -> float | None:
    return round(count / (dwellings * years) * 10_000, 1) if dwellings else None


def _recall(entries: Sequence[Scored], truth: Truth, history: History, among: set[int]) -> dict[str, Any]:
    by_dwelling: dict[int, list[Scored]] = defaultdict(list)
    for row in entries:
        by_dwelling[row.dwelling].append(row)
    delays: dict[str, list[int | None]] = defaultdict(list)
    seen: dict[tuple[str, int], list[int | None]] = defaultdict(list)
    for dwelling in truth.labels.keys() & among:
        for label in truth.labels[dwelling]:
            start = max(label.first, history.first)
            if start > history.last or label.last < history.first:
                continue
            hits = [
                row.day - start
                for row in by_dwelling.get(dwelling, ())
                if family(row.kind) == family(label.kind) and start <= row.day and label.covers(row.day)
            ]
            delay = min(hits) if hits else None
            delays[label.kind].append(delay)
            for days in SEEN_DAYS:
                if min(label.last, history.last) - start + 1 >= days:
                    seen[label.kind, days].append(delay)
    return {
        kind: _delays(found) | {f"seen_{days}_days": _delays(seen.get((kind, days), ())) for days in SEEN_DAYS}
        for kind, found in sorted(delays.items())
    }


def _delays(found: Sequence[int | None]) -> dict[str, Any]:
    """Shares are None where there are no cases."""
    known, count = [delay for delay in found if delay is not None], len(found)
    shares = {f"within_{n}": round(sum(d <= n for d in known) / count, 4) if count else None for n in WITHIN}
    ever = round(len(known) / count, 4) if count else None
    return {"cases": count, **shares, "within_history": ever, "median_days": median(known) if known else None}


def _calibration(rows: Sequence[Scored], truth: Truth) -> float | None:
    """Expected calibration error over ten bins of the chance stated on the day each lead opened: the first day on which it asked
    for anything (what opens as insufficient data asks for nothing)."""
    asked: dict[tuple[int, str], bool] = {}
    opened: list[Scored] = []
    for row in rows:
        key = (row.dwelling, family(row.kind))
        before = asked.get(key, False) and not row.begins
        asked[key] = before or row.stage in STAGES
        if row.stage in STAGES and not before:
            opened.append(row)
    if not opened:
        return None
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for row in opened:
        bins[min(9, int(row.chance * 10))].append((row.chance, right(row, truth)))
    total = sum(abs(sum(c for c, _ in found) - sum(ok for _, ok in found)) for found in bins.values())
    return round(total / len(opened), 4)

"""Before a replay: what the closed cases of a history teach, and by when.

Week by week: a case is paired with what had been stated of its lead by then, under what was known by then. Only
inspected dwellings are replayed for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from hub.occupancy.backtest.bucket import Held
from hub.occupancy.backtest.chunk import EPOCH, day_of
from hub.occupancy.backtest.gathered import by_bucket
from hub.occupancy.backtest.history import CaseRow, History
from hub.occupancy.backtest.kinds import family
from hub.occupancy.backtest.replay import Lead, Replayer
from hub.occupancy.finding import Stage
from hub.occupancy.outcomes import NOTHING_LEARNED, Inspected, Outcomes, Result, Stated, learn, next_monday

BELONGS_DAYS = 120
"""An inspection belongs to the lead that stood, or had closed at most so long before it was closed."""

MOST_CASES = 3000
"""The first ones by the day of closing are heard: how many come later is not known when one is closed."""


@dataclass(frozen=True, slots=True)
class Taught:
    """`outcomes`: by when what is known. `cases` were closed, `heard` of them belong to a lead."""

    outcomes: Outcomes
    cases: int
    heard: int


def taught(
    history: History,
    replayer: Replayer,
    work: Path,
    marks: Mapping[str, Sequence[float]],
    fixed: Mapping[str, float],
) -> Taught:
    """What the history's cases teach."""
    outcomes, known = Outcomes((), fixed), list[Inspected]()
    cases = [case for case in history.cases if case.closed_on <= history.last and case.dwelling not in history.excluded]
    heard = sorted(cases, key=lambda case: case.closed_on)[:MOST_CASES]
    held = _hold(history, replayer, work, {case.dwelling for case in heard})
    weeks: dict[int, list[CaseRow]] = defaultdict(list)
    for case in heard:
        weeks[next_monday(day_of(case.closed_on)).toordinal() - EPOCH].append(case)
    for monday in range(min(weeks, default=history.last + 1), history.last + 1, 7):
        replayer.outcomes = outcomes
        for case in weeks.get(monday, ()):
            known += _inspected(case, replayer.book(case.dwelling, *held[case.dwelling]).leads)
        outcomes = outcomes.then(day_of(monday), learn(known, day_of(monday), marks))
    return Taught(outcomes, len(cases), len(known))


def _hold(history: History, replayer: Replayer, work: Path, dwellings: set[int]) -> Held:
    held = dict[int, Any]()
    for number, only in by_bucket(history, dwellings).items():
        held |= replayer.hold(work, number, only)
    return held


def _inspected(case: CaseRow, leads: Sequence[Lead]) -> list[Inspected]:
    """The case with the stages its lead had entered; none where it belongs to no lead."""
    of = [one for one in leads if family(one.kind) == family(case.kind) and one.opened < case.closed_on]
    if not of or (of[-1].closed is not None and of[-1].closed < case.closed_on - BELONGS_DAYS):
        return []
    begin = max(place for place, one in enumerate(of) if one.begins)
    stated = tuple(Stated(one.rule, Stage(one.earned or one.stage), one.fitted) for one in of[begin:])
    return [Inspected(day_of(case.closed_on), family(case.kind), cast(Result, case.outcome), stated)]


def told(taught: Taught) -> dict[str, Any]:
    """For the report: what was learned by the last day, and when which rule was held back."""
    steps = taught.outcomes.steps
    last = steps[-1][1] if steps else NOTHING_LEARNED
    spells: dict[str, list[str]] = defaultdict(list)
    for since, learned in steps:
        for rule, stage in sorted(learned.held_back):
            spells[f"{rule} {stage.value}"].append(since.isoformat())
    return {
        "cases": taught.cases,
        "heard": taught.heard,
        "corrections": {family: asdict(found) for family, found in sorted(last.corrections.items())},
        "tracks": {f"{rule} {stage.value}": asdict(track) for (rule, stage), track in sorted(last.tracks.items())},
        "held_back": {cell: {"weeks": len(days), "first": days[0]} for cell, days in sorted(spells.items())},
    }

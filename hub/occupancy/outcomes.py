"""(P) What inspections teach: a stated chance that means what it says, and rules that are mostly wrong held back.

Learned from closed cases alone, each with what was stated when its lead entered a stage. A chance is corrected in log-odds,
drawn towards no correction by a prior worth some tens of cases; the cuts of the stages act on the corrected chance. A rule whose
leads at a stage are mostly not confirmed is lowered by one stage until its latest cases speak for it again.
What is learned on a day holds from the next Monday on and changes nothing that was said before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.finding import Kind, Stage

Floats = NDArray[np.float64]
Result = Literal["confirmed", "unfounded", "good_cause"]
OTHERS, VACANCY = "others", "vacancy"
FAMILY = {Kind.VACANCY: VACANCY, Kind.NOT_MOVED_IN: VACANCY, Kind.SUBLET: OTHERS}
STAGES = (Stage.NOTE, Stage.YELLOW, Stage.ORANGE, Stage.RED)
ASKED = {Stage.YELLOW: 0.45, Stage.ORANGE: 0.80, Stage.RED: 0.90}
"""The share of its leads that a stage promises to be right."""

FLOOR = {Stage.YELLOW: 0.15, Stage.ORANGE: 0.60, Stage.RED: 0.75}
"""Measured clearly below its promise: the rule is held back. To ask costs little, so a question is hardly ever withheld."""

PRIOR_CASES, FEWEST = 10.0, 10
PRIOR_STATED = 4.0
"""What was known beforehand of the fixed chance of a rule is worth so many cases: from city to city it lies far apart (of homes
recorded vacant and used, 0.15 to 1.0 in ten simulated cities)."""

TRACK_DAYS, CORRECT_DAYS = 365, 730
"""How long a closed case speaks about its rule, and about chances: a rule held back gets another hearing."""

SLOPE_SPREAD, SHIFT_SPREAD, TAIL = 0.2, 0.3, 3.0
"""How far the right correction lies from none, from city to city (standard deviation of the log-odds, measured between simulated
cities). The tail is that of Student's t with so many degrees: a real city may lie much farther, and then its cases must win."""

SLOPES, SHIFTS = (0.4, 2.0), (-3.0, 3.0)
EDGE = 0.02


@dataclass(frozen=True, slots=True)
class Stated:
    """A lead entered this stage by this rule. `chance`: as the fitted model had it, uncorrected; None: a rule that states none.
    `stage`: what it earned, before its rule was held back."""

    rule: str
    stage: Stage
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """A closed case and what had been stated of its lead, in order."""

    closed_on: date
    family: str
    result: Result
    stated: tuple[Stated, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """Of a family's chances: log-odds times `slope` plus `shift`; learned from `cases`."""

    slope: float = 1.0
    shift: float = 0.0
    cases: int = 0

    def of(self, chance: Floats) -> Floats:
        """The corrected chances. What had no chance at all has none."""
        odds = self.slope * _log_odds(chance) + self.shift
        return np.where(chance > 0, 1 / (1 + np.exp(-odds)), 0.0)


@dataclass(frozen=True, slots=True)
class Track:
    """Of the leads of a rule at a stage: how many were inspected, how many confirmed."""

    confirmed: int = 0
    inspected: int = 0

    def precision(self, expected: float, worth: float = PRIOR_CASES) -> float:
        """Measured, with what was expected beforehand as so many cases."""
        return (worth * expected + self.confirmed) / (worth + self.inspected)


@dataclass(frozen=True)
class Learned:
    """What the cases known on a day teach. `held_back`: (rule, stage) that is mostly wrong."""

    corrections: Mapping[str, Correction] = field(default_factory=dict)
    tracks: Mapping[tuple[str, Stage], Track] = field(default_factory=dict)
    held_back: frozenset[tuple[str, Stage]] = frozenset()

    def lowered(self, rule: str, stage: Stage) -> Stage:
        """The stage a lead of this rule may have."""
        while (rule, stage) in self.held_back:
            stage = STAGES[STAGES.index(stage) - 1]
        return stage

    def why(self, rule: str, stage: Stage) -> str:
        """In words, why leads of this rule do not have this stage."""
        track = self.tracks[rule, stage]
        return (
            f"规则{rule}近一年{STAGE_ZH[stage]}线索经核查{track.inspected}件，属实{track.confirmed}件，"
            f"低于该级应有的{ASKED[stage]:.0%}：暂降一级，直至核查结果恢复。"
        )

    def stated(self, rule: str, stage: Stage, before: float) -> float:
        """The chance of a rule that states a fixed one (`before` any case), with its cases."""
        return self.tracks.get((rule, stage), Track()).precision(before, PRIOR_STATED)


STAGE_ZH = {Stage.YELLOW: "黄色", Stage.ORANGE: "橙色", Stage.RED: "红色"}
NOTHING_LEARNED = Learned()


@dataclass(frozen=True)
class Outcomes:
    """What was known from which day on, in order. `fixed`: `RULE stage` → the chance such a rule states before any case. `above`:
    from which day on questions are put to homes with a chance above what (`asking`)."""

    steps: tuple[tuple[date, Learned], ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)
    above: tuple[tuple[date, float], ...] = ()

    def on(self, day: date) -> Learned:
        """What was known on a day."""
        return next((learned for since, learned in reversed(self.steps) if since <= day), NOTHING_LEARNED)

    def corrected(self, family: str, chance: Floats, first: date) -> Floats:
        """Chances of consecutive days from `first` on, each with what was known that day."""
        found = chance
        ends = [*(since for since, _ in self.steps), date.max][1:]
        for (since, learned), until in zip(self.steps, ends, strict=True):
            correction = learned.corrections.get(family)
            part = slice(max(0, (since - first).days), max(0, min(len(chance), (until - first).days)))
            if correction is not None and part.start < part.stop:
                found = found.copy() if found is chance else found
                found[part] = correction.of(chance[part])
        return found

    def asked_above(self, first: date, days: int) -> Floats:
        """By day from `first` on, the chance above which questions are put; 0: all."""
        found = np.zeros(days)
        for since, chance in self.above:
            found[max(0, (since - first).days) :] = chance
        return found

    def then(self, day: date, learned: Learned) -> Outcomes:
        """And from `day` on this."""
        return replace(self, steps=(*self.steps, (day, learned)))


NO_OUTCOMES = Outcomes()


def learned_weekly(
    cases: Sequence[Inspected],
    first: date,
    last: date,
    marks: Mapping[str, Sequence[float]],
    fixed: Mapping[str, float],
) -> Outcomes:
    """From all closed cases: what was known in each week of `first`..`last`. `marks`: family → chances from which on
    yellow, orange, red."""
    found = Outcomes((), fixed)
    if not cases:
        return found
    monday = next_monday(max(min(case.closed_on for case in cases), first - timedelta(days=7)))
    while monday <= last:
        found = found.then(monday, learn(cases, monday, marks))
        monday += timedelta(days=7)
    return found


def next_monday(day: date) -> date:
    """The first Monday after a day."""
    return day + timedelta(days=7 - day.weekday())


def learn(cases: Sequence[Inspected], day: date, marks: Mapping[str, Sequence[float]]) -> Learned:
    """From the cases closed before `day`."""
    known = [case for case in cases if day - timedelta(days=CORRECT_DAYS) <= case.closed_on < day]
    by_family: dict[str, list[Inspected]] = defaultdict(list)
    for case in known:
        if any(stated.chance is not None for stated in case.stated):
            by_family[case.family].append(case)
    corrections = {family: _correction(of) for family, of in by_family.items()}
    recent = [case for case in known if case.closed_on >= day - timedelta(days=TRACK_DAYS)]
    tracks = _tracks(recent, corrections, marks)
    held_back = frozenset(
        (rule, stage)
        for (rule, stage), track in tracks.items()
        if track.inspected >= FEWEST and track.precision(ASKED[stage]) < FLOOR[stage]
    )
    return Learned(corrections, tracks, held_back)


def _tracks(
    cases: Sequence[Inspected], corrections: Mapping[str, Correction], marks: Mapping[str, Sequence[float]]
) -> dict[tuple[str, Stage], Track]:
    """Each case counts once a rule and stage, and for the stage that its chance, corrected, would earn now: what the
    correction already mended is not held against the rule. A good cause is no fault of a question (yellow)."""
    counts: dict[tuple[str, Stage], list[int]] = defaultdict(lambda: [0, 0])
    for case in cases:
        cells = {(s.rule, _would_earn(s, case.family, corrections, marks)) for s in case.stated if s.stage in ASKED}
        for rule, stage in cells:
            if stage in ASKED and (stage is not Stage.YELLOW or case.result != "good_cause"):
                counts[rule, stage][0] += case.result == "confirmed"
                counts[rule, stage][1] += 1
    return {cell: Track(*count) for cell, count in sorted(counts.items())}


def _would_earn(
    stated: Stated, family: str, corrections: Mapping[str, Correction], marks: Mapping[str, Sequence[float]]
) -> Stage:
    """NOTE: by its chance, corrected, there would be no lead. What was asked at a lower chance is asked for another reason."""
    if stated.chance is None or family not in corrections or stated.chance < (mark := marks[family])[0]:
        return stated.stage
    now = float(corrections[family].of(np.array([stated.chance]))[0])
    return STAGES[min(sum(now >= least for least in mark), STAGES.index(stated.stage))]


def _correction(cases: Sequence[Inspected]) -> Correction:
    """The likeliest slope and shift. A case weighs one, however many stages its lead entered."""
    rows = [
        (stated.chance, case.result == "confirmed", 1 / sum(s.chance is not None for s in case.stated))
        for case in cases
        for stated in case.stated
        if stated.chance is not None
    ]
    table = np.array(rows, np.float64)
    odds, right, weight = _log_odds(table[:, 0]), table[:, 1], table[:, 2]
    signs = np.stack([odds, np.ones_like(odds)])
    before, spread = np.array([1.0, 0.0]), np.array([SLOPE_SPREAD, SHIFT_SPREAD])
    at = before
    for _ in range(25):  # Newton's steps; the prior as the parabola that touches it there
        trust = (TAIL + 1) / (TAIL * spread**2 + (at - before) ** 2)
        said = 1 / (1 + np.exp(-(at @ signs)))
        slope = signs @ (weight * (said - right)) + trust * (at - before)
        bend = (signs * (weight * said * (1 - said))) @ signs.T + np.diag(trust)
        at = at - np.clip(np.linalg.solve(bend, slope), -1, 1)
    return Correction(float(np.clip(at[0], *SLOPES)), float(np.clip(at[1], *SHIFTS)), len(cases))


def _log_odds(chance: Floats) -> Floats:
    inside = np.clip(chance, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)

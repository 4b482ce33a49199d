"""(P) What the days of a dwelling suggest under a policy pack. The nightly job and a backtest call the same functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from hub.occupancy.asking import NONE_ASKED, WINDOW_DAYS, waits
from hub.occupancy.course import Now, course_of_others, course_of_vacancy
from hub.occupancy.finding import DIGITS, Finding, Stage
from hub.occupancy.likely import Likely, Model, likely
from hub.occupancy.outcomes import NO_OUTCOMES, OTHERS, VACANCY, Learned, Outcomes
from hub.occupancy.outside_told import with_signs
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.runs import festival_days
from hub.occupancy.sublet import find_sublet
from hub.occupancy.told import others_finding, vacancy_finding
from hub.occupancy.unlet import find_vacant_use
from hub.occupancy.vacancy import find_vacancy
from hub.occupancy.values import DwellingRecord, Household


def detect(
    record: DwellingRecord,
    pack: PolicyPack,
    calendar: Calendar,
    model: Model | None = None,
    outcomes: Outcomes = NO_OUTCOMES,
) -> tuple[Finding, ...]:
    """All findings on the record's last day, at most one a kind.

    Pure and repeatable: the same record gives the same findings and hashes. Nothing found is the usual answer. `model`: what
    measured packs take the chances from; without it the plain rules speak. `outcomes`: what inspections have taught by when.
    """
    since = record.household.first if record.household else date.min
    return tuple(with_signs(found, record.outside, since) for found in _found(record, pack, calendar, model, outcomes))


def _found(
    record: DwellingRecord, pack: PolicyPack, calendar: Calendar, model: Model | None, outcomes: Outcomes
) -> Iterator[Finding]:
    festival = festival_days(calendar, pack.pauses)
    if pack.measured and model is not None and record.household is not None:
        recognised, healthy = (record.by_day.recognised, record.by_day.healthy) if record.by_day else (None, None)
        courses = Courses(record, record.household, pack, calendar, model, recognised, healthy, outcomes)
        yield from courses.findings(len(record.days) - 1)
        return
    found = (
        find_vacancy(record, pack, festival),
        find_sublet(record, pack),
        find_vacant_use(record, pack),
    )
    yield from (_heeding(finding, outcomes) for finding in found if finding is not None)


def _heeding(found: Finding, outcomes: Outcomes) -> Finding:
    """With the chance its rule has by what was confirmed so far, and held back where that is mostly not."""
    learned, before = outcomes.on(found.window_to), outcomes.fixed.get(f"{found.rule} {found.stage.value}")
    chance = None if before is None else round(learned.stated(found.rule, found.stage, before), DIGITS)
    return _held_back(replace(found, chance=chance), learned)


def _held_back(found: Finding, learned: Learned) -> Finding:
    lowered = learned.lowered(found.rule, found.stage)
    if lowered is found.stage:
        return found
    why = learned.why(found.rule, found.stage)
    return replace(found, stage=lowered, earned=found.stage, against=(why, *found.against))


class Courses:
    """The leads of every day of a record under a measured pack, judged at once. Day i is judged from days up to i.

    `recognised`, `healthy`: by day of the record; None: as on its last day.
    """

    def __init__(
        self,
        record: DwellingRecord,
        household: Household,
        pack: PolicyPack,
        calendar: Calendar,
        model: Model,
        recognised: Sequence[float | None] | None = None,
        healthy: Sequence[bool] | None = None,
        outcomes: Outcomes = NO_OUTCOMES,
    ) -> None:
        self._record, self._household, self._pack, self._model = record, household, pack, model
        self._outcomes = outcomes
        self._of: Likely | None = None
        self._fitted: Likely | None = None
        self._others: list[Now | None] = []
        self._vacancy: list[Now | None] = []
        self._above = np.zeros(0)
        self._waits = (np.zeros(0, np.bool_), np.zeros(0, np.bool_))
        if record.under_repair or not record.days:
            return
        of = self._fitted = likely(record, household, pack, festival_days(calendar, pack.pauses), model, recognised)
        if of is None:
            return
        of = self._of = _corrected(of, outcomes)
        well = [record.identification_ok] * len(record.days) if healthy is None else healthy
        ok = np.array(well[of.offset : of.offset + len(of.days)], np.bool_)
        self._others = course_of_others(of, model.others_tiers, ok)
        self._vacancy = course_of_vacancy(of, model.vacancy_tiers, pack.vacancy)
        self._above = outcomes.asked_above(_first(of), len(of.days))
        self._waits = (
            waits(self._others, np.round(of.others, DIGITS), self._above),
            waits(self._vacancy, np.round(of.vacancy, DIGITS), self._above),
        )

    def standing(self, day: int) -> tuple[Now | None, Now | None]:
        """(that others live there, that nobody does) on day `day` of the record."""
        at = day - self._of.offset if self._of else -1
        if self._of is None or at < 0:
            return None, None
        learned = self._outcomes.on(self._of.days[at].day)
        others, vacancy = (
            replace(now, stage=Stage.NOTE) if now is not None and waiting[at] else _lowered(now, learned)
            for now, waiting in zip((self._others[at], self._vacancy[at]), self._waits, strict=True)
        )
        return others, vacancy

    def open(self, day: int) -> Iterator[tuple[str, float, bool]]:
        """(family, chance, whether the law asks) of what stands on day `day` of the record, put or waiting."""
        at = day - self._of.offset if self._of else -1
        if self._of is None or at < 0:
            return
        if (now := self._others[at]) is not None:
            yield OTHERS, round(float(self._of.others[at]), DIGITS), False
        if (now := self._vacancy[at]) is not None:
            yield VACANCY, round(float(self._of.vacancy[at]), DIGITS), now.due

    def findings(self, day: int) -> Iterator[Finding]:
        """The leads of a day in full."""
        of, fitted = self._of, self._fitted
        if of is None or fitted is None:
            return
        at = day - of.offset
        others, vacancy = (self._others[at], self._vacancy[at]) if at >= 0 else (None, None)
        learned = self._outcomes.on(of.days[at].day)
        if others is not None:
            found = others_finding(self._record, self._household, of, at, others, self._pack, self._model)
            found = replace(found, fitted=round(float(fitted.others[at]), DIGITS))
            yield self._waiting(found, at) if self._waits[0][at] else _held_back(found, learned)
        if vacancy is not None:
            found = vacancy_finding(self._record, self._household, of, at, vacancy, self._pack, self._model)
            found = replace(found, fitted=round(float(fitted.vacancy[at]), DIGITS), due=vacancy.due)
            yield self._waiting(found, at) if self._waits[1][at] else _held_back(found, learned)

    def _waiting(self, found: Finding, at: int) -> Finding:
        """A question that is not put, and why."""
        why = (
            f"近{WINDOW_DAYS}日新线索较多，询问从可能性高的开始：本周询问可能性高于{self._above[at]:.1%}的，"
            f"此条为{found.chance or 0.0:.1%}，暂只作记录。"
            if self._above[at] < NONE_ASKED
            else "正在分析新到的历史记录，分析完再按可能性高低决定询问哪些，此条暂只作记录。"
        )
        return replace(found, stage=Stage.NOTE, earned=found.stage, against=(why, *found.against), waits=True)


def _corrected(of: Likely, outcomes: Outcomes) -> Likely:
    """With the chances that inspections have taught to state by each day."""
    others = outcomes.corrected(OTHERS, of.others, _first(of))
    return replace(of, others=others, vacancy=outcomes.corrected(VACANCY, of.vacancy, _first(of)))


def _first(of: Likely) -> date:
    return of.days[-1].day - timedelta(days=len(of.days) - 1)


def _lowered(now: Now | None, learned: Learned) -> Now | None:
    return None if now is None else replace(now, stage=learned.lowered(now.rule, now.stage))

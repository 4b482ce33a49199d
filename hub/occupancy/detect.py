"""(P) What the days of a dwelling suggest under a policy pack. The nightly job and a backtest call the same functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hub.occupancy.course import Now, course_of_others, course_of_vacancy
from hub.occupancy.finding import Finding
from hub.occupancy.likely import Likely, Model, likely
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.runs import festival_days
from hub.occupancy.sublet import find_sublet
from hub.occupancy.told import others_finding, vacancy_finding
from hub.occupancy.unlet import find_vacant_use
from hub.occupancy.vacancy import find_vacancy
from hub.occupancy.values import DwellingRecord, Household


def detect(
    record: DwellingRecord, pack: PolicyPack, calendar: Calendar, model: Model | None = None
) -> tuple[Finding, ...]:
    """All findings on the record's last day, at most one a kind.

    Pure and repeatable: the same record gives the same findings and hashes. Nothing found is the usual answer. `model`: what
    measured packs take the chances from; without it the plain rules speak.
    """
    festival = festival_days(calendar, pack.pauses)
    if pack.measured and model is not None and record.household is not None:
        return tuple(Courses(record, record.household, pack, calendar, model).findings(len(record.days) - 1))
    found = (
        find_vacancy(record, pack, festival),
        find_sublet(record, pack),
        find_vacant_use(record, pack),
    )
    return tuple(finding for finding in found if finding is not None)


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
    ) -> None:
        self._record, self._household, self._pack, self._model = record, household, pack, model
        self._of: Likely | None = None
        self._others: list[Now | None] = []
        self._vacancy: list[Now | None] = []
        if record.under_repair or not record.days:
            return
        of = self._of = likely(record, household, pack, festival_days(calendar, pack.pauses), model, recognised)
        if of is None:
            return
        well = [record.identification_ok] * len(record.days) if healthy is None else healthy
        ok = np.array(well[of.offset : of.offset + len(of.days)], np.bool_)
        self._others = course_of_others(of, model.others_tiers, ok)
        self._vacancy = course_of_vacancy(of, model.vacancy_tiers, pack.vacancy)

    def standing(self, day: int) -> tuple[Now | None, Now | None]:
        """(that others live there, that nobody does) on day `day` of the record."""
        at = day - self._of.offset if self._of else -1
        return (self._others[at], self._vacancy[at]) if self._of and at >= 0 else (None, None)

    def findings(self, day: int) -> Iterator[Finding]:
        """The leads of a day in full."""
        others, vacancy = self.standing(day)
        of = self._of
        if of is None:
            return
        at = day - of.offset
        if others is not None:
            yield others_finding(self._record, self._household, of, at, others, self._pack, self._model)
        if vacancy is not None:
            yield vacancy_finding(self._record, self._household, of, at, vacancy, self._pack, self._model)

"""(P) What the days of a dwelling suggest under a policy pack. The nightly job and a backtest call this one function."""

from __future__ import annotations

from hub.occupancy.finding import Finding
from hub.occupancy.others import find_others
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.runs import festival_days
from hub.occupancy.sublet import find_sublet
from hub.occupancy.unlet import find_vacant_use
from hub.occupancy.vacancy import find_vacancy
from hub.occupancy.values import DwellingRecord


def detect(record: DwellingRecord, pack: PolicyPack, calendar: Calendar) -> tuple[Finding, ...]:
    """All findings on the record's last day, at most one a kind.

    Pure and repeatable: the same record gives the same findings and hashes. Nothing found is the usual answer.
    """
    festival = festival_days(calendar, pack.pauses)
    others = find_others(record, pack) if pack.measured else find_sublet(record, pack)
    found = (find_vacancy(record, pack, festival), others, find_vacant_use(record, pack))
    return tuple(finding for finding in found if finding is not None)

"""(P) A finding: what the record suggests, why, what speaks against it, and what would refute it. Never a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from hub.occupancy.pack import PolicyPack
from hub.occupancy.values import DayState, DwellingRecord, Household, PresenceDay

RULES_VERSION = "2026.18"


class Stage(StrEnum):
    """How far a finding goes. Only yellow and above become a case; red is a file for people to decide on."""

    NOTE = "note"
    INSUFFICIENT_DATA = "insufficient_data"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"


class Kind(StrEnum):
    VACANCY = "vacancy"
    NOT_MOVED_IN = "not_moved_in"
    SUBLET = "sublet"
    VACANT_USED = "vacant_used"


DIGITS = 4
"""Of a stated chance."""

DOORS, METERS, CREDENTIALS, RECORDS, PEOPLE = "F1", "F2", "F3", "F4", "F5"
"""Families of signals (catalogue 4.0). F6, device health, is a gate and never evidence."""

RULE_TITLES = {
    "V1": "连续30日无通行记录（关怀询问）",
    "V2": "疑似空置：连续60日无通行",
    "V3": "疑似空置：连续90日无通行且用水用电近零",
    "V4": "疑似闲置：距法定期限约30日",
    "V5": "疑似闲置：已达法定期限",
    "V6": "疑似未入住：交付后长期无人居住",
    "S1": "疑似转租转借：登记人员未见而房屋在用",
    "S2": "疑似转租转借：原登记人员未见，仅新登记人员居住",
    "S4": "疑似部分出租或出借：登记人员仍在，另有他人长期居住",
    "P1": "疑似长期以访客凭证留宿他人",
    "U1": "空置房疑似被使用",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """`kind`: days, day, meter, device, credential, contact, absence, tenancy. `ref`: the id it can be looked up by."""

    kind: str
    ref: str
    text_zh: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding on one dwelling. `coverage` 0..1 is the lowest share of the window any device on the way home observed.
    `chance` 0..1: as stated; None for rules that state none. `fitted`: as the fitted model had it before inspections corrected
    it. `earned`: the stage without its rule being held back, or without waiting; None: the same. `waits`: a question that is not
    put for now (`asking`). `due`: the law asks, at any chance."""

    dwelling_id: str
    kind: Kind
    rule: str
    policy_version: str
    stage: Stage
    families: tuple[str, ...]
    window_from: date
    window_to: date
    coverage: float
    because: tuple[str, ...]
    against: tuple[str, ...]
    refuted_by: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    observed: str
    threshold: str
    inputs_hash: str
    rule_version: str = RULES_VERSION
    chance: float | None = None
    fitted: float | None = None
    earned: Stage | None = None
    waits: bool = False
    due: bool = False

    @property
    def put(self) -> Finding:
        """As it is where it was asked already: what was asked once does not wait, whatever was learned of its past since."""
        return (
            replace(self, stage=self.earned or self.stage, against=self.against[1:], waits=False)
            if self.waits
            else self
        )


def policy_version(pack: PolicyPack) -> str:
    """`{name} {version}`."""
    return f"{pack.name} {pack.version}"


def window_coverage(days: Iterable[PresenceDay], points: frozenset[str]) -> tuple[float, str | None]:
    """(lowest share of the window that any device observed, that device). Without devices: 0. A day on which the
    devices were well and nobody might look at the household (consent b was taken back) was observed by none."""
    missed: dict[str, float] = dict.fromkeys(sorted(points), 0.0)
    count = unlooked = 0
    for day in days:
        count += 1
        unlooked += day.state is DayState.UNKNOWN and not day.gaps
        for device, share in day.gaps.items():
            missed[device] = missed.get(device, 0.0) + share
    if not count or not missed:
        return 0.0, None
    worst = max(missed, key=lambda device: missed[device])
    return round(max(0.0, 1 - (missed[worst] + unlooked) / count), 4), worst if missed[worst] else None


def inputs_hash(pack: PolicyPack, record: DwellingRecord, days: Iterable[PresenceDay]) -> str:
    """SHA-256 over everything a finding was drawn from: the same inputs give the same hash. Empty for a
    record that is not traced: a back-test of millions of days needs none."""
    if not record.traced:
        return ""
    digest = hashlib.sha256(pack.model_dump_json().encode())
    digest.update(f"{RULES_VERSION}|{record.dwelling_id}|{sorted(record.points)}|{record.vacant_since}".encode())
    digest.update(_household_text(record.household).encode())
    for day in days:
        line = (
            f"{day.day}|{day.state}|{day.coverage}|{day.identified}|{day.passes}|{day.others}|{day.water}|"
            f"{day.electricity}|{sorted(day.gaps.items())}|{day.identified_by}|{day.cards_of}|{day.late_others}|{day.visit}\n"
        )
        digest.update(line.encode())
    return digest.hexdigest()


def _household_text(household: Household | None) -> str:
    if household is None:
        return "|vacant"
    members = sorted((m.id, m.adult, m.consent_b, sorted(m.credentials)) for m in household.members)
    return (
        f"|{household.tenancy_id}|{household.first}|{household.handover}|{household.expected}|{household.left}|{members}|"
        + repr((household.absences, household.contacts, household.cleared))
    )

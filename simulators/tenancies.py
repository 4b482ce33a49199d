"""(P) The population as the lease system's tenancy records and declared absences (plain JSON values)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from simulators.people import Household, Person, Register, Routine
from simulators.residents import Population

TERM_YEARS = 3
NOTICE_VERSION = "v1"


def tenancy_records(population: Population, photos: Mapping[str, str]) -> list[dict[str, Any]]:
    """All TenancyRecords, in order of their last change. `photos`: person id -> sha256 of the picture held.

    Besides the live tenancies: ended ones of dwellings let anew in the history, and one dwelling that is allocated
    but whose keys nobody has collected. A photo is handed on only where the person consented to open doors by face.
    """
    rng = np.random.default_rng([population.seed, 7])
    register = Register(rng, next_person=900_001)
    records = []
    for household in population.households:
        if household.let_from > population.start:
            records.append(_former(population, household, register))
        records.append(_live(population, household, photos))
    if population.not_let:
        records.append(_allocated(population, population.not_let[0], register))
    for number, record in enumerate(sorted(records, key=lambda r: (r["updated_at"], r["dwelling_code"])), start=1):
        record["id"] = f"T-{number:06d}"
    return sorted(records, key=lambda r: str(r["id"]))


def declared_absences(population: Population) -> list[dict[str, Any]]:
    """The absences which households declared on or before the last day of the history."""
    found = [
        (spell.declared_on, household.dwelling, spell)
        for household in population.households
        for spell in household.away
        if spell.declared_on is not None and spell.declared_on <= population.end
    ]
    return [
        {
            "id": f"A-{number:06d}",
            "dwelling_code": dwelling,
            "from": spell.first.isoformat(),
            "to": spell.last.isoformat(),
            "reason": spell.reason,
            "declared_on": declared.isoformat(),
        }
        for number, (declared, dwelling, spell) in enumerate(sorted(found, key=lambda f: (f[0], f[1])), start=1)
    ]


def truth(population: Population) -> dict[str, Any]:
    """The true label of every dwelling: for tests and scoring alone, never for the hub."""
    dwellings: list[dict[str, Any]] = [
        {"dwelling_code": code, "group": "not_let", "kind": "not_let", "from": None, "to": None}
        for code in population.not_let
    ]
    for household in population.households:
        violation = household.violation
        dwellings.append(
            {
                "dwelling_code": household.dwelling,
                "group": household.kind.value,
                "kind": violation.kind if violation else "innocent",
                "from": violation.first.isoformat() if violation else None,
                "to": violation.last.isoformat() if violation and violation.last else None,
                "metered": household.metered,
                "absences": [
                    {
                        "from": s.first.isoformat(),
                        "to": s.last.isoformat(),
                        "reason": s.reason,
                        "declared_on": s.declared_on.isoformat() if s.declared_on else None,
                    }
                    for s in household.away
                    if s.first <= population.end
                ],
            }
        )
    return {
        "seed": population.seed,
        "from": population.start.isoformat(),
        "to": population.end.isoformat(),
        "dwellings": sorted(dwellings, key=lambda d: str(d["dwelling_code"])),
    }


def member_record(person: Person, since: date, sha256: str | None) -> dict[str, Any]:
    """One member of a TenancyRecord; the photo's URL is filled in by the server that answers."""
    a, b, c = person.consents
    given = {"at": f"{since.isoformat()}T10:00:00+08:00", "notice": NOTICE_VERSION}
    return {
        "person_id": person.person_id,
        "name": person.name,
        "id_number": person.id_number,
        "relation": person.relation,
        "from": since.isoformat(),
        "to": None,
        "birth_date": person.birth.isoformat(),
        "cards": list(person.cards),
        "face_photo": {"sha256": sha256} if sha256 and a else None,
        "consents": {"a": given if a else None, "b": given if b else None, "c": given if c else None},
    }


def _base(dwelling: str, state: str, first: date, handover: date | None, updated: date) -> dict[str, Any]:
    last = first.replace(year=first.year + TERM_YEARS, day=min(first.day, 28)) - timedelta(days=1)
    return {
        "id": "",
        "version": 1,
        "state": state,
        "dwelling_code": dwelling,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "handover_at": handover.isoformat() if handover else None,
        "expected_members": None,
        "end_decision": None,
        "members": [],
        "updated_at": f"{updated.isoformat()}T17:30:00+08:00",
    }


def _live(population: Population, household: Household, photos: Mapping[str, str]) -> dict[str, Any]:
    first = household.let_from
    record = _base(household.dwelling, "active", first, first + timedelta(days=1), min(first, population.end))
    record["members"] = [member_record(p, first, photos.get(p.person_id)) for p in household.members]
    record["expected_members"] = len(household.members)
    return record


def _former(population: Population, household: Household, register: Register) -> dict[str, Any]:
    """The tenancy that ended, by a signed surrender, before this household moved in."""
    ended = household.let_from - timedelta(days=24)
    record = _base(household.dwelling, "ended", ended - timedelta(days=900), ended - timedelta(days=899), ended)
    record["version"] = 2
    record["members"] = [member_record(_stranger(register, ended), ended - timedelta(days=900), None)]
    record["end_decision"] = {
        "number": f"青房退〔{ended.year}〕{100 + int(household.dwelling[-4:])}号",
        "date": (ended - timedelta(days=10)).isoformat(),
        "move_out_completed_on": ended.isoformat(),
        "kind": "surrender",
        "signed_by": "虚构市住房保障中心",
    }
    return record


def _allocated(population: Population, dwelling: str, register: Register) -> dict[str, Any]:
    """Allotted 70 days ago; the keys were never collected."""
    first = population.end - timedelta(days=70)
    record = _base(dwelling, "allocated", first, None, first)
    record["members"] = [member_record(_stranger(register, first), first, None)]
    return record


def _stranger(register: Register, day: date) -> Person:
    male = bool(register.rng.random() < 0.5)
    birth = day - timedelta(days=int(register.rng.integers(9_000, 20_000)))
    return Person(
        person_id=register.person_id(),
        name=register.name(register.surname(), male),
        id_number=register.id_number(birth, male),
        birth=birth,
        relation="applicant",
        routine=Routine.WORKER,
        cards=(f"{20_000_000 + register.next_person:010d}",),
        face="none",
        consents=(False, False, False),
    )

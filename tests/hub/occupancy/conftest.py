"""A simulated estate's months, put straight into the daily tables (what ingest writes, without the wire)."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hub.services import Hub
from hub.tables import (
    Absence,
    AccessPoint,
    Block,
    Consent,
    Coverage,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Meter,
    MeterDay,
    PassDay,
    Person,
    Tenancy,
)
from simulators.history import write_history
from simulators.residents import Layout, Population, population
from simulators.site import ZONE, site_document
from simulators.tenancies import declared_absences, tenancy_records

SEEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Simulated:
    """`people` holds the true labels; only tests read them."""

    people: Population
    lines: int


@pytest.fixture(scope="session")
def simulate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Simulated]:
    """`simulate(hub, seed=1, end=…, days=200, layout=…)`: the estate and its history in the hub's daily tables."""

    def run(hub: Hub, *, end: date, seed: int = 1, days: int = 200, layout: Layout | None = None) -> Simulated:
        people = population(seed, end, days, layout)
        file = tmp_path_factory.mktemp("history") / "history.ndjson.gz"
        lines = write_history(file, people, datetime.combine(end, time(9), ZONE))
        with hub.db.unit_of_work("test", "simulated estate", audit=False) as uow:
            session = uow.session
            persons = _estate(session, people)
            with gzip.open(file, "rt", encoding="utf-8") as text:
                _history(session, people, text, persons)
        return Simulated(people, lines)

    return run


class _NoPlan(dict[str, Any]):
    """Device addresses do not matter here."""

    def __missing__(self, key: str) -> Any:
        return _NoPlan()


def _add(session: Session, table: type, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table), rows)


def _estate(session: Session, people: Population) -> dict[str, str]:
    """Places, devices, tenancies. Person id → dwelling id."""
    site = site_document(people, _NoPlan())
    code = site["estate"]["code"]

    def full(part: str) -> str:
        return f"{code}.{part}"

    session.add(Estate(id=code, code=code, name=site["estate"]["name"], policy={}))
    session.flush()
    session.add(Edge(id="edge-sim", estate_id=code, name="edge"))
    session.flush()
    block = {"estate_id": code}
    _add(session, Block, [{**block, "id": full(b["code"]), **b} for b in site["blocks"]])
    _add(
        session,
        Dwelling,
        [{**block, **d, "id": full(d["code"]), "block_id": full(d.pop("block"))} for d in site["dwellings"]],
    )
    kinds = [{k: d[k] for k in ("code", "name", "kind")} for d in site["devices"]]
    _add(session, Device, [{**block, **d, "id": full(d["code"]), "edge_id": "edge-sim"} for d in kinds])
    _add(session, Door, [_door(code, d) for d in site["doors"]])
    _add(session, AccessPoint, [_access_point(code, a) for a in site["access_points"]])
    _add(session, Meter, [_meter(code, m) for m in site["meters"]])
    return _tenancies(session, people, code)


def _door(code: str, d: dict[str, Any]) -> dict[str, Any]:
    of = f"{code}.{d['block']}" if d["block"] else None
    return {
        "id": f"{code}.{d['code']}", "estate_id": code, "block_id": of, "code": d["code"], "name": d["name"],
        "scope": d["scope"],
    }  # fmt: skip


def _access_point(code: str, a: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{code}.{a['code']}", "estate_id": code, "door_id": f"{code}.{a['door']}", "code": a["code"],
        "name": a["name"], "side": a["side"], "device_id": f"{code}.{a['device']}", "point": a["point"],
    }  # fmt: skip


def _meter(code: str, m: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{code}.{m['code']}", "estate_id": code, "dwelling_id": f"{code}.{m['dwelling']}",
        "device_id": f"{code}.{m['device']}", "point": m["point"], "quantity": m["quantity"],
    }  # fmt: skip


def _tenancies(session: Session, people: Population, code: str) -> dict[str, str]:
    persons: dict[str, str] = {}
    photos = {member.person_id: "0" * 64 for household in people.households for member in household.members}
    for record in tenancy_records(people, photos):
        _tenancy(session, code, record, persons)
    session.flush()
    _add(
        session,
        Absence,
        [
            {
                "id": a["id"], "dwelling_id": f"{code}.{a['dwelling_code']}", "from_date": date.fromisoformat(a["from"]),
                "to_date": date.fromisoformat(a["to"]), "reason": a["reason"],
                "declared_on": date.fromisoformat(a["declared_on"]),
            }
            for a in declared_absences(people)
        ],
    )  # fmt: skip
    return persons


def _tenancy(session: Session, code: str, record: dict[str, Any], persons: dict[str, str]) -> None:
    dwelling, ended = f"{code}.{record['dwelling_code']}", record["state"] == "ended"
    decision = record["end_decision"]
    session.add(
        Tenancy(
            id=record["id"],
            source="sim",
            source_id=record["id"],
            estate_id=code,
            dwelling_id=dwelling,
            state=record["state"],
            from_date=date.fromisoformat(record["from"]),
            handover_at=date.fromisoformat(record["handover_at"]) if record["handover_at"] else None,
            expected_members=record["expected_members"],
            end_decision=decision,
            ended_at=datetime.fromisoformat(decision["move_out_completed_on"] + "T08:00:00+00:00") if ended else None,
        )
    )
    session.flush()
    for ordinal, member in enumerate(record["members"], 1):
        _member(session, code, dwelling, record, member, ordinal)
        if not ended:
            persons[member["person_id"]] = dwelling


def _member(
    session: Session, code: str, dwelling: str, record: dict[str, Any], member: dict[str, Any], ordinal: int
) -> None:
    person = member["person_id"]
    session.add(
        Person(id=person, source="sim", source_id=person, name="x", birth_date=date.fromisoformat(member["birth_date"]))
    )
    session.flush()
    session.add(
        HouseholdMember(
            id=f"{record['id']}-{ordinal}",
            tenancy_id=record["id"],
            person_id=person,
            relation=member["relation"],
            ordinal=ordinal,
            from_date=date.fromisoformat(record["from"]),
        )
    )
    if member["cards"] or member["face_photo"]:
        session.add(
            CredentialRow(
                token=person, estate_id=code, holder_class="resident", person_id=person, tenancy_id=record["id"],
                dwelling_id=dwelling, label="x", created_at=SEEN_AT,
            )
        )  # fmt: skip
    for purpose, given in member["consents"].items():
        if given:
            session.add(Consent(id=f"{person}-{purpose}", person_id=person, purpose=purpose, granted_at=SEEN_AT))


def _history(session: Session, people: Population, text: Iterable[str], persons: dict[str, str]) -> None:
    code = people.layout.estate
    b = {m.person_id: m.consents[1] for household in people.households for m in household.members}
    meters = {(m["device"], m["point"]): m for m in site_document(people, _NoPlan())["meters"]}
    passes: dict[tuple[str, date, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    readings: dict[tuple[str, date], dict[str, Any]] = {}
    coverage: list[dict[str, Any]] = []
    open_at: dict[str, dict[str, Any]] = {}
    for raw in text:
        line = json.loads(raw)
        at = datetime.fromisoformat(line["at"])
        if line["t"] == "access" and line["granted"] and line["holder"] in persons:
            counts = passes[persons[line["holder"]], at.date(), line["holder"]]
            counts[2 if line["by"] != "face" else 1] += line["by"] != "face" or b[line["holder"]]
            counts[0] += line["by"] == "face"
        elif line["t"] == "meter":
            _reading(readings, code, meters[line["device"], line["point"]], at, line)
        elif line["t"] == "observation":
            device = f"{code}.{line['device']}"
            if device in open_at:
                open_at[device]["to_at"] = at
            open_at[device] = {
                "estate_id": code, "device_id": device, "state": line["state"], "reason": line["reason"],
                "from_at": at, "to_at": None,
            }  # fmt: skip
            coverage.append(open_at[device])
    _add(
        session,
        PassDay,
        [
            {
                "dwelling_id": dwelling, "day": day, "credential": holder, "holder_class": "resident",
                "face": face, "face_consented": consented, "other": other,
            }
            for (dwelling, day, holder), (face, consented, other) in passes.items()
        ],
    )  # fmt: skip
    _add(session, MeterDay, list(readings.values()))
    _add(session, Coverage, coverage)


def _reading(
    readings: dict[tuple[str, date], dict[str, Any]], code: str, m: dict[str, Any], at: datetime, line: dict[str, Any]
) -> None:
    key = (m["code"], at.date())
    fresh = {
        "meter_id": f"{code}.{m['code']}", "day": at.date(), "dwelling_id": f"{code}.{m['dwelling']}",
        "quantity": m["quantity"], "first_value": None, "first_at": None, "last_value": None, "last_at": None,
        "ok_count": 0, "bad_count": 0,
    }  # fmt: skip
    row = readings.setdefault(key, fresh)
    if not line["ok"]:
        row["bad_count"] += 1
        return
    row["ok_count"] += 1
    row["last_value"], row["last_at"] = line["value"], at
    if row["first_value"] is None:
        row["first_value"], row["first_at"] = line["value"], at


@pytest.fixture
def end() -> date:
    """The last day of the simulated history, far from Spring Festival."""
    return date(2026, 11, 20) + timedelta(days=0)

"""What a clerk (or a demo, or a test) does in the back office. All under /control, all with the API key.

GET  /control/state                         feed mode, counts, requests served
POST /control/feed         {"mode", "seconds"?}   see `back_office_feed`
POST /control/end-tenancy  {"id", "decision": {number, date, move_out_completed_on, kind, signed_by} | null}
POST /control/move-in      {"dwelling_code", "members"?: [{name?, relation?, face?: "good"|"blank"|"none"}]}
POST /control/edit-member  {"tenancy", "person_id", any of name, to, cards, consents, face_photo}
POST /control/put-tenancy  any whole record       stored as it is, with its next version
POST /control/absence      {"dwelling_code", "from", "to", "reason"}
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from aiohttp import web

from simulators.back_office_core import OFFICE, BadRequest, Office, json_object, problem
from simulators.back_office_feed import MODES
from simulators.back_office_store import Record
from simulators.people import Person, Register, Routine
from simulators.photos import photo, sha256_of
from simulators.site import ZONE
from simulators.tenancies import member_record

DECISION_FIELDS = ("number", "date", "move_out_completed_on", "kind", "signed_by")
DECISION_KINDS = ("surrender", "recovery", "death", "transfer")
ABSENCE_REASONS = ("hospital", "care", "work", "travel", "home_visit", "renovation", "other")
EDITABLE = ("name", "to", "cards", "consents", "face_photo", "relation")


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    return [
        web.get("/control/state", _state),
        web.post("/control/feed", _set_feed),
        web.post("/control/end-tenancy", _end_tenancy),
        web.post("/control/move-in", _move_in),
        web.post("/control/edit-member", _edit_member),
        web.post("/control/put-tenancy", _put_tenancy),
        web.post("/control/absence", _absence),
    ]


async def _state(request: web.Request) -> web.StreamResponse:
    office = request.app[OFFICE]
    return web.json_response(
        {
            "feed": office.feed,
            "tenancies": office.store.total("tenancy"),
            "absences": office.store.total("absence"),
            "inbox": len(office.store.inbox()),
            "hub_key": office.store.setting("hub_key") is not None,
            "served": office.served,
        }
    )


async def _set_feed(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    mode, seconds = str(body.get("mode", "")).replace("-", "_"), body.get("seconds", 30.0)
    if mode not in MODES:
        raise BadRequest(f"mode must be one of {', '.join(MODES)}")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 600:
        raise BadRequest("seconds must be 0 to 600")
    office.feed, office.slow_s = mode, float(seconds)
    return web.json_response({"feed": mode})


async def _end_tenancy(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    record = office.store.get("tenancy", str(body.get("id")))
    if record is None:
        return problem(404, f"no tenancy {body.get('id')}")
    decision = body.get("decision")
    if decision is not None:
        decision = _decision(decision)
    return web.json_response(office.store.save("tenancy", {**record, "state": "ended", "end_decision": decision}))


def _decision(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or set(given) != set(DECISION_FIELDS):
        raise BadRequest(f"decision must have exactly {', '.join(DECISION_FIELDS)}")
    if given["kind"] not in DECISION_KINDS:
        raise BadRequest(f"decision.kind must be one of {', '.join(DECISION_KINDS)}")
    for name in ("date", "move_out_completed_on"):
        _date(given[name], f"decision.{name}")
    return {name: str(given[name]) for name in DECISION_FIELDS}


def _date(text: Any, name: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise BadRequest(f"{name} must be a date YYYY-MM-DD") from error


async def _move_in(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    dwelling = body.get("dwelling_code")
    members = body.get("members", [{}])
    if not isinstance(dwelling, str) or not dwelling:
        raise BadRequest("dwelling_code is missing")
    if not isinstance(members, list) or not members or not all(isinstance(m, dict) for m in members):
        raise BadRequest("members must be a list of objects")
    number = office.store.next_id("tenancy")
    today = datetime.now(ZONE).date()
    register = Register(np.random.default_rng(zlib.crc32(number.encode())), next_person=800_000 + 10 * int(number[2:]))
    record: Record = {
        "id": number,
        "version": 0,
        "state": "active",
        "dwelling_code": dwelling,
        "from": today.isoformat(),
        "to": (today + timedelta(days=3 * 365)).isoformat(),
        "handover_at": today.isoformat(),
        "end_decision": None,
        "members": [_new_member(office, register, m, i, today) for i, m in enumerate(members)],
    }
    return web.json_response(office.store.save("tenancy", record))


def _new_member(office: Office, register: Register, wish: dict[str, Any], index: int, today: date) -> Record:
    face = wish.get("face", "good")
    if face not in ("good", "blank", "none"):
        raise BadRequest("face must be good, blank or none")
    person_id, male = register.person_id(), bool(register.rng.random() < 0.5)
    birth = today - timedelta(days=int(register.rng.integers(8_000, 22_000)))
    person = Person(
        person_id=person_id,
        name=str(wish.get("name") or register.name(register.surname(), male)),
        id_number=register.id_number(birth, male),
        birth=birth,
        relation=str(wish.get("relation") or ("applicant" if index == 0 else "other")),
        routine=Routine.WORKER,
        cards=(f"{30_000_000 + register.next_person:010d}",),
        face=face,
        consents=(face != "none", face != "none", False),
    )
    return member_record(person, today, _keep_photo(office, person_id, face))


def _keep_photo(office: Office, person_id: str, face: str) -> str | None:
    if face == "none":
        return None
    data = photo(person_id, zlib.crc32(person_id.encode()), face)
    (office.photos / f"{sha256_of(data)}.jpg").write_bytes(data)
    return sha256_of(data)


async def _edit_member(request: web.Request) -> web.StreamResponse:
    """`face_photo` may be null, "good" or "blank" (a new picture is made); other fields replace what stood there."""
    office, body = request.app[OFFICE], await json_object(request)
    record = office.store.get("tenancy", str(body.get("tenancy")))
    person_id = body.get("person_id")
    member = next((m for m in record["members"] if m["person_id"] == person_id), None) if record else None
    if record is None or member is None:
        return problem(404, f"no member {person_id} in tenancy {body.get('tenancy')}")
    changes = {k: v for k, v in body.items() if k not in ("tenancy", "person_id")}
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown or not changes:
        raise BadRequest(f"can change {', '.join(EDITABLE)}; not {', '.join(unknown) or 'nothing'}")
    for name, value in changes.items():
        check = _CHECKS.get(name)
        member[name] = check(office, str(person_id), value) if check else value
    return web.json_response(office.store.save("tenancy", record))


async def _put_tenancy(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    if not isinstance(body.get("id"), str) or not isinstance(body.get("members"), list):
        raise BadRequest("a tenancy record needs `id` and `members`")
    return web.json_response(office.store.save("tenancy", body))


def _cards(_office: Office, _person_id: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(c, str) and c.isdigit() for c in value):
        raise BadRequest("cards must be a list of digit strings")
    return value


def _face(office: Office, person_id: str, value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if value not in ("good", "blank"):
        raise BadRequest("face_photo must be null, good or blank")
    sha256 = _keep_photo(office, f"{person_id}-{datetime.now(ZONE):%H%M%S%f}", value)
    return {"sha256": str(sha256)}


def _consents(_office: Office, _person_id: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != {"a", "b", "c"}:
        raise BadRequest("consents must be {a, b, c}, each {at, notice} or null")
    return value


_CHECKS: dict[str, Callable[[Office, str, Any], Any]] = {"cards": _cards, "face_photo": _face, "consents": _consents}


async def _absence(request: web.Request) -> web.StreamResponse:
    office, body = request.app[OFFICE], await json_object(request)
    if body.get("reason") not in ABSENCE_REASONS:
        raise BadRequest(f"reason must be one of {', '.join(ABSENCE_REASONS)}")
    if _date(body.get("from"), "from") > _date(body.get("to"), "to"):
        raise BadRequest("from is after to")
    record = {
        "id": office.store.next_id("absence"),
        "dwelling_code": str(body.get("dwelling_code")),
        "from": body["from"],
        "to": body["to"],
        "reason": body["reason"],
        "declared_on": datetime.now(ZONE).date().isoformat(),
    }
    return web.json_response(office.store.save("absence", record))

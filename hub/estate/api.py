"""The estate's routes. Every one names its permission and checks the estate scope."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub import moved
from hub.access import faces
from hub.access.lawful import face_gate
from hub.access.refusals import refusal_zh
from hub.auth import Principal, hub_of, in_scope, require
from hub.db import HELD
from hub.english.own_words import both, in_english
from hub.errors import ApiError, BadRequest, NotFound
from hub.estate import commands, dwelling, dwelling_models, law, models, stranger_pictures, views
from hub.occupancy.analyse import last_whole_day
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.door_doubts import doubts_of
from hub.occupancy.policy import packs
from hub.occupancy.silent_doors import silences_of
from hub.occupancy.trials import newest_done
from hub.services import Hub
from hub.tables import (
    Block,
    CommandRow,
    Coverage,
    CredentialRow,
    Device,
    Dwelling,
    Estate,
    Meter,
    ReportedList,
)

router = APIRouter(prefix="/api/v1", tags=["estate"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]
Commander = Annotated[Principal, Depends(require("device.command"))]
Revealer = Annotated[Principal, Depends(require("person.reveal"))]
PolicyMaker = Annotated[Principal, Depends(require("policy.manage"))]
COVERAGE_DAYS = 30


@router.get("/estates", response_model=models.EstateList)
def list_estates(hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        dwellings = _count_by_estate(session, Dwelling)
        blocks = _count_by_estate(session, Block)
        rows = session.scalars(select(Estate).order_by(Estate.code))
        items = [
            {**views.estate_item(row), "dwellings": dwellings.get(row.id, 0), "blocks": blocks.get(row.id, 0)}
            for row in rows
            if principal.sees(row.id)
        ]
    return {"items": items}


def _count_by_estate(session: Session, table: type[Dwelling] | type[Block]) -> dict[str, int]:
    query = select(table.estate_id, func.count()).group_by(table.estate_id)
    return {estate: count for estate, count in session.execute(query)}  # noqa: C416  # rows are not pairs to mypy


def _estate(session: Session, principal: Principal, estate_id: str) -> Estate:
    in_scope(principal, estate_id)
    estate = session.get(Estate, estate_id)
    if estate is None:
        raise NotFound
    return estate


@router.get("/estates/{estate_id}/summary", response_model=models.Summary)
def estate_summary(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        estate = _estate(session, principal, estate_id)
        return views.summary(session, estate, hub.now(), principal.may("case.view"))


@router.get("/estates/{estate_id}/blocks", response_model=models.BlockTable)
def estate_blocks(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        _estate(session, principal, estate_id)
        return views.blocks(session, estate_id, principal.may("case.view"))


@router.get("/estates/{estate_id}/doors", response_model=models.DoorList)
def estate_doors(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        _estate(session, principal, estate_id)
        return {"items": views.door_items(session, estate_id, hub.now())}


@router.get("/estates/{estate_id}/law", response_model=models.EstateLaw)
def estate_law(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    """What the law says to the set-up as it runs: what must not be, and what somebody still has to settle."""
    with hub.db.reading() as session:
        estate = _estate(session, principal, estate_id)
        items = [asdict(point) for point in law.of_estate(session, estate)]
        gate = faces.gate_of(session, estate)
        return {"items": items, "faces": faces.enrolled(session), "new_faces": gate.open}


@router.get("/estates/{estate_id}/devices", response_model=models.DeviceList)
def estate_devices(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        _estate(session, principal, estate_id)
        return {"items": views.device_items(session, estate_id)}


def _device(session: Session, principal: Principal, device_id: str) -> Device:
    device = session.get(Device, device_id)
    in_scope(principal, device.estate_id if device else None)
    if device is None or device.removed_at is not None:
        raise NotFound
    return device


@router.get("/devices/{device_id}", response_model=models.DeviceDetail)
def device_detail(device_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        device = _device(session, principal, device_id)
        item = views.device_items(session, device.estate_id, device_id)[0]
        doors = views.door_items(session, device.estate_id, hub.now())
        since = hub.now() - timedelta(days=COVERAGE_DAYS)
        seen = select(Coverage).where(Coverage.device_id == device_id).order_by(Coverage.from_at)
        coverage = session.scalars(seen.where(Coverage.to_at.is_(None) | (Coverage.to_at > since)))
        spans = [
            *({name: getattr(row, name) for name in ("state", "reason", "from_at", "to_at")} for row in coverage),
            *doubts_of(session, device_id, since),
            *silences_of(session, device_id, since),
        ]
        meters = session.scalar(select(func.count()).select_from(Meter).where(Meter.device_id == device_id))
        return {
            **item,
            "access_points": [p for d in doors for p in d["access_points"] if p["device_id"] == device_id],
            "refusals": _refusals(session, device),
            "coverage": [{**span, **both("reason", span["reason"])} for span in spans],
            "unreadable_count": device.unreadable_count,
            "config": views.mask_secrets(device.config),
            "meters": meters or 0,
        }


def _refusals(session: Session, device: Device) -> list[dict[str, Any]]:
    """Whatever the box reports, only credentials of its estate are named."""
    reported = session.get(ReportedList, device.id)
    refused = {str(one["token"]): one for one in (reported.refused if reported else [])}
    query = (
        select(CredentialRow.token, CredentialRow.label, CredentialRow.dwelling_id, Dwelling.number)
        .outerjoin(Dwelling, Dwelling.id == CredentialRow.dwelling_id)
        .where(CredentialRow.token.in_(list(refused)), CredentialRow.estate_id == device.estate_id)
    )
    known = {row.token: row for row in session.execute(query)}
    items = []
    for token, one in refused.items():
        row, code, text = known.get(token), str(one.get("code", "")), str(one.get("text", ""))
        message = refusal_zh(code, text, partial=bool(one.get("partial")), outdated=bool(one.get("outdated")))
        items.append(
            {
                "token": token,
                "label": row.label if row else token,
                "dwelling_id": row.dwelling_id if row else None,
                "dwelling_number": row.number if row else None,
                "code": code,
                "message_zh": message,
                "message_en": in_english(message),
                "text": text,
                "text_en": in_english(text),
            }
        )
    return items


@router.post("/devices/{device_id}/commands", status_code=202, response_model=models.Created)
def command_device(device_id: str, body: models.CommandRequest, hub: TheHub, principal: Commander) -> Any:
    with hub.db.reading() as session:
        _device(session, principal, device_id)
    """At once, or not at all. Orders that stay (lock down, lock open, block) go by `command-orders`: looked at first."""
    wish = commands.Wish(device_id, body.kind, body.access_point_id, body.key)
    return {"id": commands.issue(hub, wish, principal.name, body.reason)}


@router.get("/commands/{command_id}", response_model=models.CommandItem)
def command_state(command_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        row = session.get(CommandRow, command_id)
        in_scope(principal, row.estate_id if row else None)
        if row is None:
            raise NotFound
        return commands.to_item(row)


@router.get("/estates/{estate_id}/policy", response_model=models.PolicyItem)
def estate_policy(estate_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        return _policy(_estate(session, principal, estate_id))


@router.patch("/estates/{estate_id}/policy", response_model=models.PolicyItem)
def change_policy(estate_id: str, body: models.PolicyChange, hub: TheHub, principal: PolicyMaker) -> Any:
    """Pictures are off until somebody answers for switching them on."""
    if len(body.reason.strip()) < 4:
        raise BadRequest("请写明变更依据（至少4个字），它会记入审计日志。")
    if body.policy_pack is not None and body.policy_pack not in packs():
        raise BadRequest("没有这个政策包，请从列表中选择。")
    with hub.db.reading() as session:
        _estate(session, principal, estate_id)
    with hub.db.unit_of_work(principal.id, body.reason.strip()[:500], estate_id=estate_id, now=hub.now()) as uow:
        estate = uow.session.get_one(Estate, estate_id, with_for_update=HELD)
        before = _policy(estate)
        said = body.model_dump(exclude={"policy_pack", "reason"}, exclude_none=True)
        estate.policy = {**estate.policy, **{k: v.strip() if isinstance(v, str) else v for k, v in said.items()}}
        if estate.policy.get("face_enrolment"):
            _assessed(estate)
        _lawful(estate.policy)
        if body.policy_pack is not None and body.policy_pack != estate.policy_pack:
            estate.policy_pack = body.policy_pack
            last = last_whole_day(uow.now, estate.time_zone)  # its rules are asked again, what was seen stays
            homes = uow.session.scalars(select(Dwelling.id).where(Dwelling.estate_id == estate_id))
            mark_dirty(uow.session, dict.fromkeys(homes, last))
            tried = newest_done(uow.session, estate_id, body.policy_pack)
            version = packs()[body.policy_pack].version
            uow.record("policy.pack", estate_id, pack=body.policy_pack, version=version, tried=tried)
        after = _policy(estate)
        uow.record("policy.changed", estate_id, before=before, after=after)
        moved.note(uow, estate_id, moved.EVERYTHING)  # a face that waited for the assessment or the filing
    hub.signal("edges.publish")
    hub.signal("occupancy.analyse")
    moved.tell(hub)
    return after


def _lawful(policy: dict[str, Any]) -> None:
    """Raises ApiError 422 with the clause, or with what must be switched on before."""
    if why := stranger_pictures.refusal(policy):
        raise ApiError(422, "law_stranger_pictures", why)
    if (policy.get("face_checks") or policy.get("face_requests")) and not policy.get("face_enrolment"):
        raise ApiError(422, "face_enrolment_off", "人脸核验以人脸登记为前提：先完成影响评估并启用人脸登记。")


def _assessed(estate: Estate) -> None:
    """Raises ApiError 422: face enrolment is not switched on before its impact is assessed."""
    for point in face_gate(estate.policy, 0).points:
        if point.refused:
            raise ApiError(422, point.code, point.text_zh)


def _policy(estate: Estate) -> dict[str, Any]:
    return {"policy": {"snapshots": False, **estate.policy}, "policy_pack": estate.policy_pack}


@router.get("/dwellings/{dwelling_id}", response_model=dwelling_models.DwellingDetail)
def dwelling_detail(dwelling_id: str, hub: TheHub, principal: Viewer) -> Any:
    with hub.db.reading() as session:
        row = _dwelling(session, principal, dwelling_id)
        return dwelling.detail(session, row, hub.now(), principal.may("case.view"), principal.may("access.desk"))


def _dwelling(session: Session, principal: Principal, dwelling_id: str) -> Dwelling:
    row = session.get(Dwelling, dwelling_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    return row


@router.post("/reveals", response_model=dwelling_models.RevealItem)
def reveal_household(body: dwelling_models.RevealRequest, hub: TheHub, principal: Revealer) -> Any:
    with hub.db.reading() as session:
        row = _dwelling(session, principal, body.dwelling_id)
    return dwelling.reveal(hub, principal, row, body.reason_code, body.reason)

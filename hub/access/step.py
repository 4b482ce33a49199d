"""How far devices are in step with their lists, removals nobody has confirmed, and members with no way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access.bundle import load_structure
from hub.access.holders import active_by_member, credentials_on_file, local_day, members_on_file
from hub.access.lawful import FACE
from hub.access.lifecycle import belongs, why_no_face
from hub.access.revocations import oldest_open
from hub.access.states import DeviceLists, device_lists
from hub.tables import Estate, SourceState

CARD_ZH = "。请本人到服务台领卡，当场生效；领卡前请值班人员核对身份后开门。"


@dataclass(frozen=True, slots=True)
class NoWayIn:
    """A member of a live tenancy with a right and no means: neither a card nor a usable face. `why` for the clerk."""

    token: str
    label: str
    dwelling_id: str
    why: str


def step_item(lists: DeviceLists) -> dict[str, Any]:
    """One device's line of `GET /estates/{e}/sync`, and the live topic `sync`."""
    reported = lists.reported
    return {
        "device_id": lists.device.id,
        "device_name": lists.device.name,
        "kind": lists.device.kind,
        "wanted": lists.desired.count,
        "confirmed": reported.confirmed if reported else 0,
        "assumed": reported.assumed if reported else 0,
        "pending": reported.pending if reported else 0,
        "refused": len(reported.refused) if reported else 0,
        "foreign": reported.foreign if reported else 0,
        "read_back_at": reported.read_back_at if reported else None,
        "drift": reported.drift if reported else 0,
        "drift_at": reported.drift_at if reported else None,
        "state": lists.state,
    }


def sync_summary(session: Session, estate_id: str) -> dict[str, Any]:
    """For the estate's summary: {devices_in_step, devices_total, oldest_unconfirmed_removal_at}."""
    lists = device_lists(session, {estate_id})
    return {
        "devices_in_step": sum(one.in_step for one in lists),
        "devices_total": len(lists),
        "oldest_unconfirmed_removal_at": oldest_open(session, estate_id),
    }


def no_way_in(session: Session, estate: Estate, at: datetime) -> list[NoWayIn]:
    """Members who need a card before every door on their way home knows them, each with what to do."""
    active = active_by_member(credentials_on_file(session, estate.id))
    today = local_day(estate, at)
    faceless = _doors_without_faces(session, estate)
    found = []
    for member in members_on_file(session, estate.id):
        credential = active.get((member.person_id, member.tenancy_id))
        if belongs(member.facts, today) and (credential is None or not credential.identifiers):
            why = f"没有可用的卡；刷脸：{why_no_face(member.facts, today) or '待下发'}"
            if credential and member.facts.cards:
                why = f"登记的卡号已属于他人或已挂失，请换卡；刷脸：{why_no_face(member.facts, today) or '待下发'}"
            found.append(
                NoWayIn(credential.token if credential else "", member.label, member.dwelling_id, why + CARD_ZH)
            )
            continue
        only_face = credential is not None and all(i.type == FACE for i in credential.identifiers)
        meets_none = not faceless.isdisjoint({("estate", ""), ("block", member.block_id)})
        if belongs(member.facts, today) and credential and only_face and meets_none:
            why = "只登记了人脸，回家路上有门不能刷脸" + CARD_ZH
            found.append(NoWayIn(credential.token, member.label, member.dwelling_id, why))
    return found


def _doors_without_faces(session: Session, estate: Estate) -> set[tuple[str, str]]:
    """(scope, block) of gates and entrances at which no device recognises a face."""
    structure = load_structure(session, estate)
    reading = {t.device for t in structure.targets if FACE in t.capabilities.accepted}
    kind = {p.access_point: (p.scope, (p.block or "") if p.scope == "block" else "") for p in structure.points}
    with_faces = {kind[p.access_point] for p in structure.points if p.device in reading}
    return {place for place in kind.values() if place[0] in ("estate", "block")} - with_faces


def held_for(session: Session, estate_id: str) -> dict[str, Any] | None:
    """The change set a source's brake holds for households of this estate, or None."""
    for state in session.scalars(select(SourceState).order_by(SourceState.source)):
        if state.held:
            households = [h for h in state.held.get("households", ()) if h.get("estate_id") == estate_id]
            if households:
                return {**state.held, "households": households, "removals": len(households)}
    return None

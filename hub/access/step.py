"""How far devices are in step with their lists, removals nobody has confirmed, and members with no way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.access.bundle import load_structure
from hub.access.holders import active_by_member, credentials_on_file, local_day, members_on_file
from hub.access.lawful import FACE
from hub.access.lifecycle import MemberFacts, belongs, why_no_face
from hub.access.revocations import oldest_open
from hub.access.states import DeviceLists, device_lists
from hub.tables import Consent, CredentialRow, Estate, PassLink, SourceState
from hub.tenancy.ledger import group_of
from hub.tenancy.onfile import parts

CARD_ZH = "。请本人到服务台领卡，当场生效；领卡前请值班人员核对身份后开门。"


@dataclass(frozen=True, slots=True)
class NoWayIn:
    """A member of a live tenancy with a right and no means, or with none but the face, which must never be the only one.

    `why` for the clerk. `face_only`: the face opens, at least somewhere. `since`: when the consent to the face was taken back, at
    this desk or another, and nothing else was there.
    """

    token: str
    label: str
    dwelling_id: str
    why: str
    face_only: bool = False
    since: datetime | None = None


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
    """Members who need a card before every door on their way home knows them, and those whom only the face lets in, each with
    what to do. A card opens all homes of its holder in the estate, whichever of his credentials it stands on.

    Those first who lost the only way they had, wherever they said so, the latest of them first.
    """
    active = active_by_member(credentials_on_file(session, estate.id))
    today = local_day(estate, at)
    faceless = _doors_without_faces(session, estate)
    phones = _with_link(session, estate)
    means = {c.person_id for c in active.values() if any(i.type != FACE for i in c.identifiers)}
    here = [m for m in members_on_file(session, estate.id, at=at) if belongs(m.facts, today)]
    groups = group_of(session, {m.person_id for m in here if m.person_id not in means})
    members = [m for m in here if means.isdisjoint(groups.get(m.person_id, (m.person_id,)))]
    taken_back = _taken_back(session, {m.person_id for m in members if not m.facts.face_consent})
    found = []
    for member in members:
        credential = active.get((member.person_id, member.tenancy_id))
        phone = not phones.isdisjoint(groups[member.person_id])
        since = None
        # until the next lists are made the face of who took it back still stands there
        face_only = bool(credential and credential.identifiers) and member.facts.face_consent
        if face_only:
            why = _by_face(phone, not faceless.isdisjoint({("estate", ""), ("block", member.block_id)}))
        else:
            since = taken_back.get(member.person_id) if credential and not phone else None
            why = _by_nothing(member.facts, since, today, made=credential is not None)
        if why:
            token = credential.token if credential else ""
            found.append(NoWayIn(token, member.label, member.dwelling_id, why + CARD_ZH, face_only, since))
    return sorted(found, key=lambda one: one.since.timestamp() if one.since else 0.0, reverse=True)


def _with_link(session: Session, estate: Estate) -> set[str]:
    """Persons whose phone shows the code of one of their credentials in this estate."""
    mine = (CredentialRow.estate_id == estate.id, CredentialRow.state == "active", CredentialRow.person_id.is_not(None))
    query = select(CredentialRow.person_id).join(PassLink, PassLink.token == CredentialRow.token).where(*mine)
    return {person for person in session.scalars(query) if person}


def _by_face(phone: bool, meets_none: bool) -> str:
    """Of who has only the face. `phone`: he has a link too; `meets_none`: a door on the way home reads no face."""
    if meets_none:
        return "只登记了人脸，回家路上有门不能刷脸"
    return "" if phone else "只有刷脸一种开门方式（刷脸不得作为唯一方式）"


def _by_nothing(facts: MemberFacts, since: datetime | None, today: date, *, made: bool) -> str:
    face = why_no_face(facts, today) or "待下发"
    if made and facts.cards:
        return f"登记的卡号已属于他人或已挂失，请换卡；刷脸：{face}"
    return "本人撤回了刷脸同意，现在没有其他开门方式" if since else f"没有可用的卡；刷脸：{face}"


def _taken_back(session: Session, persons: set[str]) -> dict[str, datetime]:
    """Person → when the consent to the face was last taken back."""
    found: dict[str, datetime] = {}
    for part in parts(sorted(persons)):
        given = select(Consent.person_id, func.max(Consent.withdrawn_at)).where(Consent.person_id.in_(part))
        rows = session.execute(given.where(Consent.purpose == "a").group_by(Consent.person_id))
        found |= {person: at for person, at in rows if at is not None}
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

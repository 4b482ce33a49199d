"""`estate-hub explain`: whatever somebody names, explained as text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.access.explain import DoorAccess, explain_door, explain_dwelling, explain_tokens
from hub.access.explain_person import PersonAccess, explain_person, find_persons
from hub.access.explain_words import as_text
from hub.tables import AccessPass, CredentialRow, Door, Dwelling, Estate, RoleAssignment

STEP_ZH = {
    "in_step": "与名单一致",
    "pending": "正在写入",
    "behind": "名单较旧，等待更新",
    "refusals": "有被设备拒绝的凭证",
    "unknown": "未知",
}


class NothingToExplain(LookupError):
    """No dwelling, person, pass, credential or door of this name."""


def explain_text(session: Session, subject: str, at: datetime) -> str:
    """`subject`: a dwelling (id, house code), a person (id, the source's id, or house code and name), a pass or role
    assignment (id), a credential's token, or a door (id, code). Raises NothingToExplain.
    """
    dwelling = session.scalar(select(Dwelling).where(or_(Dwelling.id == subject, Dwelling.code == subject)))
    if dwelling is not None:
        zone = session.get_one(Estate, dwelling.estate_id).time_zone
        return as_text(explain_dwelling(session, dwelling, at), zone)
    if token := _token(session, subject):
        zone = session.get_one(Estate, session.get_one(CredentialRow, token).estate_id).time_zone
        return as_text(explain_tokens(session, {token}, at), zone)
    doors = session.scalars(select(Door).where(or_(Door.id == subject, Door.code == subject)).order_by(Door.id)).all()
    if doors:
        return "\n\n".join(door_text(explain_door(session, door, at)) for door in doors)
    if persons := find_persons(session, subject):
        return "\n\n".join(person_text(explain_person(session, person, at)) for person in persons)
    raise NothingToExplain(subject)


def _token(session: Session, subject: str) -> str | None:
    if session.get(CredentialRow, subject) is not None:
        return subject
    found = session.get(AccessPass, subject) or session.get(RoleAssignment, subject)
    return found.token if found else None


def door_text(access: DoorAccess) -> str:
    told = [f"{access.door.id} {access.door.name}"]
    told += [f"! {why}" for why in access.shut]
    told += [f"- {name}：{STEP_ZH.get(state, state)}" for _, name, state in access.devices]
    return "\n".join([*told, as_text(access.lines, access.zone)])


def person_text(access: PersonAccess) -> str:
    told = [f"{access.person_id} {access.name}", *(f"家庭：{household}" for household in access.households)]
    told.append(access.summary)
    told += [f"! {why}" for why in access.not_because]
    return "\n".join([*told, *([as_text(access.lines, access.zone)] if access.lines else [])])

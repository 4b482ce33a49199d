"""The brake on people: beyond the hourly limit (N4) an action of the counter waits for a second person, who is another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import moved, quota
from hub.access.desk import (
    Action,
    Done,
    EndPass,
    IssuePass,
    LinkPass,
    RenewPass,
    credential_of,
    pass_of,
    perform,
)
from hub.access.foreign import ChooseForeign, device_in, found_on
from hub.access.member_ways import CardWay, IdCardWay, PinWay, member_of
from hub.access.role_rules import label_for
from hub.access.roles import AssignRole, EndRole, ExtendRole, assignment_in, role_in
from hub.access.schedule_desk import ChangeSchedule, touched_by
from hub.auth import Principal
from hub.db import UnitOfWork
from hub.errors import Conflict, NotFound
from hub.held_rows import HouseholdLoses, digest, hold
from hub.second_person import require_other
from hub.services import Hub
from hub.tables import CredentialRow, Dwelling, HeldAction, Tenancy

WAYS_ZH = {IdCardWay: "身份证开门", PinWay: "密码开门", CardWay: "发门卡"}
KEPT = timedelta(hours=24)  # an action nobody decided on is void: the world has moved


@dataclass(frozen=True, slots=True)
class Answer:
    """Either `done`, or `held`: the id of what waits for a second person."""

    done: Done | None = None
    held: str = ""


def act(hub: Hub, principal: Principal, estate_id: str, action: Any, reason: str) -> Answer:
    """Do it, or keep it for a second person where this one has spent the hour's changes. Audited either way.

    `action`: one of the counter's (`Action`), or of a kind that another room gave the hub (`held_rows.Kind`).
    """
    other = hub.held_kinds.get(tag_of(action))
    with hub.db.unit_of_work(principal.name, reason, estate_id=estate_id, now=hub.now()) as uow:
        count = other.weight(uow.session, action) if other else weight(uow.session, action)
        if not quota.spend(uow, principal.id, tag_of(action), count):
            about = other.about(uow.session, estate_id, action) if other else ""
            dwelling, label = (None, about) if other else _about(uow.session, estate_id, action)
            return Answer(held=hold(uow, principal.id, estate_id, action, label, count, dwelling))
        done = _perform(uow, hub, estate_id, action)
    _follow(hub, action)
    return Answer(done)


def _perform(uow: UnitOfWork, hub: Hub, estate_id: str, action: Any) -> Done:
    if other := hub.held_kinds.get(tag_of(action)):
        return Done(other.perform(uow, estate_id, action))
    return perform(uow, hub.keys, estate_id, action)


def _follow(hub: Hub, action: Any) -> None:
    if other := hub.held_kinds.get(tag_of(action)):
        other.follow(hub)
    elif isinstance(action, ChooseForeign):
        hub.signal("edges.publish")
    else:
        moved.tell(hub)


def tag_of(action: msgspec.Struct) -> str:
    return str(type(action).__struct_config__.tag)


def weight(session: Session, action: Action) -> int:
    """How many changes of access an action is: as many as it touches."""
    if isinstance(action, ChooseForeign):
        found = found_on(session, action.device_id)
        if action.choice != "remove":
            return 0
        if found is None:
            raise Conflict("边缘机还没有读取这台设备，不知道会删除哪些凭证。请等读取完成后再选择。", "not_looked")
        return max(1, found)
    if isinstance(action, ChangeSchedule) and action.schedule_id:
        return max(1, touched_by(session, action.schedule_id))
    return 1


def _about(session: Session, estate_id: str, action: Action) -> tuple[str | None, str]:
    """(dwelling id, label), so that the second person sees whom it concerns. Raises NotFound for what is not there."""
    match action:
        case IssuePass(request=request):
            host = session.get(Dwelling, request.host) if request.host else None
            if request.host and (host is None or host.estate_id != estate_id):
                raise NotFound
            return (host.id if host else None), f"{request.kind} {host.number if host else ''}".strip()
        case AssignRole(role_id=role_id):
            return None, label_for(role_in(session, estate_id, role_id).name)
        case ChooseForeign(device_id=device_id):
            device = device_in(session, estate_id, device_id)
            return None, f"删除设备“{device.name}”上的{found_on(session, device.id) or 0}个外来凭证"
        case ChangeSchedule(name=name):
            return None, f"时间表 {name}"
        case IdCardWay(member_id=member_id) | PinWay(member_id=member_id) | CardWay(member_id=member_id):
            tenancy = session.get_one(Tenancy, member_of(session, estate_id, member_id).tenancy_id)
            return tenancy.dwelling_id, WAYS_ZH[type(action)]
        case EndPass() | RenewPass() | LinkPass():
            token = pass_of(session, estate_id, action.pass_id).token
        case EndRole() | ExtendRole():
            token = assignment_in(session, estate_id, action.assignment_id).token
        case _:
            token = action.token
    row: CredentialRow = credential_of(session, estate_id, token)
    return row.dwelling_id, row.label


def waiting(session: Session, estate_id: str) -> list[HeldAction]:
    """Oldest first."""
    query = select(HeldAction).where(HeldAction.estate_id == estate_id, HeldAction.state == "held")
    return list(session.scalars(query.order_by(HeldAction.asked_at, HeldAction.id)))


def households(hub: Hub, session: Session, row: HeldAction) -> list[HouseholdLoses]:
    """Whom it would take something from, by house code; empty where one household is named by the row itself."""
    other = hub.held_kinds.get(row.kind)
    if other is None or other.households is None or row.state != "held":
        return []
    wanted = msgspec.convert(row.payload, other.action)
    return other.households(session, row.estate_id, wanted, hub.now())


def decide(hub: Hub, principal: Principal, row: HeldAction, *, confirm: bool, reason: str) -> Done | None:
    """By a second person. Confirmed: done now, in one unit of work with the decision. Refused: never done."""
    with hub.db.unit_of_work(principal.name, reason, estate_id=row.estate_id, now=hub.now()) as uow:
        other = hub.held_kinds.get(row.kind)
        action: Any = msgspec.convert(row.payload, other.action if other else Action)
        require_other(uow.session, row.asked_by_id, row.asked_by, principal, uow.now)
        mine = update(HeldAction).where(
            HeldAction.id == row.id, HeldAction.state == "held", HeldAction.asked_at > uow.now - KEPT
        )
        taken = uow.session.execute(
            mine.values(
                state="confirmed" if confirm else "refused",
                decided_by=principal.name,
                decided_at=uow.now,
                decided_reason=reason,
                payload={},
            ).returning(HeldAction.id)
        ).all()
        if not taken:
            raise Conflict("已被处理或已过期（24小时），请刷新页面。", "held_gone")
        what = quota.CONFIRMED if confirm else "held_action.refused"
        uow.record(what, row.id, asked_by=row.asked_by, weight=row.weight, digest=digest(row.payload))
        done = _perform(uow, hub, row.estate_id, action) if confirm else None
    if confirm:
        _follow(hub, action)
    return done


def expire(uow: UnitOfWork) -> int:
    """What nobody decided within a day is void; how many."""
    old = update(HeldAction).where(HeldAction.state == "held", HeldAction.asked_at <= uow.now - KEPT)
    gone = uow.session.execute(
        old.values(state="expired", decided_at=uow.now, payload={}).returning(HeldAction.id)
    ).all()
    for (held_id,) in gone:
        uow.record("held_action.expired", held_id)
    return len(gone)

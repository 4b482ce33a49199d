"""The brake on people: beyond the hourly limit (N4) an action of the counter waits for a second person, who is another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.access import quota
from hub.access.desk import Action, Done, EndPass, IssuePass, RenewPass, credential_of, pass_of, perform
from hub.auth import Principal
from hub.db import UnitOfWork
from hub.errors import Conflict, NotFound
from hub.ids import new_id
from hub.services import Hub
from hub.tables import CredentialRow, Dwelling, HeldAction

PUBLISH = "access.publish"
KEPT = timedelta(hours=24)  # an action nobody decided on is void: the world has moved
SAME_PERSON_ZH = "须由另一位有权限的人员确认，不能由提出人本人办理。"


@dataclass(frozen=True, slots=True)
class Answer:
    """Either `done`, or `held`: the id of what waits for a second person."""

    done: Done | None = None
    held: str = ""


def act(hub: Hub, principal: Principal, estate_id: str, action: Action, reason: str) -> Answer:
    """Do it, or keep it for a second person where this one has spent the hour's changes. Audited either way."""
    with hub.db.unit_of_work(principal.name, reason, estate_id=estate_id, now=hub.now()) as uow:
        if quota.exhausted(uow.session, principal.name, uow.now):
            return Answer(held=_hold(uow, estate_id, action))
        done = perform(uow, estate_id, action)
    hub.signal(PUBLISH)
    return Answer(done)


def _hold(uow: UnitOfWork, estate_id: str, action: Action) -> str:
    dwelling, label = _about(uow.session, estate_id, action)
    payload = msgspec.to_builtins(action, builtin_types=())
    row = HeldAction(
        id=new_id("held"),
        estate_id=estate_id,
        dwelling_id=dwelling,
        kind=payload["type"],
        payload=payload,
        label=label,
        asked_by=uow.actor,
        asked_at=uow.now,
        reason=uow.reason,
        state="held",
    )
    uow.session.add(row)
    uow.record("held_action.asked", row.id, kind=row.kind, dwelling=dwelling or "")
    return row.id


def _about(session: Session, estate_id: str, action: Action) -> tuple[str | None, str]:
    """(dwelling id, label), so that the second person sees whom it concerns. Raises NotFound for what is not there."""
    if isinstance(action, IssuePass):
        host = session.get(Dwelling, action.request.host) if action.request.host else None
        if action.request.host and (host is None or host.estate_id != estate_id):
            raise NotFound
        return (host.id if host else None), f"{action.request.kind} {host.number if host else ''}".strip()
    token = (
        pass_of(session, estate_id, action.pass_id).token if isinstance(action, EndPass | RenewPass) else action.token
    )
    row: CredentialRow = credential_of(session, estate_id, token)
    return row.dwelling_id, row.label


def waiting(session: Session, estate_id: str) -> list[HeldAction]:
    """Oldest first."""
    query = select(HeldAction).where(HeldAction.estate_id == estate_id, HeldAction.state == "held")
    return list(session.scalars(query.order_by(HeldAction.asked_at, HeldAction.id)))


def decide(hub: Hub, principal: Principal, row: HeldAction, *, confirm: bool, reason: str) -> Done | None:
    """By a second person. Confirmed: done now, in one unit of work with the decision. Refused: never done."""
    with hub.db.unit_of_work(principal.name, reason, estate_id=row.estate_id, now=hub.now()) as uow:
        action: Action = msgspec.convert(row.payload, Action)
        if row.asked_by == principal.name:
            raise Conflict(SAME_PERSON_ZH, "same_person")
        mine = update(HeldAction).where(
            HeldAction.id == row.id, HeldAction.state == "held", HeldAction.asked_at > uow.now - KEPT
        )
        taken = uow.session.execute(
            mine.values(
                state="confirmed" if confirm else "refused",
                decided_by=principal.name,
                decided_at=uow.now,
                decided_reason=reason,
            ).returning(HeldAction.id)
        ).all()
        if not taken:
            raise Conflict("已被处理或已过期（24小时），请刷新页面。", "held_gone")
        uow.record(quota.CONFIRMED if confirm else "held_action.refused", row.id, asked_by=row.asked_by)
        done = perform(uow, row.estate_id, action) if confirm else None
    if confirm:
        hub.signal(PUBLISH)
    return done


def expire(uow: UnitOfWork) -> int:
    """What nobody decided within a day is void; how many."""
    old = update(HeldAction).where(HeldAction.state == "held", HeldAction.asked_at <= uow.now - KEPT)
    gone = uow.session.execute(old.values(state="expired", decided_at=uow.now).returning(HeldAction.id)).all()
    for (held_id,) in gone:
        uow.record("held_action.expired", held_id)
    return len(gone)

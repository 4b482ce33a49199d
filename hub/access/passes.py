"""Passes: issued at the desk for somebody who does not live here, renewed, ended. They become credentials like any other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hub import moved
from hub.access.credentials import end_by_token, identifier_rows
from hub.access.lifecycle import Cause, CredentialState, advance
from hub.access.numbers import IdentifierKind, new_link, number_for
from hub.access.pass_rules import (
    KINDS,
    PROBLEMS_ZH,
    PassRequest,
    doors_of,
    label_for,
    problem,
    time_problem,
)
from hub.access.role_rows import places_of
from hub.access.schedule_rows import schedule_in
from hub.access.ways import check_ways, static_qr_wanted
from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict, NotFound
from hub.ids import new_id, new_token
from hub.keys import Keys
from hub.tables import (
    AccessPass,
    Block,
    CredentialIdentifierRow,
    CredentialRow,
    Dwelling,
    Tenancy,
)

EndReason = Literal["own_request", "host_withdrew", "security_incident"]
_CAUSES = {
    "own_request": Cause.OWN_REQUEST,
    "host_withdrew": Cause.PASS_WITHDRAWN,
    "security_incident": Cause.REPLACED_AFTER_INCIDENT,
}


@dataclass(frozen=True, slots=True)
class Issue:
    """A pass to be issued. `card`: its number, for identifier `card`; `id_card`: the hash of the visitor's identity card."""

    request: PassRequest
    identifier: IdentifierKind
    reason: str
    card: str = ""
    uses: int | None = None
    visitor: str = ""
    id_card: str = ""


@dataclass(frozen=True, slots=True)
class _Host:
    """`promised`: allocated, not moved in yet."""

    dwelling: Dwelling
    block: Block
    tenancy: Tenancy | None
    promised: bool


def issue(uow: UnitOfWork, keys: Keys, estate_id: str, wanted: Issue) -> tuple[AccessPass, str, str]:
    """(the pass, its number, the secret of its link): the last two to be shown once, empty where there is none.

    Raises BadRequest with what to do, Conflict for a card in use.
    """
    session, request = uow.session, wanted.request
    host = _host(session, estate_id, request.host)
    let = bool(host and host.tenancy)
    _refuse(problem(request, uow.now, let=let, promised=bool(host and host.promised)))
    doors, wrong = doors_of(request, places_of(session, estate_id), host.block.id if host else None, let=let)
    _refuse(wrong)
    schedule_in(session, estate_id, request.schedule)
    check_ways(
        session,
        estate_id,
        doors,
        wanted.identifier,
        scheduled=request.schedule is not None,
        counted=wanted.uses is not None,
    )
    static = wanted.identifier == "qr" and static_qr_wanted(session, estate_id, doors)
    given = wanted.id_card if wanted.identifier == "id_card" else wanted.card
    number = number_for(session, keys, estate_id, wanted.identifier, given, static_qr=static)
    kind, token = KINDS[request.kind], new_token()
    advance(CredentialState.NONE, Cause.PASS_GRANTED, kind.holder_class)
    session.add(
        CredentialRow(
            token=token,
            estate_id=estate_id,
            holder_class=kind.holder_class.value,
            dwelling_id=host.dwelling.id if host else None,
            label=label_for(request.kind, host.block.name if host else "", host.dwelling.number if host else ""),
            valid_from=request.valid_from,
            valid_to=request.valid_to,
            state=CredentialState.ACTIVE.value,
            created_at=uow.now,
        )
    )
    session.flush()
    session.execute(insert(CredentialIdentifierRow), identifier_rows(token, (number.identifier,)))
    row = AccessPass(
        id=new_id("pass"),
        estate_id=estate_id,
        token=token,
        kind=request.kind,
        host_dwelling_id=host.dwelling.id if host else None,
        host_tenancy_id=host.tenancy.id if host and host.tenancy else None,
        doors=list(doors),
        uses=wanted.uses,
        repair_order=request.repair_order,
        visitor=wanted.visitor,
        reason=wanted.reason,
        issued_by=uow.actor,
        issued_at=uow.now,
        ended_by="",
        renewals=0,
        schedule_id=request.schedule,
    )
    session.add(row)
    session.flush()
    moved.note(uow, estate_id, moved.PASSES)
    uow.record(
        "pass.issued",
        row.id,
        kind=request.kind,
        token=token,
        dwelling=row.host_dwelling_id or "",
        doors=row.doors,
        valid_to=request.valid_to.isoformat(),
        way=wanted.identifier,
    )
    return row, number.shown, new_link(uow, token) if wanted.identifier == "qr" else ""


def renew(uow: UnitOfWork, row: AccessPass, valid_to: datetime) -> None:
    """A carer's or regular visitor's pass for up to another 90 days from now."""
    credential = uow.session.get_one(CredentialRow, row.token)
    if not KINDS[row.kind].renewable:
        _refuse("not_renewable")
    if credential.state != CredentialState.ACTIVE:
        raise Conflict("这张通行证已终止，请重新办理。", "pass_ended")
    _refuse(time_problem(row.kind, max(credential.valid_from or uow.now, uow.now), valid_to, uow.now))
    credential.valid_to = valid_to
    row.renewals += 1
    moved.note(uow, row.estate_id, moved.PASSES)
    uow.record("pass.renewed", row.id, valid_to=valid_to.isoformat())


def end(uow: UnitOfWork, row: AccessPass, because: EndReason) -> None:
    """At the holder's or the host's wish, or after an incident. A resident's credential has no pass and cannot come here."""
    credential = uow.session.get_one(CredentialRow, row.token)
    if credential.state != CredentialState.ACTIVE:
        raise Conflict("这张通行证已终止。请刷新页面。", "pass_ended")
    end_by_token(uow, row.token, _CAUSES[because], f"pass {row.id}")
    row.ended_by = uow.actor
    uow.record("pass.ended", row.id, because=because)


def relink(uow: UnitOfWork, row: AccessPass) -> str:
    """A new link for a phone, where the first was lost; the old one opens nothing any more."""
    if uow.session.get_one(CredentialRow, row.token).state != CredentialState.ACTIVE:
        raise Conflict("这张通行证已终止，请重新办理。", "pass_ended")
    return new_link(uow, row.token)


def _refuse(code: str) -> None:
    if code:
        raise BadRequest(PROBLEMS_ZH[code], code)


def _host(session: Session, estate_id: str, dwelling_id: str | None) -> _Host | None:
    if dwelling_id is None:
        return None
    dwelling = session.get(Dwelling, dwelling_id)
    if dwelling is None or dwelling.estate_id != estate_id:
        raise NotFound("没有找到这套房屋，请重新选择。")
    live = select(Tenancy).where(Tenancy.dwelling_id == dwelling_id, Tenancy.state == "active")
    tenancy = session.scalars(live.order_by(Tenancy.from_date.desc(), Tenancy.id)).first()
    allocated = select(Tenancy.id).where(Tenancy.dwelling_id == dwelling_id, Tenancy.state == "allocated")
    promised = session.scalars(allocated).first() is not None
    return _Host(dwelling, session.get_one(Block, dwelling.block_id), tenancy, promised)

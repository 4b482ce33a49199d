"""A named person's step in a case: the one way there, whether from the console or from the command line."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import PERMISSIONS, Principal, in_scope
from hub.cases import nightly
from hub.cases.forms import Refused
from hub.cases.models import CaseItem
from hub.cases.steps import Action
from hub.cases.taken import contact_of, take
from hub.cases.view import case_items, case_rows
from hub.cases.workflow import Wish
from hub.errors import ApiError, Forbidden, NotFound
from hub.lease import outbox
from hub.occupancy.contacts import CONTACT_CODES
from hub.occupancy.dirty import mark_dirty
from hub.second_person import require_other
from hub.services import Hub
from hub.tables import Block, CaseEntry, CaseFile, Dwelling

REFUSED_STATUS = {"forbidden": 403, "wrong_state": 409, "not_yet": 409}
SECONDED = frozenset({Action.AGREE, Action.DISAGREE, Action.SIGN})


def case_in_scope(session: Session, case: str, principal: Principal) -> tuple[CaseFile, Dwelling, Block]:
    """A case by its id or number. Raises NotFound, also where it is not in the caller's estates."""
    row = session.execute(case_rows().where((CaseFile.id == case) | (CaseFile.number == case))).one_or_none()
    if row is None:
        raise NotFound
    in_scope(principal, row[0].estate_id)
    return row[0], row[1], row[2]


def decide(hub: Hub, case: str, wish: Wish, principal: Principal) -> CaseItem:
    """The case after the step; the lease system is told in the same unit of work. Raises ApiError, with what to do."""
    if not principal.may("case.decide"):
        raise Forbidden
    with hub.db.reading() as session:
        found = case_in_scope(session, case, principal)[0]
        case_id, estate_id = found.id, found.estate_id
    contact = wish.reason_code in CONTACT_CODES or contact_of(wish) is not None
    reason = f"case decision {wish.action}"
    with hub.db.unit_of_work(principal.id, reason, estate_id=estate_id, now=hub.now()) as uow:
        row = uow.session.scalars(select(CaseFile).where(CaseFile.id == case_id).with_for_update()).one()
        if wish.action in SECONDED:
            _another(uow.session, case_id, principal, hub)
        try:
            take(
                uow,
                row,
                wish,
                actor=principal.id,
                decided_by=principal.display_name,
                permissions=PERMISSIONS.get(principal.role, frozenset()),
            )
        except Refused as refused:
            raise ApiError(REFUSED_STATUS.get(refused.code, 422), refused.code, refused.message) from refused
        if contact:
            mark_dirty(uow.session, {row.dwelling_id: uow.now.date()}, back_days=2)
    if contact:
        hub.signal(nightly.JOB)
    hub.signal(outbox.JOB)
    with hub.db.reading() as session:
        item = case_items(session, [case_id])[0]
    nightly.announce(hub, estate_id, [case_id])
    return item


def _another(session: Session, case_id: str, principal: Principal, hub: Hub) -> None:
    """Whom the proposer let in within a day is no second person either."""
    proposed_by = session.scalar(
        select(CaseEntry.actor)
        .where(CaseEntry.case_id == case_id, CaseEntry.action == Action.PROPOSE.value)
        .order_by(CaseEntry.id.desc())
        .limit(1)
    )
    if proposed_by:
        require_other(session, proposed_by, "", principal, hub.now())

"""The audit trail: read, and checked link by link."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.auth import Principal, hub_of, require
from hub.db import GENESIS, audit_hash
from hub.jobs import Job
from hub.services import Hub
from hub.tables import AuditRow, HubUser

router = APIRouter(prefix="/api/v1", tags=["audit"])


OF_CASES = ("case.", "finding.", "sign.", "life.", "outbox.")


class AuditItem(BaseModel):
    """`actor`: a user's id or sign-in name, as it was written; `actor_name`: who that is, for people. `withheld`: changes that
    this reader may not see; the row stands, so that its number and time do."""

    id: int
    at: datetime
    actor: str
    actor_name: str
    reason: str
    estate_id: str | None
    changes: list[dict[str, Any]]
    withheld: int


class AuditPage(BaseModel):
    """`chain_ok` False: a row was changed, taken away or slipped in."""

    items: list[AuditItem]
    next_before: int | None
    chain_ok: bool


class ChainBroken(RuntimeError):
    """The audit trail was tampered with; the text names the first row that does not follow."""


def first_broken(session: Session) -> int | None:
    """The id of the first row that does not follow from the one before; None when the chain holds."""
    return _follow(session, 0, GENESIS)[2]


def _follow(session: Session, after: int, previous: str) -> tuple[int, str, int | None]:
    """(last row that holds, its hash, first that does not) of the rows after `after`."""
    query = select(AuditRow).where(AuditRow.id > after).order_by(AuditRow.id).execution_options(yield_per=1000)
    for row in session.scalars(query):
        wanted = audit_hash(previous, row.at, row.actor, row.reason, row.estate_id, row.changes)
        if row.previous_hash != previous or row.hash != wanted:
            return after, previous, row.id
        after, previous = row.id, row.hash
    return after, previous, None


class ChainCheck:
    """One a hub. `check` looks at what came since the last look; `full` at everything. A break stays until `full` finds none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reached, self._hash = 0, GENESIS
        self.broken: int | None = None

    def check(self, session: Session) -> bool:
        """True: the chain holds, as far as it was looked at: new rows always, older ones once a day."""
        with self._lock:
            if self.broken is None:
                held = session.scalar(select(AuditRow.hash).where(AuditRow.id == self._reached))
                if self._reached and held != self._hash:
                    self.broken = self._reached  # the newest rows were cut off or rewritten
                else:
                    self._reached, self._hash, self.broken = _follow(session, self._reached, self._hash)
            return self.broken is None

    def full(self, session: Session) -> int:
        """How many rows hold. Raises ChainBroken."""
        reached, hash, broken = _follow(session, 0, GENESIS)
        with self._lock:
            if broken is None and reached < self._reached:
                broken = self._reached
            self.broken = broken
            if broken is None:
                self._reached, self._hash = reached, hash
        if broken is not None:
            raise ChainBroken(
                f"the audit trail does not hold at row {broken}: a row was changed, removed or slipped in"
            )
        return session.scalar(select(func.count()).select_from(AuditRow)) or 0


_checks: WeakKeyDictionary[Hub, ChainCheck] = WeakKeyDictionary()


def chain_of(hub: Hub) -> ChainCheck:
    return _checks.setdefault(hub, ChainCheck())


def verify(hub: Hub) -> str:
    """Job, daily and at every start: the whole chain. It fails, and health shows it, where the chain does."""
    with hub.db.reading() as session:
        return f"{chain_of(hub).full(session)} rows hold"


JOBS = (Job("audit.verify", 86_400.0, verify),)


@router.get("/audit", response_model=AuditPage)
def audit_trail(
    hub: Annotated[Hub, Depends(hub_of)],
    principal: Annotated[Principal, Depends(require("audit.view"))],
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    actor: str | None = None,
) -> Any:
    """`actor`: somebody's id, sign-in name or name, or what is no person, as it is written."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if principal.estate_ids is not None:
        query = query.where(AuditRow.estate_id.in_(principal.estate_ids))
    if before is not None:
        query = query.where(AuditRow.id < before)
    with hub.db.reading() as session:
        called = _called(session)
        if actor:
            query = query.where(AuditRow.actor.in_({actor} | _keys_of(session, actor)))
        rows = session.scalars(query).all()
        chain_ok = chain_of(hub).check(session)
    return {
        "items": [_item(row, principal, called) for row in rows],
        "next_before": rows[-1].id if len(rows) == limit else None,
        "chain_ok": chain_ok,
    }


def _keys_of(session: Session, asked: str) -> set[str]:
    """Ids and sign-in names of the users who are called so."""
    brackets = HubUser.display_name + " (" + HubUser.name + ")"
    so = or_(HubUser.id == asked, HubUser.name == asked, HubUser.display_name == asked, brackets == asked)
    return {key for user in session.execute(select(HubUser.id, HubUser.name).where(so)) for key in user}


def _called(session: Session) -> dict[str, str]:
    """A user's id and sign-in name → the name, and the sign-in name in brackets."""
    users = session.execute(select(HubUser.id, HubUser.name, HubUser.display_name)).all()
    return {key: f"{user.display_name} ({user.name})" for user in users for key in (user.id, user.name)}


def _item(row: AuditRow, principal: Principal, called: dict[str, str]) -> dict[str, Any]:
    """What this reader may see of it. Where something is withheld, so are the words of who did it: they speak of the same."""
    changes = [change for change in row.changes if _may_see(change, principal)]
    withheld = len(row.changes) - len(changes)
    return {
        **{name: getattr(row, name) for name in ("id", "at", "actor", "estate_id")},
        "actor_name": called.get(row.actor, row.actor),
        "reason": "" if withheld else row.reason,
        "changes": changes,
        "withheld": withheld,
    }


def _may_see(change: dict[str, Any], principal: Principal) -> bool:
    """Cases are for who may see cases; who is looked after, or asked to be (c), for nobody here."""
    what = str(change.get("what", ""))
    if what.startswith("care.") or (what.startswith("desk.consent") and change.get("purpose") == "c"):
        return False
    return principal.may("case.view") or not (what.startswith(OF_CASES) or "case" in change)

"""Which credentials of people who do not live here are over now: by date, by count, or because the host left."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from device_drivers.contract.words import AccessOutcome, HolderClass
from hub.access.lifecycle import Cause
from hub.tables import AccessPass, CredentialRow, EventRow, Tenancy

_TIMED = (HolderClass.VISITOR.value, HolderClass.CONTRACTOR.value, HolderClass.STAFF.value)
ON_THE_WAY = timedelta(minutes=30)
"""Who used the last visit at the gate must still come through the entrance: the edge refuses a further visit by itself."""
_PASSED = (AccessOutcome.GRANTED.value, AccessOutcome.TAKEN.value)


def over(session: Session, estate_id: str, now: datetime) -> list[tuple[str, Cause, str]]:
    """(token, cause, proof) of active credentials that must end, each once. Residents are never among them."""
    mine = (
        CredentialRow.estate_id == estate_id,
        CredentialRow.state == "active",
        CredentialRow.holder_class.in_(_TIMED),
    )
    found: dict[str, tuple[Cause, str]] = {}
    for token, holder, valid_to in session.execute(
        select(CredentialRow.token, CredentialRow.holder_class, CredentialRow.valid_to).where(
            *mine, CredentialRow.valid_to <= now
        )
    ):
        cause = Cause.ROLE_ENDED if holder == HolderClass.STAFF else Cause.PASS_EXPIRED
        found[token] = (cause, f"valid to {valid_to}")
    hosts = (
        select(AccessPass.token, Tenancy.source_id)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .join(Tenancy, Tenancy.id == AccessPass.host_tenancy_id)
        .where(*mine, Tenancy.state == "ended")
    )
    for token, tenancy in session.execute(hosts):
        found.setdefault(token, (Cause.PASS_WITHDRAWN, f"host tenancy {tenancy} ended"))
    for token, tenancy in session.execute(passes_left_behind().where(*mine)):
        found.setdefault(token, (Cause.PASS_WITHDRAWN, f"host tenancy {tenancy} moved to another dwelling"))
    for token, tenancy in session.execute(viewings_of_let_homes().where(*mine)):
        found.setdefault(token, (Cause.PASS_WITHDRAWN, f"the dwelling was given to tenancy {tenancy}"))
    counted = select(AccessPass.token, AccessPass.uses, CredentialRow.valid_from).join(
        CredentialRow, CredentialRow.token == AccessPass.token
    )
    limited = session.execute(counted.where(*mine, AccessPass.uses.is_not(None))).all()
    tokens = [token for token, _, _ in limited]
    used, last = uses(session, estate_id, tokens), last_passed(session, estate_id, tokens)
    for token, limit, _ in limited:
        if limit is not None and used.get(token, 0) >= limit and last.get(token, now) <= now - ON_THE_WAY:
            found.setdefault(token, (Cause.PASS_EXPIRED, f"used {used[token]} of {limit} times"))
    return [(token, cause, proof) for token, (cause, proof) in sorted(found.items())]


def estates_due(session: Session, now: datetime) -> set[str]:
    """Estates in which a pass may be over: by its date, by its count, or with its host's tenancy."""
    timed = (CredentialRow.state == "active", CredentialRow.holder_class.in_(_TIMED))
    due = select(CredentialRow.estate_id).where(*timed, CredentialRow.valid_to <= now).distinct()
    of_passes = (
        select(CredentialRow.estate_id)
        .join(AccessPass, AccessPass.token == CredentialRow.token)
        .outerjoin(Tenancy, Tenancy.id == AccessPass.host_tenancy_id)
        .where(*timed, or_(AccessPass.uses.is_not(None), Tenancy.state == "ended"))
        .distinct()
    )
    others = (viewings_of_let_homes(CredentialRow.estate_id), passes_left_behind(CredentialRow.estate_id))
    found = {estate for query in others for estate, _ in session.execute(query.where(*timed))}
    return {*session.scalars(due), *session.scalars(of_passes), *found}


def passes_left_behind(column: InstrumentedAttribute[str] = AccessPass.token) -> Select[str, str]:
    """(token or another column, tenancy): the host moved, and the doors of the old home are not the way to him any more."""
    return (
        select(column, Tenancy.source_id)
        .select_from(AccessPass)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .join(Tenancy, Tenancy.id == AccessPass.host_tenancy_id)
        .where(Tenancy.dwelling_id != AccessPass.host_dwelling_id)
    )


def viewings_of_let_homes(column: InstrumentedAttribute[str] = AccessPass.token) -> Select[str, str]:
    """(token or another column, tenancy): a viewing is for a dwelling that nobody has; it ends when somebody gets it."""
    return (
        select(column, Tenancy.source_id)
        .select_from(AccessPass)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .join(Tenancy, Tenancy.dwelling_id == AccessPass.host_dwelling_id)
        .where(AccessPass.kind == "viewing", Tenancy.state.in_(("allocated", "active")))
    )


def uses(session: Session, estate_id: str, tokens: list[str]) -> dict[str, int]:
    """token → how often it passed the access point it passed most: gate and entrance of one visit are one use."""
    found: dict[str, int] = {}
    for (token, _), count in uses_at(session, estate_id, tokens).items():
        found[token] = max(found.get(token, 0), count)
    return found


def uses_at(session: Session, estate_id: str, tokens: list[str]) -> dict[tuple[str, str], int]:
    """(token, access point) → how often it passed there, as its edge counts."""
    if not tokens:
        return {}
    rows = session.execute(
        select(EventRow.credential, EventRow.access_point_id, func.count())
        .where(
            EventRow.estate_id == estate_id,
            EventRow.credential.in_(sorted(tokens)),
            EventRow.outcome.in_(_PASSED),
        )
        .group_by(EventRow.credential, EventRow.access_point_id)
    )
    return {(token, point or ""): count for token, point, count in rows if token is not None}


def last_passed(session: Session, estate_id: str, tokens: list[str]) -> dict[str, datetime]:
    """token → when it last passed anywhere."""
    if not tokens:
        return {}
    rows = session.execute(
        select(EventRow.credential, func.max(EventRow.at))
        .where(
            EventRow.estate_id == estate_id,
            EventRow.credential.in_(sorted(tokens)),
            EventRow.outcome.in_(_PASSED),
        )
        .group_by(EventRow.credential)
    )
    return {token: at for token, at in rows if token is not None}

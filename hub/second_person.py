"""Who may be the second of two: another person, and not one whom the first let in."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import Principal
from hub.errors import Conflict
from hub.tables import AuditRow, HubUser

SAME_PERSON_ZH = "须由另一位有权限的人员确认，不能由提出人本人办理。"
LET_IN_ZH = "您的账号或登录链接是提出人在一天内生成的，不能由您确认。请由另一位独立登录的人员办理。"
LET_IN = frozenset({"sign_in_link.made", "user.added"})
WINDOW = timedelta(hours=24)


def require_other(session: Session, asked_by: str, asked_name: str, who: Principal, now: datetime) -> None:
    """`asked_by`: the first person's id (empty in rows of older releases: then the name counts). Raises Conflict.

    Whoever can make sign-in links could sign in as somebody else: a link or an account made by the first person within a day
    does not make a second one.
    """
    if asked_by == who.id or (not asked_by and asked_name == who.name):
        raise Conflict(SAME_PERSON_ZH, "same_person")
    _not_let_in(session, {asked_by, asked_name} - {""}, who.id, now)


def require_other_named(session: Session, asked: str, who: str, now: datetime) -> None:
    """As `require_other`, where both are known by their names. Raises Conflict."""
    if asked == who:
        raise Conflict(SAME_PERSON_ZH, "same_person")
    ids = dict(session.execute(select(HubUser.name, HubUser.id).where(HubUser.name.in_((asked, who)))).all())
    _not_let_in(session, {asked, ids.get(asked, asked)}, ids.get(who, who), now)


def _not_let_in(session: Session, first: set[str], who: str, now: datetime) -> None:
    rows = session.scalars(select(AuditRow.changes).where(AuditRow.actor.in_(first), AuditRow.at > now - WINDOW))
    if any(change.get("what") in LET_IN and change.get("subject") == who for changes in rows for change in changes):
        raise Conflict(LET_IN_ZH, "same_person")

"""Who may be the second of two: another person, and not one human being who signed in as both."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.auth import LINK_MADE, USER_ADDED, Principal
from hub.errors import Conflict
from hub.tables import AuditRow, HubUser

SAME_PERSON_ZH = "须由另一位有权限的人员确认，不能由提出人本人办理。"
LET_IN_ZH = (
    "提出人和您的账号或登录链接，是其中一人为另一人、或同一人为两位在一天内生成的，不能由您确认。"
    "请由另一位独立登录（例如用密码）的人员办理。"
)
LET_IN = frozenset({"sign_in_link.made", "user.added"})
WINDOW = timedelta(hours=24)


def require_other(session: Session, asked_by: str, asked_name: str, who: Principal, now: datetime) -> None:
    """`asked_by`: the first person's id (empty in rows of older releases: then the name counts). Raises Conflict.

    Whoever can make sign-in links could sign in as somebody else: neither may have let the other in within a day, nor a third
    both of them. What the command line of the machine made is nobody's of the console.
    """
    if asked_by == who.id or (not asked_by and asked_name == who.name):
        raise Conflict(SAME_PERSON_ZH, "same_person")
    _two_people(session, asked_by or asked_name, who.id, now)


def require_other_named(session: Session, asked: str, who: str, now: datetime) -> None:
    """As `require_other`, where both are known by their names. Raises Conflict."""
    if asked == who:
        raise Conflict(SAME_PERSON_ZH, "same_person")
    _two_people(session, asked, who, now)


def _two_people(session: Session, first: str, second: str, now: datetime) -> None:
    """Each by id or name."""
    found = session.execute(
        select(HubUser.id, HubUser.name).where(or_(HubUser.id.in_((first, second)), HubUser.name.in_((first, second))))
    ).all()
    ids = {key: row.id for row in found for key in (row.id, row.name)}
    let_in = _let_in(session, {ids.get(first, first), ids.get(second, second)}, now)
    if ids.get(first, first) == ids.get(second, second):
        raise Conflict(SAME_PERSON_ZH, "same_person")
    of_first, of_second = let_in[ids.get(first, first)], let_in[ids.get(second, second)]
    if ids.get(first, first) in of_second or ids.get(second, second) in of_first or of_first & of_second:
        raise Conflict(LET_IN_ZH, "same_person")


def _let_in(session: Session, users: set[str], now: datetime) -> dict[str, set[str]]:
    """User id → ids of the users who made a link or the account for him within a day."""
    rows = session.execute(
        select(AuditRow.actor, AuditRow.changes)
        .where(AuditRow.at > now - WINDOW, AuditRow.reason.in_((LINK_MADE, USER_ADDED)))
        .order_by(AuditRow.id)
    )
    made = [(actor, str(one["subject"])) for actor, changes in rows for one in changes if one.get("what") in LET_IN]
    makers = {actor for actor, _subject in made}
    known = select(HubUser.id, HubUser.name).where(or_(HubUser.id.in_(makers), HubUser.name.in_(makers)))
    people = {key: row.id for row in session.execute(known) for key in (row.id, row.name)}
    return {user: {people[actor] for actor, subject in made if subject == user and actor in people} for user in users}

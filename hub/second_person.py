"""Who may be the second of two: another person, and not one human being who signed in as both."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.auth import LINK_MADE, PASSWORD_SET, USER_ADDED, Principal
from hub.errors import Conflict
from hub.tables import AuditRow, HubUser

SAME_PERSON_ZH = "须由另一位有权限的人员确认，不能由提出人本人办理。"
LET_IN_ZH = (
    "提出人和您的账号或登录链接，是其中一人为另一人、或同一人为两位在一天内生成的，不能由您确认。"
    "请由另一位独立登录的人员办理：本人用密码登录，密码在右上角“我的账号”中设置。"
)
LET_IN = frozenset({"sign_in_link.made", "user.added"})
WINDOW = timedelta(hours=24)
REPLACED = timedelta(days=7)
"""So long who made the link by which a standing password was replaced is not another person: who followed the link may not have
been its owner, who learns of it when the own password works no more."""


def require_other(session: Session, asked_by: str, asked_name: str, who: Principal, now: datetime) -> None:
    """`asked_by`: the first person's id (empty in rows of older releases: then the name counts). Raises Conflict.

    Whoever can make sign-in links could sign in as somebody else: neither may have let the other in within a day, nor a third
    both of them. A password set with such a link counts from when it was set. What the command line of the machine made is
    nobody's of the console.
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
    """User id → ids of the users who made a link or the account for him within a day, or let him replace his password lately;
    and of those who let these in: an account of one's own making makes links like oneself."""
    rows = session.execute(
        select(AuditRow.at, AuditRow.actor, AuditRow.changes)
        .where(AuditRow.at > now - REPLACED, AuditRow.reason.in_((LINK_MADE, USER_ADDED, PASSWORD_SET)))
        .order_by(AuditRow.id)
    )
    made = [pair for at, actor, changes in rows for one in changes if (pair := _by_whom(one, actor, now - at))]
    makers = {actor for actor, _subject in made}
    known = select(HubUser.id, HubUser.name).where(or_(HubUser.id.in_(makers), HubUser.name.in_(makers)))
    people = {key: row.id for row in session.execute(known) for key in (row.id, row.name)}
    by: dict[str, set[str]] = {}
    for actor, subject in made:
        if actor in people:
            by.setdefault(subject, set()).add(people[actor])
    return {user: _behind(by, user) for user in users}


def _behind(by: dict[str, set[str]], user: str) -> set[str]:
    """Who let this user in, and who let these in, and so on."""
    found: set[str] = set()
    ahead = set(by.get(user, ()))
    while ahead:
        found |= ahead
        ahead = set().union(*(by.get(one, ()) for one in ahead)) - found
    return found


def _by_whom(change: dict[str, Any], actor: str, age: timedelta) -> tuple[str, str] | None:
    """(who let in, whom), while that counts."""
    if change.get("what") in LET_IN and age < WINDOW:
        return actor, str(change["subject"])
    if change.get("what") == "password.set" and age < (REPLACED if change["replaced"] else WINDOW):
        return str(change["let_in_by"]), str(change["subject"])
    return None

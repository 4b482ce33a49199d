"""One's own password: set for the first time, changed, or set anew by who forgot it and was given a sign-in link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update

from hub.auth import MAX_FAILURES, PASSWORD_SET, Principal, count_failure, token_hash
from hub.errors import BadRequest, Conflict, Forbidden
from hub.passwords import MIN_PASSWORD, hash_of, matches
from hub.services import Hub
from hub.tables import HubUser, SignInLink, UserSession

BY_LINK = timedelta(hours=1)
"""So long after a link was followed the password may be set without the one that was forgotten, once."""


@dataclass(frozen=True)
class PasswordState:
    """`has_password` False: only a link lets this person in. `current_needed`: it is asked for to set another."""

    has_password: bool
    current_needed: bool
    min_length: int = MIN_PASSWORD


def password_state(hub: Hub, principal: Principal, token: str) -> PasswordState:
    user, held = _own(hub, principal, token)
    return PasswordState(user.password_hash is not None, _current_needed(user, held, hub.now()))


def set_password(hub: Hub, principal: Principal, token: str, current: str, password: str) -> None:
    """All other sessions of the person end, and so do links that were not followed yet.

    Raises BadRequest (`wrong_password`: counts like a failed sign-in; `locked`: too many), Conflict when it changed meanwhile.
    """
    now = hub.now()
    user, held = _own(hub, principal, token)
    asked = _current_needed(user, held, now)
    if asked:
        _not_locked(user, now)
        if not matches(user.password_hash, current):
            count_failure(hub, user, now)
            raise BadRequest(
                f"当前密码不正确，请重新输入。连续输错{MAX_FAILURES}次，账号会锁定15分钟。", "wrong_password"
            )
        if current == password:
            raise BadRequest("新密码与当前密码相同，请换一个。", "same_password")
    hash = hash_of(password)
    with hub.db.unit_of_work(user.id, PASSWORD_SET, now=now) as uow:
        row = uow.session.get_one(HubUser, user.id, with_for_update=True)
        if asked:
            _not_locked(row, now)  # guesses at once: the right one among them is no better than the rest
        mine = uow.session.get_one(UserSession, held.token_hash)
        if row.password_hash != user.password_hash or mine.ended_at is not None:
            raise Conflict("密码刚刚被修改过，本次没有保存。请刷新页面后重试。")
        let_in_by = "" if asked else mine.let_in_by or ""
        row.password_hash, row.failed_attempts, row.locked_until, mine.let_in_by = hash, 0, None, None
        others = (
            update(UserSession)
            .where(
                UserSession.user_id == user.id,
                UserSession.ended_at.is_(None),
                UserSession.token_hash != held.token_hash,
            )
            .values(ended_at=now)
            .returning(UserSession.token_hash)
        )
        ended = len(uow.session.scalars(others).all())
        uow.session.execute(delete(SignInLink).where(SignInLink.user_id == user.id, SignInLink.single_use))
        uow.record(
            "password.set",
            user.id,
            replaced=user.password_hash is not None,
            let_in_by=let_in_by,
            sessions_ended=ended,
        )


def _own(hub: Hub, principal: Principal, token: str) -> tuple[HubUser, UserSession]:
    """A system that calls with a key has no password."""
    with hub.db.reading() as session:
        user, held = session.get(HubUser, principal.id), session.get(UserSession, token_hash(token))
    if user is None or held is None or held.user_id != user.id:
        raise Forbidden
    return user, held


def _current_needed(user: HubUser, held: UserSession, now: datetime) -> bool:
    by_link = held.let_in_by is not None and now - held.created_at <= BY_LINK
    return user.password_hash is not None and not by_link


def _not_locked(user: HubUser, now: datetime) -> None:
    if user.locked_until is not None and user.locked_until > now:
        raise BadRequest("密码输错次数过多，账号已锁定15分钟。请稍后再试，或请系统管理员生成登录链接。", "locked")

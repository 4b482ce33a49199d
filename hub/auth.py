"""Who calls, and what they may do: sessions, roles, permissions, estate scope. The one place of each.

Only hashes of cookies, links and keys are kept. Unsafe methods of a session need the CSRF token from `GET /me`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hub.errors import ApiError, BadRequest, Forbidden, NotFound, Unauthenticated
from hub.ids import new_id, random_text
from hub.passwords import hash_of, matches
from hub.services import Hub
from hub.tables import ApiKey, HubUser, SignInLink, UserEstate, UserSession

COOKIE = "estate_session"
SESSION_HOURS = 12
IDLE = timedelta(hours=2)
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
WRONG_ZH = f"用户名或密码不正确，请重新输入。连续输错{MAX_FAILURES}次，账号会锁定15分钟。"
LINK_MADE, USER_ADDED, PASSWORD_SET = "sign-in link", "add user", "set password"
"""Reasons in the audit trail, by which `second_person` finds them."""
SEEN_EVERY = timedelta(minutes=5)
MAX_NAME = 60
NO_NAMES = frozenset({"system", "command line", "demo", "enrolment", "user"})
"""Actors that are no users."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PERMISSIONS: dict[str, frozenset[str]] = {
    "estate_manager": frozenset(
        {
            "estate.view",
            "person.reveal",
            "device.command",
            "device.manage",
            "tenancy.view",
            "access.desk",
            "absence.declare",
            "sign.record",
        }
    ),
    "housing_official": frozenset(
        {
            "estate.view",
            "person.reveal",
            "case.view",
            "case.decide",
            "tenancy.view",
            "tenancy.manage",
            "absence.declare",
            "sign.record",
        }
    ),
    "care_worker": frozenset({"care.manage"}),
    "auditor": frozenset({"estate.view", "case.view", "audit.view"}),
    "administrator": frozenset(
        {
            "estate.view",
            "device.manage",
            "device.command",
            "tenancy.view",
            "tenancy.manage",
            "policy.manage",
            "audit.view",
            "users.manage",
        }
    ),
    "lease_system": frozenset({"lease.decide", "access.code"}),
}
"""Role → permissions. Case data is for officials and auditors; nobody who keeps the system decides a case. Who looks after
people who asked for it (`care_worker`) sees nothing else, and nobody else sees that."""

SCOPED_ROLES = frozenset({"estate_manager", "care_worker"})
"""Of the estates they are given, never of all."""

ALL_PERMISSIONS = frozenset[str]().union(*PERMISSIONS.values())


@dataclass(frozen=True)
class Principal:
    """A signed-in person or a system with a key. `estate_ids` None: all estates of the hub."""

    id: str
    name: str
    display_name: str
    role: str
    estate_ids: frozenset[str] | None
    csrf: str = ""

    def may(self, permission: str) -> bool:
        return permission in PERMISSIONS.get(self.role, frozenset())

    def sees(self, estate_id: str) -> bool:
        return self.estate_ids is None or estate_id in self.estate_ids


def hub_of(request: Request) -> Hub:
    """FastAPI dependency: the process's hub."""
    hub: Hub = request.app.state.hub
    return hub


def require(permission: str) -> Callable[[Request], Principal]:
    """FastAPI dependency: the caller, who may do this. 401 unknown, 403 not allowed or without the CSRF token."""
    if permission not in ALL_PERMISSIONS and permission != "":
        raise ValueError(f"no role has the permission {permission!r}")

    def dependency(request: Request) -> Principal:
        principal = current_principal(request)
        if permission and not principal.may(permission):
            raise Forbidden
        return principal

    dependency.permission = permission  # type: ignore[attr-defined]  # read by the test that walks every route
    return dependency


signed_in = require("")
"""FastAPI dependency: any signed-in caller."""


def in_scope(principal: Principal, estate_id: str | None) -> None:
    """THE place of the estate scope: what lies outside reads as not found."""
    if estate_id is None or not principal.sees(estate_id):
        raise NotFound


def current_principal(request: Request) -> Principal:
    hub = hub_of(request)
    if key := request.headers.get("X-Api-Key"):
        return _by_key(hub, key)
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthenticated
    principal = by_session(hub, token)
    if request.method not in SAFE_METHODS and not _same(request.headers.get("X-CSRF-Token", ""), principal.csrf):
        raise ApiError(403, "csrf", "页面已过期，请刷新后重试。")
    return principal


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def token_hash(token: str) -> str:
    """SHA-256 (hex). The tokens are random and long, so no salt and no slow hash are needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _by_key(hub: Hub, key: str) -> Principal:
    with hub.db.reading() as session:
        row = session.get(ApiKey, token_hash(key))
    if row is None or row.revoked_at is not None:
        raise Unauthenticated("接口密钥无效或已停用，请向管理员申请新的密钥。")
    return Principal(f"key:{row.name}", row.name, row.name, row.role, None)


def by_session(hub: Hub, token: str) -> Principal:
    now = hub.now()
    with hub.db.reading() as session:
        held = session.get(UserSession, token_hash(token))
        user = session.get(HubUser, held.user_id) if held else None
        if held is None or user is None or held.ended_at or user.disabled or held.expires_at <= now:
            raise Unauthenticated("登录已失效，请重新登录。")
        if now - held.seen_at > IDLE:
            raise Unauthenticated("长时间未操作，请重新登录。")
        principal = principal_of(session, user, held.csrf)
        stale = now - held.seen_at > SEEN_EVERY
    if stale:
        with hub.db.unit_of_work(user.name, "session seen", now=now, audit=False) as uow:
            seen = update(UserSession).where(UserSession.token_hash == held.token_hash).values(seen_at=now)
            uow.session.execute(seen)
    return principal


def still_signed_in(hub: Hub, token: str, principal: Principal) -> bool:
    """For a stream that stays open: the session lives and its user may still what he might when it began.

    An open stream does not count as use: it moves no idle time.
    """
    now = hub.now()
    with hub.db.reading() as session:
        held = session.get(UserSession, token_hash(token))
        user = session.get(HubUser, held.user_id) if held else None
        if held is None or user is None or held.ended_at or user.disabled or held.expires_at <= now:
            return False
        if now - held.seen_at > IDLE:
            return False
        return principal_of(session, user, principal.csrf) == principal


def principal_of(session: Session, user: HubUser, csrf: str = "") -> Principal:
    """A manager sees only the estates named; others with none named see all."""
    own = frozenset(session.scalars(select(UserEstate.estate_id).where(UserEstate.user_id == user.id)))
    everything = not own and user.role not in SCOPED_ROLES
    return Principal(user.id, user.name, user.display_name, user.role, None if everything else own, csrf)


def sign_in(hub: Hub, name: str, password: str, address: str = "") -> str:
    """The session's token. 401 for a wrong name or password alike; after 5 failures the name is locked for 15 minutes, which is
    answered the same: it would tell that there is such a name."""
    now = hub.now()
    with hub.db.reading() as session:
        user = session.scalar(select(HubUser).where(HubUser.name == name))
    locked = user is not None and user.locked_until is not None and user.locked_until > now
    good = matches(user.password_hash if user else None, password)
    if user is None or not good or user.disabled or locked:
        if user and not locked:
            count_failure(hub, user, now)
        raise Unauthenticated(WRONG_ZH)
    return open_session(hub, user.id, address, hash=user.password_hash)


def count_failure(hub: Hub, user: HubUser, now: datetime) -> None:
    """A wrong password, at sign-in or where the current one is asked for."""
    with hub.db.unit_of_work(user.name, "sign-in failed", now=now) as uow:
        row = uow.session.get_one(HubUser, user.id, with_for_update=True)  # guesses at once are as many guesses
        row.failed_attempts += 1
        if row.failed_attempts >= MAX_FAILURES:
            row.failed_attempts, row.locked_until = 0, now + LOCK
            uow.record("user.locked", user.id, until=row.locked_until.isoformat())


def open_session(
    hub: Hub, user_id: str, address: str = "", let_in_by: str | None = None, hash: str | None = None
) -> str:
    """A new session's token; older sessions of the user that have expired are dropped. `let_in_by`: who made the link that
    was followed; None: by a password, which `hash` was found to match. Raises Unauthenticated where that is no more so, or
    guesses beside it have locked the name."""
    now, token = hub.now(), secrets.token_urlsafe(32)
    with hub.db.unit_of_work(user_id, "sign-in", now=now) as uow:
        user = uow.session.get_one(HubUser, user_id, with_for_update=True)
        if hash is not None and (user.password_hash != hash or (user.locked_until and user.locked_until > now)):
            raise Unauthenticated(WRONG_ZH)
        user.failed_attempts, user.locked_until = 0, None
        old = delete(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at < now)
        uow.session.execute(old)
        uow.session.add(
            UserSession(
                token_hash=token_hash(token),
                user_id=user_id,
                csrf=secrets.token_urlsafe(24),
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(hours=SESSION_HOURS),
                address=address,
                let_in_by=let_in_by,
            )
        )
        uow.record("session.opened", user_id)
    return token


def end_session(hub: Hub, token: str) -> None:
    with hub.db.unit_of_work("user", "sign-out", now=hub.now()) as uow:
        row = uow.session.get(UserSession, token_hash(token))
        if row and row.ended_at is None:
            row.ended_at = uow.now
            uow.actor = row.user_id
            uow.record("session.ended", row.user_id)


def make_sign_in_link(
    hub: Hub,
    user_name: str,
    valid: timedelta = timedelta(hours=12),
    actor: str = "command line",
    *,
    single_use: bool = True,
) -> str:
    """A path `/signin/{token}` that signs this user in, once, until it expires. Raises LookupError."""
    token = random_text(40)
    with hub.db.unit_of_work(actor, LINK_MADE, now=hub.now()) as uow:
        user = uow.session.scalar(select(HubUser).where(HubUser.name == user_name))
        if user is None:
            raise LookupError(f"there is no user {user_name!r}: make one with `estate-hub add-user`")
        uow.session.execute(delete(SignInLink).where(SignInLink.expires_at < uow.now))
        uow.session.add(
            SignInLink(
                token_hash=token_hash(token),
                user_id=user.id,
                expires_at=uow.now + valid,
                single_use=single_use,
                made_by=actor,
            )
        )
        uow.record("sign_in_link.made", user.id)
    return f"/signin/{token}"


def _standing(hub: Hub, token: str) -> SignInLink | None:
    with hub.db.reading() as session:
        row = session.get(SignInLink, token_hash(token))
        user = session.get(HubUser, row.user_id) if row else None
    return row if row and user and not user.disabled and row.expires_at > hub.now() else None


def link_stands(hub: Hub, token: str) -> bool:
    """Whether it would sign somebody in. Uses nothing up and writes nothing."""
    return _standing(hub, token) is not None


def follow_link(hub: Hub, token: str, address: str = "") -> str | None:
    """A session's token; None when the link is unknown or has expired."""
    row = _standing(hub, token)
    if row is None or (row.single_use and not _used_up(hub, row.token_hash, row.user_id)):
        return None
    return open_session(hub, row.user_id, address, row.made_by)


def _used_up(hub: Hub, hash: str, user_id: str) -> bool:
    """Takes the link away; False when somebody else just did."""
    with hub.db.unit_of_work(user_id, "sign-in link followed", now=hub.now()) as uow:
        gone = uow.session.scalar(
            delete(SignInLink).where(SignInLink.token_hash == hash).returning(SignInLink.token_hash)
        )
        uow.record("sign_in_link.used", user_id)
    return gone is not None


def _may_be_a_name(name: str) -> bool:
    """A sign-in name stands in the audit trail beside ids and what is no person: it must not read like one of these."""
    plain = name.strip() == name and name.isprintable() and ":" not in name and 0 < len(name) <= MAX_NAME
    return plain and name.lower() not in NO_NAMES and not name.startswith("user-")


def add_user(
    hub: Hub, name: str, display_name: str, role: str, estate_ids: list[str], password: str | None, actor: str
) -> str:
    """The user's id. `password` None: only a sign-in link lets them in. Raises BadRequest with what to change."""
    if not _may_be_a_name(name):
        raise BadRequest(
            f"登录名不能是“{name}”：须为1至{MAX_NAME}个字符，首尾不留空格，不含冒号，也不用系统自己的名称。"
        )
    if role not in PERMISSIONS or role == "lease_system":
        raise BadRequest(
            f"没有“{role}”这个岗位：可用 {'、'.join(role for role in PERMISSIONS if role != 'lease_system')}。"
        )
    if role in SCOPED_ROLES and not estate_ids:
        raise BadRequest("小区管理员和关怀探访人员须至少指定一个小区。")
    hash = hash_of(password) if password is not None else None
    with hub.db.unit_of_work(actor, USER_ADDED, now=hub.now()) as uow:
        if uow.session.scalar(select(HubUser.id).where(HubUser.name == name)):
            raise BadRequest(f"已有用户“{name}”，请换一个登录名。")
        user = HubUser(id=new_id("user"), name=name, display_name=display_name or name, role=role, password_hash=hash)
        uow.session.add(user)
        uow.session.flush()
        uow.session.add_all(UserEstate(user_id=user.id, estate_id=estate) for estate in estate_ids)
        uow.record("user.added", user.id, name=name, role=role, estates=estate_ids)
        return user.id


def add_api_key(hub: Hub, name: str, role: str = "lease_system", actor: str = "command line") -> str:
    """The key, shown once. Only systems have keys; people sign in."""
    if role != "lease_system":
        raise ValueError("only the role lease_system may have a key")
    key = f"ek_{secrets.token_urlsafe(32)}"
    with hub.db.unit_of_work(actor, "add API key", now=hub.now()) as uow:
        uow.session.add(ApiKey(key_hash=token_hash(key), name=name, role=role, created_at=uow.now))
        uow.record("api_key.added", name, role=role)
    return key

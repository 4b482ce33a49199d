"""Users, edges' enrolment tokens, dead letters: for administrators."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import func, select

from hub import auth
from hub.auth import Principal, hub_of, in_scope, require
from hub.enrol import enrolment_token
from hub.errors import BadRequest, NotFound
from hub.services import Hub
from hub.tables import DeadLetter, Edge, Estate, HubUser, UserEstate

router = APIRouter(prefix="/api/v1", tags=["admin"])
TheHub = Annotated[Hub, Depends(hub_of)]
UserKeeper = Annotated[Principal, Depends(require("users.manage"))]
DeviceKeeper = Annotated[Principal, Depends(require("device.manage"))]
AuditReader = Annotated[Principal, Depends(require("audit.view"))]
PREVIEW = 200
LINK_LIFE = timedelta(hours=2)


class UserItem(BaseModel):
    """`locked_until`: after wrong passwords; a link lets them in before."""

    id: str
    name: str
    display_name: str
    role: str
    disabled: bool
    has_password: bool
    locked_until: datetime | None
    estates: list[str]


class UserList(BaseModel):
    items: list[UserItem]


class NewUser(BaseModel):
    name: str
    display_name: str = ""
    role: str
    estates: list[str] = []
    password: str | None = None


class CreatedUser(BaseModel):
    id: str


class SignInLinkItem(BaseModel):
    """To be handed to the person alone: whoever opens it is signed in as them. Audited."""

    url: str
    expires_at: datetime


class EnrolmentTokenItem(BaseModel):
    """`command` is what the installer types on the edge box."""

    token: str
    expires_at: datetime
    command: str


class DeadLetterItem(BaseModel):
    id: int
    at: datetime
    edge_id: str | None
    topic: str
    error: str
    size: int
    preview: str


class DeadLetters(BaseModel):
    items: list[DeadLetterItem]
    total: int


@router.get("/admin/users", response_model=UserList)
def list_users(hub: TheHub, principal: UserKeeper) -> Any:
    """Of an administrator of some estates: who works in these alone."""
    with hub.db.reading() as session:
        own: dict[str, list[str]] = {}
        for row in session.scalars(select(UserEstate)):
            own.setdefault(row.user_id, []).append(row.estate_id)
        names = ("id", "name", "display_name", "role", "disabled", "locked_until")
        return {
            "items": [
                {
                    **{name: getattr(user, name) for name in names},
                    "has_password": user.password_hash is not None,
                    "estates": own.get(user.id, []),
                }
                for user in session.scalars(select(HubUser).order_by(HubUser.name))
                if _in_reach(principal, own.get(user.id, []))
            ]
        }


def _in_reach(principal: Principal, estates: Collection[str]) -> bool:
    """Whether this administrator keeps a user of these estates. None named means all, which only who sees all may give."""
    return principal.estate_ids is None or (bool(estates) and principal.estate_ids.issuperset(estates))


@router.post("/admin/users", status_code=201, response_model=CreatedUser)
def create_user(body: NewUser, hub: TheHub, principal: UserKeeper) -> Any:
    if not _in_reach(principal, body.estates):
        raise BadRequest("您只能为自己管理的小区添加用户，请至少选择其中一个小区。")
    with hub.db.reading() as session:
        unknown = set(body.estates) - set(session.scalars(select(Estate.id)))
    if unknown:
        raise BadRequest(f"没有这些小区：{'、'.join(sorted(unknown))}。")
    user_id = auth.add_user(hub, body.name, body.display_name, body.role, body.estates, body.password, principal.id)
    return {"id": user_id}


@router.post("/admin/users/{user_id}/sign-in-link", status_code=201, response_model=SignInLinkItem)
def make_user_link(user_id: str, hub: TheHub, principal: UserKeeper) -> Any:
    """For somebody without a password, or who forgot it. Valid for two hours."""
    with hub.db.reading() as session:
        user = session.get(HubUser, user_id)
        own = session.scalars(select(UserEstate.estate_id).where(UserEstate.user_id == user_id)).all()
    if user is None or user.disabled or not _in_reach(principal, own):
        raise NotFound("没有这个用户，或已停用。")
    path = auth.make_sign_in_link(hub, user.name, LINK_LIFE, principal.name)
    url = hub.config.public_url or f"http://{hub.config.host}:{hub.config.port}"
    return {"url": url + path, "expires_at": hub.now() + LINK_LIFE}


@router.post("/admin/edges/{edge_id}/enrolment-token", status_code=201, response_model=EnrolmentTokenItem)
def make_enrolment_token(edge_id: str, hub: TheHub, principal: DeviceKeeper) -> Any:
    with hub.db.reading() as session:
        edge = session.get(Edge, edge_id)
    in_scope(principal, edge.estate_id if edge else None)
    if edge is None:
        raise NotFound
    token, expires_at = enrolment_token(hub, edge_id, principal.id)
    url = hub.config.public_url or f"http://{hub.config.host}:{hub.config.port}"
    return {
        "token": token,
        "expires_at": expires_at,
        "command": f"estate-edge enrol --hub {url} --token {token} --dir /var/lib/estate-edge",
    }


@router.get("/dead-letters", response_model=DeadLetters)
def list_dead_letters(hub: TheHub, principal: AuditReader, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Any:
    query = select(DeadLetter).order_by(DeadLetter.id.desc()).limit(limit)
    total = select(func.count()).select_from(DeadLetter)
    if principal.estate_ids is not None:
        edges = select(Edge.id).where(Edge.estate_id.in_(principal.estate_ids))
        query, total = query.where(DeadLetter.edge_id.in_(edges)), total.where(DeadLetter.edge_id.in_(edges))
    with hub.db.reading() as session:
        names = ("id", "at", "edge_id", "topic", "error", "size")
        items = [
            {**{name: getattr(row, name) for name in names}, "preview": _preview(row.payload)}
            for row in session.scalars(query)
        ]
        return {"items": items, "total": session.scalar(total) or 0}


def _preview(payload: bytes) -> str:
    """The beginning as text; what is no text as dots."""
    text = payload[:PREVIEW].decode("utf-8", "replace")
    return "".join(c if c.isprintable() and c != "\ufffd" else "·" for c in text)

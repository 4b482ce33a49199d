"""Phone codes over HTTP: for the lease system's app (its key), and for whoever holds the secret link of a pass (no sign-in)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.access import qr
from hub.auth import Principal, hub_of, require
from hub.services import Hub

router = APIRouter(prefix="/api/v1", tags=["access"])
TheHub = Annotated[Hub, Depends(hub_of)]
App = Annotated[Principal, Depends(require("access.code"))]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LinkSecret(_Strict):
    """What stands behind `/pass#`: it never is part of an address that a server could log."""

    secret: str = Field(min_length=16, max_length=200)


class MemberCode(_Strict):
    """The lease system's own ids."""

    tenancy: str = Field(min_length=1, max_length=120)
    person: str = Field(min_length=1, max_length=120)


class PhoneCode(BaseModel):
    """`text` is to be shown as a QR code until `expires_at`; ask again after `renew_after_s` seconds."""

    text: str
    label: str
    estate: str
    issued_at: datetime
    renew_after_s: int
    expires_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None


def _limiter(request: Request) -> qr.Limiter:
    state = request.app.state
    if getattr(state, "code_limiter", None) is None:
        state.code_limiter = qr.Limiter()
    limiter: qr.Limiter = state.code_limiter
    return limiter


TheLimiter = Annotated[qr.Limiter, Depends(_limiter)]


@router.post("/pass-qr")
def code_of_pass(body: LinkSecret, request: Request, response: Response, hub: TheHub, limiter: TheLimiter) -> PhoneCode:
    """The code of one pass, for 60 s. 404 when the pass is over, 409 before it begins, 429 when asked too often."""
    address = request.client.host if request.client else ""
    response.headers["Cache-Control"] = "no-store"
    return PhoneCode(**asdict(qr.of_link(hub, limiter, body.secret, address)))


@router.post("/member-qr")
def code_of_member(body: MemberCode, response: Response, hub: TheHub, principal: App, limiter: TheLimiter) -> PhoneCode:
    """The code of a household member, for the tenants' app of the lease system (its API key)."""
    response.headers["Cache-Control"] = "no-store"
    return PhoneCode(**asdict(qr.of_member(hub, limiter, body.tenancy, body.person)))

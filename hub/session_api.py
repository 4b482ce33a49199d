"""Signing in and out, and who one is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy import select

from hub import account, auth, link_page
from hub.account import PasswordState
from hub.auth import Principal, hub_of
from hub.services import Hub
from hub.tables import Estate, HubUser

router = APIRouter(tags=["session"])
TheHub = Annotated[Hub, Depends(hub_of)]
SignedIn = Annotated[Principal, Depends(auth.signed_in)]


class SignIn(BaseModel):
    name: str
    password: str


class NewPassword(BaseModel):
    """`current`: empty where none is asked for (see `PasswordState`)."""

    current: str = ""
    password: str


class Me(BaseModel):
    """`csrf` goes into the header `X-CSRF-Token` of every unsafe request. `has_password` False: only a link lets them in."""

    id: str
    name: str
    display_name: str
    role: str
    csrf: str
    has_password: bool
    permissions: list[str]
    estates: list[dict[str, str]]


def _give_cookie(hub: Hub, response: Response, token: str) -> None:
    response.set_cookie(
        auth.COOKIE,
        token,
        max_age=auth.SESSION_HOURS * 3600,
        httponly=True,
        samesite="lax",
        secure=hub.config.public_url.startswith("https://"),
        path="/",
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.post("/api/v1/session", status_code=204)
def sign_in(body: SignIn, request: Request, response: Response, hub: TheHub) -> None:
    _give_cookie(hub, response, auth.sign_in(hub, body.name, body.password, _address(request)))


@router.api_route("/signin/{token}", methods=["GET", "HEAD"], include_in_schema=False)
def show_sign_in_link(token: str, hub: TheHub) -> Response:
    return link_page.ask() if auth.link_stands(hub, token) else link_page.ended()


@router.post("/signin/{token}", include_in_schema=False)
def follow_sign_in_link(token: str, request: Request, hub: TheHub) -> Response:
    if auth.link_stands(hub, token) and link_page.pressed_elsewhere(request, hub.config):
        return link_page.ask(403)
    session = auth.follow_link(hub, token, _address(request))
    if session is None:
        return link_page.ended()
    response = RedirectResponse("/", 303, link_page.HEADERS)
    _give_cookie(hub, response, session)
    return response


@router.delete("/api/v1/session", status_code=204)
def sign_out(request: Request, response: Response, hub: TheHub, _who: SignedIn) -> None:
    auth.end_session(hub, request.cookies.get(auth.COOKIE, ""))
    response.delete_cookie(auth.COOKIE, path="/")


@router.get("/api/v1/me", response_model=Me)
def who_am_i(hub: TheHub, principal: SignedIn) -> Any:
    with hub.db.reading() as session:
        user = session.get(HubUser, principal.id)
        estates = [
            {"id": row.id, "code": row.code, "name": row.name, "time_zone": row.time_zone}
            for row in session.scalars(select(Estate).order_by(Estate.code))
            if principal.sees(row.id)
        ]
    return {
        "id": principal.id,
        "name": principal.name,
        "display_name": principal.display_name,
        "role": principal.role,
        "csrf": principal.csrf,
        "has_password": user is not None and user.password_hash is not None,
        "permissions": sorted(p for p in auth.ALL_PERMISSIONS if principal.may(p)),
        "estates": estates,
    }


@router.get("/api/v1/me/password", response_model=PasswordState)
def how_my_password_is(request: Request, hub: TheHub, principal: SignedIn) -> Any:
    return account.password_state(hub, principal, request.cookies.get(auth.COOKIE, ""))


@router.put("/api/v1/me/password", status_code=204)
def set_my_password(body: NewPassword, request: Request, hub: TheHub, principal: SignedIn) -> None:
    token = request.cookies.get(auth.COOKIE, "")
    account.set_password(hub, principal, token, body.current, body.password)

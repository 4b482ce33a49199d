"""The console's HTTP application: routers, one error envelope, security headers, the console's files, the live stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.datastructures import MutableHeaders, State
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub import rooms
from hub.console import add_console
from hub.db import AWAY
from hub.english.phrases import english
from hub.errors import ApiError
from hub.health import VERSION
from hub.ids import random_text
from hub.services import Hub

log = logging.getLogger(__name__)
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
DEADLOCKS = frozenset({"40P01", "40001"})  # SQLSTATE: deadlock detected, serialization failure
MAX_BODY, MAX_PUSH = 24 << 20, 64 << 20  # bytes; a push may bring the records of a whole city
HTTP_MESSAGES = {
    413: ("too_large", "上传的内容过大，没有保存。请缩小后重试。"),
    404: ("not_found", "没有这个接口地址，请检查路径。"),
    405: ("method_not_allowed", "这个地址不支持该操作。"),
}


class ErrorBody(BaseModel):
    """`code` for programs, `message` for people (zh-CN, says what to do next; `message_en` where it has English words),
    `request_id` for the log."""

    code: str
    message: str
    message_en: str
    request_id: str


class ErrorReply(BaseModel):
    error: ErrorBody


def create_app(hub: Hub, routers: tuple[APIRouter, ...] | None = None) -> FastAPI:
    """The application on a hub. `routers` None: all rooms."""
    return put_on(build_app(rooms.ROUTERS if routers is None else routers), hub)


def put_on(app: FastAPI, hub: Hub) -> FastAPI:
    """From now on it serves this hub."""
    app.state = State({"hub": hub})
    rooms.join(hub)
    return app


def build_app(routers: tuple[APIRouter, ...]) -> FastAPI:
    """Routes, errors and headers, with no hub yet: every handler asks `app.state` for it."""
    app = FastAPI(
        title="Estate Hub",
        version=VERSION,
        lifespan=_live,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        generate_unique_id_function=_operation_id,
        responses={400: {"model": ErrorReply}},
    )
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)  # 9: five times as long, a tenth less
    app.add_middleware(_Around)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(IntegrityError, _at_once)
    for away in AWAY:
        app.add_exception_handler(away, _database)
    app.add_exception_handler(500, _crash)
    for router in routers:
        app.include_router(router)
    add_console(app)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    hub: Hub = app.state.hub
    live = asyncio.create_task(hub.live.run())
    yield
    live.cancel()
    with suppress(asyncio.CancelledError):
        await live


def _operation_id(route: APIRoute) -> str:
    return route.name


class _Around:
    """A request id and the security headers. Plain ASGI: it must not stand between a stream and its client."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = random_text(12)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, _limited(receive, scope), send_with_headers)


def _limited(receive: Receive, scope: Scope) -> Receive:
    """Whoever sends a larger body, signed in or not, is answered 413 before it is all in memory."""
    most = MAX_PUSH if "/tenancy/push/" in scope["path"] else MAX_BODY
    told = dict(scope["headers"]).get(b"content-length", b"0")
    taken = int(told) if told.isdigit() else 0

    async def limited() -> Message:
        nonlocal taken
        message = {} if taken > most else await receive()
        if not told.isdigit() or told == b"0":
            taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    return limited


def _envelope(request: Request, status: int, code: str, message: str) -> JSONResponse:
    request_id = getattr(request.state, "request_id", "")
    body = ErrorReply(error=ErrorBody(code=code, message=message, message_en=english(message), request_id=request_id))
    return JSONResponse(body.model_dump(), status)


def _api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return _envelope(request, error.status, error.code, error.message)


def _bad_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    where = "；".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in error.errors()[:5])
    return _envelope(request, 422, "invalid", f"填写的内容有误，请修改后重试（{where}）。")


def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, message = HTTP_MESSAGES.get(error.status_code, ("http_error", str(error.detail)))
    return _envelope(request, error.status_code, code, message)


def _at_once(request: Request, error: Exception) -> Response:
    """A row that must be there once is there already: what was read before did not have it yet."""
    _log(request, error)
    return _envelope(request, 409, "at_once", "刚刚有人做了同样的操作，本次没有保存。请刷新页面后重试。")


def _database(request: Request, error: Exception) -> Response:
    """Two that waited for each other (PostgreSQL ends one of them); a connection that is gone, or none free; a disk that is full;
    a standby."""
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in DEADLOCKS:
        return _at_once(request, error)
    _log(request, error)
    return _envelope(request, 503, "database", "数据库暂时不可用，本次没有保存。请稍后重试；持续出现请告诉管理员。")


def _log(request: Request, error: Exception) -> None:
    request_id = getattr(request.state, "request_id", "")
    log.error("request %s %s %s failed", request_id, request.method, request.url.path, exc_info=error)


def _crash(request: Request, error: Exception) -> Response:
    _log(request, error)
    request_id = getattr(request.state, "request_id", "")
    return _envelope(request, 500, "internal", f"系统内部错误，请稍后重试；仍不行请把编号 {request_id} 告诉管理员。")

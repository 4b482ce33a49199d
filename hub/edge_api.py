"""The edges' HTTP side: enrolment on the console's port; lists and pictures on a port with mutual TLS.

On that port TLS admits only certificates of our CA, and the bearer secret says which edge it is.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from sqlalchemy import select

from device_drivers.contract.access import SignedAccessList
from device_drivers.contract.edge_http import (
    CERTIFICATE_PATH,
    ENROL_PATH,
    LIST_PATH,
    SNAPSHOT_PATH,
    EnrolRequest,
    RenewRequest,
)
from device_drivers.contract.words import PictureProof
from hub.auth import hub_of, token_hash
from hub.enrol import enrol, renew
from hub.errors import ApiError, BadRequest, Forbidden, NotFound, Unauthenticated
from hub.services import Hub
from hub.tables import AccessPoint, DesiredList, Device, Edge, Estate, EventRow, Snapshot

MAX_PICTURE = 1024 * 1024
MAX_ENROL = 16 * 1024
JPEG = b"\xff\xd8\xff"
enrol_router = APIRouter(include_in_schema=False)
edge_router = APIRouter(include_in_schema=False)
TheHub = Annotated[Hub, Depends(hub_of)]


async def _body(request: Request) -> bytes:
    """The request's body, cut off above the largest thing an edge may send."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_PICTURE:
            raise ApiError(413, "too_large", "内容超过 1 MB。")
        parts.append(part)
    return b"".join(parts)


def edge_of(request: Request, hub: TheHub) -> Edge:
    """The edge whose secret this is. The TLS layer has checked the certificate."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not secret:
        raise Unauthenticated("缺少边缘机密钥。")
    wanted = token_hash(secret)
    with hub.db.reading() as session:
        edge = session.scalar(select(Edge).where(Edge.secret_hash == wanted))
    if edge is None or edge.secret_hash is None or not hmac.compare_digest(edge.secret_hash, wanted):
        raise Unauthenticated("边缘机密钥无效，请重新登记。")
    return edge


TheEdge = Annotated[Edge, Depends(edge_of)]


@enrol_router.post(ENROL_PATH)
def enrol_edge(request: Request, hub: TheHub, body: Annotated[bytes, Depends(_body)]) -> Response:
    if len(body) > MAX_ENROL:
        raise BadRequest("登记请求过长。")
    try:
        wanted = msgspec.json.decode(body, type=EnrolRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"登记请求不可读：{error}") from error
    state = request.app.state
    admin = state.broker.admin if getattr(state, "broker", None) else None
    reply = enrol(hub, admin, wanted, f"https://{hub.config.edge_host}:{hub.config.edge_port}")
    return Response(msgspec.json.encode(reply), media_type="application/json")


@edge_router.post(CERTIFICATE_PATH)
def renew_certificate(hub: TheHub, edge: TheEdge, body: Annotated[bytes, Depends(_body)]) -> Response:
    try:
        wanted = msgspec.json.decode(body, type=RenewRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"证书申请不可读：{error}") from error
    return Response(msgspec.json.encode(renew(hub, edge.id, wanted.csr)), media_type="application/json")


@edge_router.get(LIST_PATH)
def access_list(device: str, request: Request, hub: TheHub, edge: TheEdge) -> Response:
    with hub.db.reading() as session:
        owner = session.get(Device, device)
        row = session.get(DesiredList, device)
    if owner is None or owner.edge_id != edge.id or row is None:
        raise NotFound("这台设备没有名单，或不属于本边缘机。")
    headers = {"ETag": f'"{row.digest}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    body = msgspec.json.encode(SignedAccessList(row.payload, row.signature, row.key_id))
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1)  # a tenth of the time of level 5, a seventh more bytes
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


@edge_router.put(SNAPSHOT_PATH)
def put_snapshot(
    sha256: str, request: Request, hub: TheHub, edge: TheEdge, body: Annotated[bytes, Depends(_body)]
) -> Response:
    """201 kept, 200 kept before; 403 where the estate's policy forbids pictures (nothing is stored then)."""
    with hub.db.reading() as session:
        if not session.get_one(Estate, edge.estate_id).policy.get("snapshots"):
            raise Forbidden("本小区政策不允许保存抓拍图片。")
    if not body.startswith(JPEG):
        raise BadRequest("不是 JPEG 图片。")
    if hashlib.sha256(body).hexdigest() != sha256:
        raise BadRequest("图片摘要不符，请重新上传。")
    return Response(status_code=201 if _keep(hub, edge, sha256, body, request) else 200)


def _keep(hub: Hub, edge: Edge, sha256: str, body: bytes, request: Request) -> bool:
    file = hub.config.dir / "snapshots" / sha256[:2] / f"{sha256}.jpg"
    with hub.db.unit_of_work(f"edge:{edge.id}", "snapshot", now=hub.now(), audit=False) as uow:
        if uow.session.get(Snapshot, sha256):
            return False
        point = uow.session.get(AccessPoint, request.headers.get("X-Access-Point", ""))
        camera = uow.session.get(Device, request.headers.get("X-Camera", ""))
        row = Snapshot(
            sha256=sha256,
            estate_id=edge.estate_id,
            edge_id=edge.id,
            access_point_id=point.id if point and point.estate_id == edge.estate_id else None,
            camera_id=camera.id if camera and camera.edge_id == edge.id else None,
            taken_at=_taken(request.headers.get("X-Taken-At"), uow.now),
            received_at=uow.now,
            size=len(body),
            file=str(file.relative_to(hub.config.dir)),
            proof=PictureProof(request.headers.get("X-Proof", "none")[:20]).value,
        )
        noted = (
            select(EventRow)
            .where(EventRow.estate_id == edge.estate_id, EventRow.kind == "snapshot", EventRow.edge_id == edge.id)
            .where(EventRow.data.contains(sha256))
            .limit(1)
        )
        if event := uow.session.scalar(noted):
            row.epoch, row.of_seq = event.epoch, msgspec.json.decode(event.data).get("of_seq")
        uow.session.add(row)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)  # before the commit: a row without its picture would be a lie
    return True


def _taken(text: str | None, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return now
    return at.astimezone(UTC) if at.tzinfo else now


def create_edge_app(hub: Hub, parent: FastAPI) -> FastAPI:
    """The application of the edge port: nothing of the console is reachable there."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.hub, app.state.broker = hub, getattr(parent.state, "broker", None)
    app.exception_handlers.update(parent.exception_handlers)
    app.include_router(edge_router)
    return app

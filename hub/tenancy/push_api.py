"""`POST /tenancy/push/{source}`: for systems, no session and no key: the signature over the body says who speaks."""

from __future__ import annotations

import logging
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel

from hub.auth import hub_of
from hub.errors import ApiError, BadRequest, Unauthenticated
from hub.other_way import phone_link
from hub.services import Hub
from hub.tenancy import push
from hub.tenancy.body import NoJson, Twice, decoded
from hub.tenancy.reasons import zh

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1", tags=["tenancy"])


class PushRefusal(BaseModel):
    key: str
    reason: str
    reason_zh: str


class PhoneLink(BaseModel):
    """Their way in from this minute: a link for the phone, told this once (empty: they have one), and doors it does not open."""

    tenancy: str
    person: str
    link: str
    warnings: list[str]


class PushTaken(BaseModel):
    """The same push again gives `unchanged`. `held`: what the brake stopped until two persons decided.

    `phone_links`: people who took back the consent to their face in this push and had no other way in.
    """

    accepted: int
    new: int
    changed: int
    ended: int
    unchanged: int
    stale: int
    refused: list[PushRefusal]
    held: list[str]
    phone_links: list[PhoneLink] = []


async def _body(request: Request) -> bytes:
    """The request's body, cut off above the largest push."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > push.MAX_BODY:
            raise ApiError(413, "too_large", "内容超过 4 MB，请分批推送。")
        parts.append(part)
    return b"".join(parts)


@router.post("/tenancy/push/{source}")
def push_tenancies(
    source: str,
    hub: Annotated[Hub, Depends(hub_of)],
    body: Annotated[bytes, Depends(_body)],
    x_timestamp: Annotated[str, Header()] = "",
    x_signature: Annotated[str, Header()] = "",
    content_type: Annotated[str, Header()] = "",
) -> PushTaken:
    """Body `{"items": [TenancyRecord, …]}`; `X-Timestamp` Unix seconds; `X-Signature` base64 over `{timestamp}.{body}`."""
    try:
        config = push.verified(hub, source, x_timestamp, x_signature, body)
    except push.NotSigned as error:
        log.warning("push to source %r refused: %s", source[:60], error)
        raise Unauthenticated("签名无效、已过期，或没有这个推送数据源。") from error
    try:
        plain = decoded(body, content_type)
        if isinstance(plain, Twice):
            raise NoJson("one key stands twice")
        items = msgspec.convert(plain, type=push.PushBody).items
    except (msgspec.MsgspecError, NoJson) as error:
        raise BadRequest('内容须为 JSON：{"items": [...]}。') from error
    if len(items) > push.MAX_RECORDS:
        raise ApiError(413, "too_large", f"一次最多 {push.MAX_RECORDS} 条记录，请分批推送。")
    done = push.take(hub, config, items)
    return PushTaken(
        accepted=done.accepted,
        new=done.new,
        changed=done.changed,
        ended=done.ended,
        unchanged=done.unchanged,
        stale=done.stale,
        refused=[PushRefusal(key=r.key, reason=r.reason, reason_zh=zh(r.reason)) for r in done.refused],
        held=list(done.held),
        phone_links=[
            PhoneLink(
                tenancy=way.tenancy,
                person=way.person,
                link=phone_link(hub.config.public_url, way.secret),
                warnings=list(way.warnings),
            )
            for way in done.ways
        ],
    )

"""The back office: plays the tenancy records and the lease system's inbox over HTTP (aiohttp).

Everything under /api and /control needs the header `X-Api-Key`; `/photos/{sha256}.jpg` does not (the name is the
secret: 256 bits), because face terminals that fetch a picture can send no header.

  GET  /api/tenancies?cursor=&limit=   {"items", "next_cursor", "total", "has_more"}; cursor "" = all from the start
  GET  /api/absences?cursor=&limit=    the same, for declared absences
  PUT  /api/hub-key {"public_key"}     base64 of the hub's 32-byte Ed25519 key
  POST /api/inbox                      any JSON object; X-Signature = base64 Ed25519 over the body, Idempotency-Key
  GET  /api/inbox                      {"items": [{"idempotency_key", "received_at", "body", "times"}]}
  /control/...                         see `back_office_control`, `back_office_events`, `back_office_feed`
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from simulators.back_office_control import routes as control_routes
from simulators.back_office_core import OFFICE, BadRequest, Office, json_object, problem
from simulators.back_office_events import routes as event_routes
from simulators.back_office_feed import spoilt
from simulators.back_office_store import KeyReused, Record, Store
from simulators.site import ZONE

MAX_LIMIT = 1000
HTML = "<html><body><h1>系统维护中</h1></body></html>"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def open_office(directory: Path, api_key: str) -> Office:
    """Opens the office of a site directory (state in back_office.sqlite, first filled from tenancies.json)."""
    if not api_key:
        raise ValueError("the back office needs an API key")
    seed = directory / "tenancies.json"
    store = Store(directory / "back_office.sqlite", seed if seed.is_file() else None, lambda: datetime.now(ZONE))
    photos = directory / "photos"
    photos.mkdir(exist_ok=True)
    return Office(store, photos, api_key)


def make_app(office: Office) -> web.Application:
    """The web application over an open office; closes the store when it is cleaned up."""
    app = web.Application(middlewares=[_with_key, _errors], client_max_size=1 << 20)
    app[OFFICE] = office
    app.add_routes(
        [
            web.get("/api/tenancies", _tenancies),
            web.get("/api/absences", _absences),
            web.put("/api/hub-key", _put_hub_key),
            web.post("/api/inbox", _post_inbox),
            web.get("/api/inbox", _get_inbox),
            web.get("/photos/{name}", _photo),
            *control_routes(),
            *event_routes(),
        ]
    )

    async def close(_app: web.Application) -> None:
        office.store.close()

    app.on_cleanup.append(close)
    return app


@web.middleware
async def _with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith("/photos/"):
        given = request.headers.get("X-Api-Key", "")
        if not hmac.compare_digest(given.encode(), request.app[OFFICE].api_key.encode()):
            return problem(401, "X-Api-Key is missing or wrong")
    return await handler(request)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Bad input is a clear JSON 4xx."""
    try:
        return await handler(request)
    except (BadRequest, json.JSONDecodeError, UnicodeDecodeError) as error:
        return problem(400, str(error))


async def _tenancies(request: web.Request) -> web.StreamResponse:
    return await _feed(request, "tenancy")


async def _absences(request: web.Request) -> web.StreamResponse:
    return await _feed(request, "absence")


async def _feed(request: web.Request, kind: str) -> web.StreamResponse:
    """One page of the change sequence, spoilt as the feed mode says."""
    office = request.app[OFFICE]
    office.served[kind] = office.served.get(kind, 0) + 1
    cursor, limit = _cursor(request), _limit(request)
    mode = office.feed
    if mode == "slow":
        await asyncio.sleep(office.slow_s)
    if mode == "500":
        return web.Response(status=500, text=HTML, content_type="text/html")
    if mode == "html":
        return web.Response(text=HTML, content_type="text/html")
    rows = office.store.page(kind, cursor, limit + 1)
    has_more, rows = len(rows) > limit, rows[:limit]
    next_cursor = rows[-1][0] if rows else cursor
    items = [_with_urls(request, record) for _, record in rows]
    total = office.store.total(kind)
    page = {"items": items, "next_cursor": str(next_cursor), "total": total, "has_more": has_more}
    page = spoilt(mode, page, cursor, office.store, kind)
    if mode == "cut_body":
        text = json.dumps(page, ensure_ascii=False)
        return web.Response(text=text[: len(text) // 2], content_type="application/json")
    return web.json_response(page)


def _with_urls(request: web.Request, record: Record) -> Record:
    """Photo addresses as this caller reaches us."""
    if "members" not in record:
        return record
    base = f"{request.scheme}://{request.host}/photos"
    members = [
        {**m, "face_photo": {"url": f"{base}/{m['face_photo']['sha256']}.jpg", **m["face_photo"]}}
        if m["face_photo"]
        else m
        for m in record["members"]
    ]
    return {**record, "members": members}


def _cursor(request: web.Request) -> int:
    text = request.query.get("cursor", "")
    if text and not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest("cursor must be one that an earlier page gave, or empty")
    return int(text or 0)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "200")
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise BadRequest(f"limit must be 1 to {MAX_LIMIT}")
    return int(text)


async def _photo(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if not re.fullmatch(r"[0-9a-f]{64}\.jpg", name):
        return problem(404, "no such photo")
    path = request.app[OFFICE].photos / name
    if not path.is_file():
        return problem(404, "no such photo")
    return web.Response(body=path.read_bytes(), content_type="image/jpeg")


async def _put_hub_key(request: web.Request) -> web.StreamResponse:
    text = (await json_object(request)).get("public_key")
    if not isinstance(text, str):
        raise BadRequest("public_key must be base64 text")
    _key(text)
    request.app[OFFICE].store.set_setting("hub_key", text)
    return web.json_response({"stored": True})


def _key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"public_key must be base64 of 32 bytes (Ed25519): {error}") from error


async def _post_inbox(request: web.Request) -> web.StreamResponse:
    store = request.app[OFFICE].store
    body = await request.read()
    signature, key = request.headers.get("X-Signature", ""), request.headers.get("Idempotency-Key", "")
    hub_key = store.setting("hub_key")
    if hub_key is None:
        return problem(401, "no hub key is known here: PUT /api/hub-key first")
    try:
        _key(hub_key).verify(base64.b64decode(signature, validate=True), body)
    except (InvalidSignature, binascii.Error):
        return problem(401, "X-Signature does not fit the body")
    if not 8 <= len(key) <= 200:
        raise BadRequest("Idempotency-Key must have 8 to 200 characters")
    if not isinstance(json.loads(body), dict):
        raise BadRequest("the body must be a JSON object")
    try:
        new = store.receive(key, signature, body.decode())
    except KeyReused:
        return problem(409, "this Idempotency-Key came before with another body")
    return web.json_response({"stored": new, "duplicate": not new})


async def _get_inbox(request: web.Request) -> web.StreamResponse:
    return web.json_response({"items": request.app[OFFICE].store.inbox()})

"""What the parts of the back office share: its state, and how bad input is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from simulators.back_office_store import Store


@dataclass(slots=True)
class Office:
    """The running back office: its store, its pictures, and how its feed behaves just now."""

    store: Store
    photos: Path
    api_key: str
    feed: str = "normal"
    slow_s: float = 30.0
    served: dict[str, int] = field(default_factory=dict)


OFFICE: web.AppKey[Office] = web.AppKey("office", Office)


class BadRequest(Exception):
    """The caller sent something that cannot be used; the message says what."""


def problem(status: int, text: str) -> web.Response:
    """A JSON error answer."""
    return web.json_response({"error": text}, status=status)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object. Raises BadRequest."""
    body = await request.json()
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body

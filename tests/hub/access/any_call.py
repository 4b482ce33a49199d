"""Calls any route of the hub with a body made from its schema and ids that exist, as somebody who may."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import select

from hub import auth, rooms
from hub.services import Hub
from hub.tables import (
    AccessPass,
    AccessPoint,
    Block,
    CaseFile,
    CommandOrder,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    HeldAction,
    HouseholdMember,
    HubUser,
    Tenancy,
)

KEEPS_US_SIGNED_IN = frozenset({"sign_out", "sign_in", "follow_sign_in_link", "live_stream"})
POOLS: dict[str, Any] = {
    "device": Device.id, "camera": Device.id, "access_point": AccessPoint.id, "door": Door.id, "block": Block.id,
    "dwelling": Dwelling.id, "member": HouseholdMember.id, "token": CredentialRow.token, "pass": AccessPass.id,
    "held": HeldAction.id, "order": CommandOrder.id, "case": CaseFile.id, "user": HubUser.id,
    "tenancy": Tenancy.source_id,
}  # fmt: skip
"""Word of a field's name → where its ids are."""


def unsafe_routes() -> Iterator[tuple[str, APIRoute]]:
    """(method, route) of every route that may change something. New ones are found here without being named."""
    for router in rooms.ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema and route.name not in KEEPS_US_SIGNED_IN:
                yield from ((m, route) for m in sorted(route.methods - {"GET", "HEAD"}))


def permission_of(dependant: Dependant) -> str:
    if dependant.call is not None and hasattr(dependant.call, "permission"):
        return str(dependant.call.permission)
    return next((p for below in dependant.dependencies if (p := permission_of(below))), "")


class Caller:
    """One seed's people, and what they can think of. `done`: route name → how often it was taken."""

    def __init__(self, hub: Hub, seed: int, clients: dict[str, TestClient], schema: dict[str, Any]) -> None:
        self.hub, self.clients, self.schema = hub, clients, schema
        self.rng = random.Random(seed)
        self.ids: dict[str, list[str]] = {}
        self.done: dict[str, int] = {}

    def look(self) -> None:
        """The ids there are now."""
        with self.hub.db.reading() as session:
            self.ids = {word: [str(i) for i in session.scalars(select(column))] for word, column in POOLS.items()}

    def call(self, method: str, route: APIRoute) -> int:
        """The status. Everybody who may call it is one of ours."""
        wanted = permission_of(route.dependant)
        able = [r for r in self.clients if not wanted or wanted in auth.PERMISSIONS[r]]
        client = self.clients[self.rng.choice(able)] if able else self.clients["administrator"]
        path = route.path
        for param in route.dependant.path_params:
            path = path.replace(
                "{" + param.name + "}", self.value(param.name, self._path_schema(route, method, param.name))
            )
        reply = client.request(method, path, params={"estate": "E001"}, json=self.body(route, method))
        assert reply.status_code < 500 or reply.status_code == 503, f"{method} {path}: {reply.text}"
        if reply.is_success:
            self.done[route.name] = self.done.get(route.name, 0) + 1
        return reply.status_code

    def _operation(self, route: APIRoute, method: str) -> dict[str, Any]:
        found: dict[str, Any] = self.schema["paths"][route.path][method.lower()]
        return found

    def _path_schema(self, route: APIRoute, method: str, name: str) -> dict[str, Any]:
        parameters = self._operation(route, method).get("parameters", [])
        return next((dict(p["schema"]) for p in parameters if p["name"] == name), {"type": "string"})

    def body(self, route: APIRoute, method: str) -> Any:
        content = self._operation(route, method).get("requestBody", {}).get("content", {})
        return self.value("", content["application/json"]["schema"]) if "application/json" in content else None

    def value(self, name: str, schema: dict[str, Any]) -> Any:
        """Something of this schema that is likely to be taken."""
        rng = self.rng
        if "$ref" in schema:
            schema = self.schema["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if options := schema.get("anyOf"):
            return self.value(name, rng.choice(options))
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        match schema.get("type"):
            case "object":
                wanted, fields = schema.get("required", ()), schema.get("properties", {})
                return {n: self.value(n, s) for n, s in fields.items() if n in wanted or rng.random() < 0.5}
            case "array":
                few = schema.get("items", {})
                return [self.value(name.removesuffix("s"), few) for _ in range(rng.randint(0, 2))]
            case "integer" | "number":
                return rng.randint(int(schema.get("minimum", 1)), int(min(schema.get("maximum", 90), 10_000)))
            case "boolean":
                return rng.random() < 0.5
            case "null":
                return None
            case _:
                return self._text(name, schema.get("format", ""))

    def _text(self, name: str, form: str) -> str:
        rng = self.rng
        if form == "date-time":
            return (self.hub.now() + timedelta(hours=rng.randint(-2, 60))).isoformat()
        if form == "date":
            return (self.hub.now().date() + timedelta(days=rng.randint(-400, 400))).isoformat()
        if name in ("estate_id", "estate"):
            return "E001"
        if "card" in name:
            return str(rng.choice((1001, 1002, 1003, *range(5000, 5040))))
        for word in sorted(POOLS, key=len, reverse=True):
            if word in name and self.ids.get(word):
                return rng.choice(self.ids[word])
        return rng.choice(("本人到窗口办理", "按值班安排处理", "rent arrears 12 months", "欠租十二个月", "租期已满"))

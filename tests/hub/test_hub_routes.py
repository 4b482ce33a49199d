"""Every route: who may call it, and that nobody sees another estate. New routes are walked without being named here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from hub import auth, rooms
from hub.app import create_app
from hub.services import Hub
from hub.tables import CommandRow, Estate, Snapshot

SignIn = Callable[..., TestClient]


E = "E001"
"""The estate the manager of E002 must not see."""
PUBLIC = {
    "sign_in",
    "health",
    "show_sign_in_link",
    "follow_sign_in_link",
    "enrol_edge",
    "console",
    "push_tenancies",
    "code_of_pass",
}
IDS = {
    "estate_id": E,
    "estate": E,
    "device_id": "E001.face-g1",
    "dwelling_id": "E001.E001-B1-0101",
    "command_id": "command-1",
    "edge_id": "edge-aaaa",
    "sha256": "a" * 64,
    "case_id": "case-1",
    "source": "back-office",
    "name": "back-office",
    "token": "x" * 40,
}
BODIES: dict[str, dict[str, Any]] = {
    "command_device": {"kind": "momentary_access", "access_point_id": "E001.G1-IN", "reason": "老人忘带卡"},
    "change_policy": {"snapshots": True, "reason": "居民大会决议"},
    "reveal_household": {
        "dwelling_id": "E001.E001-B1-0101",
        "reason_code": "counter_service",
        "reason": "窗口核对身份",
    },
    "create_user": {"name": "x", "role": "auditor"},
    "decide_case": {"action": "note", "reason_code": "other", "opinion": "核对"},
}


def routes() -> Iterator[tuple[str, str, APIRoute]]:
    for router in rooms.ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods - {"HEAD"}):
                yield method, route.path, route


ALL = list(routes())
GUARDED = [entry for entry in ALL if entry[2].name not in PUBLIC]


def permission_of(route: APIRoute) -> str | None:
    """The permission some dependency of the route asks for; None: the route has no guard."""

    def walk(dependant: Dependant) -> Iterator[str]:
        if dependant.call is not None and hasattr(dependant.call, "permission"):
            yield dependant.call.permission
        for below in dependant.dependencies:
            yield from walk(below)

    return next(walk(route.dependant), None)


def call(client: TestClient, method: str, path: str, route: APIRoute, **headers: str) -> Any:
    for name in route.dependant.path_params:
        path = path.replace("{" + name.name + "}", IDS.get(name.name, "no-such-id"))
    query = {"estate": E} if any(p.name == "estate" for p in route.dependant.query_params) else {}
    body = BODIES.get(route.name) if method != "GET" else None
    return client.request(method, path, params=query, json=body, headers=headers)


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(sqlite_hub)
    now = sqlite_hub.now()
    with sqlite_hub.db.unit_of_work("test", "more", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="别处小区", policy={}))
        common = {"estate_id": E, "edge_id": "edge-aaaa"}
        uow.session.add(
            CommandRow(
                id="command-1", device_id="E001.face-g1", kind="read_back", actor="x", reason="x", issued_at=now,
                expires_at=now, outcome="done", **common,
            )
        )  # fmt: skip
        uow.session.add(Snapshot(sha256="a" * 64, taken_at=now, received_at=now, size=3, file="a.jpg", **common))
    (sqlite_hub.config.dir / "a.jpg").write_bytes(b"\xff\xd8\xff")
    return sqlite_hub


def test_every_route_names_its_permission() -> None:
    bare = [f"{method} {path}" for method, path, route in GUARDED if permission_of(route) is None]
    assert not bare, f"routes without a guard (make them public on purpose, in PUBLIC): {bare}"
    names = [route.name for _method, _path, route in ALL]
    assert len(names) == len(set(names)), "operation ids are the functions' names: they must differ"


@pytest.mark.parametrize(("method", "path", "route"), GUARDED, ids=[f"{m} {p}" for m, p, _ in GUARDED])
def test_nobody_signed_in(
    site: Hub, client_for: Callable[[Hub], TestClient], method: str, path: str, route: APIRoute
) -> None:
    reply = call(client_for(site), method, path, route)
    assert reply.status_code == 401, f"{method} {path} answers a stranger with {reply.status_code}"
    assert reply.json()["error"]["code"] == "unauthenticated"


def test_roles_and_permissions(site: Hub, sign_in: SignIn) -> None:
    """Each role × each route: 403 exactly where the role lacks the route's permission."""
    wrong = []
    for role in sorted(set(auth.PERMISSIONS) - {"lease_system"}):
        client = sign_in(site, role)
        for method, path, route in GUARDED:
            if route.name == "sign_out" or route.name == "live_stream":
                continue
            wanted = permission_of(route) or ""
            may = not wanted or wanted in auth.PERMISSIONS[role]
            status = call(client, method, path, route).status_code
            if (status == 403) is may or (status >= 500 and status != 503):
                wrong.append(f"{role} {method} {path} → {status}, {'may' if may else 'may not'} {wanted}")
    assert not wrong, "\n".join(wrong)


def test_a_manager_of_another_estate_sees_nothing(site: Hub, sign_in: SignIn) -> None:
    client = sign_in(site, "estate_manager", ["E002"])
    leaks = []
    for method, path, route in GUARDED:
        if route.name == "sign_out":
            continue
        reply = call(client, method, path, route)
        scoped = bool(route.dependant.path_params) or any(p.name == "estate" for p in route.dependant.query_params)
        if scoped and reply.is_success and E in reply.text:
            leaks.append(f"{method} {path} → {reply.status_code}")
        if E in reply.text or "青松" in reply.text:
            leaks.append(f"{method} {path} shows the other estate")
    assert not leaks, "\n".join(leaks)
    assert client.get(f"/api/v1/estates/{E}/summary").status_code == 404, "not even that it exists"


def test_unsafe_methods_need_the_csrf_token(site: Hub, sign_in: SignIn) -> None:
    open_routes = []
    for role in ("administrator", "housing_official", "estate_manager"):
        client = sign_in(site, role)
        del client.headers["X-CSRF-Token"]
        for method, path, route in GUARDED:
            if method == "GET" or (permission_of(route) or "estate.view") not in auth.PERMISSIONS[role]:
                continue
            reply = call(client, method, path, route)
            if reply.status_code != 403 or reply.json()["error"]["code"] != "csrf":
                open_routes.append(f"{role} {method} {path} → {reply.status_code}")
    assert not open_routes, "\n".join(open_routes)


def test_a_key_is_for_systems_only(site: Hub, client_for: Callable[[Hub], TestClient]) -> None:
    key = auth.add_api_key(site, "lease")
    client = client_for(site)
    assert client.get("/api/v1/estates", headers={"X-Api-Key": key}).status_code == 403
    assert client.get("/api/v1/estates", headers={"X-Api-Key": key + "x"}).status_code == 401
    with pytest.raises(ValueError, match="lease_system"):
        auth.add_api_key(site, "somebody", "administrator")


def test_the_manager_of_the_estate_sees_it(site: Hub, sign_in: SignIn) -> None:
    client = sign_in(site, "estate_manager", [E])
    summary = client.get(f"/api/v1/estates/{E}/summary").json()
    assert summary["counts"]["dwellings"] == 4
    assert summary["counts"]["occupied"] == 1
    assert summary["counts"]["vacant"] == 3
    assert summary["open_cases"] is None, "case data is for officials"
    assert summary["devices"] == {"online": 0, "offline": 0, "fault": 0, "unknown": 3}, "behind an offline edge"
    home = client.get("/api/v1/dwellings/E001.E001-B1-0101").json()
    assert home["household"][0]["name"] == "李*华"
    assert home["household"][0]["id_last4"] == "**************123X"
    assert home["household"][0]["credentials"][0]["identifiers"] == [{"type": "card", "masked": "****789"}]
    assert "李建华" not in client.get("/api/v1/dwellings/E001.E001-B1-0101").text


@pytest.mark.parametrize(
    ("role", "purposes"),
    [
        ("estate_manager", {"a", "b", "c"}),
        ("housing_official", {"a", "b"}),
        ("auditor", {"a", "b"}),
        ("administrator", {"a", "b"}),
    ],
)
def test_who_asked_to_be_looked_after_is_known_where_consents_are_taken(
    site: Hub, sign_in: SignIn, role: str, purposes: set[str]
) -> None:
    client = sign_in(site, role, [E])
    (member,) = client.get("/api/v1/dwellings/E001.E001-B1-0101").json()["household"][:1]
    assert set(member["consents"]) == purposes, "welfare and enforcement are kept apart"


def test_a_reveal_is_audited_and_shows_the_whole(site: Hub, sign_in: SignIn) -> None:
    client = sign_in(site, "estate_manager", [E])
    shown = client.post("/api/v1/reveals", json=BODIES["reveal_household"]).json()
    assert shown["household"][0]["name"] == "李建华"
    assert shown["household"][0]["cards"] == ["3456789"]
    audit = sign_in(site, "auditor").get("/api/v1/audit").json()
    (row,) = [r for r in audit["items"] if any(c["what"] == "person.revealed" for c in r["changes"])]
    assert row["reason"] == "窗口核对身份"
    assert audit["chain_ok"]
    assert client.post("/api/v1/reveals", json={**BODIES["reveal_household"], "reason": ""}).status_code == 400


def test_pictures_are_off_until_an_administrator_answers_for_them(site: Hub, sign_in: SignIn) -> None:
    admin = sign_in(site, "administrator")
    where = f"/api/v1/estates/{E}/policy"
    assert admin.get(where).json()["policy"] == {"snapshots": False}
    assert admin.patch(where, json={"snapshots": True, "reason": "x"}).status_code == 400
    assert admin.patch(where, json=BODIES["change_policy"]).json()["policy"] == {"snapshots": True}


def test_the_policy_refuses_what_the_law_does_not_allow_with_its_clause(site: Hub, sign_in: SignIn) -> None:
    admin = sign_in(site, "administrator")
    where = f"/api/v1/estates/{E}/policy"
    reply = admin.patch(where, json={"snapshots": True, "stranger_picture_hours": 2, "reason": "抓小偷用"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "law_stranger_pictures")
    assert "网络数据安全管理条例" in reply.json()["error"]["message"]
    reply = admin.patch(where, json={"face_checks": True, "reason": "防止借卡"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "face_enrolment_off")
    assert admin.get(where).json()["policy"] == {"snapshots": False}, "nothing of it was kept"
    enrolled = {"face_enrolment": True, "pia_id": "PIA-2026-01", "face_checks": True, "face_requests": True}
    reply = admin.patch(where, json={**enrolled, "reason": "评估已完成"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["policy"]["face_checks"]


def test_errors_have_one_shape(site: Hub, client_for: Callable[[Hub], TestClient]) -> None:
    client = client_for(site)
    for reply in (
        client.get("/api/v1/typo"),
        client.get("/api/v1/me"),
        client.post("/api/v1/session", json={"name": 1}),
        client.delete("/api/v1/health"),
    ):
        error = reply.json()["error"]
        assert set(error) == {"code", "message", "message_en", "request_id"}
        assert error["message_en"].isascii(), error["message_en"]
        assert reply.headers["X-Request-Id"] == error["request_id"]
        assert "default-src 'self'" in reply.headers["Content-Security-Policy"]


def test_a_page_that_is_no_api_is_the_console(site: Hub, client_for: Callable[[Hub], TestClient]) -> None:
    client = client_for(site)
    page = client.get("/dwellings/E001")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/../../etc/passwd.txt").status_code == 404
    assert client.get("/edge/v1/devices/x/list").status_code == 404, "lists are on the edges' port alone"


def test_the_schema_is_typed(site: Hub) -> None:
    app: FastAPI = create_app(site)
    schema = app.openapi()
    loose = [
        f"{method} {path}"
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        for status, reply in operation["responses"].items()
        if status.startswith("2") and reply.get("content", {}).get("application/json", {}).get("schema") == {}
    ]
    assert not loose, f"answers without a model: {loose}"

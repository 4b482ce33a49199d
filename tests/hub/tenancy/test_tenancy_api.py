"""The routes of tenancy and access: shapes, permissions, estate scope, and no personal data in the clear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from tenancy_office import Office, id_number

from hub.access import publish
from hub.services import Hub
from hub.tables import Estate
from hub.tenancy import sync

Setup = Callable[[Hub], None]
SignIn = Callable[..., TestClient]
CSV = f"房屋编码,姓名,身份证号,关系,起租日,卡号\nE001-B1-1201,陈七,{id_number(500)},承租人,2026-01-01,777\n,,,,,\n无,x,1,本人,,\n"


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_sources_held_and_release(sqlite_hub: Hub, configured: Setup, office: Office, sign_in: SignIn) -> None:
    hub = sqlite_hub
    configured(hub)
    sync.run(hub)
    office.control("feed", mode="empty")
    sync.run(hub)
    official, manager = sign_in(hub, "housing_official"), sign_in(hub, "estate_manager", ["E001"])
    (source,) = ok(official.get("/api/v1/tenancy/sources"))["items"]
    assert (source["source"], source["kind"], source["last_error"]) == ("back-office", "http", "")
    assert (source["held"]["reason"], source["held"]["removals"]) == ("empty_feed", 40)
    assert "没有撤销" in source["held"]["reason_zh"]
    shown = ok(manager.get("/api/v1/estates/E001/sync"))
    assert shown["held"]["households"][0]["dwelling_code"] == "E001-B1-0101"
    assert "张三丰" not in str(shown)
    assert manager.post("/api/v1/tenancy/sources/back-office/run").status_code == 403, "a manager only looks"
    ok(official.post("/api/v1/tenancy/sources/back-office/run"), 202)
    assert official.post("/api/v1/tenancy/sources/nothing/run").status_code == 404
    office.control("feed", mode="500")
    sync.run(hub)
    (source,) = ok(official.get("/api/v1/tenancy/sources"))["items"]
    assert source["last_error"].startswith("server_error")
    assert "现有权限不变" in source["last_error_zh"]
    confirm, said = "/api/v1/tenancy/sources/back-office/held/confirm", {"reason": "已与数据源核实"}
    assert official.post(confirm, json=said).status_code == 422, "without the set that was looked at"
    answer = official.post(confirm, json=said | {"set": "another"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "held_changed")
    assert "刷新" in answer.json()["error"]["message"]
    said["set"] = source["held"]["set"]
    assert manager.post(confirm, json=said).status_code == 403
    assert ok(official.post(confirm, json=said), 202) == {"released": 0, "state": "asked"}
    (source,) = ok(official.get("/api/v1/tenancy/sources"))["items"]
    assert source["held"]["asked_by"] != ""
    answer = official.post(confirm, json=said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "same_person")
    second = sign_in(hub, "administrator")
    assert ok(second.post(confirm, json=said), 202) == {"released": 0, "state": "released"}
    office.control("feed", mode="normal")
    sync.run(hub)
    answer = official.post(confirm, json=said)
    assert answer.status_code == 409
    assert "刷新" in answer.json()["error"]["message"]


def test_whom_the_first_let_in_is_no_second_for_the_brake(
    sqlite_hub: Hub, configured: Setup, office: Office, sign_in: SignIn
) -> None:
    """An administrator who asks, and makes a link that signs in as an official, has nobody's second word by it."""
    hub = sqlite_hub
    configured(hub)
    sync.run(hub)
    office.control("feed", mode="empty")
    sync.run(hub)
    admin, official, other = (
        sign_in(hub, "administrator"),
        sign_in(hub, "housing_official"),
        sign_in(hub, "housing_official"),
    )
    (source,) = ok(admin.get("/api/v1/tenancy/sources"))["items"]
    confirm = "/api/v1/tenancy/sources/back-office/held/confirm"
    said = {"reason": "已与数据源核实", "set": source["held"]["set"]}
    assert ok(admin.post(confirm, json=said), 202)["state"] == "asked"
    me = ok(official.get("/api/v1/me"))["id"]
    ok(admin.post(f"/api/v1/admin/users/{me}/sign-in-link"), 201)
    answer = official.post(confirm, json=said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "same_person")
    assert ok(other.post(confirm, json=said), 202)["state"] == "released"


def test_refused_rows_and_upload(sqlite_hub: Hub, estate: Setup, sign_in: SignIn) -> None:
    hub = sqlite_hub
    estate(hub)
    official = sign_in(hub, "housing_official")
    file = {"file": ("list.csv", CSV.encode(), "text/csv")}
    tried = ok(official.post("/api/v1/tenancy/upload?estate=E001", files=file))
    assert (tried["applied"], tried["accepted"]) == (False, 1)
    assert tried["households"] == [{"dwelling_code": "E001-B1-1201", "change": "new", "members": 1}]
    done = ok(official.post("/api/v1/tenancy/upload?estate=E001&dry_run=false", files=file))
    assert done["applied"]
    assert done["changes"] == {"new": 1, "changed": 0, "ended": 0, "unchanged": 0}
    assert [(r["row"], r["reason"]) for r in done["refused"]] == [(4, "id_number_length")]
    rows = ok(official.get("/api/v1/tenancy/refused-rows?source=upload-E001&limit=5"))
    assert rows["total"] == 1
    assert rows["items"][0]["reason_zh"].startswith("身份证号不是 18 位")
    bad = official.post("/api/v1/tenancy/upload?estate=E001", files={"file": ("x.pdf", b"%PDF", "application/pdf")})
    assert bad.status_code == 400
    assert bad.json()["error"]["code"] == "file_type"
    assert official.post("/api/v1/tenancy/upload?estate=E009", files=file).status_code == 404
    publish.publish(hub)
    told = ok(official.get("/api/v1/dwellings/E001.E001-B1-1201/explain"))
    assert [(line["who"], line["because"]) for line in told["lines"]] == [
        ("1号楼-1201 · 成员1", "租约 E001-B1-1201，家庭成员1")
    ]
    assert "陈七" not in str(told)


def test_scope_and_permissions(sqlite_hub: Hub, configured: Setup, office: Office, sign_in: SignIn) -> None:
    hub = sqlite_hub
    configured(hub)
    with hub.db.unit_of_work("test", "another estate", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="翠竹小区", policy={}))
    office.control("move-in", dwelling_code="E001-B9-0101", members=[{}])
    sync.run(hub)
    stranger = sign_in(hub, "estate_manager", ["E002"])
    assert stranger.get("/api/v1/estates/E001/sync").status_code == 404
    assert stranger.get("/api/v1/dwellings/E001.E001-B1-0101/explain").status_code == 404
    assert stranger.get("/api/v1/dwellings/E001.nowhere/explain").status_code == 404
    assert ok(stranger.get("/api/v1/tenancy/refused-rows")) == {"items": [], "total": 0}
    assert ok(sign_in(hub, "administrator").get("/api/v1/tenancy/refused-rows"))["total"] == 1
    auditor = sign_in(hub, "auditor")
    assert auditor.get("/api/v1/tenancy/sources").status_code == 403
    assert ok(auditor.get("/api/v1/estates/E001/sync"))["devices"] == []

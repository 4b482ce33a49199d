"""The back office over real HTTP: feeds, cursor, decisions, inbox."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simulators.back_office import make_app, open_office
from simulators.plan import write_plan
from simulators.residents import Layout
from simulators.site import ZONE

KEY = "key-of-this-test"
DECISION = {
    "number": "青房退〔2026〕12号",
    "date": "2026-11-01",
    "move_out_completed_on": "2026-11-15",
    "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    anchor = datetime(2026, 11, 21, 9, 0, tzinfo=ZONE)
    write_plan(directory, 7, anchor=anchor, days=60, layout=Layout(blocks=1, floors=6))
    return directory


@pytest.fixture
def site(planned: Path, tmp_path: Path) -> Path:
    (tmp_path / "tenancies.json").write_bytes((planned / "tenancies.json").read_bytes())
    (tmp_path / "photos").symlink_to(planned / "photos")
    return tmp_path


@asynccontextmanager
async def office(site: Path) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(make_app(open_office(site, KEY)))
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}", headers={"X-Api-Key": KEY}) as session:
            yield session
    finally:
        await runner.cleanup()


def run(site: Path, story: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    import asyncio

    async def play() -> None:
        async with office(site) as session:
            await story(session)

    asyncio.run(play())


async def page(http: aiohttp.ClientSession, cursor: str = "", limit: int = 7) -> dict[str, Any]:
    async with http.get("/api/tenancies", params={"cursor": cursor, "limit": str(limit)}) as answer:
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())


async def pull(http: aiohttp.ClientSession, cursor: str = "") -> tuple[list[dict[str, Any]], str, int]:
    items: list[dict[str, Any]] = []
    while True:
        got = await page(http, cursor)
        items += got["items"]
        cursor = got["next_cursor"]
        if not got["has_more"]:
            return items, cursor, got["total"]


async def post(http: aiohttp.ClientSession, path: str, body: Any, expect: int = 200) -> dict[str, Any]:
    async with http.post(path, json=body) as answer:
        assert answer.status == expect, f"{path}: {answer.status} {await answer.text()}"
        return dict(await answer.json())


def test_full_pull_gives_every_record_once_and_then_only_changes(site: Path) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        items, cursor, total = await pull(http)
        assert len({i["id"] for i in items}) == len(items) == total, "a full pull must give each record once"
        assert {i["state"] for i in items} >= {"active", "allocated"}
        assert (await pull(http, cursor))[0] == [], "nothing changed, so nothing may come"
        ended = next(i for i in items if i["state"] == "active")
        await post(http, "/control/end-tenancy", {"id": ended["id"], "decision": DECISION})
        changes, _, total_after = await pull(http, cursor)
        assert [c["id"] for c in changes] == [ended["id"]], "only the ended tenancy changed"
        assert changes[0]["end_decision"] == DECISION
        assert changes[0]["version"] == ended["version"] + 1
        assert total_after == total

    run(site, story)


def test_state_survives_a_restart(site: Path) -> None:
    async def end(http: aiohttp.ClientSession) -> None:
        await post(http, "/control/end-tenancy", {"id": "T-000003", "decision": None})

    async def look(http: aiohttp.ClientSession) -> None:
        items, _, _ = await pull(http)
        record = next(i for i in items if i["id"] == "T-000003")
        assert record["state"] == "ended", "what a clerk did must outlive the process"
        assert record["end_decision"] is None
        assert items[-1]["id"] == "T-000003", "the changed record is the last of the change sequence"

    run(site, end)
    run(site, look)


@pytest.mark.parametrize("mode", ["empty", "half", "cut_page", "cut_body", "500", "html"])
def test_spoilt_feeds(site: Path, mode: str) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        items, _, total = await pull(http)
        await post(http, "/control/feed", {"mode": mode})
        async with http.get("/api/tenancies", params={"limit": "1000"}) as answer:
            text = await answer.text()
            status = answer.status
        if mode == "500":
            assert status == 500
            return
        assert status == 200
        if mode in ("html", "cut_body"):
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
            return
        got = json.loads(text)
        expected = {"empty": (0, 0), "half": (len([i for i in items if int(i["id"][2:]) % 2 == 0]),) * 2}
        counts = expected.get(mode, (len(items) // 2, total))
        assert (len(got["items"]), got["total"]) == counts, f"feed {mode} gave {len(got['items'])} of {got['total']}"
        assert got["has_more"] is False

    run(site, story)


def test_photo_is_the_picture_its_digest_names_and_needs_no_key(site: Path) -> None:
    import hashlib

    async def story(http: aiohttp.ClientSession) -> None:
        items, _, _ = await pull(http)
        photo = next(m["face_photo"] for i in items for m in i["members"] if m["face_photo"])
        async with aiohttp.ClientSession() as terminal, terminal.get(photo["url"]) as answer:
            data = await answer.read()
            assert answer.status == 200
        assert hashlib.sha256(data).hexdigest() == photo["sha256"]
        assert 1000 <= len(data) <= 20_480

    run(site, story)


def test_api_needs_the_key(site: Path) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        for path in ("/api/tenancies", "/api/absences", "/api/inbox", "/control/state"):
            async with http.get(path, headers={"X-Api-Key": "wrong"}) as answer:
                assert answer.status == 401, f"{path} answered {answer.status} to a wrong key"

    run(site, story)


def test_inbox_takes_signed_messages_once(site: Path) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        key = Ed25519PrivateKey.generate()
        body = json.dumps({"type": "case.decided", "case": "C-1"}).encode()

        async def send(data: bytes, signature: bytes, idempotency: str) -> int:
            headers = {"X-Signature": base64.b64encode(signature).decode(), "Idempotency-Key": idempotency}
            async with http.post("/api/inbox", data=data, headers=headers) as answer:
                return answer.status

        assert await send(body, key.sign(body), "message-1") == 401, "no key is known yet"
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        async with http.put("/api/hub-key", json={"public_key": public}) as answer:
            assert answer.status == 200
        assert await send(body, key.sign(b"other"), "message-1") == 401
        assert await send(body, key.sign(body), "message-1") == 200
        assert await send(body, key.sign(body), "message-1") == 200, "at least once: the same again is welcome"
        other = b'{"type":"other"}'
        assert await send(other, key.sign(other), "message-1") == 409
        async with http.get("/api/inbox") as answer:
            items = (await answer.json())["items"]
        assert [(i["idempotency_key"], i["times"]) for i in items] == [("message-1", 2)]
        assert items[0]["body"]["case"] == "C-1"

    run(site, story)


def test_clerk_moves_in_edits_and_declares(site: Path) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        _, cursor, total = await pull(http)
        made = await post(http, "/control/move-in", {"dwelling_code": "E001-B1-0101", "members": [{"name": "新住户"}]})
        person = made["members"][0]
        edit = {"tenancy": made["id"], "person_id": person["person_id"], "cards": ["0031111111"], "face_photo": "blank"}
        await post(http, "/control/edit-member", edit)
        changes, _, after = await pull(http, cursor)
        assert after == total + 1
        assert len(changes) == 1, "the change sequence holds a record at its last change alone"
        assert changes[0]["members"][0]["cards"] == ["0031111111"]
        assert changes[0]["members"][0]["face_photo"]["sha256"] != person["face_photo"]["sha256"]
        absence = {"dwelling_code": "E001-B1-0101", "from": "2026-12-01", "to": "2026-12-20", "reason": "travel"}
        await post(http, "/control/absence", absence)
        async with http.get("/api/absences") as answer:
            assert (await answer.json())["items"][-1]["reason"] == "travel"

    run(site, story)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/control/end-tenancy", {"id": "T-999999", "decision": None}, 404),
        ("/control/end-tenancy", {"id": "T-000001", "decision": {"number": "x"}}, 400),
        ("/control/feed", {"mode": "sideways"}, 400),
        ("/control/absence", {"dwelling_code": "x", "from": "soon", "to": "2026-01-01", "reason": "work"}, 400),
        ("/control/move-in", [], 400),
    ],
)
def test_bad_control_input_is_a_clear_error(site: Path, path: str, body: Any, status: int) -> None:
    async def story(http: aiohttp.ClientSession) -> None:
        answer = await post(http, path, body, expect=status)
        assert answer["error"]

    run(site, story)

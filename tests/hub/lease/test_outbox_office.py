"""The outbox against the simulated lease system, which checks the signature by a library call of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from patience import PATIENCE_S

from hub.lease.feed import Subject, message
from hub.lease.outbox import CONFIG_FILE, deliver, enqueue
from hub.services import Hub
from simulators.back_office import make_app, open_office

KEY = "key-of-this-test"
HEADERS = {"X-Api-Key": KEY}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[str]:
    """The base URL of a back office on loopback, in a thread with its own event loop."""
    site = tmp_path / "office"
    site.mkdir()
    loop, started, ready = asyncio.new_event_loop(), threading.Event(), list[tuple[web.AppRunner, int]]()

    async def start() -> None:
        runner = web.AppRunner(make_app(open_office(site, KEY)))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.append((runner, runner.addresses[0][1]))

    def work() -> None:
        loop.run_until_complete(start())
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(PATIENCE_S), "the back office did not start"
    yield f"http://127.0.0.1:{ready[0][1]}"
    asyncio.run_coroutine_threadsafe(ready[0][0].cleanup(), loop).result(PATIENCE_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_S)
    loop.close()


def test_the_lease_system_takes_what_the_hub_signs(sqlite_hub: Hub, office: str) -> None:
    (sqlite_hub.config.dir / "lease.key").write_text(KEY)
    config = {"url": f"{office}/api/inbox", "api_key_file": "lease.key"}
    (sqlite_hub.config.dir / CONFIG_FILE).write_text(json.dumps(config))
    with sqlite_hub.db.unit_of_work("test", "news") as uow:
        subject = Subject("E001.d", "E001-B1-0101", "E001", "T-1")
        enqueue(uow, message("case.opened", "case-1", subject, uow.now, {"case": {"headline": "疑似空置"}}))
    sqlite_hub.clock = lambda: uow.now
    assert deliver(sqlite_hub) == "0 delivered, 1 failed, 1 wait", "it does not know the hub's key yet"
    key = base64.b64encode(sqlite_hub.keys.public_key).decode()
    assert (
        httpx.put(f"{office}/api/hub-key", json={"public_key": key}, headers=HEADERS, timeout=PATIENCE_S).status_code
        == 200
    )
    later = uow.now + timedelta(hours=1)
    sqlite_hub.clock = lambda: later
    assert deliver(sqlite_hub) == "1 delivered, 0 failed, 0 wait"
    (item,) = httpx.get(f"{office}/api/inbox", headers=HEADERS, timeout=PATIENCE_S).json()["items"]
    assert (item["idempotency_key"], item["times"]) == ("case.opened:case-1", 1)
    assert item["body"]["case"] == {"headline": "疑似空置"}

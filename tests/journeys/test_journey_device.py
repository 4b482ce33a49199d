"""A device is added to a running estate: looked at first, nothing erased, mapped, put into service, and taken down again."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from patience import PATIENCE_S

pytestmark = pytest.mark.timeout(1200)
FOREIGN = [
    {"customId": f"old-{n}", "name": name, "card": f"990000{n}"}
    for n, name in enumerate(("旧物业甲", "旧物业乙", "旧物业丙"))
]
REASON = {"reason": "西门改造完成，现场核对"}


@dataclass
class Terminal:
    """A terminal simulator in a process of its own."""

    control: httpx.Client

    def held(self) -> set[str]:
        """Ids of the persons on it."""
        return {person["customId"] for person in self.control.get("/devices/spare").json()["persons"]}


@contextmanager
def spare_terminal(running: Any, directory: Path) -> Iterator[Terminal]:
    """A terminal that somebody else has used before, on the edge box's broker; the hub knows nothing of it."""
    plan = json.loads((running.directory / "site/plan.json").read_text())
    sibling = next(d["config"] for d in plan["devices"] if d["kind"] == "face_terminal")
    config = {**plan["spare_terminal"], "broker_port": ports(running)["edge_broker"], "persons": FOREIGN}
    config |= {"broker_host": sibling["broker_host"], "heartbeat_s": 5}
    file = directory / "spare.json"
    file.write_text(json.dumps(config, ensure_ascii=False))
    command = [sys.executable, "-m", "simulators", "device", "face_terminal", "--code", "spare"]
    process = subprocess.Popen(
        [*command, "--config", f"@{file}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"control (http://\S+)", line)
        assert found, f"the terminal did not start: {line!r}"
        with httpx.Client(base_url=found[1], timeout=PATIENCE_S, trust_env=False) as control:
            yield Terminal(control)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def ports(running: Any) -> dict[str, int]:
    found: dict[str, int] = json.loads((running.directory / "demo.json").read_text())
    return found


def done(reply: httpx.Response) -> None:
    assert reply.status_code == 204, f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text}"


def taken_out(running: Any, reply: httpx.Response) -> None:
    """Everybody on it loses this way in: a second person confirms where they are many."""
    if reply.status_code == 202:
        second = running.sign_in("housing_official")
        held = f"/held-actions/{reply.json()['held']}/confirm"
        reply = second.send("POST", held, {"reason": "已与物业经理核对"})
    assert reply.is_success, reply.text


def test_a_terminal_with_old_credentials_is_taken_over(running: Any, eventually: Any, tmp_path: Path) -> None:
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    edge = manager.get(f"/estates/{estate}/summary")["edges"][0]["id"]
    kinds = {d["kind"] for d in manager.get(f"/edges/{edge}/catalogue")["drivers"]}
    assert {"face_terminal", "modbus_door", "modbus_meter", "onvif_camera"} <= kinds
    serial = json.loads((running.directory / "site/plan.json").read_text())["spare_terminal"]["device_id"]
    old = {person["customId"] for person in FOREIGN}
    device = f"{estate}.spare-w1"
    with spare_terminal(running, tmp_path) as terminal:
        body = {"edge_id": edge, "code": "spare-w1", "name": "西门人脸终端", "kind": "face_terminal"}
        made = manager.send("POST", f"/estates/{estate}/devices", {**body, "config": {"device_id": serial}})
        assert made.status_code == 201, made.text
        try:
            found = eventually(lambda: manager.get(f"/devices/{device}/setup")["found"], "what stands on the terminal")
            assert found["foreign"] == 3, "three persons are on it that are not ours"
            assert manager.get(f"/devices/{device}")["list"] is None, "out of service there is no list"
            assert terminal.held() == old, "nothing is written before a person says so"
            mapping = {"points": [{"door": {"name": "西门人行门", "scope": "estate"}, "side": "in"}]}
            done(manager.send("PUT", f"/devices/{device}/points", mapping))
            done(manager.send("PATCH", f"/devices/{device}", {"in_service": True, "foreign": "keep", **REASON}))

            def settled() -> Any:
                one = manager.get(f"/devices/{device}")["list"]
                return one if one and one["wanted"] > 10 and one["confirmed"] and not one["pending"] else None

            held = eventually(settled, "our list on the new terminal")
            assert held["foreign"] == 3, f"the old ones are counted: {held}"
            assert held["confirmed"] + held["refused"] >= held["wanted"], f"a list as on the other gates: {held}"
            assert old < terminal.held(), "kept means that they are still there"
            ours = terminal.held() - old
            done(manager.send("PATCH", f"/devices/{device}", {"foreign": "remove", "reason": "物业确认三人已离职"}))
            eventually(lambda: not old & terminal.held(), "the three to be gone")
            eventually(lambda: manager.get(f"/devices/{device}")["list"]["foreign"] == 0, "nobody foreign left")
            assert ours <= terminal.held(), "ours stay"
        finally:
            taken_out(running, manager.send("PATCH", f"/devices/{device}", {"in_service": False, **REASON}))
            done(manager.send("DELETE", f"/devices/{device}", {"reason": "旅程测试结束"}))
    assert manager.client.get(f"/api/v1/devices/{device}").status_code == 404


def test_a_board_that_cannot_work_says_why(running: Any, eventually: Any) -> None:
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    edge = manager.get(f"/estates/{estate}/summary")["edges"][0]["id"]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and never listening: whoever asks is refused
        port = nobody.getsockname()[1]
        body = {"edge_id": edge, "code": "spare-board", "name": "试装门控板", "kind": "modbus_door"}
        config = {"host": "127.0.0.1", "port": port, "board": "waveshare_relai"}
        wrong = manager.send("POST", f"/estates/{estate}/devices", {**body, "config": config})
        assert wrong.status_code == 422, wrong.text
        text = wrong.json()["error"]["message"]
        assert "板型" in text, f"the field is named: {text}"
        assert "waveshare_relay" in text, f"and what may stand there: {text}"
        config["board"] = "waveshare_relay"
        made = manager.send("POST", f"/estates/{estate}/devices", {**body, "config": config})
        assert made.status_code == 201, made.text
        device = f"{estate}.spare-board"
        try:
            page = eventually(
                lambda: (p := manager.get(f"/devices/{device}"))["condition"] in ("offline", "fault") and p,
                "the page to say that nobody answers",
            )
            assert str(port) in page["detail"], f"the text names what did not answer: {page['detail']!r}"
        finally:
            done(manager.send("DELETE", f"/devices/{device}", {"reason": "旅程测试结束"}))

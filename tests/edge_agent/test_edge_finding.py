"""Devices that nobody configured: found, told once, forgotten when they are gone, and never those that are ours."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from patience import PATIENCE_S

from device_drivers.contract.device import DeviceConfig
from device_drivers.contract.messages import EdgeFound
from device_drivers.mqtt import Incoming
from device_drivers.onvif_discovery import Answered
from edge_agent import finding
from edge_agent.finding import Finder
from edge_agent.probe import Probed, as_found, parse

BEAT = b'{"operator":"HeartBeat","info":{"facesluiceId":"1306612","time":"2026-06-01 08:00:00"}}'
ONLINE = b'{"operator":"Online","info":{"facesluiceId":"1306612","ip":"192.168.1.20","facesname":"West gate","username":"x"}}'


class Bench:
    def __init__(self, folder: Path, *ours: DeviceConfig) -> None:
        self.at = datetime(2026, 6, 1, 8, tzinfo=UTC)
        self.ours = list(ours)
        self.told: list[EdgeFound] = []
        self.finder = Finder(folder, "", None, lambda: self.ours, lambda: self.at, self.told.append)

    def hear(self, payload: bytes, topic: str = "mqtt/face/heartbeat") -> None:
        self.finder.heard(Incoming(topic, payload))
        self.finder.tell_changes()


def device(kind: str, **config: Any) -> DeviceConfig:
    return DeviceConfig("d", kind, "D", config)


def test_a_terminal_that_beats_is_found_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.finder.tell_changes()
    assert bench.told == [], "nothing found is no message"
    for _ in range(3):
        bench.hear(BEAT)
        bench.at += timedelta(seconds=60)
    assert len(bench.told) == 1, "a beat is no news"
    (one,) = bench.told[0].devices
    assert (one.kind, one.config) == ("face_terminal", {"device_id": "1306612"})
    bench.hear(ONLINE, "site/doors/basic")
    (one,) = bench.told[-1].devices
    assert one.config == {"device_id": "1306612", "topic_root": "site/doors"}
    assert (one.title, one.first_seen_at) == ("West gate", datetime(2026, 6, 1, 8, tzinfo=UTC))
    assert "192.168.1.20" in one.detail


def test_what_is_configured_is_not_found_and_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    bench = Bench(tmp_path, device("face_terminal", device_id="1306612"))
    bench.hear(BEAT)
    assert bench.told == []
    bench.ours.clear()
    bench.finder.tell_changes()
    assert len(bench.told[-1].devices) == 1, "the device was taken away: it is found again"
    bench.at += timedelta(hours=25)
    bench.finder.tell_changes()
    assert bench.told[-1].devices == ()


def test_noise_on_the_shared_topics_finds_nothing_and_grows_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for payload in (b"", b"{", b"[]", b'{"info":{}}', b"\xff", b'{"info":{"facesluiceId":["x"]}}', b"x" * 100_000):
        bench.hear(payload)
    bench.hear(b'{"operator":"Offline","info":{"facesluiceId":"5"}}')
    assert bench.told == []
    for n in range(3 * finding.MAX_FOUND):
        bench.finder.heard(Incoming("mqtt/face/heartbeat", BEAT.replace(b"1306612", str(n).encode())))
    assert len(bench.finder.found) == finding.MAX_FOUND


def test_cameras_and_door_controllers_are_told_with_what_the_form_needs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, device("onvif_camera", host="10.0.0.5", port=80))
    for one in (Answered("a", "10.0.0.5", 80, "/x"), Answered("b", "10.0.0.6", 8080, "/onvif/d", "Lift", door=True)):
        bench.finder._answered(one)
    bench.finder.tell_changes()
    (door,) = bench.told[0].devices
    assert (door.kind, door.title) == ("onvif_door", "Lift")
    assert door.config == {"host": "10.0.0.6", "port": 8080, "path": "/onvif/d"}


def test_a_board_that_a_technician_probed_is_told(tmp_path: Path) -> None:
    found = Probed("modbus+rtu-over-tcp://10.0.0.7?unit=3", True, "modbus_door", {"unit": "3", "板型": "jy_dam"})
    one = as_found(parse(found.address), found, datetime(2026, 6, 1, tzinfo=UTC))
    assert one is not None
    finding.leave(tmp_path, one)
    (tmp_path / "broken.json").write_text("{")
    bench = Bench(tmp_path)
    bench.finder._read_probed()
    bench.finder.tell_changes()
    (told,) = bench.told[0].devices
    expected = {"host": "10.0.0.7", "port": 502, "unit": 3, "board": "jy_dam", "transport": "rtu_over_tcp"}
    assert told.config == expected
    assert list(tmp_path.iterdir()) == [], "taken once; what cannot be read is not kept for ever"
    assert as_found(parse(found.address), Probed("x", True, "modbus"), datetime.now(UTC)) is None


def test_it_looks_only_where_the_box_has_an_interface_for_devices(tmp_path: Path) -> None:
    async def scenario() -> None:
        finder = Finder(tmp_path, "192.0.2.9", None, tuple, lambda: datetime.now(UTC), lambda _: None)
        task = asyncio.create_task(finder.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not finder._trouble:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert not task.done(), "a network that is not there stops nothing"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())

"""The live estate as a process: devices on real sockets, people who walk, people who move in, a clean end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from patience import PATIENCE_S
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from simulators.clock import EstateClock, first_moment
from simulators.plan import Plan, write_plan
from simulators.residents import Layout
from simulators.site import ZONE

KEY = "key-of-this-test"
NEW_CARD, BOLT = 1004, 1010
DEVICES = [sys.executable, "-m", "simulators", "devices"]


class Doorkeeper(threading.Thread):
    """An edge that opens the block door to every card: polls the reader's flag, pulses the bolt."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.cards: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        client = ModbusTcpClient("127.0.0.1", port=self.port, retries=0, timeout=PATIENCE_S)
        while not self.over.wait(0.05):
            try:
                if client.connected or client.connect():
                    self._serve(client)
            except (ModbusException, OSError):
                client.close()  # the estate ends or restarts
        client.close()

    def _serve(self, client: ModbusTcpClient) -> None:
        if client.read_coils(NEW_CARD, count=1).bits[0]:
            words = client.read_holding_registers(1000, count=5).registers
            self.cards.append(int.from_bytes(b"".join(w.to_bytes(2, "big") for w in words), "big"))
            client.write_coil(NEW_CARD, False)
            client.write_coil(BOLT, True)


class Listener:
    """A raw client on the edge's broker: enrols people, keeps what the terminals push."""

    def __init__(self, port: int) -> None:
        self.records: list[dict[str, Any]] = []
        self.acks: list[dict[str, Any]] = []
        self.online: set[str] = set()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_message = self._message
        self.client.on_connect = lambda c, *_: c.subscribe("mqtt/face/#")
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/Rec"):
            self.records.append(json.loads(message.payload)["info"])
        elif message.topic.endswith("/Ack"):
            self.acks.append(json.loads(message.payload))
        elif message.topic.endswith("/basic"):
            self.online.add(str(json.loads(message.payload)["info"]["facesluiceId"]))

    def enrol(self, device_id: str, people: list[dict[str, Any]]) -> None:
        body = {"operator": "EditPersonsNew", "messageId": f"enrol-{len(self.acks)}-{people[0]['customId']}"}
        body |= {"DataBegin": "BeginFlag", "PersonNum": str(len(people)), "info": people, "DataEnd": "EndFlag"}
        self.client.publish(f"mqtt/face/{device_id}", json.dumps(body))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([sys.executable, "-m", "simulators", *arguments])
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            pytest.fail(f"{arguments[0]} did not end after SIGTERM")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    directory = tmp_path_factory.mktemp("estate")
    (directory / "key").write_text(KEY)
    anchor = datetime(2026, 11, 21, 9, 0, tzinfo=ZONE)
    return write_plan(directory, 11, anchor=anchor, days=40, layout=Layout(blocks=1, floors=6))


def test_estate_lives(site: Plan, mosquitto_factory: Callable[[str], Any], wait_until: Callable[..., Any]) -> None:
    broker = mosquitto_factory("allow_anonymous true\n")
    office = f"http://127.0.0.1:{site.back_office_port}"
    directory, key_file = str(site.directory), str(site.directory / "key")
    listener = Listener(broker.port)
    board = next(d for d in site.devices if d["code"] == "door-b1")
    doorkeeper = Doorkeeper(int(board["config"]["port"]))
    estate = ("estate", "--dir", directory, "--broker-port", str(broker.port), "--speed", "60")
    follow = ("--back-office", office, "--api-key-file", key_file)
    try:
        with (
            process("back-office", "--dir", directory, "--api-key-file", key_file),
            process(*estate, *follow) as running,
            httpx.Client(headers={"X-Api-Key": KEY}, timeout=PATIENCE_S) as http,
        ):
            ready = site.directory / "ready.json"
            wait_until(ready.is_file, "ready.json")
            said = json.loads(ready.read_text())
            assert said["pid"] == running.pid
            control = said["control"]
            wait_until(lambda: len(listener.online) == 2, "both terminals to say Online (they listen from then on)")
            wait_until(lambda: _answers(http, f"{office}/control/state"), "the back office, which has the pictures")
            doorkeeper.start()
            _walks_in_by_face(http, control, office, site, listener, doorkeeper, wait_until)
            _moves_in(http, control, office, listener, wait_until)
            _meters_advance(http, control, wait_until)
            doorkeeper.over.set()
            doorkeeper.join(PATIENCE_S)
            assert http.post(f"{control}/estate/walk", json={"person_id": "P-0"}).status_code == 404
            assert http.post(f"{control}/estate/speed", json={"speed": -1}).status_code == 400
        assert running.returncode == 0, "SIGTERM is a clean end"
        assert not ready.exists(), "ready.json must go when the estate goes"
        kept = json.loads((site.directory / "estate_state.json").read_text())["estate_time"]
        with process(*estate), httpx.Client(timeout=PATIENCE_S) as http:
            wait_until(ready.is_file, "ready.json after the restart")
            assert json.loads(ready.read_text())["control"] == control, "addresses stay over a restart"
            assert http.get(f"{control}/estate").json()["estate_time"] >= kept, "the estate's time goes on"
    finally:
        doorkeeper.over.set()
        listener.close()


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _walks_in_by_face(
    http: httpx.Client,
    control: str,
    office: str,
    site: Plan,
    listener: Listener,
    doorkeeper: Doorkeeper,
    wait_until: Callable[..., Any],
) -> None:
    """People enrolled by picture under tokens the simulator never saw are recognised when they come home."""
    digests: dict[str, str] = site.raw["photos"]
    walkers = [
        p
        for h in site.population().households
        for p in h.members
        if p.face == "good" and p.consents[0] and p.cards and h.observed > 0.8
    ][:8]
    people = [
        {"customId": f"token-{p.person_id}", "name": p.name, "personType": 0}
        | {"picURI": f"{office}/photos/{digests[p.person_id]}.jpg"}
        for p in walkers
    ]
    for device_id in ("1306612", "1306613"):
        listener.enrol(device_id, people)
    for gate in ("face-g1", "face-g2"):
        wait_until(
            lambda gate=gate: len(http.get(f"{control}/devices/{gate}").json()["persons"]) == len(people),
            f"{gate} to hold {len(people)} persons",
        )
    for person in walkers:
        answer = http.post(f"{control}/estate/walk", json={"person_id": person.person_id})
        assert answer.status_code == 200, answer.text
    tokens = {p["customId"] for p in people}
    wait_until(lambda: tokens & {str(r.get("customId")) for r in listener.records}, "a record of a known face")
    cards = {int(c) for p in walkers for c in p.cards}
    wait_until(lambda: cards & set(doorkeeper.cards), "one of them to show the card at the block entrance")
    wait_until(
        lambda: http.get(f"{control}/estate").json()["counters"].get("block_card_opened", 0) > 0,
        "somebody to go through the block entrance",
    )


def _moves_in(
    http: httpx.Client, control: str, office: str, listener: Listener, wait_until: Callable[..., Any]
) -> None:
    """Who moves in at the back office is known to the estate by the feed and can walk."""
    made = http.post(f"{office}/control/move-in", json={"dwelling_code": "E001-B1-0101"}).json()
    member = made["members"][0]
    wait_until(
        lambda: member["person_id"] in http.get(f"{control}/estate").json()["newcomers"], "the newcomer to be known"
    )
    picture = f"{office}/photos/{member['face_photo']['sha256']}.jpg"
    people = [{"customId": "token-new", "name": member["name"], "personType": 0, "picURI": picture}]
    for gate, device_id in (("face-g1", "1306612"), ("face-g2", "1306613")):
        listener.enrol(device_id, people)
        wait_until(lambda gate=gate: "token-new" in http.get(f"{control}/devices/{gate}").text, f"{gate} to know her")
    http.post(f"{control}/estate/walk", json={"person_id": member["person_id"]})
    wait_until(lambda: "token-new" in {r.get("customId") for r in listener.records}, "the newcomer's pass")


def _meters_advance(http: httpx.Client, control: str, wait_until: Callable[..., Any]) -> None:
    def total() -> float:
        meters = http.get(f"{control}/devices/meters-b1").json()["meters"]
        return float(sum(m["shown"] for m in meters))

    before = total()
    assert before > 0
    wait_until(lambda: total() > before, "the meters to advance")


def test_plan_is_made_once_and_a_missing_one_is_named(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "simulators", *arguments], capture_output=True, text=True)

    missing = run("estate", "--dir", str(tmp_path))
    assert missing.returncode == 2, "a directory without a plan is a usage error"
    assert "estate-sim" in missing.stderr
    small = ("--days", "40", "--blocks", "1", "--floors", "4")
    assert run("plan", "--dir", str(tmp_path), *small).returncode == 0
    first = (tmp_path / "plan.json").read_bytes()
    assert "kept" in run("plan", "--dir", str(tmp_path), "--seed", "9").stdout
    assert (tmp_path / "plan.json").read_bytes() == first, "a second plan must not move the devices"
    without_broker = run("estate", "--dir", str(tmp_path))
    assert without_broker.returncode == 2
    assert "broker" in without_broker.stderr


def test_one_device_alone(wait_until: Callable[..., Any]) -> None:
    command = [sys.executable, "-m", "simulators", "device", "modbus_board", "--config", '{"board": "inveo_rfid_ind"}']
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("ready modbus_board"), line
        port, control = int(line.split("port ")[1].split(",")[0]), line.split("control ")[1].strip()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S):
            assert httpx.get(f"{control}/devices/device", timeout=PATIENCE_S).json()["port"] == port
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_S) == 0, "SIGTERM is a clean end"


def test_many_devices_in_one_process(tmp_path: Path, wait_until: Callable[..., Any]) -> None:
    boards = {"kind": "modbus_board", "code": "board-{n}", "config": {"board": "inveo_rfid_ind"}, "count": 12}
    cameras = {
        "kind": "onvif_camera",
        "code": "camera-{n}",
        "config": {"username": "u{n}", "password": "p"},
        "count": 9,
    }
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps([boards, cameras]))
    running = subprocess.Popen([*DEVICES, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("ready 21 devices"), line
        listed = httpx.get(f"{line.split('control ')[1].strip()}/devices", timeout=PATIENCE_S).json()
        assert len({device["code"] for device in listed["devices"]}) == 21, "each has a code of its own"
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE_S) == 0, "SIGTERM is a clean end"


@pytest.mark.parametrize(
    ("said", "named"),
    [("{", "FILE"), ('[{"kind": "modbus_board"}]', "code"), ('[{"kind": "kettle", "code": "k"}]', "kettle"),
     ('[{"kind": "modbus_board", "code": "one", "count": 2, "config": {"board": "inveo_rfid_ind"}}]', "{n}")],
)  # fmt: skip
def test_a_list_of_devices_that_cannot_be_is_told_as_what_it_is(tmp_path: Path, said: str, named: str) -> None:
    (tmp_path / "fleet.json").write_text(said)
    done = subprocess.run([*DEVICES, str(tmp_path / "fleet.json")], capture_output=True, text=True)
    assert done.returncode == 2
    assert named in done.stderr, done.stderr


def test_estate_clock() -> None:
    ticks = iter([0.0, 10.0, 10.0, 10.0, 11.0])
    clock = EstateClock(datetime(2026, 11, 21, 8, 0, tzinfo=ZONE), 60, monotonic=lambda: next(ticks))
    assert clock.now() == datetime(2026, 11, 21, 8, 10, tzinfo=ZONE)
    clock.change_speed(1)
    assert clock.now() == datetime(2026, 11, 21, 8, 10, 1, tzinfo=ZONE)
    night = datetime(2026, 11, 21, 2, 0, tzinfo=ZONE)
    assert first_moment(night, None, 1) == night, "real time is real time"
    assert first_moment(night, None, 20).hour == 6, "a fast estate does not open at night"
    assert first_moment(night + timedelta(hours=21), None, 20).day == 22, "late in the evening: the next morning"
    kept = datetime(2026, 12, 1, 15, 0, tzinfo=ZONE)
    assert first_moment(night, kept, 20) == kept

"""An estate of 50 terminals and 30 door boards, every part a process of its own on real protocols.

Ten gates' terminals and the 30 boards (where the edge decides) hold everybody, 40 entrances' terminals the people of their
block. Tenancies of residents who live alone are ended by a signed push; more people may move in meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, insert, select

from hub import demo_setup, enrol, migrations, moved
from hub.children import Child, Children, run_to_end
from hub.services import Hub, open_hub
from hub.tables import (
    AccessPoint,
    Base,
    Block,
    Consent,
    CredentialRow,
    DesiredList,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Person,
    ReportedList,
    Revocation,
    Tenancy,
)
from simulators.people import with_check_digit
from simulators.photos import photo
from simulators.plan import free_ports

GATES, ENTRANCES, BOARDS, RESIDENTS = 10, 40, 30, 1_500
FROM, SOURCE, TOPIC_ROOT = date(2026, 1, 5), "centre", "mqtt/face"
DECISION = {"number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-15", "kind": "surrender",
            "signed_by": "虚构市住房保障中心"}  # fmt: skip


class NotReached(RuntimeError):
    """The bench waited in vain."""


@dataclass
class BigEstate:
    """A running one. `end(n)` ends household n's tenancy by a signed push; `confirmed(n)` once all devices said it is gone."""

    directory: Path
    hub: Hub
    url: str
    key: Ed25519PrivateKey
    client: httpx.Client
    photo_url: str
    edge: Child

    def end(self, number: int) -> None:
        record = {
            "id": f"t{number}", "version": 2, "state": "ended", "dwelling_code": f"W{number}", "from": FROM.isoformat(),
            "end_decision": DECISION, "members": [_member(number)],
        }  # fmt: skip
        body = json.dumps({"items": [record]}).encode()
        stamp = str(int(time.time()))
        signature = base64.b64encode(self.key.sign(stamp.encode() + b"." + body)).decode()
        headers = {"X-Timestamp": stamp, "X-Signature": signature}
        reply = self.client.post(f"{self.url}/api/v1/tenancy/push/{SOURCE}", content=body, headers=headers)
        reply.raise_for_status()
        if reply.json()["ended"] != 1:
            raise NotReached(f"the push ended nothing: {reply.text[:300]}")

    def gone(self, number: int) -> dict[str, int]:
        """state → how many of this household's revocations are in it."""
        query = (
            select(Revocation.state, func.count())
            .join(CredentialRow, CredentialRow.token == Revocation.token)
            .where(CredentialRow.tenancy_id == f"t{number}", Revocation.part == "")
            .group_by(Revocation.state)
        )
        with self.hub.db.reading() as session:
            return dict(session.execute(query).all())

    def loaded(self) -> float:
        """Share of what devices should hold that was read back; a device that has not told yet holds nothing."""
        query = (
            select(func.sum(DesiredList.count), func.sum(ReportedList.confirmed))
            .select_from(DesiredList)
            .outerjoin(ReportedList, ReportedList.device_id == DesiredList.device_id)
        )
        with self.hub.db.reading() as session:
            lists = session.scalar(select(func.count()).select_from(DesiredList)) or 0
            wanted, confirmed = session.execute(query).one()
        return float(confirmed or 0) / wanted if wanted and lists >= GATES + ENTRANCES + BOARDS else 0.0

    def pending(self) -> int:
        with self.hub.db.reading() as session:
            return int(session.scalar(select(func.sum(ReportedList.pending))) or 0)


def _member(number: int) -> dict[str, Any]:
    return {
        "person_id": f"q{number}-0", "name": "某某", "id_number": with_check_digit(f"99000019800101{number % 1000:03d}"),
        "relation": "applicant", "from": FROM.isoformat(), "birth_date": "1980-01-01",
        "cards": [str(10**6 + 10 * number)], "consents": {},
    }  # fmt: skip


def wait(what: str, reached: Callable[[], bool], seconds: float) -> float:
    """Seconds it took. Raises NotReached."""
    began, pace = time.monotonic(), threading.Event()
    while not reached():
        if time.monotonic() - began > seconds:
            raise NotReached(f"waited {seconds:g} s for: {what}")
        pace.wait(0.05)
    return time.monotonic() - began


@contextmanager
def running(directory: Path, cameras: int = 0) -> Iterator[BigEstate]:
    """From nothing to a serving hub, an edge and devices: the lists are just being published."""
    console, photo_port, *rest = free_ports(2 + BOARDS + cameras)
    boards, lenses = rest[:BOARDS], rest[BOARDS:]
    ports = demo_setup.ports(directory, console)
    devices = _devices(ports.edge_broker, boards) + [_camera(n, port) for n, port in enumerate(lenses)]
    (directory / "site").mkdir()
    plan = {"devices": devices, "photo_port": photo_port, "ready": str(directory / "site/ready")}
    (directory / "site/plan.json").write_text(json.dumps(plan))
    hub = open_hub(demo_setup.config(directory, ports, console))
    migrations.upgrade(hub.db)
    key = Ed25519PrivateKey.generate()
    (hub.config.dir / "centre.key").write_bytes(base64.b64encode(key.public_key().public_bytes_raw()))
    push = {"algorithm": "ed25519", "key_file": "centre.key"}
    (hub.config.dir / "sources.json").write_text(json.dumps([{"name": SOURCE, "kind": "push", "push": push}]))
    photo_url = f"http://127.0.0.1:{photo_port}/photo.jpg"
    _fill(hub, devices, photo_url)
    url = f"http://127.0.0.1:{console}"
    with _processes(directory, hub, ports, console) as edge, httpx.Client(timeout=30, trust_env=False) as client:
        yield BigEstate(directory, hub, url, key, client, photo_url, edge)
    hub.db.close()


@contextmanager
def _processes(directory: Path, hub: Hub, ports: demo_setup.Ports, console: int) -> Iterator[Child]:
    """Yields the edge."""
    children = Children()

    def start(name: str, command: list[str]) -> Child:
        return children.start(Child(name, command, directory / "logs" / f"{name}.log"))

    python = [sys.executable, "-m"]
    url = f"http://127.0.0.1:{console}"
    edge = directory / "edge"
    try:
        for name, command in demo_setup.broker_commands(directory, ports).items():
            start(name, command)
        start("devices", [*python, "tools.bench.sim_devices", str(directory / "site/plan.json")])
        start("hub", [*python, "hub.cli", "serve", "--dir", str(hub.config.dir), "--port", str(console), "--edge-port",
                      str(ports.edge_https), "--broker-port", str(ports.hub_broker)])  # fmt: skip
        wait("the hub answers", lambda: _answers(f"{url}/api/v1/health"), 60)
        wait("the devices are up", (directory / "site/ready").exists, 60)
        token, _ = enrol.enrolment_token(hub, "edge", actor="bench")
        run_to_end([*python, "edge_agent.cli", "enrol", "--hub", url, "--token", token, "--dir", str(edge),
                    "--local-broker", f"127.0.0.1:{ports.edge_broker}", "--local-broker-credentials",
                    str(demo_setup.edge_broker_credentials(directory))], directory / "logs/enrol.log", "enrol")  # fmt: skip
        yield start("edge", [*python, "edge_agent.start", "run", "--dir", str(edge)])
    finally:
        children.stop_all()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def _devices(broker_port: int, boards: list[int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for n in range(GATES + ENTRANCES):
        serial = str(1_400_000 + n)
        config = {
            "device_id": serial, "username": f"terminal-{serial}", "password": secrets.token_urlsafe(18),
            "topic_root": TOPIC_ROOT, "broker_host": "127.0.0.1", "broker_port": broker_port,
            "profile": "access_terminal", "time_zone": "Asia/Shanghai", "capacity": 20_000, "heartbeat_s": 30,
        }  # fmt: skip
        found.append({"code": f"face-{n}", "kind": "face_terminal", "config": config})
    for n, port in enumerate(boards):
        config = {"host": "127.0.0.1", "port": port, "unit": 1, "board": "inveo_rfid_ind", "transport": "tcp"}
        found.append({"code": f"door-{n}", "kind": "modbus_board", "config": config})
    return found


def _camera(number: int, port: int) -> dict[str, Any]:
    config = {"host": "127.0.0.1", "port": port, "username": "edge", "password": "a camera's password"}
    return {"code": f"camera-{number}", "kind": "onvif_camera", "config": config}


def _fill(hub: Hub, devices: list[dict[str, Any]], photo_url: str) -> None:
    """Places, devices, and `RESIDENTS` households of one. The brake is set wide: every end in a run is a decision."""
    with hub.db.unit_of_work("bench", "estate", audit=False) as uow:

        def put(table: type[Base], rows: list[dict[str, Any]]) -> None:
            uow.session.execute(insert(table), rows)

        wide = {"brake": {"share": 1.0, "households": 100_000, "floor": 100_000}}
        put(Estate, [{"id": "E", "code": "E", "name": "E", "policy": wide}])
        put(Edge, [{"id": "edge", "estate_id": "E", "name": "edge"}])
        put(Block, [{"id": f"B{b}", "estate_id": "E", "code": f"B{b}", "name": f"{b}号楼", "floors": 50,
                     "dwellings_per_floor": 4} for b in range(ENTRANCES)])  # fmt: skip
        kinds = {"modbus_board": "modbus_door"}
        bearers = [d for d in devices if d["kind"] != "onvif_camera"]
        put(Device, [{"id": d["code"], "estate_id": "E", "edge_id": "edge", "code": d["code"], "name": d["code"],
                      "kind": kinds.get(d["kind"], d["kind"]), "config": _driver_config(d)} for d in devices])  # fmt: skip
        block = {f"face-{GATES + b}": f"B{b}" for b in range(ENTRANCES)}
        put(Door, [{"id": f"door.{d['code']}", "estate_id": "E", "code": d["code"], "name": d["code"],
                    "scope": "block" if d["code"] in block else "estate", "block_id": block.get(d["code"])}
                   for d in bearers])  # fmt: skip
        put(AccessPoint, [{"id": f"p.{d['code']}", "estate_id": "E", "door_id": f"door.{d['code']}", "code": d["code"],
                           "name": d["code"], "side": "in", "device_id": d["code"], "point": "door1"}
                          for d in bearers])  # fmt: skip
    move_in(hub, 0, RESIDENTS, 1, photo_url)


def move_in(hub: Hub, first: int, households: int, size: int, photo_url: str) -> None:
    """Households of `size` people, three in ten of whom have a photo. The person of household n's first member is `q{n}-0`."""
    sha = hashlib.sha256(photo("bench", 1, "good")).hexdigest()
    numbers = range(first, first + households)
    people = [(n, k) for n in numbers for k in range(size)]
    with_photo = {(n, k) for n, k in people if (n * size + k) % 10 < 3}
    picture = {"url": photo_url, "sha256": sha}
    with hub.db.unit_of_work("bench", "people", audit=False) as uow:

        def put(table: type[Base], rows: list[dict[str, Any]]) -> None:
            uow.session.execute(insert(table), rows)

        put(Dwelling, [{"id": f"w{n}", "estate_id": "E", "block_id": f"B{n % ENTRANCES}", "code": f"W{n}", "floor": 1,
                        "number": str(n)} for n in numbers])  # fmt: skip
        put(Tenancy, [{"id": f"t{n}", "source": SOURCE, "source_id": f"t{n}", "version": 1, "estate_id": "E",
                       "dwelling_id": f"w{n}", "state": "active", "from_date": FROM} for n in numbers])  # fmt: skip
        put(Person, [{"id": f"q{n}-{k}", "source": SOURCE, "source_id": f"q{n}-{k}", "name": "某某",
                      "birth_date": date(1980, 1, 1)} for n, k in people])  # fmt: skip
        put(HouseholdMember, [
            {"id": f"m{n}-{k}", "tenancy_id": f"t{n}", "person_id": f"q{n}-{k}", "relation": "applicant",
             "ordinal": k + 1, "from_date": FROM,
             "offered": {"cards": [str(10**6 + 10 * n + k)], "photo": picture if (n, k) in with_photo else None}}
            for n, k in people
        ])  # fmt: skip
        put(Consent, [{"id": f"c{n}-{k}", "person_id": f"q{n}-{k}", "purpose": "a",
                       "granted_at": datetime(2026, 1, 5, tzinfo=UTC)} for n, k in sorted(with_photo)])  # fmt: skip
        moved.note(uow, "E", moved.EVERYTHING)


def _driver_config(device: dict[str, Any]) -> dict[str, Any]:
    wanted = {
        "face_terminal": ("device_id", "topic_root", "profile", "time_zone"),
        "modbus_board": ("host", "port", "unit", "board", "transport"),
        "onvif_camera": ("host", "port", "username", "password"),
    }[device["kind"]]
    return {name: device["config"][name] for name in wanted}

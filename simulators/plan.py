"""The directory of a simulated estate, and its private plan (`plan.json`).

A directory holds:
  site.json        what the installer hands to the hub (see `site`); carries camera passwords
  plan.json        private to the simulators: seed, anchor, ports, secrets
  tenancies.json   what the back office starts with: {"tenancies": […], "absences": […]}
  truth.json       the true labels, read by tests and scoring alone
  photos/          one JPEG per person who handed one in, named by its SHA-256
Ports are picked once and kept: a restart finds every device at the address it had.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators.photos import photo, sha256_of
from simulators.residents import Layout, Population, population
from simulators.site import GATES, ZONE, ZONE_NAME, meter_units, site_document
from simulators.tenancies import declared_absences, tenancy_records, truth

HOST = "127.0.0.1"
TOPIC_ROOT = "mqtt/face"
SPARE_TERMINAL = "1306699"
"""Serial number of a terminal that nobody hung up yet: the edge box's broker knows it already, the hub does not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """plan.json read back: the private side of a site directory."""

    directory: Path
    raw: dict[str, Any]

    @property
    def anchor(self) -> datetime:
        """The instant at which the history ends and life begins."""
        return datetime.fromisoformat(self.raw["anchor"])

    @property
    def devices(self) -> list[dict[str, Any]]:
        """[{"code", "kind", "config"}]: what each device simulator is built from."""
        return list(self.raw["devices"])

    @property
    def control_port(self) -> int:
        return int(self.raw["control_port"])

    @property
    def back_office_port(self) -> int:
        return int(self.raw["back_office_port"])

    def population(self) -> Population:
        """The people of this estate: the same every time."""
        layout = Layout(**self.raw["layout"])
        end = self.anchor.astimezone(ZONE).date()
        return population(int(self.raw["seed"]), end, int(self.raw["days"]), layout)


def load_plan(directory: Path) -> Plan:
    """Reads plan.json. Raises FileNotFoundError with advice when the directory was never planned."""
    path = directory / "plan.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `estate-sim plan --dir {directory}` first")
    return Plan(directory, json.loads(path.read_text(encoding="utf-8")))


def write_plan(
    directory: Path,
    seed: int,
    *,
    anchor: datetime,
    days: int = 200,
    edge_broker_port: int | None = None,
    layout: Layout | None = None,
) -> Plan:
    """Makes all files of a site directory. `anchor` must be aware. The plan file comes last: it marks completion."""
    if anchor.tzinfo is None:
        raise ValueError("anchor must carry its time zone")
    layout = layout or Layout()
    people = population(seed, anchor.astimezone(ZONE).date(), days, layout)
    directory.mkdir(parents=True, exist_ok=True)
    digests = _write_photos(directory / "photos", people)
    seed_data = {"tenancies": tenancy_records(people, digests), "absences": declared_absences(people)}
    _write(directory / "tenancies.json", seed_data)
    _write(directory / "truth.json", truth(people))
    devices = _devices(people, edge_broker_port)
    _write(directory / "site.json", site_document(people, devices))
    raw = {
        "seed": seed,
        "days": days,
        "anchor": anchor.isoformat(),
        "layout": {f: getattr(layout, f) for f in ("estate", "blocks", "floors", "per_floor")},
        "control_port": devices.pop("control")["port"],
        "back_office_port": devices.pop("back-office")["port"],
        "devices": [{"code": code, **device} for code, device in devices.items()],
        "spare_terminal": _account(SPARE_TERMINAL),
        "photos": digests,
    }
    _write(directory / "plan.json", raw)
    return Plan(directory, raw)


def _write(path: Path, data: Any, mode: int = 0o600) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=mode)
    temporary.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(path)


def _write_photos(folder: Path, people: Population) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    digests = {}
    for household in people.households:
        for person in household.members:
            if person.face != "none":
                data = photo(person.person_id, people.seed, person.face)
                digests[person.person_id] = sha256_of(data)
                (folder / f"{digests[person.person_id]}.jpg").write_bytes(data)
    return digests


_ports_tried = itertools.count(32 * os.getpid())


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports that are free on loopback now.

    None from 32768 on: Linux lends those to outgoing connections, and would lend a device's away before it starts (again).
    Each process begins at its own: two estates that are planned at once do not choose the same.
    """
    picked: list[int] = []
    for number in itertools.islice(_ports_tried, 8_000):
        port = 12_000 + number % 8_000
        with socket.socket() as s, suppress(OSError):
            s.bind((HOST, port))
            picked.append(port)
        if len(picked) == count:
            return picked
    raise OSError(f"fewer than {count} ports from 12000 to 19999 are free on {HOST}")


def _account(device_id: str) -> dict[str, Any]:
    """A terminal's account on the edge box's broker."""
    password = secrets.token_urlsafe(18)
    return {
        "device_id": device_id,
        "username": f"terminal-{device_id}",
        "password": password,
        "topic_root": TOPIC_ROOT,
    }


def _devices(people: Population, edge_broker_port: int | None) -> dict[str, dict[str, Any]]:
    """Device code -> {"kind", "config"} as the simulators take it, plus the ports of "control" and "back-office"."""
    blocks = [f"B{b}" for b in range(1, people.layout.blocks + 1)]
    ports = iter(free_ports(2 * len(blocks) + len(GATES) + 2))
    devices: dict[str, dict[str, Any]] = {}
    for number, _name, device_id, profile in GATES:
        terminal = {
            **_account(device_id),
            "broker_host": HOST,
            "broker_port": edge_broker_port or 0,
            "profile": profile,
            "time_zone": ZONE_NAME,
            "capacity": 10_000,
            "heartbeat_s": 30,
            "resend_s": 10,
        }
        devices[f"face-g{number}"] = {"kind": "face_terminal", "config": terminal}
        camera = {"host": HOST, "port": next(ports), "username": "onvif", "password": secrets.token_urlsafe(12)}
        camera |= {"auth": "wsse" if number == "1" else "both", "model": f"SIM-CAM-{number}"}
        devices[f"cam-g{number}"] = {"kind": "onvif_camera", "config": camera}
    for block in blocks:
        board = {"host": HOST, "port": next(ports), "unit": 1, "board": "inveo_rfid_ind", "transport": "tcp"}
        board |= {"keypad": "keys4"}
        devices[f"door-{block.lower()}"] = {"kind": "modbus_board", "config": board}
        units = [{"unit": u["unit"], "model": u["model"]} for u in meter_units(people, block)]
        gateway = {"host": HOST, "port": next(ports), "transport": "tcp", "meters": units}
        devices[f"meters-{block.lower()}"] = {"kind": "modbus_meter", "config": gateway}
    devices["control"] = {"port": next(ports)}
    devices["back-office"] = {"port": next(ports)}
    return devices

"""(P) The installer's hand-over (`site.json`): estate, blocks, dwellings, doors, access points, devices, meters.

Leaving is free everywhere (exit button, no record of who; the fire panel cuts the locks' power), so only the IN side of a
door has an access point with a reader. Gate terminals take cards as well as faces: no door depends on a face.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from simulators.residents import Population

ZONE_NAME = "Asia/Shanghai"
ZONE = ZoneInfo(ZONE_NAME)
GATES = (("1", "北门", "1306612", "access_terminal"), ("2", "南门", "1306613", "access_terminal"))
DOOR_POINT = "door1"


def meter_units(people: Population, block: str) -> list[dict[str, Any]]:
    """The meters behind one block's gateway: an electricity and a water unit per metered dwelling."""
    dwellings = sorted(code for code in people.metered if code.split("-")[1] == block)
    if len(dwellings) > 120:
        raise ValueError(
            f"{block} has {len(dwellings)} metered dwellings; one Modbus gateway addresses 120 (240 units)"
        )
    units = []
    for i, code in enumerate(dwellings):
        model = "eastron_sdm" if i % 3 else "chint_dtsu666"
        units.append({"dwelling": code, "quantity": "electricity", "unit": 2 * i + 1, "model": model})
        units.append({"dwelling": code, "quantity": "water", "unit": 2 * i + 2, "model": "pulse_water"})
    return units


def site_document(people: Population, devices: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """site.json: the hand-over document which the hub imports."""
    layout = people.layout
    blocks = [f"B{b}" for b in range(1, layout.blocks + 1)]
    return {
        "estate": {
            "code": layout.estate,
            "name": "青松公租房小区",
            "time_zone": ZONE_NAME,
            "division": "虚构市",
            "pia_id": "PIA-虚构-2026-01",
        },
        "blocks": [
            {"code": b, "name": f"{b[1:]}号楼", "floors": layout.floors, "dwellings_per_floor": layout.per_floor}
            for b in blocks
        ],
        "dwellings": [
            {"code": code, "block": b, "floor": f, "number": f"{f}{n:02d}", "rooms": 1 if n % 4 in (2, 3) else 2}
            for code, b, f, n in layout.dwellings()
        ],
        "doors": [_door(f"G{n}", f"{name}人行门", "estate", None) for n, name, _, _ in GATES]
        + [_door(f"D-{b}", f"{b[1:]}号楼单元门", "block", b) for b in blocks],
        "access_points": [
            _access_point(f"G{n}-IN", f"{name} 进", f"G{n}", f"face-g{n}", f"cam-g{n}") for n, name, _, _ in GATES
        ]
        + [_access_point(f"D-{b}-IN", f"{b[1:]}号楼单元门 进", f"D-{b}", f"door-{b.lower()}", None) for b in blocks],
        "devices": _hub_devices(people, devices),
        "meters": [
            {
                "code": f"{'W' if u['quantity'] == 'water' else 'E'}-{u['dwelling'].split('-', 1)[1]}",
                "dwelling": u["dwelling"],
                "quantity": u["quantity"],
                "device": f"meters-{b.lower()}",
                "point": f"unit-{u['unit']}",
            }
            for b in blocks
            for u in meter_units(people, b)
        ],
    }


def _door(code: str, name: str, scope: str, block: str | None) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "scope": scope,
        "block": block,
        "dwelling": None,
        "fail_mode": "fail_safe",
        "egress": "button",
        "fire_release": "wired",
    }


def _access_point(code: str, name: str, door: str, device: str, camera: str | None) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "door": door,
        "side": "in",
        "device": device,
        "point": DOOR_POINT,
        "camera": camera,
        "necessity": "老人和携物住户免持卡；自愿选择，另有刷卡" if device.startswith("face") else "",
    }


def _hub_devices(people: Population, devices: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The devices as the installer describes them to the hub: kinds and config of the edge's drivers."""
    out = []
    for number, name, _, _ in GATES:
        terminal = devices[f"face-g{number}"]["config"]
        config = {k: terminal[k] for k in ("device_id", "topic_root", "profile", "time_zone")}
        out.append(_device(f"face-g{number}", f"{name}人脸终端", "face_terminal", config))
        camera = devices[f"cam-g{number}"]["config"]
        config = {k: camera[k] for k in ("host", "port", "username", "password")}
        out.append(_device(f"cam-g{number}", f"{name}摄像机", "onvif_camera", config))
    for b in range(1, people.layout.blocks + 1):
        board = dict(devices[f"door-b{b}"]["config"])
        out.append(_device(f"door-b{b}", f"{b}号楼门禁板", "modbus_door", board))
        gateway = devices[f"meters-b{b}"]["config"]
        meters = [{"point": f"unit-{m['unit']}", **m} for m in gateway["meters"]]
        config = {k: gateway[k] for k in ("host", "port", "transport")} | {"poll_s": 60, "meters": meters}
        out.append(_device(f"meters-b{b}", f"{b}号楼表计网关", "modbus_meter", config))
    return out


def _device(code: str, name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "name": name, "kind": kind, "config": config}

"""The drivers this release has: an explicit tuple, nothing is discovered by magic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from device_drivers import modbus_door, modbus_door_config, modbus_meter, onvif_camera, onvif_door, register_map
from device_drivers.config import config_schema
from device_drivers.contract.device import Capabilities, DriverInfo, Variant
from device_drivers.contract.words import CommandKind
from device_drivers.driver import ConfigError, Connect, DriverDefinition
from device_drivers.face_terminal import driver as face_terminal
from device_drivers.face_terminal.errors import profiles

Narrow = Callable[[Capabilities, Mapping[str, Any]], Capabilities]

DOOR_COMMANDS = tuple(
    kind.value
    for kind in (
        CommandKind.MOMENTARY_ACCESS,
        CommandKind.LOCK_DOWN,
        CommandKind.LOCK_OPEN,
        CommandKind.BLOCK,
        CommandKind.RELEASE,
    )
)
"""Of a door that the edge decides: it shuts by refusing, and opens by holding the relay."""


def _driver(info: DriverInfo, connect: Connect, narrow: Narrow, *settings: dict[str, Any]) -> DriverDefinition:
    """Announced with what devices with these settings can do, where that is not what the kind can."""
    narrowed = [Variant(one, narrow(info.capabilities, one)) for one in settings]
    variants = tuple(v for v in narrowed if v.capabilities != info.capabilities)
    return DriverDefinition(msgspec.structs.replace(info, variants=variants), connect, narrow)


FACE_TERMINAL = _driver(
    DriverInfo(
        "face_terminal",
        "人脸门禁终端（MQTT）",
        config_schema(face_terminal.FaceTerminalConfig),
        Capabilities(
            holds_list=True,
            reads_back=True,
            validity_dates=True,
            batch=200,
            photos=True,
            cards=True,
            device_side_pulse=True,
            replays_events=True,
            history=True,
            commands=(CommandKind.MOMENTARY_ACCESS.value,),
            identifiers=("card", "face"),
            # A card it does not hold, a QR text and an identity card are only passed on: the edge decides.
            edge_identifiers=("card", "id_card", "qr"),
        ),
    ),
    face_terminal.connect,
    face_terminal.narrow,
    *({"profile": name} for name in profiles()),
)
MODBUS_DOOR = _driver(
    DriverInfo(
        "modbus_door",
        "Modbus 门控板",
        config_schema(modbus_door_config.ModbusDoorConfig, {"board": list(register_map.boards())}),
        Capabilities(
            cards=True,
            device_side_pulse=True,
            commands=DOOR_COMMANDS,
            edge_identifiers=("card",),
        ),
    ),
    modbus_door.connect,
    modbus_door_config.narrow,
    *modbus_door_config.families(),
)
MODBUS_METER = DriverDefinition(
    DriverInfo(
        "modbus_meter", "Modbus 水电表", config_schema(modbus_meter.ModbusMeterConfig), Capabilities(meters=True)
    ),
    modbus_meter.connect,
)
ONVIF_CAMERA = DriverDefinition(
    DriverInfo(
        "onvif_camera",
        "ONVIF 摄像机",
        config_schema(onvif_camera.OnvifCameraConfig),
        Capabilities(snapshots=True, commands=(CommandKind.SNAPSHOT.value,)),
    ),
    onvif_camera.connect,
)
ONVIF_DOOR = _driver(
    DriverInfo(
        "onvif_door",
        "ONVIF 门禁控制器",
        config_schema(onvif_door.OnvifDoorConfig),
        Capabilities(
            holds_list=True,
            reads_back=True,
            validity_dates=True,
            batch=50,
            cards=True,
            device_side_pulse=True,
            commands=DOOR_COMMANDS,
            identifiers=("card",),
            edge_identifiers=("card",),
            locks_down=True,
        ),
    ),
    onvif_door.connect,
    onvif_door.narrow,
    {"credentials": False},
    {"credentials": True, "schedules": True},
)
DEFINITIONS: tuple[DriverDefinition, ...] = (FACE_TERMINAL, MODBUS_DOOR, MODBUS_METER, ONVIF_CAMERA, ONVIF_DOOR)


def definition(kind: str) -> DriverDefinition:
    """Raises ConfigError for a kind this release does not drive."""
    for found in DEFINITIONS:
        if found.kind == kind:
            return found
    raise ConfigError(f"kind: {kind!r} is not driven here; known: {', '.join(d.kind for d in DEFINITIONS)}")

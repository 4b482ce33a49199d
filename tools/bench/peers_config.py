"""What the peers are told to do: read 16 inputs of each board so often, and publish what changed to the same broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

INPUTS = 16


def node_red(folder: Path, bus: int, broker: int, units: int, hertz: int) -> tuple[Path, Path]:
    """Settings and flow: a client, a read node, a change filter and an MQTT node for each board."""
    settings = folder / "settings.js"
    settings.write_text(
        "module.exports = {httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,"
        " telemetry: {enabled: false}, logging: {console: {level: 'warn', metrics: false, audit: false}}}\n"
    )
    nodes: list[dict[str, Any]] = [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker), "clientid": "nodered",
         "autoConnect": True, "usetls": False, "protocolVersion": "4", "keepalive": "60", "cleansession": True},
    ]  # fmt: skip
    for n in range(units):
        nodes += [
            {"id": f"c{n}", "type": "modbus-client", "name": "", "clienttype": "tcp", "bufferCommands": True,
             "stateLogEnabled": False, "queueLogEnabled": False, "tcpHost": "127.0.0.1", "tcpPort": str(bus),
             "tcpType": "DEFAULT", "unit_id": str(n + 1), "commandDelay": "1", "clientTimeout": "1000",
             "reconnectOnTimeout": True, "reconnectTimeout": "2000", "parallelUnitIdsAllowed": True},
            {"id": f"r{n}", "type": "modbus-read", "z": "tab", "name": "", "topic": f"{n}", "showStatusActivities": False,
             "logIOActivities": False, "showErrors": False, "unitid": "", "dataType": "Input", "adr": "0",
             "quantity": str(INPUTS), "rate": str(1000 // hertz), "rateUnit": "ms", "delayOnStart": False,
             "startDelayTime": "", "server": f"c{n}", "useIOFile": False, "wires": [[f"f{n}"], []]},
            {"id": f"f{n}", "type": "rbe", "z": "tab", "func": "rbe", "gap": "", "start": "", "inout": "out",
             "septopics": True, "property": "payload", "wires": [[f"m{n}"]]},
            {"id": f"m{n}", "type": "mqtt out", "z": "tab", "topic": f"bench/nodered/{n}", "qos": "1", "retain": "false",
             "broker": "broker", "wires": []},
        ]  # fmt: skip
    flow = folder / "flow.json"
    flow.write_text(json.dumps(nodes))
    return settings, flow


def thingsboard(folder: Path, bus: int, broker: int, units: int, hertz: int) -> Path:
    """Its configuration directory."""
    slave = {
        "host": "127.0.0.1", "port": bus, "type": "tcp", "method": "socket", "deviceType": "default", "timeout": 1,
        "byteOrder": "BIG", "wordOrder": "BIG", "retries": False, "retryOnEmpty": False, "retryOnInvalid": False,
        "pollPeriod": 1000 // hertz, "connectAttemptTimeMs": 500, "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 1000, "reportStrategy": {"type": "ON_CHANGE"}, "attributes": [],
        "timeseries": [{"tag": "inputs", "type": "bits", "functionCode": 2, "objectsCount": INPUTS, "address": 0}],
        "attributeUpdates": [], "rpc": [],
    }  # fmt: skip
    slaves = [slave | {"unitId": n + 1, "deviceName": f"b{n}"} for n in range(units)]
    (folder / "modbus.json").write_text(json.dumps({"master": {"slaves": slaves}}))
    gateway = {
        "thingsboard": {
            "host": "127.0.0.1", "port": broker, "remoteShell": False, "remoteConfiguration": False,
            "statistics": {"enable": False}, "minPackSendDelayMS": 50, "minPackSizeToSend": 500,
            "checkConnectorsConfigurationInSeconds": 3600, "qos": 1, "checkingDeviceActivity": {"checkDeviceInactivity": False},
            "security": {"type": "accessToken", "accessToken": "bench"}, "reportStrategy": {"type": "ON_CHANGE"},
        },
        "storage": {"type": "memory", "read_records_count": 100, "max_records_count": 100_000},
        "grpc": {"enabled": False},
        "connectors": [{"name": "Modbus", "type": "modbus", "configuration": "modbus.json"}],
    }  # fmt: skip
    (folder / "tb_gateway.json").write_text(json.dumps(gateway))
    logs = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR", "handlers": []}}
    (folder / "logs.json").write_text(json.dumps(logs))
    return folder

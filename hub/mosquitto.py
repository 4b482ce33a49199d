"""A Mosquitto of our own as a child process: the hub's link broker, and the broker on an edge box for its terminals.

It listens on one port, ends with this process (even by SIGKILL), and logs to `mosquitto.log` in its directory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub import kept_ports
from hub.children import die_with_parent
from hub.whole_file import write_whole

HUB_USER = "hub"
MAX_PACKET = 65_536 + 512  # our largest payload with topic and properties
EDGE_MAX_PACKET = 5 * 1024 * 1024  # terminals send pictures in their records
START_S = 60.0
STOP_S = 10.0
_PLUGIN_PLACES = ("/usr/lib/*/mosquitto_dynamic_security.so", "/usr/lib/mosquitto_dynamic_security.so")


class BrokerFailed(RuntimeError):
    """The broker is not installed, did not start or its port is taken. The text says what to do."""


@dataclass
class MosquittoProcess:
    """A running broker on `host`:`port`."""

    directory: Path
    host: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        if self.running:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass(frozen=True, slots=True)
class TerminalUser:
    """One face terminal on an edge's broker: it may use the topics under `{topic_root}/{device_id}` and two common ones."""

    username: str
    password: str
    topic_root: str
    device_id: str


def binary() -> str:
    """Raises BrokerFailed."""
    found = (
        os.environ.get("ESTATE_MOSQUITTO") or shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    )
    if not found or not Path(found).exists():
        raise BrokerFailed("mosquitto is not installed: install the system package `mosquitto` or set ESTATE_MOSQUITTO")
    return found


def dynsec_plugin() -> str:
    """Raises BrokerFailed."""
    named = os.environ.get("ESTATE_MOSQUITTO_DYNSEC")
    places = [Path(named)] if named else [p for text in _PLUGIN_PLACES for p in sorted(Path("/").glob(text[1:]))]
    for path in places:
        if path.exists():
            return str(path)
    raise BrokerFailed(
        "mosquitto_dynamic_security.so was not found: it comes with the package `mosquitto`; set ESTATE_MOSQUITTO_DYNSEC"
    )


def start_hub_broker(directory: Path, port: int, password: str, host: str = "127.0.0.1") -> MosquittoProcess:
    """Configure and start; see `hub_broker_command`. Raises BrokerFailed."""
    return _start(directory, host, port, hub_broker_command(directory, port, password, host))


def hub_broker_command(directory: Path, port: int, password: str, host: str = "127.0.0.1") -> list[str]:
    """MQTT 5 for the hub and its edges: writes the configuration, gives the command that runs it.

    Nobody is anonymous, everything is denied that no role allows.
    Edges are added at run time through `$CONTROL` (hub/dynsec.py) and stand in `dynamic-security.json` after that.
    """
    _private(directory)
    state = directory / "dynamic-security.json"
    _write(state, json.dumps(hub_security(password, _read_json(state)), indent=1))
    lines = [
        *_common(directory, host, port, MAX_PACKET),
        "allow_anonymous false",
        f"plugin {dynsec_plugin()}",
        f"plugin_opt_config_file {state}",
        "max_queued_messages 5000",
        "max_inflight_messages 200",
    ]
    return _command(directory, lines)


def start_edge_broker(
    directory: Path, port: int, edge_password: str, terminals: Iterable[TerminalUser], host: str = "127.0.0.1"
) -> MosquittoProcess:
    """Configure and start; see `edge_broker_command`. Raises BrokerFailed."""
    return _start(directory, host, port, edge_broker_command(directory, port, edge_password, terminals, host))


def edge_broker_command(
    directory: Path, port: int, edge_password: str, terminals: Iterable[TerminalUser], host: str = "127.0.0.1"
) -> list[str]:
    """For the terminals of one estate, on its edge box: writes the configuration, gives the command that runs it.

    User `edge` may use all topics, a terminal its own only.
    """
    _private(directory)
    users = list(terminals)
    passwords = {"edge": edge_password, **{user.username: user.password for user in users}}
    _write(directory / "passwords", "".join(f"{name}:{password_hash(text)}\n" for name, text in passwords.items()))
    _write(directory / "acl", edge_acl(users))
    lines = [
        *_common(directory, host, port, EDGE_MAX_PACKET),
        "allow_anonymous false",
        f"password_file {directory / 'passwords'}",
        f"acl_file {directory / 'acl'}",
        "max_queued_messages 2000",
    ]
    return _command(directory, lines)


def edge_acl(users: Iterable[TerminalUser]) -> str:
    """Terminals publish and read below `{root}/{ID}` and say hello on the common `basic` and `heartbeat` topics."""
    parts = ["user edge\ntopic readwrite #\n"]
    for user in users:
        own = f"{user.topic_root}/{user.device_id}"
        parts.append(
            f"user {user.username}\ntopic readwrite {own}\ntopic readwrite {own}/#\n"
            f"topic write {user.topic_root}/basic\ntopic write {user.topic_root}/heartbeat\n"
        )
    return "\n".join(parts)


def password_hash(password: str) -> str:
    """Mosquitto's `$7$`: PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt."""
    salt = secrets.token_bytes(12)
    hash = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(hash).decode()}"


def edge_role(edge_id: str) -> dict[str, object]:
    """What an edge may: write `v1/{id}/up/#`, read `v1/{id}/down/#`. It cannot join a shared subscription."""
    up, down = f"v1/{edge_id}/up/#", f"v1/{edge_id}/down/#"
    return {
        "rolename": f"edge:{edge_id}",
        "acls": [
            {"acltype": "publishClientSend", "topic": up, "priority": 0, "allow": True},
            {"acltype": "publishClientReceive", "topic": down, "priority": 0, "allow": True},
            {"acltype": "subscribePattern", "topic": down, "priority": 0, "allow": True},
            {"acltype": "unsubscribePattern", "topic": down, "priority": 0, "allow": True},
        ],
    }


def hub_security(password: str, held: dict[str, object] | None) -> dict[str, object]:
    """The plugin's state: the hub's own client and role are written anew, edges that stand in it are kept."""
    kept_clients = [c for c in _items(held, "clients") if c.get("username") != HUB_USER]
    kept_roles = [r for r in _items(held, "roles") if r.get("rolename") != HUB_USER]
    salt = secrets.token_bytes(12)
    hash = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    client = {
        "username": HUB_USER,
        "textName": "the hub",
        "roles": [{"rolename": HUB_USER, "priority": 0}],
        "password": base64.b64encode(hash).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": 101,
    }
    allowed = [
        ("publishClientSend", "v1/+/down/#"),
        ("publishClientSend", "$CONTROL/dynamic-security/v1"),
        ("publishClientReceive", "v1/+/up/#"),
        ("publishClientReceive", "$CONTROL/dynamic-security/v1/response"),
        ("subscribePattern", "v1/+/up/#"),
        ("subscribePattern", "$CONTROL/dynamic-security/v1/response"),
        ("unsubscribePattern", "#"),
    ]
    acls = [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in allowed]
    denied = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"), False)
    return {
        "defaultACLAccess": denied,
        "clients": [client, *kept_clients],
        "groups": [],
        "roles": [{"rolename": HUB_USER, "acls": acls}, *kept_roles],
    }


def port_for(directory: Path, wanted: int = 0, host: str = "127.0.0.1") -> int:
    """The port written in `directory/port`, or `wanted`, or a free one; written down, so that a restart keeps it."""
    _private(directory)
    file = directory / "port"
    if wanted:
        port = wanted
    elif file.exists():
        port = int(file.read_text())
    else:
        (port,) = kept_ports.choose(1, host)
    file.write_text(str(port))
    return port


def secret_for(file: Path) -> str:
    """A random secret kept in a 0600 file; made once."""
    if not file.exists():
        _write(file, secrets.token_urlsafe(32))
    return file.read_text().strip()


def _items(held: dict[str, object] | None, key: str) -> list[dict[str, object]]:
    value = (held or {}).get(key, [])
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _read_json(file: Path) -> dict[str, object] | None:
    if not file.exists():
        return None
    try:
        value = json.loads(file.read_text())
    except ValueError as error:
        raise BrokerFailed(
            f"{file} is damaged ({error}): put a copy of it back, or delete it and enrol every edge box again"
        ) from error
    return value if isinstance(value, dict) else None


def _common(directory: Path, host: str, port: int, max_packet: int) -> list[str]:
    lines = ["per_listener_settings false", f"listener {port} {host}", "set_tcp_nodelay true"]
    lines += [f"max_packet_size {max_packet}", "persistence false", "log_timestamp_format %Y-%m-%dT%H:%M:%S"]
    lines += ["log_type error", "log_type warning", "log_type notice", f"log_dest file {directory / 'mosquitto.log'}"]
    if os.geteuid() == 0:
        lines.append("user root")  # otherwise it becomes the user mosquitto, who may not read our directory
    return lines


def _command(directory: Path, lines: list[str]) -> list[str]:
    config = directory / "mosquitto.conf"
    _write(config, "\n".join(lines) + "\n")
    return [binary(), "-c", str(config)]


def _start(directory: Path, host: str, port: int, command: list[str]) -> MosquittoProcess:
    """Call it on the main thread: the kernel ends the broker with the thread that started it."""
    if _accepts(host, port):
        raise BrokerFailed(f"port {port} on {host} is taken: end the program that holds it or choose another port")
    output = (directory / "mosquitto.out").open("ab")
    with output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,  # Ctrl-C is for us: the broker is stopped last
            preexec_fn=die_with_parent,
        )
    broker = MosquittoProcess(directory, host, port, process)
    deadline = time.monotonic() + START_S
    while not _accepts(host, port):
        if not broker.running or time.monotonic() > deadline:
            broker.stop()
            raise BrokerFailed(f"mosquitto did not start on port {port}: {_tail(directory)}")
        time.sleep(0.02)
    return broker


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _tail(directory: Path) -> str:
    texts = [(directory / name) for name in ("mosquitto.out", "mosquitto.log")]
    return " ".join(text.read_text(errors="replace")[-500:] for text in texts if text.exists()) or "it wrote nothing"


def _private(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _write(file: Path, content: str) -> None:
    """It holds who may come in; what stands there already is not written again."""
    if not file.exists() or file.read_text() != content:
        write_whole(file, content.encode())

"""`peers.cpu`: CPU a poll of our door drivers against Node-RED with its Modbus node and thingsboard-gateway.

One after the other on the same simulated bus and the same broker: 32 boards of 16 inputs, each read five times a second, what
changed published at QoS 1. The peers are installed from the registries when this is asked for, in environments of their own
below .cache; whoever cannot be installed is told and left out.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from simulators.plan import free_ports
from tools import where
from tools.bench import peers_config
from tools.bench.figure import Figure

UNITS, HERTZ = 32, 5
WARM_S, WINDOW_S, START_S = 4.0, 15.0, 90.0
PEERS = where.CACHE / "peers"
NODE_RED = {"node-red": "4.1.0", "node-red-contrib-modbus": "5.23.3"}
THINGSBOARD = "thingsboard-gateway==3.8.5"
LIMITS = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}


@dataclass(frozen=True, slots=True)
class Measured:
    cpu_us: float  # a poll
    hertz: float
    delivered: float  # messages a door that moved
    mib: float


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-peers-") as name, ExitStack() as stack:
        folder = Path(name)
        bus_port, broker_port = free_ports(2)
        stack.enter_context(broker(folder, broker_port))
        bus = stack.enter_context(started([sys.executable, "-m", "tools.bench.peers_bus", str(bus_port), str(UNITS)]))
        heard = stack.enter_context(Listener.at(broker_port))
        places = (bus_port, broker_port, UNITS, HERTZ)
        found: dict[str, Measured | str] = {}
        for peer, prepare in {"ours": _ours, "Node-RED": _node_red, "thingsboard-gateway": _thingsboard}.items():
            (folder / peer).mkdir()
            try:
                command, environment = prepare(folder / peer, *places)
                found[peer] = watch(command, environment, folder / peer, bus, heard)
            except (NotMeasured, OSError, subprocess.SubprocessError) as error:
                found[peer] = f"not measured: {error}"
    return figures(found)


def figures(found: dict[str, Measured | str]) -> list[Figure]:
    ours = found.pop("ours")
    if isinstance(ours, str):
        raise NotMeasured(ours)
    made = []
    for (peer, told), goal in zip(found.items(), (1 / 2, 1 / 3), strict=True):
        name = f"peers.{'node_red' if peer == 'Node-RED' else 'thingsboard'}"
        unit = f"µs CPU a poll; {ours.hertz:.2f} Hz, {ours.delivered:.2f} messages a change, {ours.mib:.0f} MiB"
        if isinstance(told, str):
            made.append(Figure(name, round(ours.cpu_us, 1), unit, f"{peer} {told}", None, f"≤ 1/{1 / goal:.0f}", None))
            continue
        ratio = ours.cpu_us / told.cpu_us
        theirs = f"{peer} {told.cpu_us:.0f} µs; {told.hertz:.2f} Hz, {told.delivered:.2f} messages a change, {told.mib:.0f} MiB"
        goal_text = f"≤ 1/{1 / goal:.0f} of its CPU a poll"
        made.append(Figure(name, round(ours.cpu_us, 1), unit, theirs, round(ratio, 3), goal_text, ratio <= goal))
    return made


class NotMeasured(RuntimeError):
    """A peer that does not install, start, poll or publish; the text says which."""


# The peers


def _ours(_folder: Path, *places: int) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "tools.bench.peers_ours", *map(str, places)], {}


def _node_red(folder: Path, *places: int) -> tuple[list[str], dict[str, str]]:
    home = PEERS / "node"
    tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    red = home / "node_modules/node-red/red.js"
    wanted = json.dumps({"name": "peers", "private": True, "version": "1.0.0", "dependencies": NODE_RED})
    if not red.exists() or (home / "package.json").read_text() != wanted:
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text(wanted)
        install(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], home, tools)
    settings, flow = peers_config.node_red(folder, *places)
    return ["node", str(red), "-u", str(home), "-s", str(settings), str(flow)], tools


def _thingsboard(folder: Path, *places: int) -> tuple[list[str], dict[str, str]]:
    home = PEERS / "thingsboard"
    program = home / "bin/thingsboard-gateway"
    if not program.exists():
        uv = str(Path(sys.executable).parent / "uv")
        install([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], where.ROOT, {})
        install([uv, "pip", "install", "--quiet", "--python", str(home / "bin/python"), THINGSBOARD], where.ROOT, {})
    where_told = peers_config.thingsboard(folder, *places)
    start = "from thingsboard_gateway.tb_gateway import main; main()"
    return [str(home / "bin/python"), "-c", start], {"TB_GW_CONFIG_DIR": str(where_told)}


def install(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise NotMeasured(f"does not install: {' '.join((done.stderr or done.stdout).split())[-300:]}")


# Measuring


def watch(
    command: list[str], environment: dict[str, str], folder: Path, bus: subprocess.Popen[str], heard: Listener
) -> Measured:
    with (folder / "log").open("wb") as log:
        cwd = where.ROOT if "tools.bench.peers_ours" in command else folder
        process = subprocess.Popen(
            command, cwd=cwd, env=os.environ | environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        pause = threading.Event()
        end = time.monotonic() + START_S
        while _rate(bus, pause, 2.0) < 0.5 * UNITS * HERTZ:
            if process.poll() is not None or time.monotonic() > end:
                tail = (folder / "log").read_text(errors="replace")[-300:]
                raise NotMeasured(f"does not poll: {' '.join(tail.split())}")
        pause.wait(WARM_S)
        polls, moves, cpu, messages, began = *_counts(bus), _cpu(process.pid), heard.messages, time.perf_counter()
        pause.wait(WINDOW_S)
        wall = time.perf_counter() - began
        polls, moves = (now - before for now, before in zip(_counts(bus), (polls, moves), strict=True))
        cpu, messages = _cpu(process.pid) - cpu, heard.messages - messages
        if not messages:
            raise NotMeasured("polls, and publishes nothing")
        return Measured(cpu / polls * 1e6, polls / wall / UNITS, messages / moves, _resident(process.pid))
    finally:
        for pid in reversed(_tree(process.pid)):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        process.wait()


def _rate(bus: subprocess.Popen[str], pause: threading.Event, seconds: float) -> float:
    before, began = _counts(bus)[0], time.perf_counter()
    pause.wait(seconds)
    return (_counts(bus)[0] - before) / (time.perf_counter() - began)


def _counts(bus: subprocess.Popen[str]) -> tuple[int, int]:
    assert bus.stdin
    assert bus.stdout
    bus.stdin.write("\n")
    bus.stdin.flush()
    polls, moves = bus.stdout.readline().split()
    return int(polls), int(moves)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _tree(int(child))
    return found


def _cpu(pid: int) -> float:
    """Seconds of the process and its children."""
    total = 0
    for one in _tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Listener:
    """Counts what is published, and answers what thingsboard-gateway asks its server before it sends anything."""

    def __init__(self) -> None:
        self.messages = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "listener")
        self._client.on_message = self._heard

    @classmethod
    @contextmanager
    def at(cls, port: int) -> Iterator[Listener]:
        made = cls()
        made._client.connect("127.0.0.1", port)
        made._client.subscribe([("bench/#", 1), ("v1/gateway/telemetry", 1), ("v1/devices/me/rpc/request/+", 1)])
        made._client.loop_start()
        try:
            yield made
        finally:
            made._client.disconnect()
            made._client.loop_stop()

    def _heard(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if "/rpc/request/" in message.topic:
            client.publish(message.topic.replace("request", "response"), json.dumps(LIMITS))
        elif message.topic == "v1/gateway/telemetry":
            self.messages += sum(len(values) for values in json.loads(message.payload).values())
        else:
            self.messages += 1


@contextmanager
def broker(folder: Path, port: int) -> Iterator[None]:
    program = where.mosquitto()
    if program is None:
        raise NotMeasured("mosquitto is missing: run `make setup-test`")
    config = folder / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    config.write_text(f"{user}listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
    with started([str(program), "-c", str(config)]):
        wait_for(lambda: _accepts(port))
        yield


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_for(reached: Callable[[], bool]) -> None:
    end, pause = time.monotonic() + 30, threading.Event()
    while not reached():
        if time.monotonic() > end:
            raise NotMeasured("the broker does not accept")
        pause.wait(0.1)


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=where.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)

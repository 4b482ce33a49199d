"""`terminal.ack`: 300 terminals send 10 records of 80 kB each and wait for the PushAck of each before the next.

The real agent of an edge box, its journal on disk with full durability; the terminals speak another MQTT library in a process
of their own, over a real Mosquitto. The reference is a bare paho loop that reads the JSON, keeps nothing and acknowledges.
ESTATE_BENCH_TERMINALS: terminals (default 300).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import paho.mqtt.client as paho
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device_drivers.catalogue import FACE_TERMINAL
from device_drivers.contract.access import SignedAccessList
from device_drivers.contract.device import AccessPointBinding, DeviceConfig, DeviceSet
from device_drivers.contract.messages import DeviceReported, DevicesDesired, decode, encode, topic_of
from device_drivers.contract.words import DeviceCondition
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir, LocalBroker
from tools import where
from tools.bench.figure import Figure, percentile

RECORDS, BYTES = 10, 80_000
EDGE, ESTATE = "edge-bench", "E"
PATIENCE_S = 300.0


class NotReached(Exception):
    """A state of the bench did not come; the text says which."""


def measure() -> list[Figure]:
    terminals = int(os.environ.get("ESTATE_BENCH_TERMINALS", "300"))
    with tempfile.TemporaryDirectory(prefix="estate-terminal-") as folder:
        bare = _bare(Path(folder), terminals)
        ours = asyncio.run(_ours(Path(folder), terminals))
    total = terminals * RECORDS
    rate, bare_rate = total / ours["seconds"], total / bare["seconds"]
    worst, bare_worst = percentile(ours["waited"], 0.99), percentile(bare["waited"], 0.99)
    kept = f"{ours['stored']} of {total} records on disk"
    return [
        Figure("terminal.ack", round(rate), f"records/s of {BYTES // 1000} kB acknowledged, {terminals} terminals; {kept}",
               f"a bare paho loop that keeps nothing: {bare_rate:.0f}/s", round(rate / bare_rate, 2),
               "every record once, none acknowledged before it is on disk", ours["stored"] == total),
        Figure("terminal.ack_p99", round(worst * 1000), f"ms from a record to its PushAck, p99, {terminals} at once",
               f"bare loop {bare_worst * 1000:.0f} ms", round(worst / bare_worst, 2), "< 10 s (a terminal sends again)",
               worst < 10.0),
    ]  # fmt: skip


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A Mosquitto as an edge box has one."""
    port = _free_port()
    program = where.mosquitto()
    if program is None:
        raise NotReached("mosquitto is missing: run `make setup-test`")
    config = folder / f"mosquitto-{port}.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user}listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\nmax_queued_messages 0\n"
        "set_tcp_nodelay true\n"
    )
    process = subprocess.Popen([str(program), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _accepts(port), "the broker accepts", 30)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(reached: Any, what: str, patience_s: float = PATIENCE_S) -> None:
    end, pace = time.monotonic() + patience_s, threading.Event()
    while not reached():
        if time.monotonic() > end:
            raise NotReached(what)
        pace.wait(0.05)


@contextmanager
def _fleet(port: int, terminals: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tools.bench.terminal_fleet", *map(str, (port, terminals, RECORDS, BYTES))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            if _pipe(process.stdout).readline().strip() != "ready":
                raise NotReached("the terminals did not connect")
            yield process
        finally:
            process.kill()


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise NotReached("no pipe")
    return stream


def _go(process: subprocess.Popen[str]) -> dict[str, Any]:
    _pipe(process.stdin).write("go\n")
    _pipe(process.stdin).flush()
    return dict(json.loads(_pipe(process.stdout).readline()))


def _bare(folder: Path, terminals: int) -> dict[str, Any]:
    with broker(folder) as port:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)

        def acknowledge(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            info = json.loads(message.payload)["info"]
            ack = {"PushAckType": 2, "SnapOrRecordID": int(info["RecordID"])}
            body = {"operator": "PushAck", "messageId": "1", "info": ack}
            client.publish(message.topic.rsplit("/", 1)[0], json.dumps(body), qos=0)

        client.on_message = acknowledge
        client.connect("127.0.0.1", port)
        client.subscribe("mqtt/face/+/Rec", qos=0)
        client.loop_start()
        try:
            with _fleet(port, terminals) as process:
                return _go(process)
        finally:
            client.loop_stop()
            client.disconnect()


async def _ours(folder: Path, terminals: int) -> dict[str, Any]:
    directory = EdgeDir(folder / "edge")
    directory.make()
    key = Ed25519PrivateKey.generate()
    directory.hub_key.write_text(base64.b64encode(key.public_key().public_bytes_raw()).decode())
    hub, reports = MemoryBroker(), {}

    def heard(message: Incoming) -> None:
        if message.topic.endswith("/reported") and message.payload:
            report = decode(DeviceReported, message.payload)
            reports[report.device] = report

    link = MemoryLink(hub)
    link.subscribe([f"v1/{EDGE}/up/#"])
    link.start(heard, lambda _up, _why: None)

    async def fetch(_device: str, _etag: str) -> SignedAccessList | None:
        return None

    def online() -> bool:
        return sum(r.status.condition is DeviceCondition.ONLINE for r in reports.values()) == terminals

    with broker(folder) as port, _fleet(port, terminals) as process:
        config = EdgeConfig(
            EDGE, ESTATE, "", 0, "http://hub.invalid", "", local_broker=LocalBroker("127.0.0.1", port, "edge", "edge")
        )
        agent = Agent(directory, config, {"face_terminal": FACE_TERMINAL}, MemoryLink(hub), fetch)
        stop = asyncio.Event()
        running = asyncio.create_task(agent.run(stop))
        devices = tuple(
            DeviceConfig(
                f"d{n}", "face_terminal", f"D{n}", {"device_id": f"T{n:05d}", "timeout_s": 30},
                (AccessPointBinding(f"p{n}", "door1"),),
            )
            for n in range(terminals)
        )  # fmt: skip
        desired = DevicesDesired(DeviceSet(EDGE, ESTATE, "Asia/Shanghai", 1, devices))
        link.publish(topic_of(desired, EDGE), encode(desired), retain=True)
        await asyncio.to_thread(_until, online, "every terminal is online")
        found = await asyncio.to_thread(_go, process)
        stop.set()
        await running
    return {**found, "stored": _stored(directory.journal)}


def _stored(journal: Path) -> int:
    """Keys of records that were written; a key is there once."""
    with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        (rows,) = db.execute("SELECT count(*) FROM seen").fetchone()
    return int(rows)

"""`simulators.many`: 300 face terminals, 64 door boards and 50 cameras simulated in one process, all asked all the time.

Over real sockets: each terminal by a command through a real Mosquitto, each board by Modbus TCP, each camera by SOAP, once
every `EVERY_S`. The reference is the same process while nobody asks and only the terminals' hearts beat.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus.client import AsyncModbusTcpClient

from tools.bench.figure import Figure
from tools.bench.terminal import NotReached, broker

TERMINALS, BOARDS, CAMERAS = 300, 64, 50
EVERY_S, ROUNDS, QUIET_S = 2.0, 8, 10.0
ASK_TIME = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-many-") as folder, broker(Path(folder)) as port:
        file = Path(folder) / "fleet.json"
        file.write_text(json.dumps(fleet(port)))
        began = time.monotonic()
        with _running(file) as (process, control):
            started = time.monotonic() - began
            return [asyncio.run(_measured(process.pid, control, port, started))]


def fleet(broker_port: int) -> list[dict[str, Any]]:
    """The list for `estate-sim devices`."""
    terminal = {
        "device_id": "T{n}", "broker_host": "127.0.0.1", "broker_port": broker_port, "username": "t", "password": "t",
        "heartbeat_s": 20,
    }  # fmt: skip
    return [
        {"kind": "face_terminal", "code": "face-{n}", "config": terminal, "count": TERMINALS},
        {"kind": "modbus_board", "code": "board-{n}", "config": {"board": "inveo_rfid_ind"}, "count": BOARDS},
        {"kind": "onvif_camera", "code": "camera-{n}", "config": {"username": "u", "password": "p"}, "count": CAMERAS},
    ]


@contextmanager
def _running(file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "simulators", "devices", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready"):
            raise NotReached("the simulated devices did not start")
        yield process, line.rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.wait(30)


async def _measured(pid: int, control: str, broker_port: int, started: float) -> Figure:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as web:
        ports = {name: [(await web.get(f"{control}/devices/{name}-{n}")).json()["port"] for n in range(count)]
                 for name, count in (("board", BOARDS), ("camera", CAMERAS))}  # fmt: skip
        terminals = _Terminals(broker_port)
        await terminals.ready()
        idle = await _share(pid, asyncio.sleep(QUIET_S))
        boards = [AsyncModbusTcpClient("127.0.0.1", port=port) for port in ports["board"]]
        await asyncio.gather(*(board.connect() for board in boards))
        answered = 0

        async def rounds() -> None:
            nonlocal answered
            for number in range(ROUNDS):
                pace = asyncio.create_task(asyncio.sleep(EVERY_S))
                asked = [terminals.ask(f"T{n}", number) for n in range(TERMINALS)]
                asked += [_board(board) for board in boards]
                asked += [_camera(web, port) for port in ports["camera"]]
                answered += sum(await asyncio.gather(*asked))
                await pace

        busy = await _share(pid, rounds())
        for board in boards:
            board.close()
        terminals.close()
    total = ROUNDS * (TERMINALS + BOARDS + CAMERAS)
    said = (
        f"of one core: {TERMINALS} terminals, {BOARDS} boards, {CAMERAS} cameras in one process, each asked every "
        f"{EVERY_S:g} s; {answered:,} of {total:,} answered, all there after {started:.1f} s"
    )
    return Figure("simulators.many", round(busy, 2), said, f"nobody asks: {idle:.2f}", round(busy / max(idle, 0.001), 1),
                  "every one answers, on less than one core", answered == total and busy < 1)  # fmt: skip


async def _share(pid: int, work: Any) -> float:
    """CPU seconds of the process a second of `work`."""

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, began = ticks(), time.monotonic()
    await work
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


async def _board(board: AsyncModbusTcpClient) -> bool:
    answer = await board.read_discrete_inputs(0, count=2, device_id=1)
    return not answer.isError() or answer.exception_code in (1, 2)


async def _camera(web: httpx.AsyncClient, port: int) -> bool:
    answer = await web.post(f"http://127.0.0.1:{port}/onvif/device_service", content=ASK_TIME)
    return "GetSystemDateAndTimeResponse" in answer.text


class _Terminals:
    """One client that asks them all."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard: set[str] = set()
        self._all = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(0)
        self._client.on_connect = lambda client, *_: client.subscribe("mqtt/face/#")
        self._client.on_message = self._arrived
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _arrived(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(self._message, message.topic, message.payload)

    async def ready(self) -> None:
        async with asyncio.timeout(120):
            await self._all.wait()

    async def ask(self, terminal: str, number: int) -> bool:
        key = f"{terminal}-{number}"
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._waiting[key] = answer
        said = {"messageId": key, "operator": "QueryPerson", "info": {"facesluiceId": terminal, "customId": "nobody"}}
        self._client.publish(f"mqtt/face/{terminal}", json.dumps(said))
        try:
            async with asyncio.timeout(30):
                return await answer
        except TimeoutError:
            return False
        finally:
            del self._waiting[key]

    def _message(self, topic: str, payload: bytes | bytearray) -> None:
        said = json.loads(payload)
        self._heard.add(said.get("info", {}).get("facesluiceId", ""))
        if len(self._heard - {""}) >= TERMINALS:
            self._all.set()
        waiting = self._waiting.get(str(said.get("messageId")))
        if topic.endswith("/Ack") and waiting and not waiting.done():
            waiting.set_result(True)

    def close(self) -> None:
        self._client.loop_stop()
        self._client.disconnect()

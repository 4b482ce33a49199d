"""`modbus.poll`: points a second on one bus against the bare library's, and a bus of 32 boards at 5 Hz.

`modbus.one_pulse`: how many pulses one open puts on the wire, while boards are slow, silent or lose their answers.

The bus is simulated in a process of its own; reader and library take turns in this one, on the same sockets' other end.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from device_drivers import modbus_door, register_map
from device_drivers.contract.words import CommandKind, CommandOutcome
from device_drivers.driver import CommandRequest, DeviceUnreachable
from device_drivers.modbus_bus import ModbusBus, Place
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim
from simulators.plan import free_ports
from tools.bench.figure import Figure, percentile

UNITS, INPUTS, HERTZ, MOST_HERTZ = 32, 16, 5, 50
ROUNDS, POLLS, WHOLE_S = 5, 2000, 6.0
HOGS = 2 * (os.cpu_count() or 1)
READ_INPUTS = 2
OPENS = 8
FAULTS = (None, Fault.SLOW, Fault.LOST_REPLY, Fault.SILENT, Fault.LATE_REPLY, Fault.EXCEPTION, Fault.GARBAGE)


def measure() -> list[Figure]:
    return [*asyncio.run(poll()), asyncio.run(one_pulse())]


@asynccontextmanager
async def bus_process() -> AsyncIterator[int]:
    """A bus of boards on a port."""
    with tempfile.TemporaryDirectory() as folder:
        port, photo_port = free_ports(2)
        ready = Path(folder) / "ready"
        units = [{"unit": n + 1, "board": "jy_dam16"} for n in range(UNITS)]
        config = {"host": "127.0.0.1", "port": port, "units": units}
        plan = {"devices": [{"code": "bus", "kind": "modbus_bus", "config": config}], "photo_port": photo_port}
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(plan | {"ready": str(ready)}))
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tools.bench.sim_devices", str(path))
        try:
            while not ready.exists():  # noqa: ASYNC110 - another process' file
                await asyncio.sleep(0.05)
            yield port
        finally:
            process.terminate()
            await process.wait()


async def timed(one: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Polls a second, and microseconds of CPU a poll, over all units in turn."""
    cpu, wall = time.process_time(), time.perf_counter()
    for n in range(POLLS):
        await one(n % UNITS + 1)
    return POLLS / (time.perf_counter() - wall), (time.process_time() - cpu) / POLLS * 1e6


async def poll() -> list[Figure]:
    async with bus_process() as port:
        library = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=5)
        await library.connect()
        bus = ModbusBus(Place("127.0.0.1", port), 5.0)
        await bus.connect()

        async def bare(unit: int) -> None:
            reply = await library.read_discrete_inputs(0, count=INPUTS, device_id=unit)
            assert not reply.isError()

        async def ours(unit: int) -> None:
            await bus.read_bits(unit, "discrete", 0, INPUTS)

        runs = [(await timed(bare), await timed(ours)) for _ in range(ROUNDS)]
        library.close()
        bus.close()
        quiet, bare_quiet = await whole_bus(port, HERTZ), await bare_bus(port)
        most = await whole_bus(port, MOST_HERTZ)
        with busy_machine():
            loaded, bare_loaded = await whole_bus(port, HERTZ), await bare_bus(port)
    theirs = statistics.median(r[0][0] for r in runs)
    mine = statistics.median(r[1][0] for r in runs)
    their_cpu = statistics.median(r[0][1] for r in runs)
    my_cpu = statistics.median(r[1][1] for r in runs)
    return [
        Figure("modbus.poll", round(mine * INPUTS), "points/s on one bus", f"pymodbus {theirs * INPUTS:,.0f} points/s",
               round(mine / theirs, 2), "≥ 1 × the bare library", mine >= theirs),
        Figure("modbus.poll_cpu", round(my_cpu, 1), "µs CPU a poll", f"pymodbus {their_cpu:.1f} µs",
               round(my_cpu / their_cpu, 2), "≤ 1 × the bare library", my_cpu <= their_cpu),
        Figure("modbus.bus", round(quiet.hertz, 2), f"Hz, {UNITS} boards of {INPUTS} inputs, p99 {quiet.late_ms:.0f} ms late",
               f"pymodbus {bare_quiet.hertz:.2f} Hz", round(quiet.hertz / bare_quiet.hertz, 2),
               f"≥ {HERTZ} Hz each", quiet.hertz >= HERTZ * 0.99),
        Figure("modbus.bus_cpu", round(quiet.cpu_us, 1), f"µs CPU a poll, whole drivers ({quiet.share:.1%} of one core)",
               f"pymodbus alone {bare_quiet.cpu_us:.1f} µs", round(quiet.cpu_us / bare_quiet.cpu_us, 2),
               "≤ 1 × the bare library", quiet.cpu_us <= bare_quiet.cpu_us),
        Figure("modbus.bus_most", round(most.hertz, 1), f"Hz each when asked for {MOST_HERTZ}",
               f"{HERTZ} Hz needed", round(most.hertz / HERTZ, 1), "≥ 2 × what is needed", most.hertz >= 2 * HERTZ),
        Figure("modbus.bus_loaded", round(loaded.hertz, 2),
               f"Hz each beside {HOGS} processes that take all they get, p99 {loaded.late_ms:.0f} ms late",
               f"pymodbus {bare_loaded.hertz:.2f} Hz", round(loaded.hertz / bare_loaded.hertz, 2),
               "≥ 1 × the bare library", loaded.hertz >= 0.99 * bare_loaded.hertz),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Watched:
    """The slowest board's polls a second, the share of a core, CPU a poll, how late a poll is (p99)."""

    hertz: float
    share: float
    cpu_us: float
    late_ms: float


class FrameLog:
    """In place of a line's own: when each unit's inputs were asked, and how many requests went out."""

    def __init__(self) -> None:
        self.times: dict[int, list[float]] = {}
        self.sent = 0

    def append(self, frame: tuple[float, bool, bytes]) -> None:
        at, sent, adu = frame
        if sent:
            self.sent += 1
            if adu[7] == READ_INPUTS:
                self.times.setdefault(adu[6], []).append(at)

    def watched(self, hertz: float, cpu: float, wall: float) -> Watched:
        slowest = min((len(t) - 1) / (t[-1] - t[0]) for t in self.times.values())
        late = [t[n] - t[0] - n / hertz for t in self.times.values() for n in range(len(t))]
        return Watched(slowest, cpu / wall, cpu / self.sent * 1e6, percentile(late, 0.99) * 1000)


async def whole_bus(port: int, hertz: int) -> Watched:
    """Whole drivers on one line."""
    config = {"host": "127.0.0.1", "port": port, "board": "jy_dam", "doors": INPUTS // 2, "poll_ms": 1000 // hertz}
    drivers = [await modbus_door.connect(f"b{n}", config | {"unit": n + 1}, None) for n in range(UNITS)]  # type: ignore[arg-type]
    log = FrameLog()
    drivers[0].bus.line.trace = log  # type: ignore[assignment]

    async def watch(driver: modbus_door.ModbusDoor) -> None:
        async for _ in driver.events():
            pass

    tasks = [asyncio.create_task(watch(driver)) for driver in drivers]
    while len(log.times) < UNITS:  # noqa: ASYNC110 - the first look at all of them is no steady state
        await asyncio.sleep(0.01)
    log.times.clear()
    log.sent = 0
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(WHOLE_S)
    found = log.watched(hertz, time.process_time() - cpu, time.perf_counter() - wall)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*(driver.close() for driver in drivers))
    return found


async def bare_bus(port: int) -> Watched:
    """The bare library with the same reads at the same times: all inputs at 5 Hz, all relays at 1 Hz; nothing is made of them."""
    library = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=5)
    await library.connect()
    log, loop = FrameLog(), asyncio.get_running_loop()
    cpu, wall = time.process_time(), time.perf_counter()
    began = due = loop.time()
    while loop.time() - began < WHOLE_S:
        for unit in range(1, UNITS + 1):
            log.sent += 1
            log.times.setdefault(unit, []).append(loop.time())
            assert not (await library.read_discrete_inputs(0, count=INPUTS, device_id=unit)).isError()
            if (log.sent + unit) % HERTZ == 0:
                log.sent += 1
                assert not (await library.read_coils(0, count=INPUTS // 2, device_id=unit)).isError()
        due = max(due + 1 / HERTZ, loop.time())
        await asyncio.sleep(due - loop.time())
    library.close()
    return log.watched(HERTZ, time.process_time() - cpu, time.perf_counter() - wall)


@contextmanager
def busy_machine() -> Iterator[None]:
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


async def one_pulse() -> Figure:
    """The most write frames and the most pulses that one open caused, over every family, dress and fault."""
    frames, pulses, opens, wrong = 0, 0, 0, 0
    for board in register_map.boards():
        for transport in ("tcp", "rtu_over_tcp", "rtu"):
            sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": board, "transport": transport})
            await sim.start()
            try:
                for fault in FAULTS:
                    for told in [await _opened(sim, board, transport, fault) for _ in range(OPENS // 4)]:
                        frames, pulses = max(frames, told[0]), max(pulses, told[1])
                        opens, wrong = opens + 1, wrong + (not told[2])
            finally:
                await sim.stop()
    return Figure("modbus.one_pulse", frames, f"opening frames an open at most ({opens} opens)",
                  f"{pulses} pulses at most; {wrong} outcomes other than what happened", None,
                  "exactly 1, never a wrong outcome", frames == 1 and pulses <= 1 and not wrong)  # fmt: skip


async def _opened(sim: ModbusBoardSim, board: str, transport: str, fault: Fault | None) -> tuple[int, int, bool]:
    """Opening frames that reached the board, pulses it made, and whether what was told is true."""
    host = {"host": sim.listener.serial_path} if transport == "rtu" else {"host": "127.0.0.1", "port": sim.port}
    config = host | {"board": board, "transport": transport, "timeout_s": 0.15, "quiet_s": 0.05, "baud": 115200}
    driver = await modbus_door.connect("d", config, None)  # type: ignore[arg-type]
    try:
        if fault:
            await sim.apply_fault(fault, value={Fault.SLOW: 0.05, Fault.LATE_REPLY: 0.3}.get(fault))
        frames, pulses = len(_opening(sim, transport)), len(sim.pulses)
        outcome, _ = await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.1))
        sim.clear_faults()
        for _ in range(50):  # what would repeat a pulse has had its chance
            try:
                await driver.inventory()
                break
            except DeviceUnreachable:
                await asyncio.sleep(0.05)
        made = len(sim.pulses) - pulses
        true = {CommandOutcome.DONE: made == 1, CommandOutcome.UNCERTAIN: made <= 1}.get(outcome, made == 0)
        return len(_opening(sim, transport)) - frames, made, true
    finally:
        await driver.close()


def _opening(sim: ModbusBoardSim, transport: str) -> list[bytes]:
    """Writes that open: not those that switch a coil off."""
    at, end = (7, None) if transport == "tcp" else (1, -2)
    pdus = [f.adu[at:end] for f in list(sim.listener.frames) if f.received]
    return [
        p for p in pdus if p[0] in (5, 6, 16) and p[3:5] != b"\x00\x00" and not (p[0] == 5 and p[1:3] == b"\x03\xed")
    ]

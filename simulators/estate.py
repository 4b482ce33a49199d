"""The whole site in one process: every device on its own socket, residents who walk, meters that advance.

Writes `ready.json` {"control": URL, "pid", "started_at", "devices"} when all devices are up, and removes it at the
end. Time stamps which devices put on their records are always the real time; `--speed` only makes people quicker.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.clock import EstateClock, first_moment
from simulators.consumption import consumption, part_of_day
from simulators.device import DeviceSim
from simulators.estate_control import EstateControl
from simulators.face_terminal import FaceTerminalSim
from simulators.follow import Follower
from simulators.history import daily_use
from simulators.households import FUTURE_DAYS
from simulators.kinds import make_device
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_meter import ModbusMeterSim
from simulators.movement import Crowd, crowd
from simulators.outages import LOCAL
from simulators.plan import Plan
from simulators.site import ZONE, meter_units
from simulators.walkers import Walkers

log = logging.getLogger(__name__)
METER_PERIOD_S = 2.0
KEEP_PERIOD_S = 15.0
MOTION_S = 2.0  # how long a camera sees motion after somebody passed, real seconds


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: the edge's broker, how fast, and whom to follow."""

    broker_host: str = "127.0.0.1"
    broker_port: int | None = None
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)
    speed: float = 1.0
    back_office: str | None = None
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class LiveMeter:
    """One meter unit with its readings at the end of each day and its use per day (m³ or kWh)."""

    device: ModbusMeterSim
    unit: int
    at_day_end: NDArray[np.float64]
    daily: NDArray[np.float64]

    def reading(self, day: int, part: float) -> float:
        """The reading on day `day` of the history or after it, when `part` (0..1) of that day's use is done."""
        index = min(day, len(self.daily) - 1)
        return float(self.at_day_end[index] - self.daily[index] * (1 - part))


class Estate:
    """All simulators of one planned directory. `run()` lives until it is cancelled or SIGTERM/SIGINT comes."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self.plan = plan
        self.options = options
        self.people: Crowd = crowd(plan.population())
        state_dir = plan.directory / "devices"
        state_dir.mkdir(exist_ok=True)
        seed = int(plan.raw["seed"])
        self.devices: dict[str, DeviceSim] = {
            d["code"]: make_device(d["kind"], d["code"], self._config(d), seed=seed, state_dir=state_dir)
            for d in plan.devices
        }
        self.clock = EstateClock(first_moment(datetime.now(ZONE), self._kept(), options.speed), options.speed)
        self.walkers = Walkers(
            crowd=self.people,
            clock=self.clock,
            terminals={c: d.passes for c, d in self.devices.items() if isinstance(d, FaceTerminalSim)},
            boards={c: d for c, d in self.devices.items() if isinstance(d, ModbusBoardSim)},
            motion=self._motion,
            photos=dict(plan.raw["photos"]),
        )
        self._meters: list[LiveMeter] = []

    def _config(self, device: dict[str, Any]) -> dict[str, Any]:
        config = dict(device["config"])
        if device["kind"] == "face_terminal":
            config["broker_host"] = self.options.broker_host
            config["broker_port"] = self.options.broker_port or config["broker_port"]
            config |= self.options.credentials.get(device["code"], {})
            if not config["broker_port"]:
                raise ValueError("the edge's broker port is in neither the plan nor --broker-port")
        return config

    # Life

    async def run(self) -> None:
        """Starts everything, writes ready.json, walks, and stops everything cleanly."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        control = EstateControl(self.devices.values(), self.walkers, port=self.plan.control_port)
        started: list[Callable[[], Any]] = []
        ready = self.plan.directory / "ready.json"
        try:
            await asyncio.to_thread(self._prepare_meters)
            self._advance_meters()
            for device in self.devices.values():
                started.append(device.stop)
                await device.start()
            started.append(control.stop)
            await control.start()
            self._write_ready(ready, control.url)
            await self._live(stop)
        finally:
            ready.unlink(missing_ok=True)
            self._keep()
            await asyncio.gather(*(stop_one() for stop_one in started))

    async def _live(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self.walkers.run()),
                tasks.create_task(_every(METER_PERIOD_S, self._advance_meters)),
                tasks.create_task(_every(KEEP_PERIOD_S, self._keep)),
            ]
            if self.options.back_office and self.options.api_key:
                known = {p.person_id for h in self.people.population.households for p in h.members}
                url = self.options.back_office.rstrip("/")
                follower = Follower(url, self.options.api_key, known, self.walkers.photos, self.walkers.welcome)
                running.append(tasks.create_task(follower.run()))
            await stop.wait()
            for task in running:
                task.cancel()

    def _write_ready(self, path: Path, control: str) -> None:
        body = {
            "control": control,
            "pid": os.getpid(),
            "started_at": datetime.now(ZONE).isoformat(),
            "devices": sorted(self.devices),
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(body), encoding="utf-8")
        temporary.replace(path)

    # The estate's time, kept over a restart

    @property
    def _state_file(self) -> Path:
        return self.plan.directory / "estate_state.json"

    def _kept(self) -> datetime | None:
        if not self._state_file.is_file():
            return None
        return datetime.fromisoformat(json.loads(self._state_file.read_text(encoding="utf-8"))["estate_time"])

    def _keep(self) -> None:
        temporary = self._state_file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"estate_time": self.clock.now().isoformat()}), encoding="utf-8")
        temporary.replace(self._state_file)

    # Meters

    def _prepare_meters(self) -> None:
        """Daily use from the first day of the history to the end of what is drawn of the future."""
        population = self.people.population
        days = [population.start + timedelta(days=d) for d in range(population.days + FUTURE_DAYS)]
        there = np.stack([self.people.at_home(day) for day in days], axis=1)
        use = consumption(self.people, days, there)
        row = {code: i for i, code in enumerate(use.dwellings)}
        for device in self.devices.values():
            if isinstance(device, ModbusMeterSim):
                for unit in meter_units(population, device.code.removeprefix("meters-").upper()):
                    daily, start, _digits = daily_use(use, row[unit["dwelling"]], unit["quantity"])
                    self._meters.append(LiveMeter(device, unit["unit"], start + np.cumsum(daily), daily))

    def _advance_meters(self) -> None:
        """Every meter shows what was used until the estate's time now."""
        now = self.clock.now().astimezone(LOCAL)
        day = (now.date() - self.people.population.start).days
        part = float(part_of_day(float(now.hour * 3600 + now.minute * 60 + now.second)))
        for meter in self._meters:
            meter.device.set_reading(meter.unit, meter.reading(day, part))

    async def _motion(self, gate: str) -> None:
        """Somebody walks past the gate's camera."""
        camera = self.devices.get(gate.replace("face-", "cam-"))
        if camera is not None:
            await camera.raise_event({"kind": "motion", "state": True, "seconds": MOTION_S})


async def _every(seconds: float, act: Callable[[], None]) -> None:
    """Calls `act` every so many real seconds."""
    while True:
        await asyncio.sleep(seconds)
        act()

"""The workers of a box, one a device, kept equal to the device set that the hub sent or the box kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from device_drivers.contract.access import Acceptance
from device_drivers.contract.device import DeviceConfig, DeviceSet, DeviceStatus
from device_drivers.contract.events import EdgeNote
from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import DeviceCondition
from device_drivers.driver import DriverDefinition
from edge_agent import device_sets
from edge_agent.box import Box
from edge_agent.config import EdgeConfig
from edge_agent.parts import lasting
from edge_agent.worker import Worker

log = logging.getLogger(__name__)
Workers = dict[str, tuple[Worker, asyncio.Task[None]]]


class Fleet:
    """`group` is set before `follow` runs. `forget_others`: what was reported of devices other than these is cleared."""

    group: asyncio.TaskGroup

    def __init__(
        self,
        path: Path,
        config: EdgeConfig,
        definitions: Mapping[str, DriverDefinition],
        box: Box,
        workers: Workers,
        report: Callable[[DeviceReported], None],
        forget_others: Callable[[Collection[str]], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self.path, self.config, self.definitions, self.box, self.workers = path, config, definitions, box, workers
        self._report, self._forget_others, self._failed = report, forget_others, failed
        self.wanted: DeviceSet | None = None
        self._changed = asyncio.Event()

    async def load(self) -> None:
        """What this box kept."""
        try:
            kept = await asyncio.to_thread(device_sets.kept, self.path)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.error("kept device set is not usable: %s", error)
            self.box.record("", EdgeNote("gap", f"kept device set is not usable: {error}"))
            return
        self.wanted = kept
        self._changed.set()

    async def stop(self) -> None:
        await asyncio.gather(*(worker.doors.stop() for worker, _ in self.workers.values()))
        for _, task in self.workers.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self.workers.values()), return_exceptions=True)

    def arrived(self, devices: DeviceSet) -> None:
        if (devices.edge, devices.estate) != (self.config.edge, self.config.estate):
            text = f"device set of {devices.edge}/{devices.estate} came to {self.config.edge}/{self.config.estate}"
            log.error(text)
            self.box.record("", EdgeNote("foreign_devices", text))
            return
        verdict = device_sets.verdict_on(devices, self.wanted)
        if verdict is Acceptance.APPLY:
            self.wanted = devices
            self._changed.set()
        elif verdict is not Acceptance.SAME:
            log.error("device set of generation %d refused: %s", devices.generation, verdict.value)
            self.box.record("", EdgeNote(verdict.value, f"device set of generation {devices.generation}"))

    async def follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            done = False
            try:
                if self.wanted:
                    await self._apply(self.wanted)
                done = True
            finally:
                if not done:  # what failed half-way is done when this begins anew
                    self._changed.set()

    async def _apply(self, devices: DeviceSet) -> None:
        """Start, stop and restart workers by difference; a device that did not change is not disturbed."""
        try:
            await asyncio.to_thread(device_sets.keep, self.path, devices)
        except OSError as error:
            log.error("device set not kept: %s", error)
        self.box.devices, self.box.policy = devices, devices.policy
        wanted = {d.device: d for d in devices.devices}
        gone = [d for d, (worker, _) in self.workers.items() if wanted.get(d) != worker.config]
        for device in gone:
            worker, task = self.workers.pop(device)
            if device not in wanted:
                await worker.doors.leave()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for device in self.box.fire.contacts.keys() - wanted.keys():
            self.box.fire.forget(device, self.box.clock.now())
        self._forget_others(wanted)
        for config in wanted.values():
            if config.device not in self.workers:
                await self._start(config)
        log.info("device set %d: %d devices", devices.generation, len(self.workers))

    async def _start(self, config: DeviceConfig) -> None:
        definition = self.definitions.get(config.kind)
        if definition is None:
            text = f"this edge cannot drive {config.kind!r}"
            log.error("device %s: %s", config.device, text)
            status = DeviceStatus(DeviceCondition.FAULT, self.box.clock.now(), detail=text)
            self._report(DeviceReported(config.device, 0, "", status, reported_at=self.box.clock.now()))
            return
        await self.box.lists.load(config.device)
        worker = Worker(config, definition, self.box)
        work = lasting(f"device {config.device}", worker.run, self._failed)
        self.workers[config.device] = worker, self.group.create_task(work, name=f"worker {config.device}")

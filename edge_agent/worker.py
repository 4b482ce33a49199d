"""One task a device: connect, listen, decide, reconcile, watch; and start over when the link is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from device_drivers.contract.device import Capabilities, DeviceConfig, DeviceStatus
from device_drivers.contract.events import AccessEvent, CameraEvent, DoorEvent, Event, EventBody
from device_drivers.contract.messages import DeviceReported, PointMode
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DeviceCondition,
    Direction,
    DoorMode,
)
from device_drivers.driver import (
    ConfigError,
    CredentialPresented,
    DeviceRefused,
    DeviceUnreachable,
    Driver,
    DriverDefinition,
    DriverEvent,
    FireContact,
    ListTouched,
    Picture,
    WrongSecret,
)
from edge_agent import modes
from edge_agent.box import Box, Pass, read_kept
from edge_agent.doors import Doors
from edge_agent.flood import Flood
from edge_agent.identity import Identity
from edge_agent.letting_in import let_in
from edge_agent.observe import Observation
from edge_agent.parts import in_task, leaf
from edge_agent.points import Points
from edge_agent.reconcile import Reconciler
from edge_agent.report import ListReport, still
from edge_agent.store import JournalFull, Row

log = logging.getLogger(__name__)
BACKOFF_S, BACKOFF_CAP_S, PERSON_NEEDED_S = 0.2, 5.0, 300.0
SOON_S = (10.0, 30.0, 60.0)
"""A password that was taken before and is refused now: some devices answer 401 while they start. Few tries, for others lock an
account after five wrong ones."""

CONNECT_S, COMMAND_S, UPKEEP_S = 30.0, 10.0, 10.0
AT_ONCE = 200  # events of one device on their way to the disk


class Worker:
    def __init__(
        self, config: DeviceConfig, definition: DriverDefinition, box: Box, upkeep_s: float = UPKEEP_S
    ) -> None:
        self.config, self.definition, self.box, self.upkeep_s = config, definition, box, upkeep_s
        self.device = config.device
        self.driver: Driver | None = None
        self._taken, self._refused = False, 0  # whether the device took our password, how often it was refused since
        self.capabilities: Capabilities = definition.capabilities_of(config.config)
        self.observation = Observation(config.device, self.capabilities.replays_events, box)
        self.reconciler = Reconciler(config, self.capabilities, box, self._list_reported)
        self.doors = Doors(config, self.capabilities, box, self._publish, self._unlocked)
        self._points = Points(config)
        self._identity = Identity(config, box.state)
        self._flood = Flood()
        self._busy = asyncio.Lock()  # inventory, apply, status, snapshot: one at a time; commands never wait
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._status = DeviceStatus(DeviceCondition.UNKNOWN, box.clock.now())
        self._list = ListReport()
        self._keeping = threading.Lock()

    @property
    def condition(self) -> DeviceCondition:
        return self._status.condition

    # --- life ------------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Until cancelled."""
        kept = await asyncio.to_thread(self.box.state.kept, f"list:{self.device}")
        self._list = read_kept(kept, ListReport, ListReport())
        await asyncio.to_thread(self.reconciler.drift.load)
        revoked = await asyncio.to_thread(self.box.state.revoked, self.device)
        for token, (at, _) in revoked.items():
            self.box.lists.revoke(self.device, (token,), at)
        if not self.capabilities.holds_list:
            await self.box.lists.decides(self.device)
        self.reconciler.removals.add(t for t, (_, owed) in revoked.items() if owed)
        await self.observation.resume()
        await self.doors.load()
        self.box.lists.listen(self.device, self.reconciler.changed.set)
        try:
            async with asyncio.TaskGroup() as group:
                if self.capabilities.holds_list or self.capabilities.cards:
                    group.create_task(self.box.lists.run(self.device))
                group.create_task(self._tick())
                group.create_task(self._sessions())
        finally:
            self.doors.unload()
            self.box.keep(*self._flood.due(time.monotonic(), all_of_them=True))
            await asyncio.shield(self.observation.stopped(self.box.clock.now()))

    async def _sessions(self) -> NoReturn:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await in_task(self._session(), f"session {self.device}")
            except Exception as error:  # noqa: BLE001  one device's fault must not take the others down
                if time.monotonic() - began > 2 * BACKOFF_CAP_S:
                    failures = 0
                delay = await self._failed(leaf(error), failures)
            failures += 1
            await asyncio.sleep(delay)

    async def _failed(self, error: BaseException, failures: int) -> float:
        """Report, and say how long to wait."""
        delay = min(BACKOFF_CAP_S, BACKOFF_S * float(1 << min(failures, 6))) * random.uniform(0.8, 1.2)
        condition = DeviceCondition.FAULT
        match error:
            case DeviceUnreachable() | TimeoutError():
                condition = DeviceCondition.OFFLINE
            case WrongSecret():
                delay = SOON_S[self._refused] if self._taken and self._refused < len(SOON_S) else PERSON_NEEDED_S
                self._refused += 1
            case ConfigError():
                delay = PERSON_NEEDED_S
            case DeviceRefused():
                delay = BACKOFF_CAP_S
            case _:
                log.error("device %s: unexpected", self.device, exc_info=error)
                delay = BACKOFF_CAP_S
        detail = str(error) or type(error).__name__
        self.observation.lost(self.box.clock.now(), detail)
        await self.doors.lost(detail)
        self._set_status(msgspec.structs.replace(self._status, condition=condition, detail=detail[:300]))
        return delay

    async def _session(self) -> NoReturn:
        settings = {k: v for k, v in self.config.config.items() if k != "code"}
        async with asyncio.timeout(CONNECT_S):
            driver = await self.definition.connect(self.device, settings, self.box.services)
        try:
            self.observation.connected(self.box.clock.now())
            self._taken, self._refused = True, 0
            self.driver = driver
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(driver, group))
                group.create_task(self.doors.keep(driver))
                group.create_task(self._upkeep(driver))
                group.create_task(self.reconciler.run(driver, self._busy))
        finally:
            self.driver = None
            with contextlib.suppress(TimeoutError, DeviceUnreachable, DeviceRefused):
                async with asyncio.timeout(3):
                    await driver.close()
        raise DeviceUnreachable("session ended")

    async def _upkeep(self, driver: Driver) -> None:
        while True:
            async with self._busy:
                status = await driver.status()
            now = self.box.clock.now()
            if status.condition is DeviceCondition.ONLINE:
                self.observation.seen(status.last_seen_at or now)
            self.observation.observing(status.observing, status.last_seen_at, status.detail, now)
            self.observation.clock(status.clock_offset_s, now)
            detail = "; ".join(filter(None, (status.detail, self._flood.told())))
            self._set_status(msgspec.structs.replace(status, detail=detail))
            if await self._identity.look(status):
                self.reconciler.changed.set()
            await asyncio.sleep(self.upkeep_s)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self.upkeep_s))
            self.observation.tick(self.box.clock.now())
            self.doors.look()
            self.box.keep(*self._flood.due(time.monotonic()))

    def _unlocked(self, point: str, on: bool) -> None:
        self.observation.unlocked(point, on, self.box.clock.now())

    # --- what the hub is told --------------------------------------------------------------------------------------
    def _set_status(self, status: DeviceStatus) -> None:
        before = self._status
        since = before.since if before.condition is status.condition else self.box.clock.now()
        self._status = msgspec.structs.replace(status, since=since)
        if before.condition is not status.condition:
            self._log_condition(before.condition)
        # last_seen_at moves at every look: publishing it each time would be chatter.
        if still(before) != still(self._status):
            self._publish()

    def _log_condition(self, before: DeviceCondition) -> None:
        """One line a change of condition: who reads the box's log only must find the fault there."""
        now = self._status
        if now.condition is not DeviceCondition.ONLINE:
            log.warning("device %s is %s: %s", self.device, now.condition.value, now.detail)
        elif before is not DeviceCondition.UNKNOWN:
            log.info("device %s is back", self.device)

    def _list_reported(self, part: ListReport) -> None:
        changed = msgspec.structs.replace(part, read_back_at=None) != msgspec.structs.replace(
            self._list, read_back_at=None
        )
        self._list = part
        self._publish()
        if changed:
            self.box.later(self._keep_list)

    def _keep_list(self) -> None:
        """In a thread: a slow disk must not hold up the loop. Whichever of them comes last keeps the newest."""
        with self._keeping:
            self.box.state.keep(f"list:{self.device}", msgspec.json.encode(self._list).decode())

    def _publish(self) -> None:
        part = {name: getattr(self._list, name) for name in ListReport.__struct_fields__}
        self.box.report(
            DeviceReported(
                device=self.device,
                status=self._status,
                reported_at=self.box.clock.now(),
                modes=self.doors.report(),
                fire=self.box.fire.state(self.device),
                **part,
            )
        )

    # --- events ----------------------------------------------------------------------------------------------------
    async def _listen(self, driver: Driver, group: asyncio.TaskGroup) -> None:
        async for event in driver.events():
            received = self.box.clock.now()
            self.observation.seen(received)
            if event.ack:  # the device keeps the record until told: it can wait for a slow disk, a door reader cannot
                await self._slots.acquire()
            if isinstance(event.body, FireContact):
                await self.doors.fire(event.body.state, event.body.text, received)
            elif isinstance(event.body, ListTouched):
                self.reconciler.rounds.look()
            elif isinstance(event.body, CredentialPresented):
                group.create_task(self._presented(driver, event, event.body, received))
            else:
                self._take(event, event.body, received, group)
        raise DeviceUnreachable("the device's event stream ended")

    def _take(self, event: DriverEvent, body: EventBody, received: datetime, group: asyncio.TaskGroup) -> None:
        body = self._points.mapped(body)
        if isinstance(body, DoorEvent):
            self.observation.door(body.point, body.state, received)
            body = self.doors.seen(body)
        row = self._row(event, body, received)
        if self._flood.takes(row, time.monotonic()):
            group.create_task(self._keep(row, event))
        elif event.ack:
            group.create_task(self._leave_out(event.ack))

    async def _leave_out(self, ack: Callable[[], Awaitable[None]]) -> None:
        """The device need not send it again."""
        try:
            await ack()
        except (DeviceUnreachable, DeviceRefused) as error:
            log.warning("device %s: acknowledgement not sent, the record will come again: %s", self.device, error)
        finally:
            self._slots.release()

    def _row(self, event: DriverEvent, body: EventBody, received: datetime) -> Row:
        line = Event(0, self.device, received, body, event.device_at, event.clock_offset_s, event.late)
        return Row(line, event.key)

    async def _keep(self, row: Row, event: DriverEvent) -> None:
        """On disk first, then the device is told that it may forget the record. A known record is only told again."""
        try:
            (seq,) = await self.box.journal.submit([row])
            if event.ack:
                await event.ack()
        except (JournalFull, sqlite3.Error) as error:
            log.error("device %s: event not stored, not acknowledged: %s", self.device, error)
            return
        except (DeviceUnreachable, DeviceRefused) as error:
            log.warning("device %s: acknowledgement not sent, the record will come again: %s", self.device, error)
            return
        finally:
            if event.ack:
                self._slots.release()
        if seq is None or row.event.late:
            return
        if isinstance(row.event.body, AccessEvent):
            self._passed(seq, row.event.body, event)
        elif isinstance(row.event.body, CameraEvent):
            self.box.on_camera(self.device, seq, row.event.body)

    def _passed(self, seq: int, body: AccessEvent, event: DriverEvent) -> None:
        binding = self._points.binding(body.point)
        if binding:
            known, granted = body.credential is not None, body.outcome is AccessOutcome.GRANTED
            taken_at = None
            if event.device_at is not None and event.clock_offset_s is not None:
                taken_at = event.device_at - timedelta(seconds=event.clock_offset_s)
            who = (granted, body.credential, body.identifier, taken_at)
            self.box.on_pass(Pass(seq, self.device, binding.access_point, binding.camera, known, event.picture, *who))

    # --- decisions -------------------------------------------------------------------------------------------------
    async def _presented(
        self, driver: Driver, event: DriverEvent, shown: CredentialPresented, received: datetime
    ) -> None:
        """The door opens first and the journal follows: a resident must not stand outside because a disk is slow or full.

        A power cut within these milliseconds loses the line about an opening, never a person's way in.
        """
        binding = self._points.binding(shown.point)
        (decision, kind), text = self.doors.decide(binding, shown.identifier, shown.otherwise), ""
        if decision.granted:
            point = binding.access_point if binding else ""
            text = await let_in(self.box.uses, self.doors, driver, shown, decision, point)
        elif shown.answer:
            await shown.answer(False, decision.reason or "")
        body = AccessEvent(
            decision.outcome,
            shown.point,
            binding.access_point if binding else "",
            decision.credential,
            kind,
            decision.reason,
            binding.direction if binding else Direction.UNKNOWN,
            text=text,
        )
        await self._keep(self._row(event, body, received), event)

    # --- asked from outside ----------------------------------------------------------------------------------------
    async def command(
        self, kind: CommandKind, access_point: str, text: str, order: PointMode | None = None
    ) -> tuple[CommandOutcome, str]:
        """A command of a person, once. `order`: author, reason and end of a mode, for the commands that set one."""
        if kind in modes.MODE_KINDS:
            return await self._set_mode(kind, access_point, order)
        driver = self.driver
        if driver is None:
            return CommandOutcome.UNREACHABLE, f"设备离线：{self._status.detail or '尚未连接'}"
        if kind is CommandKind.READ_BACK:
            return await self._read_back()
        if not self.config.in_service:
            return CommandOutcome.REFUSED, "设备未投入使用，不接受开门类命令"
        binding = self.doors.points.get(access_point) or self._points.first
        if access_point and access_point not in self.doors.points:
            return CommandOutcome.REFUSED, f"通行点 {access_point} 不在设备 {self.device} 上"
        if binding and (why := modes.refusal(kind, binding, self.doors.held(binding.access_point))):
            return CommandOutcome.REFUSED, why
        return await self.doors.pulse(driver, binding.point if binding else "", text)

    async def _set_mode(
        self, kind: CommandKind, access_point: str, order: PointMode | None
    ) -> tuple[CommandOutcome, str]:
        if not self.config.in_service:
            return CommandOutcome.REFUSED, "设备未投入使用，不接受开门类命令"
        points = [b for b in self.config.access_points if access_point in ("", b.access_point)]
        if not points:
            return CommandOutcome.REFUSED, f"通行点 {access_point or '（全部）'} 不在设备 {self.device} 上"
        order = order or PointMode("", DoorMode.LOCKED, self.box.clock.now())
        return await self.doors.command(kind, points, order)

    async def _read_back(self) -> tuple[CommandOutcome, str]:
        """Look at the device now, report, and say what was found."""
        try:
            async with asyncio.timeout(COMMAND_S):
                await self.reconciler.read_back()
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, f"回读中断：{error}"
        except TimeoutError:
            return CommandOutcome.UNCERTAIN, f"{COMMAND_S:.0f} 秒内未读完，读完后自动上报"
        r = self._list
        if not self.capabilities.holds_list:
            return CommandOutcome.DONE, f"设备不存名单，由边缘机判定：现有 {r.confirmed} 张凭证" * r.decided_at_edge
        return CommandOutcome.DONE, (
            f"应有 {r.wanted}，读回 {r.confirmed}，未核对 {r.assumed}，待写 {r.pending}，"
            f"拒绝 {len(r.refused)}，外来 {r.foreign}"
        )

    async def snapshot(self) -> Picture:
        """Raises DeviceUnreachable, DeviceRefused, TimeoutError."""
        if self.driver is None:
            raise DeviceUnreachable(self._status.detail or "not connected")
        async with asyncio.timeout(COMMAND_S), self._busy:
            return await self.driver.snapshot()

"""The agent: everything of one box under one task group, from the device set it kept or was sent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import datetime
from pathlib import Path

import aiohttp

from device_drivers.contract.access import SignedAccessList
from device_drivers.contract.device import AccessPointBinding
from device_drivers.contract.events import EdgeNote
from device_drivers.contract.messages import DeviceReported, EdgeCatalogue, EdgeStatus
from device_drivers.driver import DriverDefinition
from device_drivers.face_terminal.channel import mqtt_link
from device_drivers.mqtt import Link
from edge_agent.box import Box, Pass
from edge_agent.break_glass import BreakGlass
from edge_agent.certificate import CertificateKeeper
from edge_agent.clock import SAME_TIME, BootDoubt, HighWaterClock
from edge_agent.commands import Commands
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.connections import client_tls, failure_of, make_link, package_version
from edge_agent.face_checks import FaceChecks
from edge_agent.face_desk import FaceDesk
from edge_agent.finding import Finder
from edge_agent.fleet import Fleet
from edge_agent.held_list import ListFiles, public_key
from edge_agent.hub_watch import HubWatch
from edge_agent.importer import Importer
from edge_agent.listed_faces import ListedFaces
from edge_agent.lists import Fetch, ListKeeper, fetcher
from edge_agent.orders import Orders
from edge_agent.parts import lasting
from edge_agent.photos import PhotoCache
from edge_agent.revoke import Revoker
from edge_agent.services import FileServer, Services
from edge_agent.snapshots import Snapshots
from edge_agent.state import Mark, State
from edge_agent.status import BoxStatus, ListLine, write_status
from edge_agent.store import Journal
from edge_agent.upkeep import Upkeep
from edge_agent.uplink import Handlers, Uplink
from edge_agent.urgent import Removals
from edge_agent.watch import Watch, notify
from edge_agent.worker import Worker

log = logging.getLogger(__name__)


class Agent:
    """`run(stop)` until `stop` is set. `link` and `fetch` may be given as in-memory twins."""

    def __init__(
        self,
        directory: EdgeDir,
        config: EdgeConfig,
        definitions: Mapping[str, DriverDefinition],
        link: Link | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        self.directory, self.config, self.definitions = directory, config, definitions
        self._given_link, self._given_fetch = link, fetch
        self.workers: dict[str, tuple[Worker, asyncio.Task[None]]] = {}
        self._status_changed = asyncio.Event()
        self._told_failed: set[str] = set()
        self._session_id = secrets.token_hex(8)

    async def run(self, stop: asyncio.Event) -> None:
        """Raises AlreadyRunning."""
        self.directory.make()
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(self.directory.alone())
            await asyncio.to_thread(self.directory.sweep)
            await self._build(stack)
            await self._start_from_disk()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in self._parts(group)]
                self.uplink.start()
                notify("READY=1")
                log.info(
                    "edge %s started, journal at %d, cursor %d",
                    self.config.edge,
                    self.journal.head,
                    self.journal.cursor,
                )
                await stop.wait()
                notify("STOPPING=1")
                await self._stop(tasks)

    async def _build(self, stack: contextlib.AsyncExitStack) -> None:
        directory, config = self.directory, self.config
        self.state = State(directory.state)
        self.state.open()
        stack.callback(self.state.close)
        self._doubt = BootDoubt(self.state.kept("boot"))
        self.clock = HighWaterClock(self.state.high_water)
        self.clock.doubtful, self.clock.confirmed = self._doubt, self._doubt.synchronised
        self.journal = Journal(directory.journal, self.clock, relief=lambda: self.snapshots.relieve())
        self.journal.open()
        stack.callback(self.journal.close)
        tls = client_tls(directory, config)
        connector = aiohttp.TCPConnector(ssl=tls or True, limit=8)
        web = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        self.certificate = CertificateKeeper(directory, config, web, tls, self.clock.now, self._status_changed.set)
        pictures = await stack.enter_async_context(aiohttp.ClientSession())
        self._files = FileServer(config.serve_host, config.serve_port)
        with contextlib.suppress(OSError):  # it is tried on beside the doors
            await self._files.start()
        stack.push_async_callback(self._files.stop)
        key = public_key(directory.hub_key.read_text())
        fetch = self._given_fetch or fetcher(web, config.https_url, config.secret)
        lists = ListKeeper(
            ListFiles(directory.lists, key, config.estate), self._heard_at(fetch), self._note, marks=self.state
        )
        pack = Path(config.face_pack) if config.face_pack else None
        self.faces = FaceDesk(pack, directory.root, config.estate, self._listed_faces)
        stack.callback(self.faces.close)
        services = Services(
            PhotoCache(directory.photos, pictures),
            self._files,
            config.broker_address,
            self.faces,
            lambda: self.box.policy.stranger_hours,
        )
        self.box = Box(self.journal, self.state, self.clock, lists, services, self._report)
        self.fleet = Fleet(
            directory.devices,
            config,
            self.definitions,
            self.box,
            self.workers,
            self._report,
            self._forget_others,
            self._failed,
        )
        self.snapshots = Snapshots(directory.snapshots, self.box, self.worker, web, config.https_url, config.secret)
        self.face_checks = FaceChecks(self.box, self.faces, self.worker, self._looked_at)
        self.box.on_pass = self._on_pass
        self.box.on_camera = self.face_checks.on_camera
        revoker = Revoker(self.box, key, config.edge, config.estate, self._removals, lambda r: self.uplink.revoked(r))
        self.box.tell_revoked = revoker.tell
        self.watch = Watch(self.journal)
        catalogue = EdgeCatalogue(tuple(d.info for d in self.definitions.values()))
        self.uplink = Uplink(
            self._given_link or make_link(config, tls),
            config.edge,
            self.journal,
            self._edge_status,
            catalogue,
            Handlers(self.fleet.arrived, lists.ring, lambda c: self.orders.arrived(c), revoker.arrived),
            progress=lambda: self.watch.progress("uplink"),
            heard=self._heard,
        )
        self._faces_listed = ListedFaces(self.box.lists, self.workers)
        self.upkeep = Upkeep(
            self.box,
            self.clock,
            directory.photos,
            self._observed,
            self._hub_moved,
            lambda: self.watch.progress("marks"),
        )
        self.hub = HubWatch(
            self.box,
            lambda: self.uplink.link.connected,
            self.uplink.announce,
            self._hub_moved,
            self._lists_held,
            lambda: failure_of(self.uplink.link),
        )
        broker = config.broker_address
        self.finder = Finder(
            directory.found,
            config.discovery_interface,
            mqtt_link(broker, f"{config.edge}-finder") if broker else None,
            lambda: self.fleet.wanted.devices if self.fleet.wanted else (),
            self.clock.now,
            self.uplink.found,
        )
        self.commands = Commands(self.box, self.worker, self.snapshots.take, self.uplink.result)
        self.orders = Orders(self.box, config.edge, self.commands, self.uplink.result, self._failed)

    def _parts(self, group: asyncio.TaskGroup) -> list[Coroutine[None, None, None]]:
        self.fleet.group = self.orders.group = group
        glass = BreakGlass(self.directory.socket, self.box, lambda: {d: w for d, (w, _) in self.workers.items()})
        parts: dict[str, Callable[[], Coroutine[None, None, None]]] = {
            "uplink": self.uplink.run,
            "devices": self.fleet.follow,
            "marks": self.upkeep.mark,
            "clean-up": self.upkeep.prune,
            "certificate": self.certificate.run,
            "status": self._write_status,
            "hub": self.hub.run,
            "break-glass": glass.run,
            "import": Importer(self.directory.imports, self.box).run,
            "pictures": self.snapshots.run,
            "finder": self.finder.run,
            "faces": self._keep_faces,
            "files": self._files.run,
            "watch": self.watch.run,
        }
        return [lasting(name, work, self._failed) for name, work in parts.items()]

    def _failed(self, part: str, error: BaseException) -> None:
        """Said once for each kind of failure: a part that fails every minute does not fill the journal."""
        why = f"{type(error).__name__}: {error}"[:300]
        if (kind := f"{part} {type(error).__name__}") not in self._told_failed:
            self._told_failed.add(kind)
            self.box.record("", EdgeNote("trouble", f"part {part} failed and began anew: {why}"))

    async def _start_from_disk(self) -> None:
        """A box starts its doors without the hub, from what it kept."""
        self._started_at = self.clock.now()
        await self.box.load()
        await self.hub.load()
        await self.commands.interrupted()
        self.upkeep.tell_damage()
        await self.upkeep.look_at_clock()
        self.clock.settle()  # the time this box was off is no jump
        self.box.record("", EdgeNote("started", f"version {package_version()}"))
        await self.fleet.load()

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        """Workers first (they close their intervals), then the last status, then the rest."""
        await self.fleet.stop()
        await self.upkeep.mark_once()
        await self.box.settled()
        await self.uplink.stop()
        for task in tasks:
            task.cancel()
        log.info("edge %s stopped, journal at %d", self.config.edge, self.journal.head)

    # --- to the hub ------------------------------------------------------------------------------------------------
    def _edge_status(self) -> EdgeStatus:
        return EdgeStatus(
            online=True,
            epoch=self.journal.epoch,
            head_seq=self.journal.head,
            clock=self.clock.now(),
            clock_trusted=self.clock.trusted,
            version=package_version(),
            started_at=self._started_at,
            session=self._session_id,
            authority_since=self.hub.authority.told[0],
            offline_s=self.hub.authority.told[1],
            disk_writes=not self.state.volatile,
        )

    def _report(self, reported: DeviceReported) -> None:
        self.uplink.report(reported)
        self._status_changed.set()

    def _forget_others(self, wanted: Collection[str]) -> None:
        """Also those that nobody could drive."""
        for device in self.uplink.reports.keys() - wanted:
            self.uplink.forget(device)

    def _heard(self, hub_time: datetime | None) -> None:
        if hub_time is not None and self.clock.confirm(hub_time):
            self._set_back()
        self.hub.heard()
        if hub_time is not None and abs(hub_time - self.clock.now()) <= SAME_TIME:
            self._doubt.over = True

    def _set_back(self) -> None:
        """The clock had been ahead of the time: nothing that was noted by it may wait, or count, until then."""
        now = self.clock.now()
        log.warning("the clock had been ahead: it goes on from %s", now)
        self.box.record("", EdgeNote("clock_jump", f"边缘机的时间曾经超前，已按平台时间改回 {now:%Y-%m-%d %H:%M} UTC"))
        self.box.codes.started_at = now
        for worker, _ in self.workers.values():
            worker.observation.set_back(now)

    def _heard_at(self, fetch: Fetch) -> Fetch:
        """A list that the hub served, or said to be unchanged, is a word of the hub."""

        async def fetched(device: str, etag: str) -> SignedAccessList | None:
            signed = await fetch(device, etag)
            self.hub.heard()
            return signed

        return fetched

    def _hub_moved(self) -> None:
        self.uplink.announce()
        self._status_changed.set()

    def _lists_held(self) -> tuple[ListLine, ...]:
        held = ((device, self.box.lists.current(device)) for device in sorted(self.workers))
        return tuple(
            ListLine(device, h.access_list.generation, h.access_list.issued_at) for device, h in held if h is not None
        )

    async def _note(self, note: EdgeNote, device: str) -> None:
        self.box.record(device, note)

    # --- from the hub ----------------------------------------------------------------------------------------------
    def worker(self, device: str) -> Worker | None:
        entry = self.workers.get(device)
        return entry[0] if entry else None

    def _on_pass(self, passed: Pass) -> None:
        self.snapshots.on_pass(passed)
        self.face_checks.on_pass(passed)

    def _looked_at(self, camera: str) -> tuple[AccessPointBinding, ...]:
        """The access points that this camera looks at."""
        every = (b for worker, _ in self.workers.values() for b in worker.config.access_points)
        return tuple(b for b in every if b.camera == camera)

    def _listed_faces(self) -> frozenset[str] | None:
        return self._faces_listed.tokens() if self.fleet.wanted else None

    def _observed(self) -> dict[str, Mark]:
        """Until when each device was observed."""
        return {device: mark for device, (worker, _) in self.workers.items() if (mark := worker.observation.mark())}

    async def _keep_faces(self) -> None:
        """The engine starts beside the doors: loading a pack takes seconds, nobody waits for it."""
        if not self.config.face_pack:
            log.info("faces are off: no pack is configured")
        said = await self.faces.start()
        if self.config.face_pack:
            self.box.record("", EdgeNote("faces" if self.faces.store else "faces_off", said))
        self._status_changed.set()
        await self.faces.run()

    def _removals(self, device: str) -> Removals | None:
        worker = self.worker(device)
        return worker.reconciler.removals if worker else None

    # --- upkeep ----------------------------------------------------------------------------------------------------
    async def _write_status(self) -> None:
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            try:
                await asyncio.to_thread(write_status, self.directory, self._box_status())
            except OSError as error:
                log.error("status.json not written: %s", error)
            await asyncio.sleep(1)

    def _box_status(self) -> BoxStatus:
        return BoxStatus(
            tuple(sorted(self.uplink.reports.values(), key=lambda r: r.device)),
            self.hub.authority.since,
            self.hub.authority.kept.heard_at,
            self.clock.trusted,
            self._lists_held(),
            "" if self.faces.store else self.faces.why,
            self.certificate.refused,
            self.hub.refused,
        )

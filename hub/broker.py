"""The hub's end of the wire: what edges publish is read, given to its room, and what cannot be read is put aside.

paho's thread only puts messages in a queue. One worker thread takes them in order; event batches that wait together are stored
together, and so are an edge's answers to revocations and its reports. A full queue drops events before they are acknowledged:
the edge sends them again.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from itertools import groupby

from sqlalchemy.exc import SQLAlchemyError

from device_drivers.contract.messages import (
    UP,
    Address,
    CommandResult,
    DeviceReported,
    EdgeCatalogue,
    EdgeFound,
    EdgeStatus,
    EventBatch,
    Message,
    RevocationResult,
    WireError,
    decode,
    parse_topic,
)
from device_drivers.mqtt import Incoming, Link, LinkOptions, MqttLink
from hub.access import revocations
from hub.db import AWAY
from hub.dynsec import RESPONSE, BrokerAdmin
from hub.enrol import removed_edges
from hub.estate import commands, devices, edges
from hub.events.dead import add_dead_letter
from hub.events.ingest import Ingest
from hub.mosquitto import HUB_USER, MAX_PACKET
from hub.services import Hub
from hub.tables import Edge

log = logging.getLogger(__name__)
UP_FILTER = "v1/+/up/#"
MAX_EVENTS = 400  # event batches in the queue (64 KiB each at most)
MAX_OTHERS = 20_000
REVOKED = f"/{RevocationResult.suffix}"
ANSWERS = (REVOKED, f"/{CommandResult.suffix}")
REPORTED = "/reported"
COALESCE = 40  # event batches, or answers to revocations, stored in one transaction
REPORTS = 10  # reports in one transaction: an answer to a revocation waits no longer than that
RETRY_S = 1.0


class Refused(ValueError):
    """A message that reads well and means nothing here: an unknown edge, a foreign device."""


class BrokerHandler:
    """Owns the worker. `start` needs `hub.link` to be set; `admin` is the broker's own control, once started."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.ingest = Ingest(hub)
        self.dropped = 0
        self.admin: BrokerAdmin | None = None
        self._queue: deque[Incoming] = deque()
        self._answers: deque[Incoming] = deque()  # to revocations and commands: they wait for nothing else
        self._newest: dict[str, Incoming] = {}  # topic of a device's report → the one that counts
        self._events = 0
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._ending = threading.Event()
        self._idle = threading.Condition(self._lock)
        self._busy = False
        self._seen: set[str] = set()
        self._shut_out: set[tuple[str, str]] = set()
        self._state_at = hub.now()
        self._up = False
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self, link: Link) -> None:
        self.hub.link = link
        self.admin = BrokerAdmin(link)
        self._thread.start()
        self.hub.takes = self._thread.is_alive
        link.subscribe([UP_FILTER, RESPONSE])
        link.start(self.receive, self._link_state)

    def stop(self) -> None:
        self._ending.set()
        self._work.set()
        self._thread.join(10)
        if self.hub.link:
            self.hub.link.stop()

    def receive(self, message: Incoming) -> None:
        """On paho's thread: keep it for the worker, or drop it where the edge will repeat it."""
        if message.topic == RESPONSE:
            if self.admin:
                self.admin.receive(message)
            return
        is_events = message.topic.endswith("/" + EventBatch.suffix)
        with self._lock:
            if (is_events and self._events >= MAX_EVENTS) or len(self._queue) >= MAX_OTHERS:
                self.dropped += 1
                if self.dropped % 1000 == 1:
                    log.warning(
                        "queue is full: %d messages dropped so far; edges send their events again", self.dropped
                    )
                return
            self._events += is_events
            if message.topic.endswith(ANSWERS):
                self._answers.append(message)
            else:
                if message.topic.endswith(REPORTED):
                    self._newest[message.topic] = message
                self._queue.append(message)
        self._work.set()

    def drained(self, timeout: float = 10.0) -> bool:
        """True when all that was received has been worked off."""
        with self._idle:
            return self._idle.wait_for(lambda: not (self._queue or self._answers or self._busy), timeout)

    def shut_out(self, hub: Hub) -> str:
        """Job: edges that were removed (on the command line, or by another process) lose their place on the broker."""
        with hub.db.reading() as session:
            removed = set(removed_edges(session))
        if self.admin is None or not self._up:
            return "no link to the broker"
        for edge_id, serial in sorted(removed - self._shut_out):
            self.admin.remove_edge(edge_id)
            self._shut_out.add((edge_id, serial))
            log.warning("edge %s was removed: the broker knows it no more", edge_id)
        return f"{len(removed)} edges removed"

    def watch(self, _hub: Hub) -> str:
        """Job: edges that were online before this link came up and have not been heard since are out of sight."""
        now = self.hub.now()
        if now - self._state_at < edges.LINK_GRACE:
            return "link is settling"
        with self.hub.db.reading() as session:
            online = [edge.id for edge in session.query(Edge).filter(Edge.online)]
        gone = [id for id in online if not (self._up and id in self._seen)]
        if gone:
            edges.lost_from_sight(self.hub, gone, heard_after=self._state_at if self._up else None)
        return f"{len(online) - len(gone)} edges online"

    def _link_state(self, up: bool, why: str) -> None:
        log.warning("broker link is %s (%s)", "up" if up else "down", why)
        self._up, self._state_at = up, self.hub.now()
        if up:
            self._seen.clear()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._work.wait(1.0)
            self._work.clear()
            while not self._ending.is_set() and (run := self._next()):
                self._handle(run)
                with self._idle:
                    self._busy = False
                    self._idle.notify_all()

    def _next(self) -> list[Incoming]:
        """One message; or what stands together at the head of the queue: event batches (of any edges), an edge's answers to
        revocations, an edge's reports."""
        with self._lock:
            while self._queue and not self._answers and self._overtaken(self._queue[0]):
                self._queue.popleft()
            if not (self._answers or self._queue):
                self._idle.notify_all()
                return []
            self._busy = True
            run = [self._answers.popleft() if self._answers else self._queue.popleft()]
            if run[0].topic.endswith(REVOKED):
                while self._answers and len(run) < COALESCE and self._answers[0].topic == run[0].topic:
                    run.append(self._answers.popleft())
                return run
            if run[0].topic.endswith(REPORTED):
                self._newest.pop(run[0].topic, None)
                while self._queue and len(run) < REPORTS and self._reported_beside(run[0], self._queue[0]):
                    message = self._queue.popleft()
                    if not self._overtaken(message):
                        self._newest.pop(message.topic, None)
                        run.append(message)
                return run
            if not self._is_events(run[0]):
                return run
            while self._queue and len(run) < COALESCE and self._is_events(self._queue[0]):
                run.append(self._queue.popleft())
            self._events -= len(run)
            return run

    def _overtaken(self, message: Incoming) -> bool:
        """A newer report of the same device waits: 80 devices that are being loaded report every second."""
        return message.topic.endswith(REPORTED) and self._newest.get(message.topic, message) is not message

    @staticmethod
    def _reported_beside(first: Incoming, next_one: Incoming) -> bool:
        """A report of the same edge. One that was cleared (empty) goes its own way."""
        edge = first.topic.split("/", 2)[1]
        return next_one.topic.endswith(REPORTED) and next_one.topic.split("/", 2)[1] == edge

    @staticmethod
    def _is_events(message: Incoming) -> bool:
        return message.topic.endswith("/" + EventBatch.suffix)

    def _handle(self, run: list[Incoming]) -> None:
        key = run[0].topic
        try:
            if self._is_events(run[0]):
                self._take_events(run)
            elif len(run) == 1 or not self._take_together(run):
                for message in run:
                    self._take(message)
        except AWAY as error:
            # The database is away. Events come again by themselves; the others we keep, and nothing is spoilt by a repetition.
            log.error("%s waits, the database does not answer: %s", key, error)
            if not self._is_events(run[0]):
                with self._lock:
                    self._queue.extendleft(reversed(run))
            self._ending.wait(RETRY_S)
            self._work.set()
        except Exception as error:
            log.exception("message on %s failed", key)
            self._put_aside(run, f"{type(error).__name__}: {error}")

    def _put_aside(self, run: list[Incoming], error: str) -> None:
        try:
            for message in run:
                self._dead(message, error)
        except SQLAlchemyError as down:
            log.error("%d messages are not even kept aside: %s", len(run), down)

    def _dead(self, message: Incoming, error: str) -> None:
        edge = message.topic.partition("/")[2].partition("/")[0]
        log.error("message on %s put aside: %s", message.topic, error)
        with self.hub.db.unit_of_work("system", "dead letter", now=self.hub.now(), audit=False) as uow:
            add_dead_letter(uow.session, uow.now, edge or None, message.topic, error, message.payload)

    def _take_events(self, run: list[Incoming]) -> None:
        batches: list[tuple[str, EventBatch]] = []
        for message in run:
            address = parse_topic(message.topic, UP)
            try:
                if address is None:
                    raise Refused("no such topic")
                batches.append((address.edge, decode(EventBatch, message.payload)))
            except (WireError, Refused) as error:
                self._dead(message, str(error))
        batches.sort(key=lambda b: (b[0], b[1].epoch))
        for (edge_id, epoch), group in groupby(batches, key=lambda b: (b[0], b[1].epoch)):
            self._seen.add(edge_id)
            if self.ingest.take(edge_id, epoch, [batch for _edge, batch in group]) is None:
                self._dead(Incoming(f"v1/{edge_id}/up/events", b""), f"edge {edge_id!r} is not known")

    def _take_together(self, run: list[Incoming]) -> bool:
        """All in one unit of work: a person's 40 devices answer within the same moment. False, and nothing is taken, when one of
        them is not in order: they are then taken one by one."""
        addresses = [parse_topic(message.topic, UP) for message in run]
        try:
            if run[0].topic.endswith(REVOKED):
                read = [decode(RevocationResult, message.payload) for message in run]
                together = RevocationResult(tuple(item for result in read for item in result.items))
                taken = addresses[0] is not None and revocations.take_result(self.hub, addresses[0].edge, together)
            else:
                taken = self._take_reports(addresses, run)
        except (WireError, devices.NotThisEdges):
            return False
        if taken and addresses[0]:
            self._seen.add(addresses[0].edge)
        return taken

    def _take_reports(self, addresses: list[Address | None], run: list[Incoming]) -> bool:
        reports = [decode(DeviceReported, message.payload) for message in run]
        if not all(a and a.device == r.device for a, r in zip(addresses, reports, strict=True)) or addresses[0] is None:
            return False
        devices.take_reports(self.hub, addresses[0].edge, reports)
        return True

    def _take(self, message: Incoming) -> None:
        try:
            address = parse_topic(message.topic, UP)
            if address is None:
                raise Refused("no such topic")
            if address.message is DeviceReported and not message.payload:
                return  # cleared by the edge: the device was taken away
            self._dispatch(address, decode(address.message, message.payload))
        except (WireError, Refused, devices.NotThisEdges) as error:
            self._dead(message, str(error))

    def _dispatch(self, address: Address, message: Message) -> None:
        edge_id, hub = address.edge, self.hub
        takers: dict[type[Message], Callable[[], bool]] = {
            EdgeStatus: lambda: isinstance(message, EdgeStatus) and edges.take_status(hub, edge_id, message),
            EdgeCatalogue: lambda: isinstance(message, EdgeCatalogue) and edges.take_catalogue(hub, edge_id, message),
            EdgeFound: lambda: isinstance(message, EdgeFound) and edges.take_found(hub, edge_id, message),
            CommandResult: lambda: isinstance(message, CommandResult) and commands.settle(hub, edge_id, message),
            RevocationResult: lambda: (
                isinstance(message, RevocationResult) and revocations.take_result(hub, edge_id, message)
            ),
            DeviceReported: lambda: self._report(address, message),
        }
        # Before the work: an edge that is online in the database and not seen here would be called lost while it is sent its
        # lists, and stay so until it says again that it is there.
        self._seen.add(edge_id)
        if not takers[type(message)]():
            raise Refused(f"edge {edge_id!r} is not known here, or was never given this")

    def _report(self, address: Address, message: Message) -> bool:
        if not isinstance(message, DeviceReported) or message.device != address.device:
            raise Refused(f"the report is not of device {address.device!r}")
        devices.take_report(self.hub, address.edge, message)
        return True


def hub_link(host: str, port: int, password: str) -> MqttLink:
    """The hub's own link: it reads all edges' `up`, writes all edges' `down`, and administers the broker's clients."""
    return MqttLink(LinkOptions(host, port, "hub", HUB_USER, password, max_payload=MAX_PACKET - 512))

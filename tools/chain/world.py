"""One run: the twin estate with its hub, its edge, its broker and its devices, and everything that can be done to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import httpx
from sqlalchemy import select

from device_drivers.contract.messages import UP, DeviceReported, decode, parse_topic
from device_drivers.mqtt import Incoming
from hub.access.publish import run
from hub.tables import CredentialRow, Person, Tenancy
from hub.tenancy import sources
from tools.chain import hubside
from tools.chain.books import Books, Office, local_day
from tools.chain.checks import Checks, content_of
from tools.chain.edgeside import EdgeProcess
from tools.chain.judge import Place, Verdict, expected, union
from tools.chain.network import Broker
from tools.chain.site import BEGIN, DEVICES, EDGE, ESTATE, lay_out
from tools.chain.terminal import Content, Terminal, Way
from tools.chain.virtual import VirtualLoop

PUBLISHED = "access lists follow credentials"


class World:
    """`now` is the true time; the hub's and the box's clocks may stand elsewhere."""

    def __init__(self, root: Path, loop: VirtualLoop, seed: int) -> None:
        self.root, self.loop, self.rng = root, loop, random.Random(seed)
        self.skipped = timedelta()
        self.hub_skew = self.edge_skew = timedelta()
        self.verdict = Verdict()
        self.office, self.books = Office(), Books()
        self.heard = 0
        self.once_left: set[tuple[str, str]] = set()  # who was told to have left, even if he came back a moment later
        self.backup: Books | None = None
        self.left_by_then: set[tuple[str, str]] = set()
        self.unknown_to_hub: set[str] = set()
        self.ends_forgotten: set[tuple[str, str]] = set()  # since the backup that the hub was restored from
        self.trouble: dict[str, datetime] = {}  # device → when something last stood in its way
        lay_out(root / "hub")
        self.broker = Broker(loop, self.rng)
        self.hub = hubside.HubProcess(
            root / "hub", self.broker, lambda: self.now() + self.hub_skew, lambda: self.now() - BEGIN
        )
        self.terminals = {
            device: Terminal(device, model, self.now, self.box_now) for device, (model, _) in DEVICES.items()
        }
        key = self.hub.open().keys.public_key
        self.edge = EdgeProcess(EDGE, ESTATE, root / "edge", self.broker, key, self.terminals)
        self.edge.rng = self.rng
        self.checks = Checks(self)
        self.hub.points.on_commit = self._committed
        self.hub.after_job = self.checks_published
        self.hub.after_message = self._heard

    def now(self) -> datetime:
        return BEGIN + self.skipped + timedelta(seconds=self.loop.time())

    def box_now(self) -> datetime:
        """By the box's own clock, which never goes back."""
        agent = self.edge.agent
        return agent.clock.now() if agent and hasattr(agent, "clock") else self.now() + self.edge_skew

    def start(self) -> None:
        self.hub.start()
        self.edge.start(self.hub.serve_list)

    # --- watching ----------------------------------------------------------------------------------------------------
    def _committed(self, reason: str) -> None:
        if reason == "tenancy records" and not self.office.fault:
            self.books.tenancies = Books(dict(self.office.tenancies)).copy().tenancies
            today = local_day(self.now())
            some = ((m.person, t.key) for t in self.books.tenancies.values() for m in t.members if m.over(today))
            self.once_left |= set(some)
        if reason == PUBLISHED:  # now: the process may die of this very commit
            self.checks.published()

    def checks_published(self, job: str) -> None:
        if self.hub.up and job.startswith("access."):
            self.checks.published()

    def _heard(self, run: list[Incoming]) -> None:
        """After each message that the hub has worked off."""
        for message in run:
            address = parse_topic(message.topic, UP)
            if address and address.message is DeviceReported and message.payload:
                at = decode(DeviceReported, message.payload).reported_at
                if at:
                    known = self.checks.newest_word
                    known[address.device] = max(known.get(address.device, at), at)
        if any("/device/" in m.topic for m in run):
            self.heard += 1
            self.checks.shown(each=self.heard % 4 == 0)

    def edge_list(self, device: str) -> Content:
        """What the box itself would open for; nothing while it is off (the door is then shut for everybody)."""
        agent = self.edge.agent
        held = agent.box.lists.current(device) if agent and hasattr(agent, "box") else None
        return content_of(held.access_list) if held else {}

    def edge_generation(self, device: str) -> int:
        agent = self.edge.agent
        held = agent.box.lists.current(device) if agent and hasattr(agent, "box") else None
        return held.access_list.generation if held else 0

    def refused(self, device: str) -> frozenset[Way]:
        """Of whom a card was refused all cards are: a device does not say which."""
        faults, found = self.terminals[device].faults, set[Way]()
        for tenancy in self.books.tenancies.values() if faults.refuse_cards else ():
            for member in tenancy.members:
                mine = {*member.cards, *self.books.counter.handed_out.get((member.person, tenancy.key), ())}
                if mine & faults.refuse_cards:
                    found |= {Way("card", number) for number in mine}
        return frozenset(Way("face", sha) for sha in faults.refuse_photos) | found

    def may_refuse(self, place: Place) -> frozenset[Way]:
        """Of whom a restored hub forgot that the credential ended: a box that still remembers the order lets nobody in by
        it, and says so to a clerk; one that had put it away, because no list named it any more, does."""
        mine = {f"{person}@{tenancy}" for person, tenancy in self.ends_forgotten}
        return union({h: w for h, w in expected(self.books, place, self.now()).items() if h in mine})

    def troubled(self, device: str, since: datetime) -> bool:
        """Something stood in the way of writing to it after `since`."""
        faults = self.terminals[device].faults
        hard = faults.unreachable or faults.silent or faults.slow_s or faults.lies or faults.busy
        hard = hard or self.terminals[device].full  # whose entry had to be made anew may find its place taken
        # A lost card goes by an order at once; what its holder has beside it comes with the next list.
        no_list = not self.hub.connected or not self.edge.https_up or not self.edge.connected
        return bool(hard) or no_list or not self.edge.running or self.trouble.get(device, since) > since

    def stand_still(self, time: timedelta) -> None:
        """Nobody ran meanwhile, so nobody could have noticed anything."""
        self.skipped += time
        self.hub.started_at += time
        for terminal in self.terminals.values():
            terminal.disturbed_at += time

    def box_lost(self) -> None:
        """The box is gone: what it decides itself is decided by nobody."""
        self.disturb()
        for device, (model, _) in DEVICES.items():
            if not model.capabilities.holds_list:
                self.terminals[device].disturbed_at = self.now()

    def disturb(self, device: str | None = None) -> None:
        for one in [device] if device else list(self.terminals):
            self.trouble[one] = self.now()

    # --- people ------------------------------------------------------------------------------------------------------
    def token(self, person: str, tenancy: str) -> str | None:
        """The active credential of a member, as the hub has it."""
        query = (
            select(CredentialRow.token)
            .join(Person, Person.id == CredentialRow.person_id)
            .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
            .where(Person.source_id == person, Tenancy.source_id == tenancy, CredentialRow.state == "active")
        )
        with self.hub.hub.db.reading() as session:
            return session.scalars(query).first()

    def pull(self) -> None:
        self.hub.job("tenancy.sync")

    def box_ends_early(self) -> bool:
        """Passes begin and end at a box by its own clock, and that is off."""
        return bool(self.books.counter.passes) and abs(self.box_now() - self.now()) > timedelta(seconds=30)

    def pass_ended_since(self, seconds: float) -> bool:
        now = self.now()
        lately = now - timedelta(seconds=seconds + 120)
        return self.box_ends_early() or any(lately <= p.until <= now for p in self.books.counter.passes.values())

    # --- the hub's life ----------------------------------------------------------------------------------------------
    def take_backup(self) -> None:
        self.hub.back_up(self.root / "yesterday.sqlite")
        self.backup = self.books.copy()
        self.left_by_then = set(self.once_left)

    def restore_backup(self) -> None:
        """Yesterday's copy of the database in place of the present one."""
        if self.backup is None:
            return
        self.hub.stop()
        self.hub.restore(self.root / "yesterday.sqlite")
        before, self.books = self.books.counter, self.backup.copy()
        after = self.books.counter
        self.ends_forgotten |= self.once_left - self.left_by_then  # also of who came back meanwhile
        self.ends_forgotten |= (before.resigned | before.replaced) - (after.resigned | after.replaced)
        self.unknown_to_hub |= set(self.checks.holders)
        self.checks.newest_word.clear()
        self.hub.start()

    def visit_next_unit(self) -> None:
        """Another process of the hub publishes just before the next unit of work of this one."""

        def visit() -> None:
            other = self.hub.open()
            other.link = self.hub.link
            run(other)
            other.db.close()
            self.checks.published()

        self.hub.points.visitor = visit

    def feed(self) -> mock._patch[Callable[..., httpx.Client]]:
        """The office in place of its HTTP server."""
        transport = self.office.transport()

        def client(_directory: Path, source: sources.SourceConfig) -> httpx.Client:
            return httpx.Client(base_url=source.url, transport=transport, trust_env=False)

        return mock.patch.object(sources, "open_client", client)

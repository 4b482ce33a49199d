"""Since when the hub is away: counted honestly, told in the journal, kept across restarts, shown at the box."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from edge_twins import (
    DOOR,
    EDGE,
    ESTATE,
    T0,
    HubTwin,
    Signer,
    TwinDevice,
    access_list,
    credential,
    definition,
    device_config,
    run,
    shown_event,
    until,
)
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from device_drivers.contract.access import ValidityPeriod
from device_drivers.contract.device import DeviceSet, DeviceStatus
from device_drivers.contract.events import AccessEvent, EdgeNote, Event
from device_drivers.contract.messages import DeviceReported, EdgeStatus, PointMode
from device_drivers.contract.words import (
    AccessOutcome,
    DenyReason,
    DeviceCondition,
    DoorMode,
    FireInput,
    HolderClass,
)
from device_drivers.mqtt import MemoryBroker, MemoryLink
from edge_agent import authority
from edge_agent.agent import Agent
from edge_agent.authority import Absence, Authority, lasted
from edge_agent.cli import app
from edge_agent.clock import BootDoubt, HighWaterClock
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.held_list import ListFiles
from edge_agent.status import BoxStatus, ListLine, lines, read_status, write_status

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_a_minute_without_a_link_is_an_absence_from_the_last_word_on() -> None:
    it = Authority(T0)
    assert it.heard(T0) is None
    assert not it.look(T0 + 59 * timedelta(seconds=1), linked=False)
    assert it.look(T0 + MINUTE, linked=False)
    assert it.since == T0, "it began with the last word, not when it was noticed"
    assert not it.look(T0 + HOUR, linked=False), "said once"
    assert it.told == (T0, 0.0)
    assert it.heard(T0 + 53 * HOUR) == 53 * 3600
    assert (it.since, it.told) == (None, (T0, 53 * 3600.0))


def test_a_link_over_which_nobody_answers_is_no_hub() -> None:
    it = Authority(T0)
    it.heard(T0)
    assert not it.look(T0 + 4 * MINUTE, linked=True)
    assert it.should_ask(T0 + 4 * MINUTE), "asked before it counts as away"
    assert it.look(T0 + 5 * MINUTE, linked=True)
    assert authority.ASK_AFTER < authority.SILENT


def test_a_box_that_never_had_a_hub_counts_from_its_start() -> None:
    it = Authority(T0)
    assert it.look(T0 + MINUTE, linked=False)
    assert it.since == T0


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.booleans()), max_size=40))
def test_absences_never_overlap_and_never_count_more_than_passed(steps: list[tuple[int, bool, bool]]) -> None:
    it, now, total = Authority(T0), T0, 0.0
    for seconds, heard, linked in steps:
        now += timedelta(seconds=seconds)
        if heard:
            total += it.heard(now) or 0.0
            assert it.since is None
        else:
            it.look(now, linked=linked)
            again = msgspec.json.decode(msgspec.json.encode(it.kept), type=Absence)
            it = Authority(now, again)  # a restart at any moment changes nothing
        assert it.since is None or it.since <= now
    assert total <= (now - T0).total_seconds()


@pytest.mark.parametrize(
    ("seconds", "text"), [(53 * 3600.0, "53 h"), (3599.0, "60 min"), (61.0, "1 min"), (5.0, "5 s")]
)
def test_how_long_it_lasted(seconds: float, text: str) -> None:
    assert lasted(seconds) == text


# --- the clock after a boot ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("known", "battery", "synchronised", "doubt"),
    [
        (None, False, False, False),  # a new box
        ("boot-2", False, False, False),  # only the agent was restarted
        ("boot-1", True, False, False),
        ("boot-1", False, True, False),
        ("boot-1", False, False, True),
    ],
)
def test_after_a_boot_without_a_battery_clock_the_time_is_doubted(
    known: str | None, battery: bool, synchronised: bool, doubt: bool
) -> None:
    sure = BootDoubt(known, lambda: "boot-2", lambda: battery, lambda: synchronised)
    clock = HighWaterClock(T0, lambda: T0 + HOUR, lambda: 0.0)
    clock.doubtful = sure
    assert clock.trusted == (not doubt), "the wall clock alone looks right"
    assert clock.now() == T0 + HOUR


def test_the_doubt_ends_with_a_time_source_and_does_not_come_back() -> None:
    sources = [False, True, False]
    doubt = BootDoubt("boot-1", lambda: "boot-2", lambda: False, lambda: sources.pop(0))
    assert [doubt(), doubt(), doubt()] == [True, False, False]


# --- the whole agent, over an in-memory link -------------------------------------------------------------------------
@dataclass
class Wall:
    at: datetime = T0
    mono: float = 0.0

    def forward(self, step: timedelta) -> None:
        self.at += step
        self.mono += step.total_seconds()


@dataclass
class Estate:
    agent: Agent
    hub: HubTwin
    link: MemoryLink
    wall: Wall
    device: TwinDevice
    place: EdgeDir

    async def bodies(self, kind: type) -> list[Any]:
        await self.agent.box.settled()
        rows = await self.agent.journal.read(1, 10_000, 1 << 30)
        return [b for b in (msgspec.json.decode(r, type=Event).body for r in rows) if isinstance(b, kind)]

    async def notes(self, *what: str) -> list[str]:
        return [n.what for n in await self.bodies(EdgeNote) if n.what in what]

    async def leave(self) -> None:
        """The link is cut, and what was on its way has arrived."""
        await until(lambda: self.agent.hub.authority.kept.heard_at, "the hub was heard")
        self.link.cut()
        for _ in range(20):
            await asyncio.sleep(0)

    async def show(self, card: str) -> AccessEvent:
        before = len(await self.bodies(AccessEvent))
        self.device.put(shown_event(card))
        for _ in range(2_000):
            if len(found := await self.bodies(AccessEvent)) > before:
                return found[-1]
            await asyncio.sleep(0.002)
        raise AssertionError(f"card {card} was never told")


RESIDENT = credential("resident", "7")
VISITOR = credential(
    "visitor", "5", holder_class=HolderClass.VISITOR, validity=ValidityPeriod(not_after=T0 + 24 * HOUR)
)


@asynccontextmanager
async def estate(
    root: Path,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    wall: Wall,
    broker: MemoryBroker | None = None,
    *,
    deaf: bool = False,
) -> AsyncIterator[Estate]:
    monkeypatch.setattr("edge_agent.upkeep.MARK_S", 0.02)
    monkeypatch.setattr("edge_agent.hub_watch.LOOK_S", 0.02)
    monkeypatch.setattr(
        "edge_agent.agent.HighWaterClock", lambda mark: HighWaterClock(mark, lambda: wall.at, lambda: wall.mono)
    )
    place, broker, device = EdgeDir(root), broker or MemoryBroker(), TwinDevice()
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)
    place.config.write_bytes(msgspec.json.encode(config))
    place.hub_key.write_text(signer.public)
    devices = DeviceSet(EDGE, ESTATE, "Asia/Shanghai", 1, (device_config(),))
    place.devices.write_bytes(msgspec.json.encode(devices))
    hub, link, stop = HubTwin(broker), MemoryLink(broker), asyncio.Event()
    hub.deaf = deaf
    agent = Agent(place, config, {"twin": definition(device, DOOR)}, link, signer.fetch)
    task = asyncio.create_task(agent.run(stop))
    it = Estate(agent, hub, link, wall, device, place)
    try:
        await until(lambda: task.done() or (agent.workers and agent.workers["d1"][0].driver), "the door is there")
        yield it
    finally:
        stop.set()
        await task
        hub.link.stop()


def test_a_hub_that_is_away_for_53_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        signer.serve(access_list(7, RESIDENT, VISITOR))
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            await until(lambda: it.agent.box.lists.current("d1"), "the list")
            signer.served.clear()  # the hub's web server is gone too
            await it.leave()
            wall.forward(2 * MINUTE)
            await until(lambda: it.agent.hub.authority.since, "alone")
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED
            assert (await it.show("5")).outcome is AccessOutcome.GRANTED, "a visitor's pass still runs"
            await until(lambda: read_status(it.place).authority_since, "at the box")
        async with estate(tmp_path, signer, monkeypatch, wall, deaf=True) as it:  # and rebooted in the midst of it
            wall.forward(53 * HOUR)
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED, "residents keep their way in, however long"
            late = await it.show("5")
            assert (late.outcome, late.reason) == (AccessOutcome.DENIED, DenyReason.EXPIRED), "expired with no link"
            await until(lambda: read_status(it.place).lists, "status")
            said = "\n".join(lines(read_status(it.place), wall.at))
            assert "offline authority for 53 h" in said, said
            assert "d1: list of generation 7 of 2026-06-01" in said, said
            assert await it.notes("authority", "authority_over") == ["authority"], "begun once, also over the restart"
            it.hub.deaf = False
            it.agent.uplink.announce()
            await until(lambda: it.agent.hub.authority.since is None, "the hub is back")
            assert await it.notes("authority", "authority_over") == ["authority", "authority_over"]
            status = it.agent._edge_status()
            assert status.authority_since == T0
            assert status.offline_s == pytest.approx(53 * 3600 + 120)
            (note,) = [n for n in await it.bodies(EdgeNote) if n.what == "authority"]
            assert "d1 第 7 代 2026-06-01" in note.text, "by which lists the doors decided"

    run(work())


def test_the_hub_is_told_afterwards_how_long_it_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            await it.leave()
            wall.forward(HOUR)
            await until(lambda: it.agent.hub.authority.since, "alone")
            heard: list[EdgeStatus] = []
            told = it.agent.uplink.status
            it.agent.uplink.status = lambda: heard.append(told()) or heard[-1]  # type: ignore[func-returns-value]
            it.link.restore()
            await until(lambda: heard and heard[-1].offline_s >= 3600, "the status says so")
            assert heard[-1].authority_since == T0

            def notes() -> list[str]:
                bodies = [e.body for _, e in sorted(it.hub.rows.items())]
                return [b.what for b in bodies if isinstance(b, EdgeNote) and b.what.startswith("authority")]

            await until(lambda: "authority_over" in notes(), "the notes are at the hub")
            assert notes() == ["authority", "authority_over"]

    run(work())


@pytest.mark.parametrize("damage", ["flip", "device", "estate", "garbage", "other key"])
def test_a_list_file_somebody_changed_on_disk_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        signer.serve(access_list(3, RESIDENT))
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            await until(lambda: it.agent.box.lists.current("d1"), "the list")
        signer.served.clear()
        path = ListFiles(EdgeDir(tmp_path).lists, signer.key.public_key(), ESTATE)._path("d1")
        content, intruder = path.read_bytes(), credential("intruder", "666")
        forged = {
            "flip": content[:40] + bytes([content[40] ^ 1]) + content[41:],
            "device": msgspec.json.encode(signer.sign(access_list(9, intruder, device="d2"))),
            "estate": msgspec.json.encode(signer.sign(access_list(9, intruder, estate="another"))),
            "garbage": b"{",
            "other key": msgspec.json.encode(Signer().sign(access_list(9, intruder))),
        }[damage]
        path.write_bytes(forged)
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            assert it.agent.box.lists.current("d1") is None
            assert (await it.show("666")).reason is DenyReason.NO_LIST
            signer.serve(access_list(3, RESIDENT))
            it.agent.box.lists._desk("d1").rung.set()
            await until(lambda: it.agent.box.lists.current("d1"), "the hub's list heals it")
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED

    run(work())


def test_an_older_list_is_refused_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        signer.serve(access_list(3, RESIDENT))
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            await until(lambda: it.agent.box.lists.current("d1"), "the list")
        signer.serve(access_list(2, credential("gone", "666")))
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            fetched = len(signer.fetched)
            it.agent.box.lists._desk("d1").rung.set()
            await until(lambda: len(signer.fetched) > fetched, "it was served")
            assert (await it.show("666")).reason is DenyReason.UNKNOWN_CREDENTIAL
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED
            assert "stale" in await it.notes("stale")

    run(work())


def test_after_a_boot_with_no_clock_residents_pass_and_visitors_wait_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        signer.serve(access_list(3, RESIDENT, VISITOR))
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            await until(lambda: it.agent.box.lists.current("d1"), "the list")
        wall.at -= 365 * 24 * HOUR  # as if 2025 began again
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            assert (await it.show("7")).outcome is AccessOutcome.GRANTED
            assert (await it.show("5")).reason is DenyReason.CLOCK_UNSURE
            assert await it.notes("clock_unsure") == ["clock_unsure"]
            assert not it.agent._edge_status().clock_trusted
            await until(lambda: not read_status(it.place).clock_trusted, "status")
            assert "residents pass, visitors" in "\n".join(lines(read_status(it.place), T0))
            wall.at = T0 + MINUTE
            await until(lambda: it.agent.clock.trusted, "the time is set")
            assert (await it.show("5")).outcome is AccessOutcome.GRANTED

    run(work())


def test_the_hubs_time_ends_the_doubt_of_a_box_without_a_time_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        signer, wall = Signer(), Wall()
        async with estate(tmp_path, signer, monkeypatch, wall) as it:
            agent = it.agent
            agent._doubt = BootDoubt("boot-1", lambda: "boot-2", lambda: False, lambda: False)
            agent._heard(None)
            agent._heard(wall.at + HOUR)
            assert not agent._doubt.over, "another time than ours confirms nothing"
            agent._heard(wall.at + timedelta(seconds=5))
            assert agent._doubt.over

    run(work())


# --- the command line ------------------------------------------------------------------------------------------------
def test_status_tells_what_a_person_at_the_box_must_know(tmp_path: Path) -> None:
    place = EdgeDir(tmp_path)
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)
    place.config.write_bytes(msgspec.json.encode(config))
    now = datetime.now(T0.tzinfo)
    shut = PointMode("ap1", DoorMode.LOCKED_DOWN, now, now + HOUR, actor="张三", reason="盗窃")
    report = DeviceReported(
        "d1", 12, "", DeviceStatus(DeviceCondition.ONLINE, T0), modes=(shut,), fire=FireInput.UNKNOWN
    )
    alone = BoxStatus((report,), now - 53 * HOUR, now - 53 * HOUR, False, (ListLine("d1", 12, T0),))
    write_status(place, alone)
    said = " ".join(CliRunner().invoke(app, ["status", "--dir", str(tmp_path)]).output.split())
    for part in (
        "offline authority for 53 h",
        "d1: list of generation 12 of 2026-06-01",
        "clock not trusted",
        "d1: fire contact unknown",
        "d1 ap1: locked_down until",
        "by 张三: 盗窃",
    ):
        assert part in said, f"{part!r} is missing in {said}"
    write_status(place, BoxStatus((), None, T0))
    said = CliRunner().invoke(app, ["status", "--dir", str(tmp_path)]).output
    assert "hub heard at 2026-06-01 08:00 UTC" in said
    assert "offline authority" not in said

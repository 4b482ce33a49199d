"""Break glass: a door is opened at the box itself, without a hub, once, and everybody reads afterwards who did it and why."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from edge_twins import DOOR, TestBox, TwinDevice, definition, device_config, open_box, run, until
from typer.testing import CliRunner

from device_drivers.contract.device import AccessPointBinding
from device_drivers.contract.events import AccessEvent, EdgeNote
from device_drivers.contract.messages import PointMode
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    Direction,
    DoorMode,
    FailMode,
)
from edge_agent.break_glass import BreakGlass
from edge_agent.cli import app
from edge_agent.config import EdgeDir
from edge_agent.worker import Worker

SAFE = AccessPointBinding("ap-1", "door1", Direction.IN, door="gate-n")
SECURE = AccessPointBinding("ap-2", "door2", Direction.IN, fail_mode=FailMode.FAIL_SECURE)


@dataclass
class Site:
    place: EdgeDir
    box: TestBox
    device: TwinDevice
    worker: Worker

    async def call(self, *arguments: str, **environment: str) -> Result:
        """The real command line, against the real socket."""
        line = ["open", "--dir", str(self.place.root), *arguments]
        return await asyncio.to_thread(CliRunner(env=environment or None).invoke, app, line)

    async def bodies(self, kind: type) -> list[Any]:
        return [e.body for e in await self.box.events() if isinstance(e.body, kind)]

    @property
    def pulses(self) -> list[str]:
        return [c.point for c in self.device.commands if c.kind is CommandKind.MOMENTARY_ACCESS]


@asynccontextmanager
async def site(root: Path, deep: str = "") -> AsyncIterator[Site]:
    place, device = EdgeDir(root / deep if deep else root), TwinDevice()
    place.make()
    async with open_box(place.root) as box:
        config = device_config(access_points=(SAFE, SECURE))
        worker = Worker(config, definition(device, DOOR), box.box, upkeep_s=0.02)
        glass = BreakGlass(place.socket, box.box, lambda: {"d1": worker})
        tasks = [asyncio.create_task(work) for work in (worker.run(), glass.run())]
        await until(lambda: worker.doors.driver is not None and place.socket.exists(), "ready")
        try:
            yield Site(place, box, device, worker)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def test_a_door_is_opened_once_and_it_is_written_down_who_and_why(tmp_path: Path) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            done = await it.call("ap-1", "--reason", "老人被困", SUDO_USER="li")
            assert done.exit_code == 0, done.output
            assert "已开门一次：ap-1" in done.output
            assert it.pulses == ["door1"], "one pulse"
            (note,) = [n for n in await it.bodies(EdgeNote) if n.what == "break_glass"]
            for part in (getpass.getuser(), "sudo：li", "老人被困", "ap-1"):
                assert part in note.text, note.text
            (event,) = await it.bodies(AccessEvent)
            assert (event.outcome, event.access_point, event.credential, event.identifier) == (
                AccessOutcome.GRANTED, "ap-1", None, None,
            )  # fmt: skip
            assert "老人被困" in event.text

    run(work())


def test_only_this_machines_owner_reaches_the_socket(tmp_path: Path) -> None:
    async def work() -> None:
        async with site(tmp_path, "a-directory-with-a-long-name/" * 5 + "box") as it:
            assert len(str(it.place.socket)) > 108, "longer than a unix socket's name may be"
            assert stat.S_IMODE(it.place.socket.stat().st_mode) == 0o600
            assert (await it.call("--list")).exit_code == 0

    run(work())


def test_the_doors_are_listed_and_a_wrong_name_opens_none(tmp_path: Path) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            listed = await it.call("--list")
            assert listed.exit_code == 0
            for part in ("ap-1", "d1:door1", "ap-2", "d1:door2", "online", "locked"):
                assert part in listed.output, listed.output
            wrong = await it.call("d1", "--reason", "test")  # it has two doors
            assert wrong.exit_code == 1
            assert "没有门叫 d1" in wrong.output
            assert "ap-2" in wrong.output, "the doors there are, to choose from"
            assert it.pulses == []
            for name in ("d1:door2", "gate-n"):
                assert (await it.call(name, "--reason", "test")).exit_code == 0
            assert it.pulses == ["door2", "door1"]

    run(work())


@pytest.mark.parametrize("arguments", [("ap-1",), ("ap-1", "--reason", "  "), ()])
def test_no_opening_without_a_reason(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            refused = await it.call(*arguments)
            assert refused.exit_code == 1
            assert "--reason" in refused.output
            assert it.pulses == []

    run(work())


def test_it_opens_also_in_a_lock_down(tmp_path: Path) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            now = it.box.clock.now()
            order = PointMode("", DoorMode.LOCKED_DOWN, now, actor="u", reason="r")
            assert (await it.worker.command(CommandKind.LOCK_DOWN, "ap-1", "", order))[0] is CommandOutcome.DONE
            assert (await it.call("ap-1", "--reason", "消防队")).exit_code == 0
            assert it.pulses == ["door1"]
            assert "locked_down" in (await it.call("--list")).output, "the mode stays"

    run(work())


@pytest.mark.parametrize(("door", "way"), [("ap-1", "切断这把锁的电源"), ("ap-2", "机械钥匙")])
def test_a_door_that_does_not_answer_is_opened_by_hand_and_how_is_said(tmp_path: Path, door: str, way: str) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            it.device.answers[CommandKind.MOMENTARY_ACCESS] = CommandOutcome.UNCERTAIN, "no answer"
            unsure = await it.call(door, "--reason", "急救")
            assert unsure.exit_code == 1
            assert way in unsure.output, unsure.output
            assert len(it.pulses) == 1, "and never sent twice"
            assert "无法确认" in (await it.bodies(AccessEvent))[0].text
            it.device.cut()
            await until(lambda: it.worker.doors.driver is None, "away")
            lost = await it.call(door, "--reason", "急救")
            assert lost.exit_code == 1
            assert "设备离线" in lost.output
            assert way in lost.output
            notes = [n.text for n in await it.bodies(EdgeNote) if n.what == "break_glass"]
            assert len(notes) == 2, "an attempt is written down too"
            assert len(await it.bodies(AccessEvent)) == 1, "but a door that stayed shut was not passed"

    run(work())


def test_without_a_running_agent_it_says_how_to_open_by_hand(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["open", "ap-1", "--reason", "急救", "--dir", str(tmp_path)])
    assert said.exit_code == 1
    for part in ("does not answer", "estate-edge run", "机械钥匙", "电源"):
        assert part in said.output, said.output


def test_a_socket_left_by_a_killed_agent_is_replaced(tmp_path: Path) -> None:
    async def work() -> None:
        for _ in range(2):
            async with site(tmp_path) as it:
                assert (await it.call("--list")).exit_code == 0
            it.place.socket.touch()

    run(work())


def test_nonsense_on_the_socket_disturbs_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with site(tmp_path) as it:
            for noise in (b"\n", b"{}\n", b"[" * 100 + b"\n", b"\xff\xfe\n", b'{"door": 7}\n', b"x" * 200_000 + b"\n"):
                reader, writer = await asyncio.open_unix_connection(str(it.place.socket))
                writer.write(noise)
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
                    await reader.read()
                writer.close()
            assert (await it.call("ap-1", "--reason", "x")).exit_code == 0

    run(work())

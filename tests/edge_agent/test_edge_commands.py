"""Commands: not after their time, not twice, always answered."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_twins import (
    DOOR,
    READER,
    T0,
    FakeClock,
    Signer,
    TwinDevice,
    TwinDriver,
    definition,
    device_config,
    open_box,
    run,
)

from device_drivers.contract.device import Capabilities, EdgePolicy
from device_drivers.contract.messages import Command, CommandResult
from device_drivers.contract.words import CommandKind, CommandOutcome
from edge_agent.commands import Commands
from edge_agent.worker import Worker


def command(name: str = "c1", **fields: Any) -> Command:
    base = {
        "kind": CommandKind.MOMENTARY_ACCESS,
        "device": "d1",
        "issued_at": T0,
        "expires_at": T0 + timedelta(seconds=10),
        "access_point": "ap1",
        "actor": "u1",
    }
    return Command(id=name, **(base | fields))


async def no_picture(_worker: Worker, _access_point: str) -> tuple[CommandOutcome, str]:
    raise AssertionError("no picture may be taken")


@pytest.mark.parametrize(
    ("fields", "outcome", "pulses"),
    [
        ({}, CommandOutcome.DONE, 1),
        ({"expires_at": T0}, CommandOutcome.EXPIRED, 0),
        ({"issued_at": T0 + timedelta(hours=1), "expires_at": T0 + timedelta(hours=2)}, CommandOutcome.REFUSED, 0),
        ({"device": "nobody"}, CommandOutcome.REFUSED, 0),
        ({"access_point": "ap9"}, CommandOutcome.REFUSED, 0),
        ({"kind": CommandKind.LOCK_DOWN}, CommandOutcome.UNSUPPORTED, 0),
        ({"kind": CommandKind("dance")}, CommandOutcome.UNSUPPORTED, 0),
        ({"kind": CommandKind.SNAPSHOT}, CommandOutcome.REFUSED, 0),
        ({"expires_at": (T0 + timedelta(hours=1)).replace(tzinfo=None)}, CommandOutcome.REFUSED, 0),
    ],
)
def test_outcomes(tmp_path: Path, fields: dict[str, Any], outcome: CommandOutcome, pulses: int) -> None:
    async def work() -> None:
        device = TwinDevice()
        answers: list[CommandResult] = []
        async with open_box(tmp_path) as box:
            worker = Worker(device_config(), definition(device, READER), box.box)
            worker.driver = TwinDriver(device)
            box.box.policy = EdgePolicy(snapshots=False)
            commands = Commands(box.box, {"d1": worker}.get, no_picture, answers.append)
            await commands.handle(command(**fields))
            await commands.handle(command(**fields))
            assert [a.outcome for a in answers] == [outcome] * 2, "the same answer again, also when it came twice"
            assert answers[0] == answers[1]
            assert len(device.commands) == pulses

    run(work())


def test_a_command_is_done_once_also_across_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        for _ in range(2):
            async with open_box(tmp_path, signer, clock) as box:
                worker = Worker(device_config(), definition(device, READER), box.box)
                worker.driver = TwinDriver(device)
                commands = Commands(box.box, {"d1": worker}.get, no_picture, lambda _: None)
                await commands.handle(command())
        assert len(device.commands) == 1

    run(work())


def test_a_command_cut_short_is_uncertain_and_not_done_again(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        answers: list[CommandResult] = []
        reached = asyncio.Event()

        async def stuck(_request: object) -> None:
            reached.set()
            await asyncio.Event().wait()

        device.before_answer = stuck
        async with open_box(tmp_path, signer, clock) as box:
            worker = Worker(device_config(), definition(device, READER), box.box)
            worker.driver = TwinDriver(device)
            commands = Commands(box.box, {"d1": worker}.get, no_picture, answers.append)
            task = asyncio.create_task(commands.handle(command()))
            await reached.wait()
            assert await commands.handle(command()) is None, "still in hand: its answer will come"
            task.cancel()  # the box dies
            await asyncio.gather(task, return_exceptions=True)
        device.before_answer = None
        async with open_box(tmp_path, signer, clock) as box:
            worker = Worker(device_config(), definition(device, READER), box.box)
            worker.driver = TwinDriver(device)
            commands = Commands(box.box, {"d1": worker}.get, no_picture, answers.append)
            await commands.interrupted()
            (told,) = answers
            assert (told.command, told.outcome) == ("c1", CommandOutcome.UNCERTAIN), "answered at the start"
            await commands.handle(command())
            assert answers == [told, told], "the same answer when the broker brings it again"
        assert len(device.commands) == 1, "never a second pulse"

    run(work())


def test_an_answer_that_may_have_died_with_the_box_is_said_again(tmp_path: Path) -> None:
    async def work() -> None:
        device, signer, clock = TwinDevice(), Signer(), FakeClock()
        answers: list[CommandResult] = []
        for _ in range(2):
            async with open_box(tmp_path, signer, clock) as box:
                worker = Worker(device_config(), definition(device, READER), box.box)
                worker.driver = TwinDriver(device)
                commands = Commands(box.box, {"d1": worker}.get, no_picture, answers.append)
                await commands.interrupted()
                if not answers:
                    await commands.handle(command())
        assert [a.outcome for a in answers] == [CommandOutcome.DONE] * 2
        clock.forward(3600)
        async with open_box(tmp_path, signer, clock) as box:
            await Commands(box.box, {}.get, no_picture, answers.append).interrupted()
        assert len(answers) == 2, "an hour later the hub has long heard it"

    run(work())


def test_a_recorded_command_does_nothing_when_it_is_played_again_later(tmp_path: Path) -> None:
    """From a broker's disk, after a reboot, to a box whose memory of it is gone too."""

    async def work() -> None:
        for lost in (False, True):
            device, signer, clock = TwinDevice(), Signer(), FakeClock()
            root = tmp_path / str(lost)
            answers: list[CommandResult] = []
            for again in range(2):
                async with open_box(root, signer, clock) as box:
                    worker = Worker(device_config(), definition(device, READER), box.box)
                    worker.driver = TwinDriver(device)
                    await Commands(box.box, {"d1": worker}.get, no_picture, answers.append).handle(command())
                if lost and not again:
                    (root / "state.db").unlink()
                clock.forward(60)
            assert len(device.commands) == 1, "one opening, however often it is played"
            assert answers[-1].outcome is (CommandOutcome.EXPIRED if lost else CommandOutcome.DONE)

    run(work())


@pytest.mark.parametrize("kind", [CommandKind.MOMENTARY_ACCESS, CommandKind.LOCK_DOWN, CommandKind.RELEASE])
def test_without_a_clock_nobody_can_say_what_has_expired(tmp_path: Path, kind: CommandKind) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box:
            worker = Worker(device_config(), definition(device, DOOR), box.box)
            worker.driver = TwinDriver(device)
            box.clock.trusted = False
            commands = Commands(box.box, {"d1": worker}.get, no_picture, lambda _: None)
            result = await commands.handle(command(kind=kind, reason="why"))
            assert result
            assert result.outcome is CommandOutcome.REFUSED
            for part in ("时间不可信", "estate-edge open"):
                assert part in result.text, "what to do stands in the answer"
            assert device.commands == []

    run(work())


def test_results_of_an_older_release_are_not_said_again(tmp_path: Path) -> None:
    async def work() -> None:
        db = sqlite3.connect(tmp_path / "state.db")
        db.execute("CREATE TABLE commands(n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL)")
        db.execute("INSERT INTO commands(id) VALUES ('c1')")
        db.commit()
        db.close()
        answers: list[CommandResult] = []
        async with open_box(tmp_path) as box:
            commands = Commands(box.box, {}.get, no_picture, answers.append)
            await commands.interrupted()
            assert await commands.handle(command()) is None, "seen by the older release, and answered by it"
        assert answers == []

    run(work())


def test_a_refused_picture_says_how_to_switch_it_on(tmp_path: Path) -> None:
    async def work() -> None:
        taken: list[str] = []

        async def picture(worker: Worker, access_point: str) -> tuple[CommandOutcome, str]:
            taken.append(f"{worker.device} {access_point}")
            return CommandOutcome.DONE, "here it is"

        async with open_box(tmp_path) as box:
            worker = Worker(device_config(), definition(TwinDevice(), READER), box.box)
            commands = Commands(box.box, {"d1": worker}.get, picture, lambda _: None)
            refused = await commands.handle(command("c1", kind=CommandKind.SNAPSHOT))
            assert refused
            assert refused.outcome is CommandOutcome.REFUSED
            assert "设置 → 通行抓拍" in refused.text, "the clerk is told where to switch it on"
            assert taken == [], "no picture without the policy"
            box.box.policy = EdgePolicy(snapshots=True)
            done = await commands.handle(command("c2", kind=CommandKind.SNAPSHOT))
            assert done
            assert (done.outcome, done.text, taken) == (CommandOutcome.DONE, "here it is", ["d1 ap1"])

    run(work())


@pytest.mark.parametrize("kind", [CommandKind.LOCK_DOWN, CommandKind.LOCK_OPEN, CommandKind.BLOCK, CommandKind.RELEASE])
def test_a_board_says_clearly_that_it_cannot_hold_a_door(tmp_path: Path, kind: CommandKind) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box:
            worker = Worker(device_config(), definition(device, READER), box.box)
            worker.driver = TwinDriver(device)
            commands = Commands(box.box, {"d1": worker}.get, no_picture, lambda _: None)
            result = await commands.handle(command(kind=kind))
            assert result
            assert result.outcome is CommandOutcome.UNSUPPORTED
            for part in (kind.value, "开门一次", "门未改变", "现场"):
                assert part in result.text, f"{part} is missing in: {result.text}"
            assert device.commands == [], "nothing was sent"

    run(work())


def test_a_device_without_commands_takes_none(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box:
            worker = Worker(device_config(), definition(device, Capabilities(meters=True)), box.box)
            commands = Commands(box.box, {"d1": worker}.get, no_picture, lambda _: None)
            result = await commands.handle(command())
            assert result
            assert result.outcome is CommandOutcome.UNSUPPORTED, "said so also while it is offline"

    run(work())

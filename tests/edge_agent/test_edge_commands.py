"""Commands: not after their time, not twice, always answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_twins import READER, T0, FakeClock, Signer, TwinDevice, TwinDriver, definition, device_config, open_box, run

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
            assert [a.outcome for a in answers] == [outcome], "answered once, also when it came twice"
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

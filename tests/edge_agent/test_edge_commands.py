"""Commands: not after their time, not twice, always answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from edge_twins import READER, T0, FakeClock, Signer, TwinDevice, TwinDriver, definition, device_config, open_box, run

from device_drivers.contract.device import EdgePolicy
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
        ({"kind": CommandKind.READ_BACK}, CommandOutcome.DONE, 0),
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
            commands = Commands(box.box, {"d1": worker}.get, lambda *_: None, answers.append)
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
                commands = Commands(box.box, {"d1": worker}.get, lambda *_: None, lambda _: None)
                await commands.handle(command())
        assert len(device.commands) == 1

    run(work())
